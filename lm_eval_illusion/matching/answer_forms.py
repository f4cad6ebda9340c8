"""The forms of an answer: every way to write it, and the conditions under which each one counts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.dates.answers import COMMON_YEARS, date_of, year_forms
from lm_eval_illusion.matching.dates.date import Date
from lm_eval_illusion.matching.dates.decades import decade_of
from lm_eval_illusion.matching.numbers.forms import number_pieces
from lm_eval_illusion.matching.numbers.found import FoundNumber
from lm_eval_illusion.matching.numbers.words import may_have_numbers
from lm_eval_illusion.matching.quantities.measured import Quantity, quantity_of
from lm_eval_illusion.matching.text.normalize import ends_in_article, normalise
from lm_eval_illusion.matching.text.word_boundaries import has_clause_mark
from lm_eval_illusion.matching.words.spellings import normalised_spellings


class AnswerForms(NamedTuple):
    """An answer, prepared for searching.

    Attributes:
        forms: Normalised ways to write it; each counts anywhere in the output.
        keeps_articles: The last word of the answer is spelled like an article, so articles stay in the output, too.
        crosses_clauses: The answer contains a clause mark itself.
        capitals: The pattern that the output must contain as written, if upper and lower case are different words.
        has_spaces: The language separates words by spaces.
        date: The date that the answer is, if it is one: it is read in the output, and only a year alone is also searched as text.
        quantity: The number and unit that the answer is, if it is a quantity: it is read in the output, not searched as text.
        decade: The first year of the decade that the answer is, if it is one: it is read in the output, not searched as text.
    """

    forms: tuple[str, ...]
    keeps_articles: bool
    crosses_clauses: bool
    capitals: re.Pattern[str] | None
    has_spaces: bool
    date: Date | None
    quantity: Quantity | None
    decade: int | None


@lru_cache(maxsize=50_000)
def answer_forms(answer: str, lang: str) -> AnswerForms:
    """Return the forms of an answer: its normal form and what it means if it is a date or a quantity.

    Raises:
        UserError: CLDR does not know the language.
    """
    keeps_articles = ends_in_article(answer, lang)
    plain = normalise(answer, lang, keeps_articles)
    decade = decade_of(answer, lang)
    date, quantity = None, None
    # Most answers are names. A dual says a quantity without a number.
    may_be_quantity = may_have_numbers(normalise(answer, lang, only_leading_articles=True), lang) or language(lang).units.duals
    if decade is None and may_be_quantity:
        date, quantity = date_of(answer, lang), quantity_of(answer, lang)
    if date is not None and quantity is not None:
        # 1945 г. is a year, 100 г. are grams or years. Italian 44 a.C. is no number of acres.
        is_year = date.year is not None and (date.year <= 0 or date.year in COMMON_YEARS)
        date, quantity = (date, None) if date.month or is_year else (None, quantity)
    if date is not None and date.year is None and _is_numeral(answer, lang):
        # French "sept" is seven, and short for September: "dix-sept" is no date.
        date = None
    forms = dict.fromkeys((plain, *normalised_spellings(answer, lang), *(year_forms(date, plain, lang) if date else ())))
    # Two or three capitals are often another word in lower case: US and us, IT and it, WHO and who.
    abbreviation = re.sub(r"[. ]", "", answer) if re.fullmatch(r"(?:[A-Z]\.? ?){2,3}", answer) else ""
    capitals = _as_capitals(abbreviation) if 2 <= len(abbreviation) <= 3 else None
    return AnswerForms(
        forms=tuple(filter(None, forms)),
        keeps_articles=keeps_articles,
        crosses_clauses=has_clause_mark(answer),
        capitals=capitals,
        has_spaces=language(lang).words.spaces,
        date=date,
        quantity=quantity,
        decade=decade,
    )


def _is_numeral(answer: str, lang: str) -> bool:
    """Return whether an answer is one number in words."""
    pieces = number_pieces(answer, lang)
    return len(pieces) == 1 and isinstance(pieces[0], FoundNumber) and pieces[0].kind == "cardinal"


def _as_capitals(abbreviation: str) -> re.Pattern[str]:
    """Return the pattern of an abbreviation in capital letters, or in small ones with full stops: US, U.S., u.s."""
    capitals, dotted = r"\.?\s?".join(abbreviation), r"\.".join(abbreviation.lower())
    return re.compile(rf"(?<![A-Za-z])(?:{capitals}|{dotted})(?![A-Za-z])")

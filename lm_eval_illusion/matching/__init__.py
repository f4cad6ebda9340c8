"""Decide whether an output contains an answer: the metrics `match`, `exact_match` and `f1`.

Outputs and answers are compared in a normal form (normalize). An answer has several forms (answer_forms). The search for these forms
depends on whether the language writes spaces between words (word_boundaries).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from lm_eval_illusion.first_line import first_line
from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.answer_forms import AnswerForms, answer_forms
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.orthography import fold_letters
from lm_eval_illusion.matching.quantities import is_other_number
from lm_eval_illusion.matching.word_boundaries import clauses, contains_answer, matches_with_clitics, without_spaces

__all__ = ["exact_match", "f1", "first_line", "matches", "normalise", "occurs_in_passage"]


def matches(output: str, answers: Sequence[str], lang: str) -> bool:
    """Return whether the first line of an output equals an answer or contains one (metric `match`; it decides *produced*).

    An answer is contained as a whole token sequence, or as a substring in a language that writes no spaces between words. Dates and
    percentages count in every form of the language. An answer that is empty after normalisation never matches.

    Args:
        output: The generated text.
        answers: The answer and its aliases.
        lang: ISO 639-1 code.

    Raises:
        TypeError: `answers` is one string.
        UserError: CLDR does not know the language.
    """
    line = first_line(output)
    return any(_equals(line, answer, lang) or _contains(line, answer, lang) for answer in _forms_of_all(answers, lang))


def exact_match(output: str, answers: Sequence[str], lang: str) -> bool:
    """Return whether the first line of an output equals an answer after normalisation (metric `exact_match`).

    Arguments and errors are those of `matches`.
    """
    line = first_line(output)
    return any(_equals(line, answer, lang) for answer in _forms_of_all(answers, lang))


def f1(output: str, answers: Sequence[str], lang: str) -> float:
    """Return the best token F1 of the first line over all answers, 0 to 1 (Rajpurkar et al., SQuAD, 2016, section 6.1).

    In a language that writes no spaces between words, characters are the tokens. Arguments and errors are those of `matches`.
    """
    output_tokens = _tokens(normalise(first_line(output), lang), lang)
    forms = (form for answer in _forms_of_all(answers, lang) for form in answer.forms)
    return max((_f1(output_tokens, _tokens(form, lang)) for form in forms), default=0.0)


def occurs_in_passage(text: str, passage: str, lang: str) -> bool:
    """Return whether a passage contains a text, in any letter case and also within a word; a number must be a whole number there."""
    folded, folded_passage = fold_letters(text, lang), fold_letters(passage, lang)
    start = folded_passage.find(folded)
    if start < 0:
        return False
    end = start + len(folded)
    # Compiling the pattern takes long. Most texts stand alone where they are first found.
    if not (folded_passage[max(0, start - 1) : start].isdecimal() or folded_passage[end : end + 1].isdecimal()):
        return True
    return re.search(rf"(?<!\d){re.escape(folded)}(?!\d)", folded_passage) is not None


def _forms_of_all(answers: Sequence[str], lang: str) -> list[AnswerForms]:
    if isinstance(answers, str):
        raise TypeError(f"answers must be a list of strings, not the string {answers!r}: write [{answers!r}]")
    return [answer_forms(answer, lang) for answer in answers]


def _equals(line: str, answer: AnswerForms, lang: str) -> bool:
    text = normalise(line, lang, answer.keeps_articles)
    if text == answer.whole_output_form:
        return True
    if answer.has_spaces:
        return text in answer.forms
    return without_spaces(text) in map(without_spaces, answer.forms)


def _contains(line: str, answer: AnswerForms, lang: str) -> bool:
    if answer.capitals and not answer.capitals.search(unicodedata.normalize("NFKC", line)):
        return False
    text = normalise(line, lang, answer.keeps_articles)
    if answer.has_spaces:
        return any(_contains_words(form, text, lang) for form in answer.forms)
    parts = (without_spaces(text),) if answer.crosses_clauses else clauses(line, lang)
    return any(contains_answer(without_spaces(form), part, lang) for form in answer.forms for part in parts)


def _contains_words(form: str, text: str, lang: str) -> bool:
    padded_text, padded_form = f" {text} ", f" {form} "
    start = padded_text.find(padded_form)
    while start >= 0:
        if not is_other_number(padded_text, start + 1, start + 1 + len(form), lang):
            return True
        start = padded_text.find(padded_form, start + 1)
    return matches_with_clitics(form.split(), text.split(), lang)


def _tokens(normalised: str, lang: str) -> list[str]:
    return normalised.split() if language(lang).words.spaces else list(normalised.replace(" ", ""))


def _f1(output: Iterable[str], answer: Iterable[str]) -> float:
    output_counts, answer_counts = Counter(output), Counter(answer)
    shared = (output_counts & answer_counts).total()
    if not shared:
        return 0.0
    precision, recall = shared / output_counts.total(), shared / answer_counts.total()
    return 2 * precision * recall / (precision + recall)

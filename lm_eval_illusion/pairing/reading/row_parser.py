"""One row of a source -> its questions, one for each language of the row, cleaned and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lm_eval_illusion.languages import LONGEST_CODE, language, language_codes
from lm_eval_illusion.pairing.reading.answers import number_text, texts_in, wrong_type
from lm_eval_illusion.pairing.reading.cleaning import cleaned, whole_characters
from lm_eval_illusion.pairing.reading.column_mapping import Mapped
from lm_eval_illusion.pairing.reading.fields import FieldsOfRow
from lm_eval_illusion.pairing.reading.given_answers import answered
from lm_eval_illusion.pairing.reading.index_base import Counting
from lm_eval_illusion.pairing.reading.language_codes import resolved_code
from lm_eval_illusion.pairing.reading.language_columns import gathered
from lm_eval_illusion.pairing.reading.missing_fields import LACKS, remedy
from lm_eval_illusion.pairing.reading.nested_languages import unnested
from lm_eval_illusion.pairing.reading.notices import Notices
from lm_eval_illusion.pairing.reading.questions import Question, check_question
from lm_eval_illusion.pairing.reading.row_languages import by_language, flat, in_language
from lm_eval_illusion.pairing.reading.rows import BadRowError, Row, SourceRow

MOST_WORDS = 15
"""Words of an answer that is noted as very long: hardly any model says such an answer as it stands."""
MOST_IDEOGRAPHS = 40
"""Characters of such an answer in a language without spaces."""


@dataclass(frozen=True)
class RowSettings:
    """How rows are read. `lang`: the language of rows that state none. `extra_languages`: languages whose prompt words are given."""

    lang: str = ""
    mapping: Mapped = field(default_factory=dict)
    extra_languages: frozenset[str] = frozenset()


@dataclass
class RowParser:
    """Parses the rows of one source. `used`: the columns that were read. `counting`: from where the rows count their options."""

    settings: RowSettings = RowSettings()
    notices: Notices = field(default_factory=Notices)
    used: set[str] = field(default_factory=set)
    counting: Counting = field(default_factory=Counting)

    def questions(self, row: SourceRow) -> Iterator[Question | BadRowError]:
        """Yield the question of each language of a row, or why it can't be used."""
        try:
            fields = self._fields(row)
            languages = list(self._languages(fields, row))
        except BadRowError as error:
            yield error
            return
        for written, code, question in languages:
            yield self._question_or_error(fields, row, (written, code), question)

    def _fields(self, row: SourceRow) -> FieldsOfRow:
        settings = self.settings
        source = row.fields
        if "question" not in settings.mapping:
            source = gathered(unnested(source, settings.lang, self.used), self.used)
        return FieldsOfRow(flat(source), settings.mapping, self.used)

    def stated_words(self, row: SourceRow) -> list[tuple[str, object]]:
        """Return each language of a row and the prompt words that the row gives for it, None if it gives none.

        The words of one language are an object; where the questions are divided by languages, the words may be, too. A row whose languages
        can't be read has none: `questions` tells why.
        """
        try:
            fields = self._fields(row)
        except BadRowError:
            return []
        divided = by_language(fields.value("question"))
        stated = [fields.value("lang") or self.settings.lang] if not divided else list(divided)
        words = fields.value("prompt_words")
        texts = [written for written in stated if isinstance(written, str) and 0 < len(written) <= LONGEST_CODE]
        found = [(resolved_code(written), in_language(words, (written, resolved_code(written)))) for written in texts]
        return found if len(found) == 1 else [(code, None if own is words else own) for code, own in found]

    def _languages(self, fields: FieldsOfRow, row: SourceRow) -> Iterator[tuple[str, str, object]]:
        """Yield each language of a row as it is written, its code, and the question in it."""
        question = fields.value("question")
        if question is None:
            problem = f"lacks question{remedy(fields, 'question')}"
            if not any(fields.has(name) for name in ("answer", "gold")):
                problem += f"; lacks answer{remedy(fields, 'answer')}"
            raise BadRowError(row.location, LACKS["question"], problem)
        divided = by_language(question)
        if not divided:
            written = fields.value("lang")
            if written is None:
                written = self.settings.lang or None
            if written is None:
                problem = f"lacks lang: give --lang CODE for all rows{remedy(fields, 'lang').replace(': give one', '')}"
                raise BadRowError(row.location, LACKS["language"], problem)
            if not isinstance(written, str):
                raise wrong_type("lang", written, "a text: put it in quotes", row.location)
            yield written, self._code(written, row.location), question
            return
        codes: set[str] = set()
        for written, text in divided.items():
            code = self._code(written, row.location)
            if code not in language_codes() and code not in self.settings.extra_languages and len(divided) > 1:
                self.notices.add(f"left out {written}, which has no prompt words (--words gives some)", row.location)
            elif code in codes:
                self.notices.add(f"left out {written}, because the row has {code} already", row.location)
            else:
                codes.add(code)
                yield written, code, text

    def _code(self, written: str, location: str) -> str:
        if len(written) > LONGEST_CODE or written in self.settings.extra_languages:
            return written
        code = resolved_code(written)
        if code != written:
            self.notices.add(f"{written} taken as {code}", location)
        return code

    def _question_or_error(
        self, fields: FieldsOfRow, row: SourceRow, languages: tuple[str, str], question: object
    ) -> Question | BadRowError:
        try:
            return self._question(fields, row, languages, question)
        except BadRowError as error:
            return error

    def _question(self, fields: FieldsOfRow, row: SourceRow, languages: tuple[str, str], question: object) -> Question:
        location = row.location

        def clean(text: str, field: str) -> str:
            # A passage keeps its lines.
            whole = whole_characters(text, location)
            return cleaned(whole, field, location, self.notices, keep_lines=field == "context")

        given, choices, gold = answered(fields, languages, location, clean, self.notices, self.counting)
        alias_value = in_language(fields.value("aliases"), languages)
        if isinstance(alias_value, (bool, int, float)):
            raise wrong_type("aliases", alias_value, "a list of texts: give [] or texts in quotes", location)
        alias_texts = texts_in(alias_value, "aliases", languages, location)
        answer = clean(given.texts[0], "answer")
        aliases = dict.fromkeys(clean(alias, "alias") for alias in (*given.texts[1:], *alias_texts))
        parsed = Question(
            id=self._id(fields, row),
            lang=languages[1],
            question=clean(_text(question, "question", location), "question"),
            context=clean(_optional(fields, "context", location, languages), "context"),
            answer=answer,
            aliases=tuple(alias for alias in aliases if alias and alias != answer),
            answer_type=_optional(fields, "answer_type", location, languages) or given.kind,
            topic=_topic(fields, location),
            choices=tuple(clean(choice, "choice") for choice in choices),
            source=_optional(fields, "source", location),
            license=_optional(fields, "license", location),
            location=location,
        )
        if gold is None and parsed.answer in parsed.choices:
            gold = parsed.choices.index(parsed.answer)
        check_question(parsed, gold, self.settings.extra_languages)
        self._note_long_answer(parsed)
        return parsed

    def _id(self, fields: FieldsOfRow, row: SourceRow) -> str:
        value = fields.value("id")
        if value is None:
            return row.made_id
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return whole_characters(_text(value, "id", row.location), row.location)

    def _note_long_answer(self, question: Question) -> None:
        answer = question.answer
        if len(answer) <= 2 * MOST_WORDS:
            return
        if language(question.lang).words.spaces:
            if len(answer.split()) > MOST_WORDS:
                self.notices.add(
                    f"an answer of more than {MOST_WORDS} words, which models rarely repeat", question.location, answer
                )
        elif len(answer) > MOST_IDEOGRAPHS:
            self.notices.add(
                f"an answer of more than {MOST_IDEOGRAPHS} characters, which models rarely repeat", question.location, answer
            )


def parse_question(row: Row, location: str) -> tuple[Question, list[str]]:
    """Return the question of one row in one language, and a notice for each field that was changed by cleaning.

    Raises:
        BadRowError: A required field is missing, a field is of a wrong type, or `check_question` finds a mistake.
    """
    parser = RowParser()
    for parsed in parser.questions(SourceRow(location, location, row)):
        if isinstance(parsed, BadRowError):
            raise parsed
        return parsed, parser.notices.lines()
    raise BadRowError(location, LACKS["question"], "lacks question")


def _text(value: object, field: str, location: str) -> str:
    if not isinstance(value, str):
        allowed = "a text" if isinstance(value, (list, dict)) else "a text: put it in quotes"
        raise wrong_type(field, value, allowed, location)
    return value


def _optional(fields: FieldsOfRow, field: str, location: str, languages: tuple[str, ...] = ()) -> str:
    """Return the text of an optional field, "" if there is none."""
    value = in_language(fields.value(field), languages)
    return "" if value is None else whole_characters(_text(value, field, location), location)


def _topic(fields: FieldsOfRow, location: str) -> str:
    """Return the topic, a text or a number, from one of the fields in which data sets keep it."""
    candidates = (fields.value("topic"), fields.inner("meta", "article"), fields.inner("meta", "title"), fields.inner("title"))
    topic = next((value for value in candidates if value not in (None, "")), "")
    if isinstance(topic, (int, float)) and not isinstance(topic, bool):
        return number_text(topic)
    return whole_characters(_text(topic, "topic", location), location)

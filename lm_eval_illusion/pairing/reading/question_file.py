"""The reader of questions: a file, a folder or a data set of the hub -> the questions that can be used, and what was dropped or changed.

Each row is read in the shape in which it comes (row_parser), cleaned and checked. A row that can't be used is dropped with its place and
the reason, unless there are too many of them (bad_rows).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import PromptWords
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.own_words import StatedWords, own_words
from lm_eval_illusion.pairing.reading.bad_rows import lacks_in_all, refuse_bad_rows
from lm_eval_illusion.pairing.reading.column_mapping import check_mapping, read_mapping
from lm_eval_illusion.pairing.reading.fields import plain_name
from lm_eval_illusion.pairing.reading.folders import folder_rows
from lm_eval_illusion.pairing.reading.formats import file_rows
from lm_eval_illusion.pairing.reading.hub import hub_rows, is_hub_source
from lm_eval_illusion.pairing.reading.index_base import Counting
from lm_eval_illusion.pairing.reading.language_codes import is_known_language, resolved_code
from lm_eval_illusion.pairing.reading.missing_fields import LACKS
from lm_eval_illusion.pairing.reading.option_labels import refuse_labels
from lm_eval_illusion.pairing.reading.questions import Question, check_language, inconsistencies, without_repeats
from lm_eval_illusion.pairing.reading.row_parser import RowParser, RowSettings, parse_question
from lm_eval_illusion.pairing.reading.rows import BadRowError, DroppedRow, Row, Rows, SourceRow, dropped_row, named

__all__ = ["DEFAULTS", "DroppedRow", "QuestionFile", "ReadingOptions", "parse_question", "read_questions"]


@dataclass(frozen=True)
class ReadingOptions:
    """How a source is read.

    `lang`: the language of rows that state none. `mapping`: the values of `--map`. `is_strict`: no row may be dropped because of a
    mistake. `words`: the values of `--words`.
    """

    lang: str = ""
    mapping: Sequence[str] = ()
    is_strict: bool = False
    words: Sequence[str] = ()


DEFAULTS = ReadingOptions()


@dataclass(frozen=True)
class QuestionFile:
    """The questions of a source.

    `notices`: a line for each kind of change that reading made. `dropped`: the rows that gave no question. `unused_fields`: columns that
    were not read. `duplicates`: questions that were left out because an equal one came before. `rows`: the number of rows. `words`:
    language -> its prompt words, if the user gives some.
    """

    questions: list[Question]
    notices: list[str] = field(default_factory=list)
    dropped: list[DroppedRow] = field(default_factory=list)
    unused_fields: list[str] = field(default_factory=list)
    duplicates: int = 0
    rows: int = 0
    words: Mapping[str, PromptWords] = field(default_factory=dict)


def read_questions(source: Path | str, options: ReadingOptions = DEFAULTS) -> QuestionFile:
    """Read, clean and check the questions of a file, or of `hub:NAME[:CONFIG[:SPLIT]]`.

    Raises:
        UserError: The source can't be read or has no row (see `file_rows`, `hub_rows`), an option is wrong, all rows lack a field, or more
            rows can't be used than may be dropped.
    """
    mapping = read_mapping(options.mapping)
    name = str(source)
    read = list(_rows_of(name))
    if not read:
        raise UserError(f"{name} has no row: give a file of questions")
    rows = [row for row in read if isinstance(row, SourceRow)]
    check_mapping(mapping, [row.fields for row in rows], name)
    parser = RowParser(RowSettings(options.lang, mapping))
    words = _given_words(options.words, rows, parser)
    _check_lang(options.lang, words)
    parser.settings = replace(parser.settings, extra_languages=frozenset(words))
    questions, dropped = _parsed(read, parser)
    if bases := parser.counting.other_bases():
        other = RowParser(parser.settings, counting=Counting(bases))
        questions_so, dropped_so = _parsed(read, other)
        if len(dropped_so) < len(dropped):
            parser, questions, dropped = other, questions_so, dropped_so
    parser.counting.note(parser.notices)
    columns = _columns(row.fields for row in rows)
    if reason := lacks_in_all(dropped, len(read)):
        raise UserError(_lacks_message(reason, dropped[0], name, [row.fields for row in rows]))
    unused = [column for column in columns if column not in parser.used]
    if "choices" not in mapping:
        refuse_labels(questions, [row.fields for row in rows], unused, name)
    questions, duplicates = _without_duplicates(questions)
    questions, repeats = without_repeats(questions)
    wrong = inconsistencies(questions)
    dropped += [*map(dropped_row, repeats), *_dropped_ids(questions, wrong)]
    refuse_bad_rows(dropped, len(read), name, options.is_strict)
    return QuestionFile(
        [question for question in questions if question.id not in wrong],
        [*parser.notices.lines(), *_unrelated_languages(questions)],
        dropped,
        unused,
        duplicates,
        len(read),
        words,
    )


def _rows_of(source: str) -> Rows:
    if is_hub_source(source):
        return hub_rows(source)
    path = Path(source)
    return folder_rows(path) if path.is_dir() else file_rows(path)


def _parsed(read: Iterable[SourceRow | BadRowError], parser: RowParser) -> tuple[list[Question], list[DroppedRow]]:
    questions: list[Question] = []
    dropped: list[DroppedRow] = []
    for row in read:
        for parsed in parser.questions(row) if isinstance(row, SourceRow) else [row]:
            if isinstance(parsed, BadRowError):
                dropped.append(dropped_row(parsed))
            else:
                questions.append(parsed)
    return questions, dropped


def _given_words(options: Sequence[str], rows: Sequence[SourceRow], parser: RowParser) -> dict[str, PromptWords]:
    """Return language -> the prompt words that the options and the rows give for it."""
    if not options and not any(plain_name(name) == "promptwords" for row in rows for name in row.fields):
        return {}
    stated = [(lang, words, row.location) for row in rows for lang, words in parser.stated_words(row)]
    in_rows = [StatedWords(lang, words, location) for lang, words, location in stated if words is not None]
    return own_words(options, in_rows, {lang for lang, _, _ in stated}) if options or in_rows else {}


def _check_lang(lang: str, words: Mapping[str, PromptWords]) -> None:
    """Check the language of `--lang` before all rows fail because of it."""
    if lang and resolved_code(lang) not in words:
        check_language(Question("", resolved_code(lang), "", "", "", location=f"--lang {shown(lang)}"))


def _columns(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))


def _lacks_message(reason: str, first: DroppedRow, source: str, rows: Sequence[Row]) -> str:
    """Return the message about a source of which every row lacks a field."""
    columns = _columns(rows)
    if reason == LACKS["language"]:
        found = [name for name in columns if all(_is_language(row.get(name)) for row in rows)]
        remedy = f": did you mean --map lang={named(found[:1])}? Otherwise give --lang CODE" if found else ""
        return f"{source} states no language{remedy or ': ' + first.problem.partition(': ')[2]}"
    fields = f"The fields are {named(columns) or 'none'}"
    if any("?" in name for name in columns):
        fields += (
            ". They look like questions, not like names of fields: write a line with the names above them (question,answer)"
        )
    return f"{source}: no row has the field that it needs ({first.problem}). {fields}"


def _is_language(value: object) -> bool:
    return isinstance(value, str) and len(value) < 40 and is_known_language(value)


def _unrelated_languages(questions: Sequence[Question]) -> list[str]:
    """Return a notice if there are several languages and no id is in two of them, as where ids are made from the lines."""
    ids = Counter(question.id for question in questions)
    if len({question.lang for question in questions}) < 2 or any(count > 1 for count in ids.values()):
        return []
    return ["every id is in one language only: translations of a question need the same id (perhaps --map id=COLUMN)"]


def _without_duplicates(questions: Sequence[Question]) -> tuple[list[Question], int]:
    """Leave out each id whose questions, in all its languages, are equal to those of an earlier id, and each repeated row of an id.

    Returns the rest in their order, and the number of questions that were left out.
    """
    by_id: dict[str, dict[_Content, int]] = defaultdict(dict)
    for index, question in enumerate(questions):
        by_id[question.id].setdefault(_content(question), index)
    seen: set[frozenset[_Content]] = set()
    kept: list[int] = []
    for entries in by_id.values():
        content = frozenset(entries)
        if content not in seen:
            seen.add(content)
            kept += entries.values()
    return [questions[index] for index in sorted(kept)], len(questions) - len(kept)


_Content = tuple[str | tuple[str, ...], ...]


def _content(question: Question) -> _Content:
    """Return what makes two questions equal: all but the id and the place."""
    texts = (question.lang, question.question, question.context, question.answer, question.answer_type, question.topic)
    return (*texts, question.aliases, question.choices, question.source, question.license)


def _dropped_ids(questions: Iterable[Question], wrong: Mapping[str, BadRowError]) -> list[DroppedRow]:
    """Return the rows of the ids that are dropped. The mistake is that of one row; the others go with it."""
    rows = [(question.location, wrong[question.id]) for question in questions if question.id in wrong]
    return [replace(dropped_row(error), location=place, is_mistake=place == error.location) for place, error in rows]

"""JSON documents -> rows: an array of objects, an object that holds one list of objects, and SQuAD's articles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.fields import SYNONYMS, plain_name
from lm_eval_illusion.pairing.reading.language_codes import is_known_language
from lm_eval_illusion.pairing.reading.rows import NO_ANSWER, BadRowError, NoAnswerError, Row, Rows, SourceRow, named

NOT_AN_OBJECT = "not a JSON object"
LISTS = ("data", "questions", "rows", "items", "examples", "results", "records")
"""Names under which a document keeps its rows, if it holds several lists."""
_QUESTION = frozenset(map(plain_name, SYNONYMS["question"]))
REMEDY = "give one JSON object per line, or a JSON array of objects"
_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"


def document_rows(text: str, path: str) -> Rows:
    """Yield the rows of a JSON document, or of one object after the other, with or without a comma between them.

    Raises:
        UserError: It is not JSON, or it is no list of objects and holds none.
    """
    if text.lstrip(_BLANK).startswith("["):
        yield from _squad_or_rows(_array_rows(text, path, _next(text, text.index("[") + 1), "]"))
        return
    try:
        document = _parsed(text, path)
    except UserError as error:
        if not _has_several_objects(error.__cause__, text):
            raise
        yield from _squad_or_rows(_array_rows(text, path, _next(text, 0), ""))
        return
    entries, where = _entries(document, path)
    located = (_entry(entry, f"{path}:{where}[{index}]", f"row-{index + 1}") for index, entry in enumerate(entries))
    yield from _squad_or_rows(located)


def is_one_row(value: object) -> bool:
    """Return whether a JSON value is a row by itself, not a document that holds rows."""
    if not isinstance(value, dict) or _rows_of_columns(value):
        return False
    if any(plain_name(name) in _QUESTION for name in value):
        return True
    return not _named_lists(value) and not all(isinstance(entry, dict) for entry in value.values())


def _parsed(text: str, path: str) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise UserError(f"{path} is nested too deep: {REMEDY}") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON ({error.msg}, column {error.colno}): {REMEDY}") from error
    except ValueError as error:  # Python limits the digits of an integer.
        raise UserError(f"{path} has a number with too many digits: put it in quotes or leave it out") from error


def _has_several_objects(error: BaseException | None, text: str) -> bool:
    """Whether a text is no JSON because something stands behind its first object: another one, or a comma as after entries of a list."""
    return isinstance(error, json.JSONDecodeError) and error.msg == "Extra data" and text[error.pos] in "{,"


def _array_rows(text: str, path: str, position: int, closing: str) -> Rows:
    """Yield the objects of a JSON array, one after the other, so that each has its line: file[index] if several begin in one line.

    `position`: where the first object begins. `closing`: "]", or "" for objects without brackets, between which commas may lack.
    """
    line, counted, last_line, index = 1, 0, 0, 0
    while text[position : position + 1] != closing:
        line += text.count("\n", counted, position)
        counted = position
        location = f"{path}:{line}" if line != last_line and not (closing and index == 0 and line == 1) else f"{path}[{index}]"
        made_id = f"line-{line}" if location.endswith(f":{line}") else f"row-{index + 1}"
        try:
            value, end = _DECODER.raw_decode(text, position)
        except RecursionError as error:
            raise UserError(f"{location} is nested too deep: {REMEDY}") from error
        except json.JSONDecodeError as error:
            raise UserError(f"{path}:{error.lineno}: not JSON ({error.msg}, column {error.colno}): {REMEDY}") from error
        except ValueError as error:
            raise UserError(f"{location} has a number with too many digits: put it in quotes or leave it out") from error
        yield _entry(value, location, made_id)
        last_line, index = line, index + 1
        position = _next(text, end)
        mark = text[position : position + 1]
        if mark == ",":
            position = _next(text, position + 1)
        elif mark != closing and closing:
            line = text.count("\n", 0, position) + 1
            raise UserError(f"{path}:{line}: not JSON (a comma or ] is missing after the object): {REMEDY}")
    rest = _next(text, position + 1)
    if rest < len(text):
        raise UserError(f"{path}:{text.count(chr(10), 0, rest) + 1}: not JSON (something stands behind the array): {REMEDY}")


def _next(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANK:
        position += 1
    return position


def _entry(value: object, location: str, made_id: str) -> SourceRow | BadRowError:
    if not isinstance(value, dict):
        return BadRowError(location, NOT_AN_OBJECT, f"not a JSON object but {type(value).__name__}: give an object with fields")
    inner = value.get("row")
    if isinstance(inner, dict) and not any(plain_name(name) in _QUESTION for name in value):
        value = inner  # the rows of the datasets server
    return SourceRow(location, made_id, value)


def _entries(document: object, path: str) -> tuple[Sequence[object], str]:
    """Return the entries of a document that is an object, and the name of the list."""
    if not isinstance(document, dict):
        raise UserError(f"{path} is not a list of questions but a JSON {type(document).__name__}: {REMEDY}")
    if rows := _rows_of_columns(document):
        return rows, "rows"
    if is_one_row(document):
        return [document], "row"
    lists = _named_lists(document)
    for plain in LISTS:
        if found := [name for name in lists if plain_name(name) == plain]:
            return lists[found[0]], found[0]
    if lists and all(map(is_known_language, lists)):
        # Which ones are translations of each other, only ids can tell.
        return [
            {"lang": lang, "id": f"{lang}-{number}", **entry} for lang in lists for number, entry in enumerate(lists[lang], 1)
        ], "questions"
    if len(lists) == 1:
        name, entries = next(iter(lists.items()))
        return entries, name
    if lists:
        raise UserError(f"{path} holds several lists ({named(list(lists))}): write one of them into a file of its own")
    if document and all(isinstance(value, dict) for value in document.values()):
        return [{"id": name, **value} for name, value in document.items()], "objects"
    raise UserError(f"{path} holds no list of objects (it has {named(list(document)) or 'nothing'}): {REMEDY}")


def _rows_of_columns(document: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the rows of a document that is written by columns, [] for any other.

    Such are {"question": [...], "answer": [...]}; what pandas writes by default, {"question": {"0": ...}, "answer": {"0": ...}}; and its
    form "split", {"columns": ["question", "answer"], "data": [[...], [...]]}.
    """
    names, data = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(name, str) for name in names):
        is_table = bool(data) and all(isinstance(row, list) and len(row) == len(names) for row in data)
        return [dict(zip(names, row, strict=True)) for row in data] if is_table else []
    column = next((value for name, value in document.items() if plain_name(name) in _QUESTION), None)
    if isinstance(column, list) and all(isinstance(entry, str) for entry in column):
        lists = [value for value in document.values() if isinstance(value, list) and len(value) == len(column)]
        is_table = len(lists) == len(document)
        return [dict(zip(document, row, strict=True)) for row in zip(*lists, strict=True)] if is_table else []
    if isinstance(column, dict) and all(key.isdecimal() for key in column):
        dicts = [value for value in document.values() if isinstance(value, dict) and value.keys() == column.keys()]
        is_table = len(dicts) == len(document)
        return [dict(zip(document, [value[key] for value in dicts], strict=True)) for key in column] if is_table else []
    return []


def _named_lists(document: Mapping[str, object]) -> dict[str, list[dict[str, object]]]:
    return {
        name: value
        for name, value in document.items()
        if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value)
    }


def _squad_or_rows(rows: Iterator[SourceRow | BadRowError]) -> Rows:
    """Yield the rows, or the questions of their paragraphs where they are articles of SQuAD."""
    for row in rows:
        if isinstance(row, SourceRow) and isinstance(row.fields.get("paragraphs"), list):
            yield from _article_rows(row.fields, row)
        elif isinstance(row, SourceRow) and isinstance(row.fields.get("qas"), list):
            yield from _paragraph_rows(row.fields, {}, row.location, row.made_id)
        else:
            yield row


def _article_rows(article: Row, row: SourceRow) -> Rows:
    paragraphs = article["paragraphs"]
    title = {"title": article["title"]} if "title" in article else {}
    for number, paragraph in enumerate(paragraphs if isinstance(paragraphs, list) else []):
        location = f"{row.location}.paragraphs[{number}]"
        if isinstance(paragraph, dict):
            yield from _paragraph_rows(paragraph, title, location, f"{row.made_id}-{number + 1}")
        else:
            yield BadRowError(
                location, NOT_AN_OBJECT, f"paragraph {shown(paragraph)} is not a JSON object: give context and qas"
            )


def _paragraph_rows(paragraph: Row, title: Row, location: str, made_id: str) -> Rows:
    questions = paragraph.get("qas")
    for number, question in enumerate(questions if isinstance(questions, list) else []):
        where = f"{location}.qas[{number}]"
        if not isinstance(question, dict):
            yield BadRowError(
                where, NOT_AN_OBJECT, f"question {shown(question)} is not a JSON object: give question and answers"
            )
        elif question.get("is_impossible") is True:
            yield NoAnswerError(where, NO_ANSWER, "is_impossible is true")
        else:
            shared = {"context": paragraph["context"]} if "context" in paragraph else {}
            yield SourceRow(where, f"{made_id}-{number + 1}", {**title, **shared, **question})

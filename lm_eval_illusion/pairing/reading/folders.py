"""A folder with one file for each language: en.jsonl and de.jsonl, or xquad.en.json and xquad.de.json."""

from __future__ import annotations

import re
from pathlib import Path

from lm_eval_illusion.errors import UserError, cause_of
from lm_eval_illusion.pairing.reading.fields import SYNONYMS, is_missing, plain_name
from lm_eval_illusion.pairing.reading.formats import FORMATS, file_rows
from lm_eval_illusion.pairing.reading.language_codes import is_known_language, resolved_code
from lm_eval_illusion.pairing.reading.rows import Row, Rows, SourceRow

SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".gz")
_LANGUAGE = frozenset(map(plain_name, SYNONYMS["lang"]))


def folder_rows(folder: Path) -> Rows:
    """Yield the rows of all files of a folder. A row that states no language is in that of its file's name.

    Ids that are made from lines name the language: equal lines of two files need not be translations of each other.

    Raises:
        UserError: There is no file of questions, or one of several names no language. Raised at the first row, as are the errors of
            `file_rows`.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    except OSError as error:
        raise UserError(f"{folder} can't be read ({cause_of(error)}): give a file of questions: {FORMATS}") from error
    if not files:
        raise UserError(f"{folder} is a folder without a file of questions: give a file: {FORMATS}")
    languages = {path: language_in(path.name) for path in files}
    if nameless := [path for path, lang in languages.items() if not lang and len(files) > 1]:
        raise UserError(
            f"{nameless[0]} names no language: the files of a folder are read as one language each, as in en.jsonl; give one file"
        )
    for path, lang in languages.items():
        for row in file_rows(path):
            if isinstance(row, SourceRow) and lang:
                made_id = f"{lang}-{row.made_id}"
                yield SourceRow(
                    row.location, made_id, row.fields if _states_language(row.fields) else {**row.fields, "lang": lang}
                )
            else:
                yield row


def language_in(name: str) -> str:
    """Return the language that a file's name states, the last one if there are several; "" if none."""
    parts = re.split(r"[._-]", name)[:-1]
    codes = [resolved_code(part) for part in parts if is_known_language(part)]
    return codes[-1] if codes else ""


def _states_language(row: Row) -> bool:
    return any(plain_name(name) in _LANGUAGE and not is_missing(value) for name, value in row.items())

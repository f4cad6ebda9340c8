"""Languages: one TOML file per language in this folder, read into a `Language` record.

To add a language, write `<ISO 639 code>.toml` with at least the section [prompt]; en.toml and fi.toml are good models. record.py
explains every key.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages.record import Language, PromptWords

__all__ = [
    "LONGEST_CODE",
    "Language",
    "PromptWords",
    "check_code",
    "language",
    "language_codes",
    "near_codes",
    "prompt_words",
    "read_language",
]

FOLDER = Path(__file__).parent
LONGEST_CODE = 35
"""The most characters of a language code: BCP 47 (RFC 5646, section 4.4.1) advises to allow 35."""
_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", re.ASCII | re.IGNORECASE)


@cache
def language(code: str) -> Language:
    """Return the record of a language; the default record if it has no file.

    Raises:
        UserError: The file is ill-formed.
    """
    return _language(code, FOLDER)


def prompt_words(code: str) -> PromptWords:
    """Return the words around a question and its answer.

    Raises:
        UserError: The code is no language code, the language has no file, or the file is ill-formed.
    """
    words = _language(code, FOLDER).prompt
    if words is None:
        check_code(code)
        raise UserError(
            f"language {code!r} has no prompt words: use one of {' '.join(near_codes(code) or language_codes())}, or add the file"
            f" {FOLDER / code}.toml, or give `pair` the option --words lang={code},question=...,answer=..."
        )
    return words


def check_code(code: str) -> None:
    """Check the form of a language code.

    Raises:
        UserError: It is not two or three letters, perhaps with more parts behind hyphens (RFC 5646), or is too long.
    """
    if len(code) > LONGEST_CODE or not _CODE.fullmatch(code):
        raise UserError(
            f"language {code[:LONGEST_CODE]!r} is no language code: give at most {LONGEST_CODE} letters, digits and hyphens, as in fi"
        )


def near_codes(code: str) -> list[str]:
    """Return the codes of languages with a file that a wrong code may stand for, the likeliest first.

    These are: its first part (zh for zh-Hant), the official languages of a country whose code it is (ja for jp), and similar ones.
    """
    from babel.languages import get_official_languages

    known = language_codes()
    first = code.lower().partition("-")[0]
    official = get_official_languages(code.upper()) if len(code) == 2 else ()
    similar = get_close_matches(first, known, n=3, cutoff=0.7)
    return [near for near in dict.fromkeys((first, *official, *similar)) if near in known]


def language_codes() -> tuple[str, ...]:
    """Return the codes of all languages that have a file, sorted."""
    return _codes(FOLDER)


def read_language(file: Path) -> Language:
    """Read and check one language file.

    Raises:
        UserError: The file is not TOML, or a key is unknown, missing or of the wrong type. The message names file and key.
    """
    try:
        found = msgspec.toml.decode(file.read_bytes(), type=Language, dec_hook=_decode_pattern)
    except msgspec.ValidationError as error:
        raise UserError(f"{file}: {error}: {_allowed_keys(str(error))}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not a TOML file in UTF-8 ({error}): correct this line") from error
    if found.prompt is None:
        raise UserError(f"{file}: section [prompt] is missing: give {_keys(PromptWords)}")
    return found


@cache
def _language(code: str, folder: Path) -> Language:
    return read_language(folder / f"{code}.toml") if code in _codes(folder) else Language()


@cache
def _codes(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in folder.glob("*.toml")))


def _decode_pattern(kind: type, value: Any) -> re.Pattern[str]:
    """Compile a regular expression; msgspec calls this for every type that it does not know."""
    if not isinstance(value, str):
        raise TypeError(f"Expected a regular expression, got `{value!r}`")
    try:
        return re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression ({error})") from error


def _allowed_keys(message: str) -> str:
    """Return a clause that lists the allowed keys of the section to which an error message of msgspec refers.

    Such a message is "Expected `int`, got `str` - at `$.dates.limits[0].most`".
    """
    path = re.search(r"`\$\.?(.*)`$", message)
    section: type[msgspec.Struct] = Language
    title = ""
    for name in re.findall(r"\w+", path[1]) if path else []:
        inner = _section_of(section, name)
        if inner is not None:
            section, title = inner, f"{title}.{name}".lstrip(".")
    return f"the keys of {f'[{title}]' if title else 'a language file'} are {_keys(section)}"


def _section_of(section: type[msgspec.Struct], name: str) -> type[msgspec.Struct] | None:
    """Return the section type of a field: the field's type, or the section in its optional or tuple type; None for other fields."""
    declared = next((field.type for field in msgspec.structs.fields(section) if field.name == name), None)
    types = (declared, *get_args(declared))
    return next((entry for entry in types if isinstance(entry, type) and issubclass(entry, msgspec.Struct)), None)


def _keys(section: type[msgspec.Struct]) -> str:
    return ", ".join(section.__struct_fields__)

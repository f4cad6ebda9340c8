"""The shapes in which data sets give an answer and its aliases -> texts, the first of which is the answer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from lm_eval_illusion.pairing.reading.fields import contents, is_missing
from lm_eval_illusion.pairing.reading.rows import BadRowError, as_json

WRONG_TYPE = "a field has a wrong type"
DEEPEST = 8
"""Levels of lists and objects in an answer. MKQA has two, TriviaQA two, Mintaka four."""
# An answer of WebQuestions: (list (description Rome) (description "New York")).
_DESCRIPTIONS = re.compile(r"\(list(?:\s*\(description [^()]*\))+\)")
_DESCRIPTION = re.compile(r'\(description "?([^()]*?)"?\)')
OPTIONAL = ("id", "context", "aliases", "choices", "answer_type", "topic", "source", "license")
"""Fields that a row may lack."""
_MAIN = ("value", "text", "answer", "string", "name")
"""Names under which an object has its text, the first that it has."""


@dataclass(frozen=True)
class GivenAnswer:
    """What a row gives as its answer. `texts`: the answer, then its aliases. `kind`: what the source calls the type, "" if nothing.

    `is_unanswerable`: the source says in its own way that the question has no answer.
    """

    texts: tuple[str, ...]
    kind: str = ""
    is_unanswerable: bool = False


def given_answer(value: object, languages: tuple[str, ...], location: str) -> GivenAnswer:
    """Return the answer that the value of a field gives.

    Shapes: a text or a number; a list (the first is the answer); {"text": [...]} of SQuAD; {"value", "aliases"} of TriviaQA;
    {"mention", "answer", "answerType"} of Mintaka; [{"text", "aliases", "type"}] of MKQA. An object with a language as its key stands for
    what it has in this language.

    Args:
        value: The value of the field.
        languages: The language as the row writes it, and its code.
        location: For the error.

    Raises:
        BadRowError: The value has no such shape.
    """
    texts = tuple(dict.fromkeys(texts_in(value, "answer", languages, location)))
    entry = value[0] if isinstance(value, list) and value else value
    inner = contents(entry) if isinstance(entry, Mapping) else {}
    kind = inner.get("answertype", inner.get("type"))
    # SQuAD 2.0 on the hub has {"text": []}, MKQA a text that is null.
    is_unanswerable = not texts and "text" in inner
    return GivenAnswer(texts, kind if isinstance(kind, str) else "", is_unanswerable)


def texts_in(value: object, field: str, languages: tuple[str, ...], location: str, depth: int = 0) -> list[str]:
    """Return the texts in a value: its own, then those of its aliases.

    Raises:
        BadRowError: The value is of no shape that has texts, or is nested too deep.
    """
    if is_missing(value):
        return []
    if isinstance(value, str):
        return _DESCRIPTION.findall(value) if _DESCRIPTIONS.fullmatch(value) else [value]
    if isinstance(value, (bool, int, float)):
        if isinstance(value, float) and math.isinf(value):
            raise wrong_type(field, value, "a text or a number", location)
        return [number_text(value)]
    if depth > DEEPEST:
        raise BadRowError(location, WRONG_TYPE, f"{field} is nested too deep: give a text or a list of texts")
    if isinstance(value, list):
        return [text for entry in value for text in texts_in(entry, field, languages, location, depth + 1)]
    if isinstance(value, Mapping):
        return _texts_of_object(value, field, languages, location, depth + 1)
    raise wrong_type(field, value, "a text, a number or a list of these", location)


def _texts_of_object(
    value: Mapping[str, object], field: str, languages: tuple[str, ...], location: str, depth: int
) -> list[str]:
    if (lang := next((lang for lang in languages if lang in value), None)) is not None:
        return texts_in(value[lang], field, languages, location, depth)
    inner = contents(value)
    label = inner.get("label")
    if isinstance(label, Mapping):  # an entity of Mintaka, with its name in each language
        return texts_in(label, field, languages, location, depth) if any(lang in label for lang in languages) else []
    if "mention" in inner:
        # The names of an entity in the language are better than the words by which a worker mentioned it, often in English.
        answers = texts_in(inner.get("answer"), field, languages, location, depth)
        mention = texts_in(inner["mention"], field, languages, location, depth)
        return answers if inner.get("answertype") == "entity" and answers else mention + answers
    main = next((name for name in _MAIN if name in inner), None)
    if main is None:
        raise wrong_type(field, value, "a text, a list of texts, or an object with text, value or aliases", location)
    found = texts_in(inner[main], field, languages, location, depth)
    return found + texts_in(inner.get("aliases"), field, languages, location, depth) if found else []


def number_text(value: float) -> str:
    """Return a JSON number or truth value as a speaker writes it: 3 for 3.0, because pandas makes whole numbers floats where one is
    missing; no exponent; true and false as JSON has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")


def wrong_type(field: str, value: object, allowed: str, location: str) -> BadRowError:
    """Return the error for a value of a wrong type."""
    unused = f" (--map {field}= leaves it out)" if field in OPTIONAL else ""
    return BadRowError(location, WRONG_TYPE, f"{field} {as_json(value)} is not {allowed}{unused}")

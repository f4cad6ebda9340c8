"""Messages about typed JSON: the field by its path, also in lists and objects with any keys."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.typed_json import convert


class Inner(msgspec.Struct):
    """A record within a record."""

    numbers: list[float] = []
    by_name: dict[str, int] = {}
    flag: bool = False


class Outer(msgspec.Struct):
    """A record."""

    inner: Inner
    anything: Any = None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (3, "top is 3, not an object"),
        ({}, "top lacks inner"),
        ({"inner": []}, "top.inner is a list of 0, not an object"),
        ({"inner": {"numbers": [1, "x"]}}, 'top.inner.numbers[1] is "x", not a number'),
        ({"inner": {"by_name": {"a": 1, "b": 2.5}}}, "top.inner.by_name[...] is of another kind, not a whole number"),
        ({"inner": {"flag": 1}}, "top.inner.flag is 1, not true or false"),
    ],
)
def test_the_field_and_its_value(content, message):
    with pytest.raises(UserError) as error:
        convert(content, Outer, "f.json", "top", "mend it")
    assert str(error.value) == f"f.json: {message}: mend it"


def test_content_without_a_place():
    with pytest.raises(UserError, match=r"^f.json: the file is null, not an object: mend it$"):
        convert(None, Outer, "f.json", "", "mend it")


@pytest.mark.parametrize("content", [{"inner": {"\ud800": 1}}, {"inner": {"numbers": "\ud800"}}])
def test_half_a_character_where_a_record_is_expected(content):
    with pytest.raises(
        UserError, match=r"^f\.json: top has half a character \(an unpaired surrogate\) in a name or text: mend it$"
    ):
        convert(content, Outer, "f.json", "top", "mend it")


def test_other_fields_are_ignored():
    found = convert({"inner": {}, "anything": {"deep": [None]}, "more": float("nan")}, Outer, "f.json", "", "")
    assert found == Outer(Inner(), {"deep": [None]})

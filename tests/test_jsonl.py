"""JSONL files: one object per line with its location; anything else is refused in one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion import jsonl
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.jsonl import parse_lines, read_jsonl


def write(tmp_path, content):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    return path


def test_each_line_has_its_location_and_blank_lines_are_skipped(tmp_path):
    path = write(tmp_path, b'\xef\xbb\xbf{"a": 1}\r\n\n  \n{"a": 2}')
    assert list(read_jsonl(path, "item")) == [(f"{path}:1", {"a": 1}), (f"{path}:4", {"a": 2})]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\u000b\u000c"])
def test_a_separator_within_a_string_does_not_end_the_line(tmp_path, separator):
    text = f"one{separator}two"
    # A control character must be escaped in JSON; the other separators may be written as they are.
    path = write(tmp_path, json.dumps({"text": text}, ensure_ascii=separator < " ").encode())
    assert [row for _, row in read_jsonl(path, "text")] == [{"text": text}]


@settings(max_examples=50)
@given(rows=st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), max_size=5))
def test_a_line_written_by_json_is_read(tmp_path_factory, rows):
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path = write(tmp_path_factory.mktemp("jsonl"), content.encode())
    assert [row for _, row in read_jsonl(path, "row")] == rows


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object but list: write one item per line"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 8)"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "too many digits"),
        (b'{"a": "\\ud800"}', "\\ud800 is half a character"),
    ],
)
def test_a_wrong_line_is_refused_with_its_location(tmp_path, line, message):
    with pytest.raises(UserError, match=r"rows\.jsonl:2: ") as error:
        list(read_jsonl(write(tmp_path, b'{"a": "\\ud83d\\ude00"}\n' + line), "item"))
    assert message in str(error.value)


def test_a_missing_file_is_refused_at_the_call(tmp_path):
    with pytest.raises(UserError, match=r"none\.jsonl can't be read \(No such file or directory\): give a JSONL file of items"):
        read_jsonl(tmp_path / "none.jsonl", "item")


def test_a_line_of_any_length_and_any_number_of_blank_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "MOST_LINE_BYTES", 100)
    # A million line ends are skipped in one go; split into lines they took seconds and a gigabyte.
    path = write(tmp_path, b"\n" * 10**6 + b' \t {"a": 1}\r\n\n' + b'{"a": "' + b"x" * 100 + b'"}')
    rows = read_jsonl(path, "item")
    assert next(rows) == (f"{path}:1000001", {"a": 1})
    with pytest.raises(UserError, match=r"rows\.jsonl:1000003: the line has more than 100 bytes: write one item per line"):
        next(rows)


def test_nesting_that_the_parser_accepts_and_the_writer_does_not(tmp_path):
    def read(depth):
        path = write(tmp_path, b'{"a": "\\udbff\\udfff", "b": ' + b"[" * depth + b"]" * depth + b"}")
        try:
            return len(list(read_jsonl(path, "item")))
        except UserError as error:
            return str(error).partition(": ")[2]

    # At any depth: the row, or one line of error.
    refused = "nested too deep: write each item as one flat object"
    assert {read(depth) for depth in (10, *range(900, 1_010, 5), 100_000)} == {1, refused}


def test_parse_lines_gives_the_error_of_a_line_in_its_place():
    found = list(parse_lines(b'{"a": 1}\n\n[]\n{"b": 2}', "file", "question"))
    assert [location for location, _ in found] == ["file:1", "file:3", "file:4"]
    assert [row for _, row in found if isinstance(row, dict)] == [{"a": 1}, {"b": 2}]
    assert str(found[1][1]) == "file:3: not a JSON object but list: write one question per line"

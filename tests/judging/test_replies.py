"""What the endpoint sends back, whole and broken."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.judging.replies import Completion, GarbageError, cut_middle, error_message, read_completion
from tests.judging.local_endpoint import refused, said


def test_a_completion():
    expected = Completion(reply="SAME", finish="stop", model="served-judge", tokens_in=100, tokens_out=2)
    assert read_completion(said("SAME").body) == expected


def test_a_list_of_parts():
    parts = [{"type": "text", "text": "SA"}, {"type": "image"}, {"type": "text", "text": "ME"}]
    assert read_completion(said(parts).body).reply == "SAME"


@pytest.mark.parametrize("usage", [None, [], {"prompt_tokens": "many"}, {"prompt_tokens": -1}, {"prompt_tokens": True}, {}])
def test_unknown_usage_is_undefined_and_not_zero(usage):
    completion = read_completion(said("SAME", usage=usage).body)
    assert (completion.tokens_in, completion.tokens_out) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"{}",
        b"null",
        b'{"choices": []}',
        b'{"choices": {}}',
        b'{"choices": [{"text": "SAME"}]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {}}]}',
        b'{"choices": [{"message": {"content": " \\n"}}]}',
        b'{"choices": [{"message": {"content": 3}}]}',
        b'{"choices": [{"message": {"content": "SA',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_garbage(body):
    with pytest.raises(GarbageError):
        read_completion(body)


def test_an_empty_reply_that_was_cut_is_no_garbage():
    # A server keeps the thoughts apart, and the limit came within them: another try ends in the same way.
    assert read_completion(said(None, finish="length").body).reply == ""


def test_a_long_reply_keeps_its_end():
    kept = cut_middle("x" * 50_000 + "</think>SAME")
    assert len(kept) < 21_000
    assert kept.endswith("</think>SAME")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (refused(400, "no such\nmodel").body, "no such model"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'{"error": "plain"}', "plain"),
        (b'{"message": "m"}', "m"),
        (b'{"detail": [{"loc": ["body"], "msg": "wrong"}]}', '[{"loc":["body"],"msg":"wrong"}]'),
        (b"Bad Gateway", "Bad Gateway"),
        (b"", ""),
        (b"\xff", "\ufffd"),
        (json.dumps({"error": {"message": "x" * 999}}).encode(), "x" * 300 + " ..."),
    ],
)
def test_the_message_of_an_error_is_one_line(body, message):
    assert error_message(body) == message

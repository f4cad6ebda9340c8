"""The arguments of `served`: one line for each wrong one, before anything is sent."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import LONGEST_WINDOW

pytest.importorskip("tenacity")
from lm_eval_illusion.models.served_arguments import read_arguments, read_url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://",
        "host:8000/v1/completions",
        "ftp://host/v1/completions",
        "http:///v1/completions",
        "http://host:abc/v1/completions",
        "http://host:99999/v1/completions",
        "http://host/v1",
        "http://host/v1/models",
    ],
)
def test_a_wrong_address_is_one_line(url):
    with pytest.raises(UserError, match="is no address of completions: give") as refused:
        read_url(url)
    assert "\n" not in str(refused.value)


def test_a_password_in_a_wrong_address_is_not_shown():
    with pytest.raises(UserError) as refused:
        read_url("http://me:secret@host/v1")
    assert "secret" not in str(refused.value)
    assert "http://host/v1" in str(refused.value)


def test_a_right_address_keeps_everything_but_its_last_slash():
    assert read_url("https://me:secret@host/a/v1/chat/completions/") == "https://me:secret@host/a/v1/chat/completions"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("num_concurrent", 0, "too small"),
        ("num_concurrent", 2.5, "is not a whole number"),
        ("max_retries", -1, "too small"),
        ("max_length", "x", "is not a whole number"),
        ("timeout", 0, "give seconds"),
        ("timeout", "nan", "give seconds"),
        ("header", "x", "is no set of names and values"),
        ("verify_certificate", "no", "neither true nor false"),
        ("ca_cert_path", "/no/such/file", "does not exist"),
        ("tokenizer_backend", "tiktoken", "can't be used: give tokenizer="),
        ("tokenizer_backend", "remote", "can't be used: give tokenizer="),
        ("tokeniser", "x", "is unknown, did you mean tokenizer?"),
    ],
)
def test_a_wrong_value_is_one_line(name, value, said):
    with pytest.raises(UserError) as refused:
        read_arguments({name: value})
    assert name in str(refused.value)
    assert said in str(refused.value)


def test_without_a_window_no_prompt_is_cut():
    assert read_arguments({})["max_length"] == LONGEST_WINDOW
    assert read_arguments({"max_length": None})["max_length"] == LONGEST_WINDOW
    assert read_arguments({"max_length": "512"})["max_length"] == 512


def test_the_tokenizer_is_read_by_transformers_or_not_at_all():
    assert read_arguments({})["tokenizer_backend"] is None
    assert read_arguments({"tokenizer": "t"})["tokenizer_backend"] == "huggingface"
    assert read_arguments({"tokenizer": "t", "tokenizer_backend": "none"})["tokenizer_backend"] is None

"""The address, the key and the fields of a request."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.judging.endpoint import Endpoint, read_base_url, read_fields, read_key

HOST = "https://host.example/v1"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        (f"{HOST}/", HOST),
        ("http://[::1]:1234", "http://[::1]:1234"),
        ("http://127.0.0.1:80/a/b/", "http://127.0.0.1:80/a/b"),
    ],
)
def test_an_address(given, url):
    assert read_base_url(given) == url


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("localhost:8000/v1", "is no address"),
        ("ftp://host/v1", "is no address"),
        ("file:///etc/passwd", "is no address"),
        ("http://", "is no address"),
        ("http://host:port/v1", "is no address"),
        ("http://host:70000/v1", "is no address"),
        ("http://[::1/v1", "is no address"),
        ("http://ho st/v1", "is no address"),
        ("http://host/v1\n", "is no address"),
        (f"{HOST}/chat/completions", "give the part before it"),
        (f"{HOST}?key=abc", "has a query"),
    ],
)
def test_no_address(given, reason):
    with pytest.raises(UserError, match=reason):
        read_base_url(given)


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(UserError, match="--api-key-env") as caught:
        read_base_url("https://me:geheim@host/v1")
    assert "geheim" not in str(caught.value)


def test_a_key_comes_from_a_variable_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-unused")
    assert read_key(None) == ""
    monkeypatch.setenv("MY_KEY", " sk-123 \n")
    assert read_key("MY_KEY") == "sk-123"


@pytest.mark.parametrize("key", ["", "  ", "geheim geheim", "geheim\ngeheim", "schlüssel"])
def test_a_wrong_key_is_not_shown(key, monkeypatch):
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(UserError, match="MY_KEY") as caught:
        read_key("MY_KEY")
    assert "geheim" not in str(caught.value)


def test_the_request_has_the_prompt_and_the_settings():
    endpoint = Endpoint(HOST, "m", max_tokens=7, seed=3)
    assert endpoint.request("p") == {
        "model": "m",
        "messages": [{"role": "user", "content": "p"}],
        "temperature": 0,
        "max_tokens": 7,
        "seed": 3,
    }


def test_fields_replace_add_and_remove():
    fields = read_fields('{"max_tokens": null, "max_completion_tokens": 9, "temperature": null, "x": {"y": false}}')
    request = Endpoint(HOST, "m", fields=fields).request("p")
    assert request.keys() == {"model", "messages", "seed", "max_completion_tokens", "x"}
    assert request["x"] == {"y": False}


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "3", '{"model": "x"}', '{"stream": true}', '{"n": 2}', '{"a": NaN}', "[" * 90_000]
)
def test_wrong_fields(text):
    with pytest.raises(UserError, match="--request"):
        read_fields(text)


def test_the_key_is_in_no_text():
    endpoint = Endpoint(HOST, "m", key="sk-geheim-1234")
    assert "geheim" not in repr(endpoint)
    assert endpoint.without_key("Incorrect API key provided: sk-geheim-1234.") == "Incorrect API key provided: (key)."
    # Local servers take any key, such as EMPTY: it is no secret and must not be cut out of texts.
    assert Endpoint(HOST, "m", key="EMPTY").without_key("EMPTY") == "EMPTY"


@pytest.mark.parametrize(
    ("url", "key", "is_clear"),
    [
        ("http://host/v1", "k", True),
        ("https://host/v1", "k", False),
        ("http://host/v1", "", False),
        ("http://localhost:1/v1", "k", False),
        ("http://127.0.0.1/v1", "k", False),
        ("http://127.evil.example/v1", "k", True),
    ],
)
def test_a_key_that_goes_over_a_network_in_clear(url, key, is_clear):
    assert Endpoint(url, "m", key=key).sends_key_in_clear is is_clear

"""Requests that fail: which are tried again, and the one line of those that are not."""

from __future__ import annotations

import httpx
import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models import served_requests
from lm_eval_illusion.models.served_address import ServedAddress
from lm_eval_illusion.models.served_requests import RequestRefusedError, get, post, stated_wait

URL = "http://host/v1/completions"
RIGHT = {"choices": [{"text": "a", "index": 0}]}


@pytest.fixture
def waits(monkeypatch):
    """The seconds that were waited; none is."""
    waited = []
    monkeypatch.setattr(served_requests.time, "sleep", waited.append)
    return waited


def endpoint(*replies):
    """An endpoint that gives these replies, one after the other: a response, or an exception."""
    left = list(replies)

    def reply(request):
        current = left.pop(0)
        if isinstance(current, Exception):
            raise current
        return current

    return ServedAddress(httpx.Client(transport=httpx.MockTransport(reply)), URL, 3)


def test_what_waiting_may_mend_is_tried_again(waits):
    busy, dead = httpx.Response(429, json={}), httpx.RemoteProtocolError("disconnected")
    assert post(endpoint(busy, dead, httpx.Response(200, json=RIGHT)), {}) == RIGHT
    assert waits == [1.0, 2.0]


def test_a_server_has_the_time_that_it_asks_for(waits):
    busy = [httpx.Response(code, headers={"Retry-After": "7"}, json={}) for code in (429, 503)]
    assert post(endpoint(*busy, httpx.Response(200, json=RIGHT)), {}) == RIGHT
    assert waits == [7.0, 7.0]
    with pytest.raises(UserError, match="it asks to wait 600 s: run again then"):
        post(endpoint(httpx.Response(429, headers={"Retry-After": "600"}, json={})), {})
    assert waits == [7.0, 7.0]


@pytest.mark.parametrize("code", [408, 425])
def test_a_proxy_that_asks_for_another_attempt_gets_one(waits, code):
    assert post(endpoint(httpx.Response(code, json={}), httpx.Response(200, json=RIGHT)), {}) == RIGHT


def test_the_time_to_wait_is_a_number_or_a_date(monkeypatch):
    monkeypatch.setattr(served_requests.time, "time", lambda: 1_700_000_000.0)
    # 1,700,000,000 is Tue, 14 Nov 2023 22:13:20 GMT.
    dates = {"Tue, 14 Nov 2023 22:13:30 GMT": 10.0, "Tue, 14 Nov 2023 22:13:10 GMT": 0.0}
    for value, seconds in {"3": 3.0, "": None, "soon": None, "-1": None, **dates}.items():
        assert stated_wait({"retry-after": value}) == seconds, value
    assert stated_wait({}) is None


@pytest.mark.parametrize(
    "fault",
    [
        {"error": {"message": "CUDA out of memory"}, "choices": [{"text": "", "index": 0}]},
        {"choices": [{"text": "Os", "index": 0, "finish_reason": "abort"}]},
        {"choices": [{"text": "", "index": 0, "finish_reason": "error", "error": {"message": "provider"}}]},
    ],
)
def test_an_answer_that_a_fault_stopped_is_no_answer(waits, fault):
    assert post(endpoint(httpx.Response(200, json=fault), httpx.Response(200, json=RIGHT)), {}) == RIGHT
    with pytest.raises(UserError, match="stopped an answer") as refused:
        post(endpoint(*[httpx.Response(200, json=fault)] * 3), {})
    assert not isinstance(refused.value, RequestRefusedError)


def test_choices_are_in_the_order_of_their_numbers_and_numbered_from_0():
    def texts(*choices):
        found = post(endpoint(httpx.Response(200, json={"choices": list(choices)})), {})["choices"]
        return [(choice["index"], choice["text"]) for choice in found]

    assert texts({"text": "b", "index": 1}, {"text": "a", "index": 0}) == [(0, "a"), (1, "b")]
    # lm_eval reads the number as a place in a list: an IndexError, or an empty answer in its place.
    assert texts({"text": "a", "index": 7}) == texts({"text": "a", "index": None}) == [(0, "a")]


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([httpx.Response(400, json={"error": {"message": "top_k must be\n positive"}})], "code 400 (top_k must be positive)"),
        ([httpx.Response(422, json={"detail": "Unexpected fields"})], "code 422 (Unexpected fields)"),
        ([httpx.Response(404, json={"detail": "Not Found"})], "does base_url end in /v1/completions"),
        ([httpx.Response(401, text="no")], "OPENAI_API_KEY"),
        ([httpx.Response(200, text="<html>")], "is no JSON object"),
        ([httpx.Response(200, json={"error": "no such model"})], "answered without choices: no such model"),
        ([httpx.Response(200, json={"choices": []})], "answered '[]' as choices, and not one with a text"),
        ([httpx.Response(200, json={"choices": None})], "answered 'None' as choices"),
        ([httpx.Response(200, json={"choices": [None]})], "answered '[None]' as choices"),
        ([httpx.Response(200, json={"choices": [{"text": 5}]})], "as choices, and not one with a text"),
        ([httpx.Response(200, json={"choices": [{"message": {}}]})], "as choices, and not one with a text"),
        (
            [httpx.Response(307, headers={"location": "https://host/v1/completions"})],
            "sends requests on to https://host/v1/completions (code 307): give base_url=https://host/v1/completions",
        ),
        (
            [httpx.Response(302, headers={"location": "/login"})],
            "sends requests on to http://host/login (code 302): give the address",
        ),
        (
            [httpx.Response(400, json={"error": "maximum context length is 40"})],
            "start the server with a longer context, or give max_",
        ),
        ([httpx.Response(429, json={})] * 3, "give a smaller num_concurrent="),
        ([httpx.ConnectError("Connection refused")], "can't be reached (Connection refused): start the server"),
        ([httpx.ReadTimeout("timed out")] * 3, "gave no answer in time"),
        ([httpx.Response(500, text="boom")] * 3, "code 500 (boom)"),
    ],
)
def test_other_faults_are_one_line(waits, replies, said):
    with pytest.raises(UserError) as refused:
        post(endpoint(*replies), {})
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_only_choice_needs_no_number():
    found = post(endpoint(httpx.Response(200, json={"choices": [{"message": {"content": None}}]})), {})
    assert found["choices"][0]["index"] == 0


def test_a_refused_setting_is_told_apart_from_a_key_that_is_wrong(waits):
    with pytest.raises(RequestRefusedError):
        post(endpoint(httpx.Response(422, json={})), {})
    for replies in ([httpx.Response(401, json={})], [httpx.Response(503, json={})] * 3):
        with pytest.raises(UserError) as refused:
            post(endpoint(*replies), {})
        assert not isinstance(refused.value, RequestRefusedError)


def test_a_server_that_starts_is_asked_again_what_it_is(waits):
    starting = httpx.Response(503, json={"error": {"message": "Loading model"}})
    assert get(endpoint(starting, httpx.Response(200, json={"a": 1})), "/props").content == {"a": 1}
    told = get(endpoint(*[starting] * 3), "/props")
    assert told.content is None
    assert "code 503 (Loading model)" in told.refusal


def test_facts_that_a_server_does_not_tell_are_none():
    assert get(endpoint(httpx.Response(404, json={"detail": "x"})), "/props")[0] is None
    assert get(endpoint(httpx.Response(200, text="<html>")), "/props")[0] is None
    # A connection that the server closed after the request before.
    assert get(endpoint(httpx.RemoteProtocolError("closed"), httpx.Response(200, json={"a": 1})), "/props")[0] == {"a": 1}
    with pytest.raises(UserError, match="can't be reached"):
        get(endpoint(httpx.ConnectError("refused")), "/props")

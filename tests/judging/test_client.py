"""The requests over a real connection to a server in this process that misbehaves."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.judging import client
from lm_eval_illusion.judging.client import MOST_BYTES, MOST_FAILED_IN_A_ROW, ask_all
from lm_eval_illusion.judging.endpoint import Endpoint
from tests.judging.local_endpoint import LATE, LOST, Raw, endpoint, refused, said

KEY = "sk-geheim-123456"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Without the seconds between two tries; what the endpoint asks for is waited."""
    monkeypatch.setattr(client, "wait_before", lambda attempt, chance: 0.001)


def ask(server, prompts, concurrency=4, **settings):
    """Ask and return the replies and the failures by prompt."""
    judge = Endpoint(server.url, "m", **settings)
    replies, ended = {}, []
    failures = ask_all(
        judge,
        [(prompt, judge.request(prompt)) for prompt in prompts],
        concurrency,
        lambda key, completion: replies.update({key: completion.reply}),
        lambda: ended.append(1),
    )
    assert len(ended) == len(replies) + len(failures)
    return replies, failures


def test_each_request_has_its_reply():
    with endpoint(lambda prompt, before: said(prompt.upper())) as server:
        replies, failures = ask(server, [f"p{number}" for number in range(30)], key=KEY)
    assert replies == {f"p{number}": f"P{number}" for number in range(30)}
    assert failures == {}
    assert sorted(server.prompts) == sorted(replies)
    assert set(server.paths) == {"/v1/chat/completions"}
    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}


def test_without_a_key_no_authorization_is_sent():
    with endpoint(lambda prompt, before: said("SAME")) as server:
        ask(server, ["p"])
    assert "authorization" not in {name.lower() for name in server.headers[0]}


@pytest.mark.parametrize("most", [1, 3])
def test_as_many_requests_at_a_time_as_asked_for(most):
    together = threading.Barrier(most)

    def reply(prompt, before):
        together.wait(10)
        return said("SAME")

    with endpoint(reply) as server:
        replies, _ = ask(server, [f"p{number}" for number in range(6)], concurrency=most)
    assert len(replies) == 6
    assert server.most_at_once == most


@pytest.mark.parametrize(
    "first",
    [
        refused(429, "slow down"),
        refused(500, "oops"),
        refused(502, "x"),
        Raw(503, b"<html>"),
        Raw(200, b"<html>"),
        Raw(200, b'{"choices": []}'),
        said(""),
        LOST,
        Raw(200, b"{}", {"Content-Encoding": "gzip"}),
    ],
    ids=str,
)
def test_a_failure_that_passes_is_tried_again(first):
    with endpoint(lambda prompt, before: said("SAME") if before == 2 else first) as server:
        replies, failures = ask(server, ["a", "b"])
    assert replies == {"a": "SAME", "b": "SAME"}
    assert failures == {}
    assert Counter(server.prompts) == {"a": 3, "b": 3}


def test_an_answer_whose_tries_all_fail_is_left_and_the_others_go_on():
    with endpoint(lambda prompt, before: refused(500, "oops") if prompt == "b" else said("SAME")) as server:
        replies, failures = ask(server, ["a", "b", "c"], concurrency=1, tries=3)
    assert replies.keys() == {"a", "c"}
    assert failures == {"b": "it answers 500: oops"}
    assert Counter(server.prompts)["b"] == 3


def test_a_server_that_does_not_answer_in_time():
    with endpoint(lambda prompt, before: said("SAME") if before else LATE) as server:
        assert ask(server, ["a"], timeout=0.2)[0] == {"a": "SAME"}
    with endpoint(lambda prompt, before: LATE) as server:
        assert ask(server, ["a"], timeout=0.1, tries=2)[1] == {"a": "no reply within 0.1 s"}


def test_the_pause_that_the_endpoint_asks_for_is_kept_by_all():
    times = []
    both_sent = threading.Barrier(2)

    def reply(prompt, before):
        times.append(time.monotonic())
        if len(times) <= 2:
            both_sent.wait(10)
        if prompt == "b":
            time.sleep(0.1)  # the refusal of "a" comes first
        return refused(429, "slow", Retry_After="0.4") if (prompt, before) == ("a", 0) else said("SAME")

    with endpoint(reply) as server:
        replies, _ = ask(server, ["a", "b", "c"], concurrency=2)
    assert len(replies) == 3
    # Neither "a" again nor "c", which the other thread could send, comes before the pause is over.
    assert min(times[2:]) - times[1] >= 0.39


def test_an_answer_is_left_if_the_endpoint_asks_for_a_pause_of_an_hour():
    with endpoint(lambda prompt, before: refused(429, "quota", Retry_After="3600")) as server:
        _, failures = ask(server, ["a"])
    assert failures == {"a": "it answers 429: quota, it asks for a pause of 3600 s"}
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(400, "--max-tokens"), (401, "--api-key-env"), (403, "--api-key-env"), (404, "--base-url"), (308, "--base-url")],
)
def test_a_refusal_stops_at_once_with_the_message_of_the_server(status, remedy):
    answer = refused(status, f"not\nwith {KEY}", Location="/elsewhere")
    with endpoint(lambda prompt, before: answer) as server, pytest.raises(UserError, match=remedy) as caught:
        ask(server, [f"p{number}" for number in range(50)], concurrency=2, key=KEY)
    assert f"({status}: not with (key))" in str(caught.value)
    assert len(server.requests) <= 2


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_refused_among_others_is_left_alone(status):
    # A content filter refuses one text: it must not keep all the others from being judged.
    def reply(prompt, before):
        return refused(status, "content filter") if prompt == "b" else said("SAME")

    with endpoint(reply) as server:
        replies, failures = ask(server, ["a", "b", "c"], concurrency=1)
        assert replies.keys() == {"a", "c"}
        assert failures == {"b": f"it refuses the request ({status}: content filter)"}
        assert server.prompts == ["a", "b", "c"]
        # The same if the others have their replies from an earlier run.
        judge = Endpoint(server.url, "m")
        again = ask_all(judge, [("b", judge.request("b"))], 1, lambda key, completion: None, has_replies=True)
        assert again.keys() == {"b"}


def test_a_wrong_key_stops_also_after_replies():
    with endpoint(lambda prompt, before: refused(401, "expired") if prompt == "b" else said("SAME")) as server:
        with pytest.raises(UserError, match="401: expired"):
            ask(server, ["a", "b", "c"], concurrency=1)
        assert server.prompts == ["a", "b"]


def test_the_key_is_cut_out_of_a_reply():
    with endpoint(lambda prompt, before: said(f"your key is {KEY}")) as server:
        assert ask(server, ["a"], key=KEY)[0] == {"a": "your key is (key)"}


def test_a_redirect_is_not_followed():
    with endpoint(lambda prompt, before: said("SAME")) as other:
        answer = Raw(307, b"", {"Location": f"{other.url}/chat/completions"})
        with endpoint(lambda prompt, before: answer) as server, pytest.raises(UserError, match="307"):
            ask(server, ["a"], key=KEY)
    assert other.requests == []


def test_nothing_at_the_address_is_one_line_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        judge = Endpoint(url, "m")
        with pytest.raises(UserError, match="can't be reached"):
            ask_all(judge, [("a", judge.request("a"))], 1, lambda key, completion: None)


def test_a_server_that_is_down_is_not_asked_about_every_answer():
    with endpoint(lambda prompt, before: LOST) as server:
        replies, failures = ask(server, [f"p{number}" for number in range(200)], concurrency=1, tries=2)
    assert replies == {}
    assert len(failures) == MOST_FAILED_IN_A_ROW
    assert len(server.requests) == 2 * MOST_FAILED_IN_A_ROW


def test_single_failures_among_replies_do_not_end_the_asking():
    with endpoint(lambda prompt, before: said("SAME") if prompt.endswith("0") else refused(500, "x")) as server:
        replies, failures = ask(server, [f"p{number}" for number in range(30)], concurrency=1, tries=1)
    # 27 fail in all, more than MOST_FAILED_IN_A_ROW, but never more than 9 in a row.
    assert (len(replies), len(failures)) == (3, 27)


def test_an_endless_reply_is_not_read_to_its_end():
    with endpoint(lambda prompt, before: Raw(200, b" " * (MOST_BYTES + 9))) as server:
        _, failures = ask(server, ["a"], tries=1)
    assert "more than 4,194,304 bytes" in failures["a"]


def test_an_error_of_the_caller_ends_the_asking():
    def full(key, completion):
        raise UserError("the disk is full")

    with endpoint(lambda prompt, before: said("SAME")) as server:
        judge = Endpoint(server.url, "m")
        with pytest.raises(UserError, match="the disk is full"):
            ask_all(judge, [(prompt, judge.request(prompt)) for prompt in "abcdef"], 1, full)
    assert len(server.requests) == 1

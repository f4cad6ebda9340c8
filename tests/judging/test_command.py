"""The whole command against a server in this process: verdicts, costs, failures, kill and resume."""

from __future__ import annotations

import json
import os
import re
import signal
import threading

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.judging import client
from tests.judging.local_endpoint import LATE, endpoint, refused, said
from tests.judging.runs import write_answers, write_two_variants
from tests.lm_eval_files import hits, write_run
from tests.prepared_process import start_command, wait_until

KEY = "sk-geheim-123456"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(client, "wait_before", lambda attempt, chance: 0.001)


def response_in(prompt):
    return json.loads(re.search("^Response: (.*)$", prompt, flags=re.MULTILINE)[1])


def honest(prompt, before):
    """A judge that calls an answer right if it says two and does not deny it."""
    response = response_in(prompt)
    return said("SAME" if "two" in response and "not" not in response else "DIFFERENT")


def judge(tmp_path, server, *more):
    options = ["--base-url", server.url, "--model", "org/judge", "--cache", str(tmp_path / "cache"), *more]
    return main(["judge", str(tmp_path / "runs"), *options])


def verdicts_in(folder):
    rows = [json.loads(line) for line in (folder / "judge_org-judge.jsonl").read_text().splitlines()]
    return {row["id"]: row["verdict"] for row in rows}


def test_the_verdicts_stand_beside_the_samples(tmp_path, capsys):
    write_two_variants(tmp_path / "runs")
    with endpoint(honest) as server:
        assert judge(tmp_path, server) == 0
    expected = {"a": "same", "b": "same", "c": "different", "d": "empty", "e": "different", "f": "different"}
    assert verdicts_in(tmp_path / "runs" / "wanda") == expected
    assert verdicts_in(tmp_path / "runs" / "dense") == {**expected, "c": "same"}
    assert len(server.requests) == 6
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("judge org/judge: 12 answers of 2 variants; ")
    assert out[1] == "used: 6 replies, 600 tokens in, 12 out"
    # The rules call e ("not two") right in both runs, the judge does not.
    assert out[2] == "verdicts: 5 same, 5 different, 0 unclear, 2 empty; rules and judge agree on 8 of 10"
    assert server.requests[0] | {"messages": None} == {
        "model": "org/judge",
        "messages": None,
        "temperature": 0,
        "max_tokens": 1024,
        "seed": 0,
    }


def test_a_second_run_asks_nothing_and_changes_nothing(tmp_path):
    write_answers(tmp_path / "runs")
    with endpoint(honest) as server:
        judge(tmp_path, server)
        before = (tmp_path / "runs" / "judge_org-judge.jsonl").read_bytes()
        assert judge(tmp_path, server) == 0
    assert len(server.requests) == 5
    assert (tmp_path / "runs" / "judge_org-judge.jsonl").read_bytes() == before


def test_the_samples_are_unchanged(tmp_path):
    write_answers(tmp_path / "runs")
    before = {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()}
    with endpoint(honest) as server:
        judge(tmp_path, server)
    assert {path: path.read_bytes() for path in before} == before


def test_a_dry_run_sends_and_writes_nothing(tmp_path, capsys):
    write_answers(tmp_path / "runs")
    with endpoint(honest) as server:
        assert judge(tmp_path, server, "--dry-run", "--price-in", "1000", "--price-out", "0") == 0
        dry = capsys.readouterr().out
        assert server.requests == []
        assert not (tmp_path / "cache").exists()
        assert not list((tmp_path / "runs").glob("judge_*"))
        judge(tmp_path, server, "--price-in", "1000", "--price-out", "0")
    out = capsys.readouterr().out
    # The run itself says the same before it starts, and afterwards what it cost: 500 tokens at 1000 a million.
    assert out.splitlines()[0] == dry.strip()
    assert out.splitlines()[1] == "used: 5 replies, 500 tokens in, 10 out, cost 0.50"


def test_a_limit_judges_some_items_and_a_later_run_the_others(tmp_path):
    write_two_variants(tmp_path / "runs")
    with endpoint(honest) as server:
        assert judge(tmp_path, server, "--limit", "2") == 0
        first = verdicts_in(tmp_path / "runs" / "wanda")
        assert len(first) == 2
        assert first.keys() == verdicts_in(tmp_path / "runs" / "dense").keys()
        judge(tmp_path, server)
    assert len(verdicts_in(tmp_path / "runs" / "wanda")) == 6
    assert len(server.requests) == 6


def test_a_twin_is_judged_like_its_view(tmp_path):
    rows = [{"id": "a", "recognised": 1.0, "produced": 1.0, "output": "two"}, {"id": "b", "recognised": 0.0, "output": "no"}]
    write_run(tmp_path / "runs", {"twin": rows})
    with endpoint(honest) as server:
        assert judge(tmp_path, server) == 0
    assert verdicts_in(tmp_path / "runs") == {"a": "same", "b": "different"}


def test_the_verdicts_on_a_rescored_run_stand_in_the_folder_of_the_run(tmp_path):
    write_answers(tmp_path / "runs" / "rescored_v2")
    with endpoint(honest) as server:
        assert judge(tmp_path, server) == 0
    assert len(verdicts_in(tmp_path / "runs")) == 6
    assert not list((tmp_path / "runs" / "rescored_v2").glob("judge_*"))


def test_answers_without_a_reply_are_counted_and_the_same_command_resumes(tmp_path, capsys):
    write_answers(tmp_path / "runs")
    is_broken = threading.Event()
    is_broken.set()

    def reply(prompt, before):
        return refused(500, "oops") if is_broken.is_set() and "Which is b?" in prompt else honest(prompt, before)

    with endpoint(reply) as server:
        assert judge(tmp_path, server, "--tries", "2") == 1
        error = capsys.readouterr().err
        assert error == (
            "lm-eval-illusion: 1 answers have no verdict, most often because it answers 500: oops: run the same command again, which asks"
            " only about these\n"
        )
        assert verdicts_in(tmp_path / "runs").keys() == {"a", "c", "d", "e", "f"}
        is_broken.clear()
        before = len(server.requests)
        assert judge(tmp_path, server) == 0
        assert len(server.requests) == before + 1
    assert verdicts_in(tmp_path / "runs")["b"] == "same"


def test_replies_that_are_no_verdict_are_unclear_and_not_wrong(tmp_path, capsys):
    write_answers(tmp_path / "runs")
    with endpoint(lambda prompt, before: said("<think>hm", finish="length")) as server:
        assert judge(tmp_path, server, "--max-tokens", "3") == 0
    assert set(verdicts_in(tmp_path / "runs").values()) == {"unclear", "empty"}
    out = capsys.readouterr().out
    assert "5 were cut at --max-tokens, so give more" in out
    assert "0 same, 0 different, 5 unclear, 1 empty; rules and judge agree on 0 of 0" in out


def test_the_key_is_written_nowhere(tmp_path, capsys, monkeypatch):
    write_answers(tmp_path / "runs")
    monkeypatch.setenv("MY_KEY", KEY)
    with endpoint(lambda prompt, before: said(f"{KEY} SAME", model=KEY)) as server:
        assert judge(tmp_path, server, "--api-key-env", "MY_KEY") == 0
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    captured = capsys.readouterr()
    assert not [text for text in (*written, captured.out, captured.err) if KEY in text]


def test_a_wrong_key_is_one_line_and_code_2(tmp_path, capsys, monkeypatch):
    write_answers(tmp_path / "runs")
    monkeypatch.setenv("MY_KEY", KEY)
    with endpoint(lambda prompt, before: refused(401, f"Incorrect API key provided: {KEY}")) as server:
        assert judge(tmp_path, server, "--api-key-env", "MY_KEY") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "401: Incorrect API key provided: (key)" in error


def test_cached_replies_of_another_address_are_named(tmp_path, capsys):
    write_answers(tmp_path / "runs")
    with endpoint(honest) as first:
        judge(tmp_path, first)
    capsys.readouterr()
    with endpoint(honest) as second:
        judge(tmp_path, second)
    assert second.requests == []
    assert f"cached replies came also from {first.url}" in capsys.readouterr().out


def test_a_folder_without_our_answers_is_one_line(tmp_path, capsys):
    write_run(tmp_path / "runs", {"mc": hits("acc", a=1)})
    with endpoint(honest) as server:
        assert judge(tmp_path, server) == 2
    assert "no greedy answers" in capsys.readouterr().err


def test_a_file_that_can_not_be_replaced_is_told_before_anything_is_asked(tmp_path, capsys):
    write_answers(tmp_path / "runs")
    (tmp_path / "runs" / "judge_org-judge.jsonl").write_text("mine")
    with endpoint(honest) as server:
        assert judge(tmp_path, server) == 2
    assert server.requests == []
    assert "is no row of a judge" in capsys.readouterr().err


def test_a_log_shows_that_the_command_goes_on(tmp_path, capsys):
    write_answers(tmp_path / "runs", {f"item {number}": "two" for number in range(205)}, set())
    with endpoint(honest) as server:
        assert judge(tmp_path, server) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"lm-eval-illusion: judging, {done} of 205 requests done" for done in (100, 200)
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_what_was_answered_before_the_end_is_not_asked_again(number, code, tmp_path):
    write_answers(tmp_path / "runs")
    with endpoint(lambda prompt, before: LATE if "Which is f?" in prompt else honest(prompt, before)) as server:
        more = ["--model", "org/judge", "--cache", str(tmp_path / "cache"), "--concurrency", "2"]
        process = start_command(["judge", str(tmp_path / "runs"), "--base-url", server.url, *more])
        wait_until(lambda: len(list((tmp_path / "cache").glob("*/*.json"))) == 4, process)
        wait_until(lambda: len(server.requests) == 5, process)
        os.kill(process.pid, number)
        _, error = process.communicate()
        assert process.returncode == code
        assert error == ("lm-eval-illusion: interrupted\n" if number == signal.SIGINT else "")
    with endpoint(honest) as server:
        assert judge(tmp_path, server) == 0
    assert [response_in(prompt) for prompt in server.prompts] == ["three"]
    assert verdicts_in(tmp_path / "runs").keys() == set("abcdef")

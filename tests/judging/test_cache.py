"""Replies on disk: by content, whole or not there."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.judging.cache import CacheEntry, cached, default_cache, remember, request_key
from lm_eval_illusion.judging.endpoint import Endpoint
from lm_eval_illusion.judging.replies import Completion

REQUEST = Endpoint("http://h/v1", "m").request("p")
KEY = request_key(1, REQUEST)


def entry(key=KEY, reply="SAME"):
    return CacheEntry(key=key, prompt_version=1, base_url="http://h/v1", completion=Completion(reply=reply))


def test_what_was_remembered_is_found(tmp_path):
    assert cached(tmp_path / "c", KEY) is None
    remember(tmp_path / "c", entry())
    assert cached(tmp_path / "c", KEY) == entry()


@pytest.mark.parametrize(
    "other",
    [
        Endpoint("http://h/v1", "n").request("p"),
        Endpoint("http://h/v1", "m").request("q"),
        Endpoint("http://h/v1", "m", max_tokens=9).request("p"),
        Endpoint("http://h/v1", "m", seed=1).request("p"),
        Endpoint("http://h/v1", "m", fields={"x": 1}).request("p"),
    ],
)
def test_another_request_has_another_key(other):
    assert request_key(1, other) != KEY
    assert request_key(2, REQUEST) != KEY


def test_the_key_does_not_depend_on_the_address_the_api_key_and_the_order_of_fields():
    assert request_key(1, Endpoint("https://other/v1", "m", key="sk").request("p")) == KEY
    assert request_key(1, dict(reversed(REQUEST.items()))) == KEY


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b'{"key": "x"}', b"[" * 99_999, b"x" * (1 << 21)])
def test_a_damaged_entry_counts_as_missing_and_is_written_again(content, tmp_path):
    remember(tmp_path, entry())
    (path,) = tmp_path.glob("*/*.json")
    path.write_bytes(content)
    assert cached(tmp_path, KEY) is None
    remember(tmp_path, entry())
    assert cached(tmp_path, KEY) == entry()


def test_an_entry_under_the_name_of_another_request_does_not_count(tmp_path):
    remember(tmp_path, entry())
    (path,) = tmp_path.glob("*/*.json")
    other = request_key(1, {})
    (tmp_path / other[:2]).mkdir(exist_ok=True)
    path.rename(tmp_path / other[:2] / f"{other}.json")
    assert cached(tmp_path, other) is None


def test_a_fifo_is_not_opened(tmp_path):
    (tmp_path / KEY[:2]).mkdir()
    os.mkfifo(tmp_path / KEY[:2] / f"{KEY}.json")
    assert cached(tmp_path, KEY) is None


def test_threads_write_the_same_entry_and_leave_one_whole_file(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: remember(tmp_path, entry()), range(64)))
    assert [path.name for path in tmp_path.glob("*/*")] == [f"{KEY}.json"]
    assert cached(tmp_path, KEY) == entry()


def test_other_users_can_not_read_it(tmp_path):
    remember(tmp_path / "c", entry())
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "c", *(tmp_path / "c").glob("*/*"))]
    assert modes == [0o700, 0o600]


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path):
    (tmp_path / "c").write_text("a file")
    with pytest.raises(UserError, match="--cache"):
        remember(tmp_path / "c", entry())


def test_the_default_is_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "lm-eval-illusion" / "judge"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(UserError, match="--cache"):
        default_cache()
    assert Path("~/.cache").exists() is False

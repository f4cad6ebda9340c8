"""Texts kept in the store: drawn once, not believed if somebody else may have written them, and not needed."""

from __future__ import annotations

import json
import os

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.calibration import text_sha256
from lm_eval_illusion.pruning.text_cache import kept_texts

REQUEST = {"dataset": ["org/set", "", "train", "text"], "numbers": [0, 2, 8]}


class Source:
    """What draws texts: other ones each time, counted."""

    def __init__(self):
        self.draws = 0

    def __call__(self):
        self.draws += 1
        return [f"text {self.draws} ü", "\u2028"]


@pytest.fixture
def source():
    return Source()


def texts(store, source, **changes):
    return kept_texts(str(store), {**REQUEST, **changes}, source, text_sha256)


def kept_file(store):
    (file,) = (store / ".texts").iterdir()
    return file


def test_texts_are_drawn_once_for_each_request(tmp_path, source):
    store = tmp_path / "new" / "store"
    assert texts(store, source) == texts(store, source) == ["text 1 ü", "\u2028"]
    assert texts(store, source, numbers=[1, 2, 8]) == ["text 2 ü", "\u2028"]
    assert source.draws == 2


def test_without_a_store_texts_are_drawn_each_time(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert texts("off", source) != texts("off", source)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_text(file.read_text().replace("text 1", "text 7")),
        lambda file: file.write_text("{"),
        lambda file: file.write_text('{"texts": [1], "sha256": ""}'),
        lambda file: file.write_text(json.dumps({"texts": [], "sha256": "", "more": 1})),
        lambda file: file.write_bytes(b"\xff"),
        lambda file: file.chmod(0o666),
        lambda file: file.parent.chmod(0o777),
        lambda file: (file.rename(file.with_name("other")), file.symlink_to("other")),
        lambda file: (file.unlink(), os.mkfifo(file)),
        lambda file: (file.unlink(), file.mkdir()),
    ],
)
def test_a_file_that_is_not_what_was_written_is_drawn_again(tmp_path, source, damage):
    texts(tmp_path, source)
    damage(kept_file(tmp_path))
    assert texts(tmp_path, source) == ["text 2 ü", "\u2028"]


def test_a_store_that_others_can_change_is_refused(tmp_path, source):
    tmp_path.chmod(0o777)
    with pytest.raises(UserError, match="may be changed by other users"):
        texts(tmp_path, source)
    assert source.draws == 0


def test_a_store_that_cannot_be_written_is_no_fault(tmp_path, source):
    (tmp_path / "file").touch()
    assert texts(tmp_path / "file" / "store", source) == ["text 1 ü", "\u2028"]
    (tmp_path / ".texts").touch()
    assert texts(tmp_path, source) == ["text 2 ü", "\u2028"]


def test_an_error_of_the_source_keeps_nothing(tmp_path):
    def fail():
        raise UserError("no hub")

    with pytest.raises(UserError, match="no hub"):
        texts(tmp_path / "store", fail)
    assert not (tmp_path / "store").exists()

"""Texts from a dataset on the hub, which is a local folder here: the library streams both in the same way."""

from __future__ import annotations

import hashlib
import json
import time

import datasets
import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning import hub_text
from lm_eval_illusion.pruning.calibration import calibration_samples, calibration_texts, text_identity
from lm_eval_illusion.pruning.hub_text import hub_texts, is_windowed, refuse_half_characters
from lm_eval_illusion.pruning.settings import read_settings


class Letters:
    """One token a character, after a start token."""

    def encode(self, text, *, add_special_tokens=True):
        return [0, *map(ord, text)] if add_special_tokens else list(map(ord, text))


def write_dataset(folder, rows):
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def texts_of(folder, rows, column="text"):
    return calibration_texts(read_settings(calibration=f"hub:{write_dataset(folder, rows)}:::{column}"))


def document(number, length):
    """Characters from a place of their own, each once: a window of a document tells where it was cut."""
    return "".join(chr(0x4E00 + 300 * number + place) for place in range(length))


@pytest.fixture
def c4(tmp_path, monkeypatch):
    """C4 as the library sees it: 30 documents of 20 characters or of 100. Returns the calls, which a test may let fail."""
    folder = write_dataset(tmp_path / "c4", [{"text": document(n, 100 if n % 3 == 0 else 20)} for n in range(30)])
    calls, load = [], datasets.load_dataset

    def load_dataset(name, config, **options):
        calls.append((name, config, options))
        return load(str(folder), **options)

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *_, **__: None)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    return calls


def test_c4_gives_a_random_window_of_each_document_that_is_long_enough(c4, tmp_path):
    # Characters of three bytes: 6 bytes per token are 50 characters for 25 tokens, so documents of 20 are too short.
    settings = read_settings(
        pretrained="org/model", calibration_samples=8, calibration_length=25, store=str(tmp_path / "store")
    )
    texts = calibration_texts(settings)
    assert c4 == [("allenai/c4", "en", {"split": "train", "streaming": True})]
    assert len(texts) == len(set(texts)) == 8
    assert {len(text) for text in texts} == {100}
    samples = calibration_samples(texts, Letters(), settings).token_ids
    starts = set()
    for text, sample in zip(texts, samples, strict=True):
        start = text.index(chr(sample[1]))
        assert sample == [0, *map(ord, text[start : start + 24])]
        starts.add(start)
    # Eight numbers from 0 to 76 are hardly ever equal.
    assert len(starts) > 4
    assert calibration_samples(texts, Letters(), settings).token_ids == samples


def test_a_seed_gives_one_text_and_another_seed_another(c4):
    first, again, other = (hub_texts("hub:allenai/c4:en", seed, samples=5, length=25) for seed in (1, 1, 2))
    assert first == again != other


def test_documents_are_shuffled_not_the_first_ones(c4):
    drawn = hub_texts("hub:allenai/c4:en", 0, samples=5, length=25)
    assert drawn != [document(n, 100) for n in (0, 3, 6, 9, 12)]


def test_a_huge_document_is_kept_only_as_far_as_a_window_may_reach(monkeypatch):
    monkeypatch.setattr(hub_text, "_texts", lambda *_: iter(["b" * 10**7]))
    (text,) = hub_texts("hub:allenai/c4:en", 0, samples=1, length=25)
    assert len(text) == 64 * 25


def test_a_dataset_without_long_documents_comes_to_an_end(monkeypatch):
    read = []

    def endless(*_):
        while True:
            read.append(1)
            yield "short"

    monkeypatch.setattr(hub_text, "_texts", endless)
    with pytest.raises(
        UserError, match=r"has no document that is long enough for 25 tokens: .* or a smaller calibration_length"
    ):
        hub_texts("hub:allenai/c4:en", 0, samples=2, length=25)
    assert len(read) == 4_000
    monkeypatch.setattr(hub_text, "_texts", lambda *_: iter(lambda: "", None))
    with pytest.raises(UserError, match="has no text"):
        hub_texts("hub:a/b", 0, samples=2, length=25)


def test_a_text_with_fewer_tokens_than_bytes_promise_is_left_out_and_told(caplog):
    class Words:
        def encode(self, text, *, add_special_tokens=True):
            return [len(word) for word in text.split()]

    settings = read_settings(pretrained="org/model", calibration_samples=2, calibration_length=8)
    texts = ["word " * 50, "longword" * 50]
    assert calibration_samples(texts, Words(), settings).token_ids == [[4] * 8]
    assert "text for only 1 samples of 8 tokens, 2 were requested" in caplog.text


def test_windows_of_texts_have_another_identity_than_the_texts_joined():
    windows, joined = read_settings(pretrained="org/model"), read_settings(calibration="hub:a/b")
    # The hash of joined texts has always been that of the text alone: it is part of the keys of stored checkpoints.
    assert text_identity(["a"], joined) == [hashlib.sha256(b"a").hexdigest()]
    assert text_identity(["a"], windows) == [hashlib.sha256(b"window\0a").hexdigest()]


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        ("hub:allenai/c4:en", True),
        ("hub:allenai/c4:fi:validation", True),
        ("hub:org/c4:en", False),
        ("embedded", False),
        ("allenai/c4", False),
    ],
)
def test_c4_is_windowed_in_every_language_and_nothing_else(calibration, expected):
    assert is_windowed(calibration) == expected


def test_any_other_dataset_gives_as_many_rows_as_its_samples_need(tmp_path):
    folder = write_dataset(tmp_path / "d", [{"text": f"{n:04}" * 10} for n in range(100)])
    texts = hub_texts(f"hub:{folder}", 0, samples=2, length=50)
    # 2 x 50 tokens of 8 characters, in rows of 40.
    assert len(texts) == len(set(texts)) == 20


def test_a_dataset_gives_its_column(tmp_path):
    rows = [{"title": f"t{n}", "text": text} for n, text in enumerate(("", "one", "two\u2028two"))]
    assert sorted(texts_of(tmp_path / "d", rows)) == ["", "one", "two\u2028two"]
    assert sorted(texts_of(tmp_path / "e", rows, "title")) == ["t0", "t1", "t2"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["x", None], "in a row, the column 'text' is null: give a column of texts, .* in this row: title"),
        ([1, 2], "the column 'text' is a number"),
        ([["x"], ["y"]], "the column 'text' is a list"),
        (["", " "], "has no text: give another dataset or column"),
    ],
)
def test_a_column_without_text_is_one_line(tmp_path, values, message):
    with pytest.raises(UserError, match=message):
        texts_of(tmp_path / "d", [{"title": "t", "text": value} for value in values])


def test_half_a_character_is_refused():
    with pytest.raises(UserError, match="the text has half a character"):
        refuse_half_characters("x\udfff", "row 1")
    refuse_half_characters("\ud7ff\ue000\U0001f600", "row 1")


def test_an_offline_hub_is_one_line_that_names_the_ways_out(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    settings = read_settings(pretrained="org/model", store=str(tmp_path))
    with pytest.raises(UserError) as caught:
        calibration_texts(settings)
    message = str(caught.value)
    assert message.startswith("calibration hub:allenai/c4:en can't be loaded from the hub (")
    assert message.endswith("): give a text file, calibration=embedded, or a dataset that can be reached")
    assert "\n" not in message


def test_a_hub_that_does_not_answer_is_told_by_one_request(monkeypatch, tmp_path):
    # `load_dataset` would try six times, with pauses of 23 s together.
    def refuse(self, name, timeout):
        asked.append((name, timeout))
        raise ConnectionError("no network")

    asked = []
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", refuse)
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: pytest.fail("the hub was asked again"))
    begin = time.monotonic()
    with pytest.raises(UserError, match=r"can't be loaded from the hub \(ConnectionError: no network\): give a text file"):
        hub_texts("hub:allenai/c4:en", 0, samples=1, length=25)
    assert asked == [("allenai/c4", 10)]
    assert time.monotonic() - begin < 10


def test_a_stream_that_breaks_is_opened_again_a_few_times_only(monkeypatch):
    retries = []
    monkeypatch.setattr(hub_text, "_texts", lambda *_: iter([str(retries.append(limits())) + "x" * 999]))
    before = limits()
    hub_texts("hub:a/b", 0, samples=1, length=8)
    assert retries == [(3, 3)]
    assert limits() == before


def limits():
    return datasets.config.STREAMING_OPEN_MAX_RETRIES, datasets.config.STREAMING_READ_MAX_RETRIES


def test_windows_lie_everywhere_in_a_document():
    settings = read_settings(pretrained="org/model", calibration_samples=400, calibration_length=9)
    texts = [document(0, 20)] * 400
    firsts = {sample[1] - 0x4E00 for sample in calibration_samples(texts, Letters(), settings).token_ids}
    # Windows of 8 characters of 20 begin at 0 to 12; with 400 draws each place is met.
    assert firsts == set(range(13))

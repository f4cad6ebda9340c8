"""Calibration samples: all of one length, the same for the same seed, and an error if there are none."""

from __future__ import annotations

import json
import os

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import embedded_items, held_out_items
from lm_eval_illusion.pruning.calibration import calibration_samples, calibration_texts
from lm_eval_illusion.pruning.hub_text import refuse_half_characters
from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.views.prompts import prompt_with_answer
from tests.tiny_models import make_tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return make_tiny_tokenizer()


def make_calibration(tokenizer, **arguments):
    settings = read_settings(**arguments)
    return calibration_samples(calibration_texts(settings), tokenizer, settings)


def test_embedded_samples_have_the_requested_length_and_number(tokenizer):
    ids = make_calibration(tokenizer, calibration_samples=20, calibration_length=64).token_ids
    assert {len(sample) for sample in ids} == {64}
    assert len(ids) == 20
    assert {sample[0] for sample in ids} == {tokenizer.bos_token_id}


def test_a_short_text_is_repeated_to_the_sample_length(tokenizer):
    calibration = make_calibration(tokenizer, calibration_samples=1, calibration_length=20_000, calibration_language="en")
    assert len(calibration.token_ids[0]) == 20_000


def test_the_seed_determines_the_order(tokenizer):
    a, b, c = (make_calibration(tokenizer, calibration_samples=4, pruning_seed=seed) for seed in (1, 1, 2))
    assert a == b
    assert a.sha256 != c.sha256


def test_one_calibration_language_gives_only_its_facts():
    texts = calibration_texts(read_settings(calibration_language="ko", calibration_samples=3))
    assert len(texts) == 3
    for text in texts:
        assert set(text.strip().split("\n\n")) == {prompt_with_answer(fact) for fact in held_out_items("ko")}


def test_a_language_without_held_out_facts_gives_no_calibration_text(tmp_path, monkeypatch):
    for folder, languages in (("items", ("ko", "fi", "cs")), ("held_out", ("ko", "fi"))):
        (tmp_path / folder).mkdir()
        for lang in languages:
            fact = held_out_items("ko")[0] | {"lang": lang, "question": f"{folder} {lang}?"}
            (tmp_path / folder / f"{lang}.jsonl").write_text(json.dumps(fact) + "\n", encoding="utf-8")
    monkeypatch.setattr("lm_eval_illusion.items._embedded_folder", lambda: tmp_path)
    texts = calibration_texts(read_settings(calibration_samples=3))
    assert [lang for text in texts for lang in ("ko", "fi", "cs") if f"held_out {lang}?" in text] == ["fi", "ko", "fi"]
    with pytest.raises(UserError, match="calibration_language 'cs' has no held-out items: give all or one of fi ko"):
        read_settings(calibration_language="cs")


def test_no_evaluated_item_is_in_the_calibration_text():
    texts = "".join(calibration_texts(read_settings(calibration_samples=18)))
    assert not [item["id"] for item in embedded_items("de") if item["question"] in texts]


def test_a_tilde_in_a_path_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "one.txt").write_text("Question: x?")
    assert calibration_texts(read_settings(calibration="~/one.txt")) == ["Question: x?"]


def test_a_text_file_is_cut_into_consecutive_samples(tokenizer, tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("Question: x?\nAnswer: France " * 50)
    ids = make_calibration(tokenizer, calibration=str(path), calibration_samples=3, calibration_length=32).token_ids
    # One paragraph, so nothing is shuffled: samples without BOS are consecutive tokens of the text.
    stream = tokenizer.encode(path.read_text().strip() + "\n\n", add_special_tokens=False)
    assert [sample[1:] for sample in ids] == [stream[0:31], stream[31:62], stream[62:93]]


def test_too_little_text_gives_fewer_samples_or_an_error(tokenizer, tmp_path, caplog):
    path = tmp_path / "short.txt"
    path.write_text("Question: x?\nAnswer: France " * 10)
    available = len(tokenizer.encode(path.read_text().strip() + "\n\n", add_special_tokens=False))
    ids = make_calibration(tokenizer, calibration=str(path), calibration_samples=500, calibration_length=32).token_ids
    assert len(ids) == available // 31
    assert f"{available // 31} samples of 32 tokens, 500 were requested" in caplog.text
    with pytest.raises(UserError, match="fewer than 100000 tokens, not one sample"):
        make_calibration(tokenizer, calibration=str(path), calibration_length=100_000)


def test_a_jsonl_file_gives_its_field_text(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": f"row {n}"}) + "\n" for n in range(5)))
    texts = calibration_texts(read_settings(calibration=str(path), pruning_seed=3))
    assert sorted(texts) == [f"row {n}" for n in range(5)]
    assert texts == calibration_texts(read_settings(calibration=str(path), pruning_seed=3))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "x"}\n{', r"a.jsonl:2: not a JSON object \(.*\): write one text per line"),
        ("a.jsonl", b'{"body": "x"}\n', r'a.jsonl:1: no field "text"'),
        ("a.jsonl", b'{"text": "x"}\n\n{"text": null}\n', r'a.jsonl:3: the field "text" is null'),
        ("a.jsonl", b'{"text": 5}', r'a.jsonl:1: the field "text" is a number'),
        ("a.jsonl", b'{"text": ["x"]}', r'a.jsonl:1: the field "text" is a list'),
        ("a.jsonl", b'{"text": true}', r'a.jsonl:1: the field "text" is true or false'),
        ("a.jsonl", b'{"text": {"x": 1}}', r'a.jsonl:1: the field "text" is not a string'),
        ("a.jsonl", b'{"text": " \\n"}', r'a.jsonl:1: the field "text" is empty'),
        ("a.jsonl", b'"text"', r"a.jsonl:1: not a JSON object but str"),
        ("a.jsonl", b'{"text": "\xff"}', r"a.jsonl:1: not UTF-8"),
        ("a.jsonl", b"\n", "a.jsonl is empty"),
        ("A.JSONL", b'{"text": null}', r'A.JSONL:1: the field "text" is null'),
        ("a.json", b'[\n{"text": "x"}\n]', r"a.json:1: not a JSON object"),
        ("a.txt", b"\n \n", "a.txt is empty"),
        ("a.txt", b"\xff\xfe\xff", r"a\.txt is not UTF-8 text \(byte 1\)"),
    ],
)
def test_a_faulty_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        calibration_texts(read_settings(calibration=str(tmp_path / name)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt"])
@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path), os.mkdir]
)
def test_what_is_no_regular_file_is_one_line(tmp_path, monkeypatch, name, make):
    # A FIFO would block for ever, /dev/zero would never end.
    make(tmp_path / name)
    # Messages cut a long path.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=name) as caught:
        calibration_texts(read_settings(calibration=name))
    assert "\n" not in str(caught.value)


def test_half_a_character_is_refused_with_its_place(tmp_path):
    # JSON can state one; hashing the text and every tokenizer fail on it.
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n{"text": "a\\ud800b"}\n')
    with pytest.raises(UserError, match=r"a\.jsonl:2: \\ud800 is half a character"):
        calibration_texts(read_settings(calibration=str(tmp_path / "a.jsonl")))
    with pytest.raises(UserError, match="the text has half a character"):
        refuse_half_characters("x\udfff", "row 1")
    refuse_half_characters("\ud7ff\ue000\U0001f600", "row 1")


class Letters:
    """One token a character, and the longest text that was encoded."""

    longest = 0

    def encode(self, text, *, add_special_tokens=True):
        self.longest = max(self.longest, len(text))
        return [0, *map(ord, text)] if add_special_tokens else list(map(ord, text))


def test_a_huge_line_is_encoded_only_as_far_as_it_is_used(tmp_path):
    tokenizer = Letters()
    (tmp_path / "a.txt").touch()
    settings = read_settings(calibration=str(tmp_path / "a.txt"), calibration_samples=2, calibration_length=16)
    found = calibration_samples(["b" * 10**7], tokenizer, settings)
    assert found.token_ids == [[0, *[ord("b")] * 15]] * 2
    # Two samples of 15 tokens and one token more, each of at most 64 characters; the separator.
    assert tokenizer.longest == (2 * 15 + 1) * 64 + 2


class Faulty:
    def __init__(self, outputs):
        self.outputs = outputs

    def encode(self, text, *, add_special_tokens=True):
        output = self.outputs[add_special_tokens]
        if isinstance(output, BaseException):
            raise output
        return output


class PanicException(BaseException):
    """As the tokenizers library raises it: no Exception."""


@pytest.mark.parametrize(
    ("with_start", "without", "message"),
    [
        ([0, 1], [], "gives no token for the calibration text"),
        ([0, 1], [2], "ValueError"),
        (RuntimeError("no\nsuch"), [1], "RuntimeError: no such"),
        (PanicException("at a.rs"), [1], "PanicException: at a.rs"),
        ([*range(300)], [299], r"calibration_length 256 has no place for text, the tokenizer puts 299 tokens before it"),
    ],
)
def test_a_tokenizer_that_fails_is_one_line(with_start, without, message):
    tokenizer = Faulty({True: with_start, False: without})
    with pytest.raises(UserError, match=message):
        calibration_samples(["a"], tokenizer, read_settings(calibration_samples=1))


@pytest.mark.parametrize("name", ["a.jsonl", "A.JSONL", "a.ndjson", "a.json"])
def test_a_line_of_a_jsonl_file_ends_at_a_line_feed_only(tmp_path, name):
    # JSON allows these raw in a string; str.splitlines would end the line at each of them.
    rows = ["one\u2028two", "one\u2029two", "one\u0085two", "\ufeffone"]
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in rows]
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode() + b"\r\n\r\n")
    texts = calibration_texts(read_settings(calibration=str(tmp_path / name)))
    assert sorted(texts) == sorted(rows)


@pytest.mark.parametrize(
    "content",
    [
        b"one\ntwo\n\nthree",
        b"one\r\ntwo\r\n\r\nthree\r\n",
        b"one\rtwo\r\rthree\r",
        b"\xef\xbb\xbfone\ntwo\n\nthree",
        b"one\ntwo\n \t\n\n\n  three  \n",
        b"\r\n\r\none\r\ntwo\r\n  \r\nthree",
        "one\ntwo\n\u00a0\u2028\nthree".encode(),
    ],
)
def test_paragraphs_are_separated_by_lines_without_text(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    assert sorted(calibration_texts(read_settings(calibration=str(tmp_path / "a.txt")))) == ["one\ntwo", "three"]

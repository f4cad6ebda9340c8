"""`hub:NAME[:CONFIG[:SPLIT]]`, with local folders that `datasets` reads as it reads the hub."""

from __future__ import annotations

import json

import datasets
import huggingface_hub
import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading import hub
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions

CARD = "---\nconfigs:\n- config_name: aa\n  data_files: aa/*.jsonl\n- config_name: bb\n  data_files: bb/*.jsonl\n---\n"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A data set with two splits and one with two configs, and a cache of their own."""
    root = tmp_path_factory.mktemp("hub")
    rows = [json.dumps({"question": f"Who is {n}?", "answers": {"text": [f"Person {n}"]}}) for n in range(3)]
    for path in ("splits/train.jsonl", "splits/validation.jsonl", "configs/aa/x.jsonl", "configs/bb/x.jsonl"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("\n".join(rows[: 2 if "train" in path else 3]))
    (root / "configs" / "README.md").write_text(CARD)
    (root / "broken").mkdir()
    (root / "broken" / "train.jsonl").write_text('{"question": ')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", root / "cache")
        patch.chdir(root)
        yield root


@pytest.mark.parametrize(
    ("source", "rows", "location"),
    [("splits", 3, "splits::validation"), ("splits::train", 2, "splits::train"), ("configs:aa", 3, "configs:aa:train")],
)
def test_rows_of_a_data_set(folders, source, rows, location):
    questions = read_questions(f"hub:{source}", ReadingOptions(lang="en")).questions
    assert [question.answer for question in questions] == [f"Person {n}" for n in range(rows)]
    assert questions[0].location == f"row 1 of hub:{location}"
    assert questions[1].id == "row-2"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("splits::tst", "has no split 'tst': give hub:splits::SPLIT with train, validation"),
        ("configs", "has several configs: give hub:configs:CONFIG with one of aa, bb"),
        ("configs:cc", "has no config 'cc': give hub:configs:CONFIG with one of aa, bb"),
        # One config and a file that can't be read: naming the config would not help.
        ("broken", "broken can't be loaded from the Hugging Face hub ("),
        ("broken:cc", "has no config 'cc': give hub:broken:CONFIG with one of default"),
        ("configs:aa:test", "has no split 'test': give hub:configs:aa:SPLIT with train"),
        ("", "'hub:' names no data set: give hub:NAME"),
        ("a:b:c:d", "names no data set"),
    ],
)
def test_what_there_is_not(folders, source, message):
    with pytest.raises(UserError) as error:
        read_questions(f"hub:{source}", ReadingOptions(lang="en"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_without_the_hub_and_a_cache_one_line_says_what_to_do(folders, monkeypatch):
    def no_route(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", no_route)
    hub.is_on_hub.cache_clear()
    with pytest.raises(
        UserError, match=r"no/such can't be loaded .*check the name, go online, log in if it is gated, or give a file"
    ):
        read_questions("hub:no/such", ReadingOptions(lang="en"))
    hub.is_on_hub.cache_clear()


def test_a_gated_data_set_says_so(folders, monkeypatch):
    def gated(*_, **__):
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'org/set' is a gated dataset on the Hub.")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: None)
    monkeypatch.setattr(datasets, "load_dataset", gated)
    monkeypatch.setattr(datasets, "get_dataset_config_names", gated)
    hub.is_on_hub.cache_clear()
    with pytest.raises(UserError, match=r"org/set can't be loaded .*gated dataset on the Hub.*log in if it is gated"):
        read_questions("hub:org/set", ReadingOptions(lang="en"))
    hub.is_on_hub.cache_clear()

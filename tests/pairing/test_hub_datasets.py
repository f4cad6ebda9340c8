"""The hub, reached or not."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import datasets
import huggingface_hub
import pytest

from lm_eval_illusion.pairing import hub_datasets

NOBODY_LISTENS = "http://127.0.0.1:9"
ROW = {"id": "english-1", "title": "Ada", "question": "Who?", "context": "Ada.", "answers": {"text": ["Ada"]}}


@pytest.mark.slow
@pytest.mark.parametrize("questions", ["xquad_questions", "tydiqa_questions"])
def test_without_the_hub_one_line_says_so_soon(questions, tmp_path):
    code = (
        f"from lm_eval_illusion.pairing.hub_datasets import family_items; from lm_eval_illusion.pairing.hub_datasets import {questions}\n"
        f"family_items('x', 'en', {questions}, None)"
    )
    environment = {**os.environ, "HF_ENDPOINT": NOBODY_LISTENS, "HF_HOME": str(tmp_path)}
    environment.pop("HF_HUB_OFFLINE", None)
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert "can't be had from the Hugging Face hub" in done.stderr
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - before < 20  # it was 36 seconds


@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_in_the_cache_is_taken_without_the_hub(monkeypatch, is_there):
    def dataset_info(*_, timeout, **__):
        assert timeout <= 10
        if not is_there:
            raise OSError("no route")

    def load_dataset(*_, **__):
        assert datasets.config.HF_HUB_OFFLINE is not is_there
        return [ROW]

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", dataset_info)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    hub_datasets._answers.cache_clear()
    assert [question.answer for question in hub_datasets.tydiqa_questions()] == ["Ada"]
    assert datasets.config.HF_HUB_OFFLINE is False
    hub_datasets._answers.cache_clear()

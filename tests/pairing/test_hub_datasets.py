"""Real QA data from the Hugging Face hub: with the hub, from the cache, and with neither."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import datasets
import huggingface_hub
import pytest

from lm_eval_illusion.pairing import hub_datasets
from lm_eval_illusion.pairing.reading import hub

CLOSED_PORT = "http://127.0.0.1:9"
ROW = {"id": "english-1", "title": "Ada", "question": "Who?", "context": "Ada.", "answers": {"text": ["Ada"]}}


@pytest.mark.slow
@pytest.mark.parametrize("questions", ["xquad_questions", "tydiqa_questions"])
def test_without_hub_and_cache_the_command_fails_soon_with_one_line(questions, tmp_path):
    code = (
        f"from lm_eval_illusion.pairing.hub_datasets import family_items, {questions}\n"
        f"family_items('x', 'en', {questions}, None)"
    )
    environment = {**os.environ, "HF_ENDPOINT": CLOSED_PORT, "HF_HOME": str(tmp_path)}
    environment.pop("HF_HUB_OFFLINE", None)
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert "can't be loaded from the Hugging Face hub" in done.stderr
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - before < 20  # `load_dataset` alone took 36 seconds.


@pytest.mark.parametrize("is_online", [True, False])
def test_without_the_hub_the_cache_is_used(monkeypatch, is_online):
    def dataset_info(*_, timeout, **__):
        assert timeout <= 10
        if not is_online:
            raise OSError("no route")

    def load_dataset(*_, **__):
        assert datasets.config.HF_HUB_OFFLINE is not is_online
        return [ROW]

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", dataset_info)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    hub.is_on_hub.cache_clear()
    assert [question.answer for question in hub_datasets.tydiqa_questions()] == ["Ada"]
    assert datasets.config.HF_HUB_OFFLINE is False
    hub.is_on_hub.cache_clear()

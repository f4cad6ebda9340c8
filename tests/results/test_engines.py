"""The engine of a run."""

from __future__ import annotations

import pytest

from lm_eval_illusion.results.engines import engine_of
from lm_eval_illusion.results.results_file import RunConfig, ServedConfig
from lm_eval_illusion.results.servers import server_of

URL = {"base_url": "http://gpu1:8000/v1"}


@pytest.mark.parametrize(
    ("model", "arguments", "engine"),
    [
        ("hf", {}, "hf"),
        ("pruned-hf", {}, "hf"),
        ("vllm", {}, "vllm"),
        ("pruned-vllm", {}, "vllm"),
        ("sglang", {}, "sglang"),
        ("gguf", URL, "llama.cpp"),
        ("local-completions", URL, "API at gpu1:8000"),
        ("openai-chat-completions", {}, "API at api.openai.com"),
        ("nemo_lm", {}, "nemo_lm"),
        (None, {}, None),
    ],
)
def test_the_model_class_tells_the_engine(model, arguments, engine):
    config = RunConfig(model)
    assert engine_of(config, server_of(config, arguments)) == engine


@pytest.mark.parametrize(
    ("stated", "engine"), [("llama.cpp", "llama.cpp"), ("vllm", "vllm"), ("transformers", "hf"), (None, "API at gpu1:8000")]
)
def test_our_class_for_servers_states_it(stated, engine):
    config = RunConfig("served", served=ServedConfig("m", URL["base_url"], stated))
    assert engine_of(config, server_of(config, {})) == engine

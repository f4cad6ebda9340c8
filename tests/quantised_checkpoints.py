"""Small checkpoints that llmcompressor and peft write, for the tests of models that were quantised or adapted elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

INT4 = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 16}


def save_quantised(
    source: Path, folder: Path, ignore: tuple[str, ...] = (), *, calibrated: bool = False, dtype: str = "auto", **scheme: Any
) -> Path:
    """Quantise the linear layers of a model but its head and `ignore`, and save it packed. `scheme`: of QuantizationModifier.

    `calibrated`: for a scheme with fixed scales of the activations. `dtype`: that of the model before.
    """
    import torch
    from llmcompressor import oneshot
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype)
    text = [{"input_ids": torch.arange(3, 35)[None], "attention_mask": torch.ones(1, 32, dtype=torch.long)}]
    data = {"dataset": DataLoader(text, batch_size=None), "num_calibration_samples": 1} if calibrated else {}
    recipe = QuantizationModifier(targets="Linear", ignore=["re:.*lm_head", *ignore], **scheme)
    oneshot(model=model, recipe=recipe, processor=AutoTokenizer.from_pretrained(source), **data)
    model.save_pretrained(folder, save_compressed=True)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


def save_int4(source: Path, folder: Path, ignore: tuple[str, ...] = ()) -> Path:
    """As `save_quantised` with W4A16 in groups that fit into the rows of a tiny model."""
    return save_quantised(source, folder, ignore, config_groups={"group_0": {"targets": ["Linear"], "weights": INT4}})


def save_adapter(source: Path, folder: Path, seed: int = 0) -> Path:
    """Save a random LoRA adapter of a tiny Llama."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(source), config).save_pretrained(folder)
    return folder

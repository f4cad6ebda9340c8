"""Checks of what lm_eval's HFLM was told to load: the device, the window, and whether an adapter's weights all have their place."""

from __future__ import annotations

import re
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.base_identity import shown

_DEVICES = re.compile(r"cpu|(cuda|mps|xpu|npu|hpu)(:\d{1,3})?")


def check_device(device: Any) -> str:
    """Return the device to use; HFLM takes another one without a word where it does not know the name.

    `cuda:0` is what lm_eval's command states if the user states nothing. As with `hf`, it means the CPU where there is no GPU.

    Raises:
        UserError: It is no device, or this machine has no such GPU.
    """
    import torch

    name = str(device)
    count = torch.cuda.device_count()
    if name == "cuda:0" and not count:
        return "cpu"
    if not _DEVICES.fullmatch(name):
        raise UserError(
            f"device {shown(name)!r} is unknown: give cpu, cuda, cuda:N for the GPU of number N, mps, xpu, npu or hpu"
        )
    if name.startswith("cuda") and int(name.partition(":")[2] or 0) >= count:
        others = f", or a GPU from cuda:0 to cuda:{count - 1}" if count else ""
        raise UserError(f"device {name!r} is not there, PyTorch sees {count} GPUs: give --device cpu{others}")
    return name


def check_max_length(value: Any) -> None:
    """Check a window in tokens; None: it is not given.

    Raises:
        UserError: It is no whole number from 1 on.
    """
    if value is not None and (type(value) is not int or value < 1):
        raise UserError(f"max_length {str(value)[:100]} is no number of tokens: give max_length=N, at least 1")


def refuse_incomplete_adapter(model: Any, adapter: str, revision: str) -> None:
    """Refuse a LoRA adapter of which some weights have no place in the model, or the model has no weights in the adapter's file.

    peft leaves out the first and fills the second with its own start values; it only warns about the second.

    Raises:
        UserError: There are such weights; one is named.
    """
    from peft import PeftType, get_peft_model_state_dict
    from peft.utils import load_peft_weights

    config = model.active_peft_config
    if config.peft_type != PeftType.LORA:
        return
    saved = {name for name in load_peft_weights(adapter, device="cpu", revision=revision) if "lora_" in name}
    placed = {name for name in get_peft_model_state_dict(model, save_embedding_layers=False) if "lora_" in name}
    for names, fault in ((saved - placed, "have no place in the model"), (placed - saved, "are missing in its files")):
        if names:
            raise UserError(
                f"peft {shown(adapter)} can't be loaded (tensors {fault}: {len(names)}, such as {min(names)[:100]}): check that it was"
                " made for this model and that its adapter_config.json belongs to its weights"
            )

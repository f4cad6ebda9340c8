"""A model that is loaded completely or not at all: transformers fills what its files lack with random numbers and only warns.

Also a limit for what a configuration may ask for: a class is first built without data, and the limit ends that before any memory is used.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.pruning.base_identity import ModelFiles, shown, weight_paths
from lm_eval_illusion.pruning.weights import name_pattern

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

logger = logging.getLogger(__name__)

MOST_PER_BYTE = 16
"""The most numbers per byte of the weight files: packed weights of 2 bits, four times as many because layers that share weights count
each time."""
SPARE = 50_000_000
"""Numbers that a model may have in addition. As float32 they take 200 MB."""
SMALLEST = 1000
"""A parameter counts at least as this many numbers, because each takes time."""
MOST_IN_BUFFER = 1 << 33
"""The most numbers in one buffer: a mask of 65,536 tokens has half of them."""

# What old versions of transformers saved beside the weights: masks, constants and positions, which are computed today.
_OLD_BUFFERS = re.compile(
    r"(^|\.)(attn|attention|self_attn|crossattention)\.((masked_)?bias|causal_mask)$|\.(inv_freq|cos_cached|sin_cached)$|(^|\.)position_ids$"
    r"|(^|\.)embed_positions\.weights$|(^|\.)decoder\.version$"
)


class CompleteCausalLM:
    """In place of transformers' `AutoModelForCausalLM`: refuses a model whose files do not have exactly its tensors."""

    @staticmethod
    def from_pretrained(name: str, **arguments: Any) -> PreTrainedModel:
        """Load a model as `AutoModelForCausalLM` does.

        Raises:
            UserError: Tensors are missing, have other shapes than the configuration states, or are left over.
            Exception: Whatever transformers raises.
        """
        from transformers import AutoModelForCausalLM

        # Other shapes are refused below, with the name of a tensor.
        arguments = {"ignore_mismatched_sizes": True, **arguments, "output_loading_info": True}
        model, info = AutoModelForCausalLM.from_pretrained(name, **arguments)
        loaded: PreTrainedModel = model
        names = [parameter for parameter, _ in loaded.named_parameters()]
        refuse_incomplete(shown(name), info, names, is_quantised=getattr(model, "hf_quantizer", None) is not None)
        return loaded


def refuse_incomplete(
    name: str, info: Mapping[str, Collection[Any]], parameters: Collection[str], *, is_quantised: bool
) -> None:
    """Refuse a model by transformers' `loading_info`, from which its own lists of tensors to ignore are already removed.

    A tensor that is left over is refused if it belongs to a module of the model, in any layer: a bias, or a layer that the configuration
    leaves out. Others, such as the value head of a reward model, are named in the log. `parameters`: names of the model's own.
    `is_quantised`: its files have tensors, such as scales, that the class does not name; what is left over does not count.

    Raises:
        UserError: Tensors are missing, have other shapes, or are left over.
    """
    modules = {name_pattern(parameter.rpartition(".")[0]) for parameter in parameters}
    faults: dict[Literal["missing", "mismatched", "unexpected"], str] = {
        "missing": "are missing in its files, and transformers would fill them with random numbers",
        "mismatched": "have another shape in its files than its configuration states",
        "unexpected": "in its files have no place in a model of its configuration, and transformers would leave them out",
    }
    for fault, meaning in faults.items():
        found = [key[0] if isinstance(key, tuple) else key for key in info.get(f"{fault}_keys", ())]
        if fault == "unexpected":
            left_over = [] if is_quantised else [key for key in found if not _OLD_BUFFERS.search(key)]
            found = [key for key in left_over if name_pattern(key.rpartition(".")[0]) in modules]
            if left_over and not found:
                first = for_terminal(str(min(left_over))[:100])
                logger.warning(
                    "%s: %d tensors of its files belong to no part of the model, such as %s", name, len(left_over), first
                )
        if found:
            first = str(min(found))[:100]
            raise UserError(
                f"{name} can't be loaded (tensors {meaning}: {len(found)}, such as {first}): {_check_of(name)} and that no file is missing"
            )


@contextmanager
def limited_size(files: ModelFiles) -> Iterator[None]:
    """Within the `with` statement, end the building of a model that has far more numbers than its weight files can hold.

    Raises:
        UserError: A configuration asks for such a model.
    """
    from torch.nn.modules.module import (
        register_module_buffer_registration_hook,
        register_module_parameter_registration_hook,
    )

    size = sum(_size(path) for path in weight_paths(files))
    if not size:
        yield
        return
    sizes: dict[tuple[int, str], int] = {}
    total = 0

    def count(module: Module, name: str, parameter: Tensor | None) -> None:
        nonlocal total
        if parameter is not None:
            # The same place is filled several times: without data, then with it.
            place, numbers = (id(module), name), max(parameter.numel(), SMALLEST)
            total += numbers - sizes.get(place, 0)
            sizes[place] = numbers
            if total > MOST_PER_BYTE * size + SPARE:
                raise _too_large(files, f"more than {total:.1e} numbers, its weight files have {size:,} bytes")

    def check_buffer(_: Module, name: str, buffer: Tensor | None) -> None:
        if buffer is not None and buffer.numel() > MOST_IN_BUFFER:
            raise _too_large(files, f"a buffer {name[:100]} of {buffer.numel():.1e} numbers")

    handles = [register_module_parameter_registration_hook(count), register_module_buffer_registration_hook(check_buffer)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _too_large(files: ModelFiles, what: str) -> UserError:
    return UserError(
        f"{shown(files.pretrained)} can't be loaded (its configuration asks for {what}): {_check_of(files.pretrained)}"
    )


def _check_of(name: str) -> str:
    """Return what a user can check; a GGUF file has metadata in place of config.json."""
    return f"check that its {'metadata' if name.lower().endswith('.gguf') else 'config.json'} belongs to its weights"


def _size(path: Path) -> int:
    return os.stat(path).st_size

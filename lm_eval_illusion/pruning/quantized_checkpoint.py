"""A base model that another tool has quantised: its scheme, the refusal to prune it, and the bits of its layers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.limits import time_limit
from lm_eval_illusion.loading.quantized_files import REMEDY, scheme_of_files
from lm_eval_illusion.loading.quantized_scheme import QuantizedScheme
from lm_eval_illusion.pruning.base_identity import ModelFiles, read_object, shown
from lm_eval_illusion.pruning.complete_model import limited_size
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, loading_errors

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MOST_SECONDS = 10
"""For the patterns of a scheme, which a file of other people states."""


class LayerBits(NamedTuple):
    """Bits per weight by layer name, and their mean over all weights, so that larger layers count more."""

    of_layer: dict[str, float]
    mean: float


def checkpoint_scheme(files: ModelFiles) -> QuantizedScheme | None:
    """Return how a checkpoint is quantised or compressed; None for an ordinary one.

    Raises:
        UserError: There is no such model, or its configuration can't be read.
    """
    return scheme_of_files(partial(read_object, files), shown(files.pretrained))


def refuse_quantized(files: ModelFiles) -> None:
    """Refuse to prune a checkpoint that is already quantised: packed weights have no zeros to set, and the scales would no longer fit.

    Raises:
        UserError: It is quantised or compressed.
    """
    scheme = checkpoint_scheme(files)
    if scheme is not None:
        raise UserError(
            f"{files.pretrained} is already quantised or compressed ({scheme.name}, {scheme.method}): prune the model that it was made"
            " from, or measure it as it is with pruner=none"
        )


def bits_of_scheme(base: BaseModel, scheme: QuantizedScheme) -> LayerBits | None:
    """Return the bits per weight of the prunable layers; those that the scheme leaves out have the bits of their dtype.

    The layers are those of the model's class, built without weights. None if the scheme does not state the bits of a layer, or
    if transformers can't build the class (an engine may know models that transformers does not).
    """
    from lm_eval_illusion.pruning.quantization import bits_of_layers, overall_bits

    try:
        model = model_without_weights(base)
    except (UserError, ImportError, RuntimeError, TypeError, NotImplementedError):
        return None
    bits: dict[str, float] = {}
    problem = f"the quantisation of {shown(base.pretrained)} can't be read"
    too_long = f"{problem} (matching its names with the layers takes more than {MOST_SECONDS} s): {REMEDY}"
    with attributed(problem, REMEDY), time_limit(MOST_SECONDS, too_long):
        for name, dtype_bits in bits_of_layers(model, {}).items():
            # The names of a scheme may be regular expressions, which can take for ever.
            group = scheme.covers(name, _kind(model, name))
            layer_bits = dtype_bits if group is None else group.bits
            if layer_bits is None:
                return None
            bits[name] = layer_bits
    mean = overall_bits(model, bits)
    return None if mean is None else LayerBits(bits, mean)


def model_without_weights(base: BaseModel) -> PreTrainedModel:
    """Build the model's class from its configuration on torch's `meta` device: names, shapes and dtypes only.

    Raises:
        UserError: The class can't be built.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with loading_errors(base.pretrained), limited_size(base.files), torch.device("meta"):
        config = AutoConfig.from_pretrained(
            resolve_pretrained(base.pretrained),
            revision=base.revision,
            subfolder=base.subfolder,
            trust_remote_code=base.trust_remote_code,
        )
        dtype = config.dtype if base.dtype == "auto" else base.dtype
        dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config, dtype=dtype or torch.float32, trust_remote_code=base.trust_remote_code
        )
    return model


def _kind(model: PreTrainedModel, layer: str) -> str:
    """Return the name of a layer's class as a scheme's targets name it. Experts without modules of their own count as Linear."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    module = dict(model.named_modules()).get(layer)
    if module is None:
        return "Linear" if model.get_parameter(layer).ndim == 3 else "Parameter"
    return "Linear" if isinstance(module, Linear | Conv1D) else type(module).__name__

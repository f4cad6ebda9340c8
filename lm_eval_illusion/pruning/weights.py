"""The weights of a language model: every parameter of two or more dimensions that multiplies activations, and which may be pruned.

Not counted: embedding tables, the output head, biases, and what lies outside the language model of a multimodal model (towers for
images and audio, projectors). Counted but never pruned: routers and shared-expert gates, linear layers with fewer than 16 inputs (the
coefficients of Gemma 3n), and parameters of other kinds than linear layers and experts (convolutions, state matrices of state-space
models). The parts are recognised from the loaded model alone, so that a checkpoint is measured the same way before and after it was
stored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, ModuleList, Parameter
    from transformers import PreTrainedModel

MODALITIES = frozenset({"vision", "visual", "audio", "image", "img", "video", "speech", "multimodal"})
"""Words in the names of modules that do not belong to the language model, in models whose configuration does not separate it."""
SMALLEST_GROUP = 16
"""Fewest weights that share a quantisation scale; a linear layer with fewer inputs is neither pruned nor quantised."""


class LayerWeight(NamedTuple):
    """A counted weight.

    `name`: of the layer, or of the parameter where it is not a layer's `weight`. `weight`: [outputs, inputs] or [experts, outputs, inputs]
    for a prunable one, otherwise of any shape. `role`: `router`: decides which experts compute; `other`: no linear layer, or one with too
    few inputs.
    """

    name: str
    weight: Tensor
    role: Literal["prunable", "router", "other"]


def layer_weights(model: PreTrainedModel) -> Iterator[LayerWeight]:
    """Yield every counted weight of the language model once, in the order of the modules."""
    from lm_eval_illusion.pruning.experts import expert_parameters

    routers = _Routers(model)
    seen: set[int] = {id(parameter) for parameter in _embeddings_and_head(model)}
    for name, module in _language_modules(model):
        for expert_parameter, matrices in expert_parameters(module):
            seen.add(id(module.get_parameter(expert_parameter)))
            yield LayerWeight(f"{name}.{expert_parameter}", matrices, "prunable")
        for parameter_name, parameter in module.named_parameters(recurse=False):
            if id(parameter) in seen or parameter.ndim < 2 or parameter_name.endswith("bias"):
                continue
            seen.add(id(parameter))
            matrix = _linear_weight(module, parameter_name, parameter)
            full_name = name if parameter_name == "weight" else f"{name}.{parameter_name}"
            if routers.has(full_name, parameter):
                yield LayerWeight(full_name, parameter, "router")
            elif matrix is not None and (matrix.shape[1] >= SMALLEST_GROUP or not matrix.is_floating_point()):
                yield LayerWeight(full_name, matrix, "prunable")
            elif parameter.is_floating_point():
                yield LayerWeight(full_name, parameter, "other")


def prunable_weights(model: PreTrainedModel, skipped: Collection[str] = ()) -> Iterator[tuple[str, Tensor]]:
    """Yield name and weight of every layer that may be pruned, except those in `skipped`.

    Weights are [outputs, inputs], for experts in one parameter [experts, outputs, inputs]; GPT-2's Conv1D layers are transposed.
    """
    for name, weight, role in layer_weights(model):
        if role == "prunable" and name not in skipped:
            yield name, weight


def block_list(model: PreTrainedModel) -> tuple[str, ModuleList] | None:
    """Return name and list of the transformer blocks; None if there is no such list.

    They are found without knowing the architecture: the ModuleList with as many modules as the configuration has hidden layers, and of
    several such lists the one with the most parameters.
    """
    from torch.nn import ModuleList

    count = getattr(model.config.get_text_config(decoder=True), "num_hidden_layers", None)
    lists = [
        (name, module) for name, module in _language_modules(model) if isinstance(module, ModuleList) and len(module) == count
    ]
    return max(lists, key=lambda it: sum(weight.numel() for weight in it[1].parameters()), default=None)


def linear_layers_outside(model: PreTrainedModel) -> list[str]:
    """Return the names of the linear layers that may not be pruned by their place: outside the language model, and routers."""
    from torch.nn import Linear

    prunable = {name for name, _, role in layer_weights(model) if role == "prunable"}
    head = model.get_output_embeddings()
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, Linear) and module is not head and name not in prunable
    ]


def modules_outside(model: PreTrainedModel) -> list[str]:
    """Return the names of the topmost modules that have parameters and are not part of the language model."""
    inside = {name for name, _ in _language_modules(model)}
    outside = [
        name
        for name, module in model.named_modules()
        if name and name not in inside and not _contains(inside, name) and any(True for _ in module.parameters())
    ]
    names = set(outside)
    head = model.get_output_embeddings()
    return [name for name in outside if name.rpartition(".")[0] not in names and model.get_submodule(name) is not head]


def name_pattern(name: str) -> str:
    """Return a name with `*` for each number between dots: the layers of all blocks have the same pattern."""
    return ".".join("*" if part.isdigit() else part for part in name.split("."))


def _contains(names: Collection[str], module: str) -> bool:
    return any(name.startswith(f"{module}.") for name in names)


def _linear_weight(module: Module, name: str, parameter: Parameter) -> Tensor | None:
    """Return the matrix [outputs, inputs] of a linear layer; None for another parameter."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    if name == "weight" and isinstance(module, Linear):
        return parameter
    if name == "weight" and isinstance(module, Conv1D):
        return parameter.T
    return None


def _embeddings_and_head(model: PreTrainedModel) -> Iterator[Parameter]:
    from torch.nn import Embedding

    head = model.get_output_embeddings()
    for module in model.modules():
        if module is head or isinstance(module, Embedding) or "Embedding" in type(module).__name__:
            yield from module.parameters(recurse=False)


def _language_modules(model: PreTrainedModel) -> Iterator[tuple[str, Module]]:
    """Yield name and module of the language model's modules, without those that contain it."""
    config = model.config
    decoder: Module = model
    if config.get_text_config(decoder=True) is not config:
        decoder = model.get_decoder()
    prefix = next(name for name, module in model.named_modules() if module is decoder)
    for name, module in decoder.named_modules():
        full_name = ".".join(part for part in (prefix, name) if part)
        if not any(_is_other_modality(part) for part in name.split(".")):
            yield full_name, module


def _is_other_modality(part: str) -> bool:
    return not MODALITIES.isdisjoint(part.split("_")) or part.startswith("multi_modal") or part == "embed_tokens_extend"


class _Routers:
    """Recognises routers by name and by their place beside experts. They are linear layers in some models, bare parameters in others."""

    def __init__(self, model: PreTrainedModel) -> None:
        from torch.nn import ModuleList

        from lm_eval_illusion.pruning.experts import expert_parameters

        # Number of experts by the name of each module that contains them.
        self.experts_below: dict[str, int] = {}
        self.direct: dict[str, int] = {}
        for name, module in model.named_modules():
            parameters = expert_parameters(module)
            if parameters:
                count = parameters[0].matrices.shape[0]
            elif isinstance(module, ModuleList) and (hasattr(module, "stored") or name.endswith("experts")):
                count = len(module)
            else:
                continue
            parts = name.split(".")
            self.direct[".".join(parts[:-1])] = count
            for length in range(len(parts)):
                self.experts_below[".".join(parts[:length])] = count

    def has(self, name: str, weight: Tensor) -> bool:
        """Return whether the weight of this name is a router's or a shared expert's gate."""
        parts = name.split(".")
        if any("router" in part.lower() for part in parts):
            return True
        if self.direct.get(".".join(parts[:-1])) == weight.shape[0]:
            return True
        for length, part in enumerate(parts):
            if re.search(r"(^|_)gate$", part):
                count = self.experts_below.get(".".join(parts[:length]))
                if count is not None and weight.shape[0] in (1, count):
                    return True
        return False

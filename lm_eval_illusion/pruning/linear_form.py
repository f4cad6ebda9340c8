"""The form of a model in which llmcompressor prunes it: every prunable matrix is the weight of an `nn.Linear`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch.nn import Module
    from transformers import PreTrainedModel


class LinearForm(NamedTuple):
    """A model in linear form. `stored`: for each expert's linear layer, the name of the parameter that stores its weight."""

    stored: dict[str, str]

    def mean_by_stored(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return values of linear layers by the names of the stored model; the mean where several layers are stored in a parameter.

        The layers of one parameter have the same size.
        """
        groups: dict[str, list[float]] = {}
        for name, value in values.items():
            groups.setdefault(self.stored.get(name, name), []).append(value)
        return {name: sum(group) / len(group) for name, group in groups.items()}


@contextmanager
def linear_form(model: PreTrainedModel) -> Iterator[LinearForm]:
    """Within the `with` statement, replace GPT-2's Conv1D layers and modules that hold experts in one parameter by Linear layers.

    llmcompressor's methods ignore Conv1D, and its own way to split experts gives a checkpoint that transformers does not load. At the
    end the weights are in the original modules.
    """
    from lm_eval_illusion.pruning.experts import expert_parameters, linear_experts, stored_names, write_back

    converted: list[tuple[Module, str, Any]] = []
    experts: list[tuple[Module, str, Module]] = []
    stored: dict[str, str] = {}
    for path, parent in list(model.named_modules()):
        for name, module in list(parent.named_children()):
            if _is_conv1d(module):
                setattr(parent, name, _conv1d_as_linear(module))
                converted.append((parent, name, module))
            elif expert_parameters(module):
                replacement = linear_experts(module)
                setattr(parent, name, replacement)
                experts.append((parent, name, module))
                full_name = f"{path}.{name}"
                stored |= {f"{full_name}.{layer}": f"{full_name}.{it}" for layer, it in stored_names(replacement).items()}
    yield LinearForm(stored)
    for parent, name, module in converted:
        module.weight.data = getattr(parent, name).weight.data.T.contiguous()
        setattr(parent, name, module)
    for parent, name, module in experts:
        write_back(getattr(parent, name))
        setattr(parent, name, module)


def _is_conv1d(module: Module) -> bool:
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, Conv1D)


def _conv1d_as_linear(layer: Any) -> Module:
    from torch import nn

    inputs, outputs = layer.weight.shape
    linear = nn.Linear(inputs, outputs, dtype=layer.weight.dtype)
    linear.weight.data, linear.bias.data = layer.weight.data.T.contiguous(), layer.bias.data
    return linear

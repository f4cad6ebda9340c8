"""Mixture-of-experts modules that hold all experts in one parameter: their matrices, and the same module with one Linear layer each.

llmcompressor's methods work on `nn.Linear`. transformers 5 stores the experts of a block in parameters of three dimensions. The
layouts that are known here: classes decorated with `use_experts_implementation`, Llama 4, DBRX, LongCat-Flash, JetMoE and Aria.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class ExpertParameter(NamedTuple):
    """A parameter that holds one matrix for each expert.

    `name`: of the parameter, below its module. `matrices`: [experts, outputs, inputs], a view into the parameter.
    """

    name: str
    matrices: Tensor


def expert_parameters(module: nn.Module) -> list[ExpertParameter]:
    """Return the parameters of a module that hold expert matrices; none for a module of another kind or of an unknown layout."""
    layout = _layout(module)
    return [] if layout is None else layout.parameters(module)


def linear_experts(module: nn.Module) -> nn.Module:
    """Return a module that computes the same as `module`, with Linear layers named `<expert>.<projection>`.

    The layers share the storage of `module` where its layout allows that, otherwise they hold copies; see `write_back`.
    `module`: one for which `expert_parameters` is not empty.
    """
    layout = _layout(module)
    if layout is None:
        raise TypeError(f"{type(module).__name__} holds no experts of a known layout")
    return layout.replacement(module)


def write_back(experts: nn.Module) -> None:
    """Copy the weights and biases of a module made by `linear_experts` into the module that it replaces."""
    for layer, weight, bias in cast("_Experts", experts).sources():
        _copy(weight, layer.weight.data)
        if bias is not None:
            _copy(bias, layer.bias.data)


def stored_names(module: nn.Module) -> dict[str, str]:
    """Return, for each Linear layer of `linear_experts(module)`, the name of the parameter that stores it."""
    return cast("_Experts", module).stored


def _copy(target: Tensor, value: Tensor) -> None:
    if target.data_ptr() != value.data_ptr() or target.stride() != value.stride():
        target.copy_(value)


class _Part(NamedTuple):
    """A part of an expert matrix: the layer that it becomes, the parameter that stores it, and weight and bias, views into it."""

    layer: str
    parameter: str
    weight: Tensor
    bias: Tensor | None


class _Experts(nn.ModuleList):
    """One small module per expert, each with Linear layers. `parts`: the layers of each expert."""

    def __init__(self, source: nn.Module, parts: list[list[_Part]]) -> None:
        super().__init__()
        # In a tuple, so that the replaced module is not a child: its parameters must not be found twice.
        self._source = (source,)
        self._parts = parts
        self.stored = {f"{number}.{part.layer}": part.parameter for number, expert in enumerate(parts) for part in expert}
        for expert in parts:
            layers = nn.Module()
            for part in expert:
                layers.add_module(part.layer, _linear(part))
            self.append(layers)

    @property
    def source(self) -> Any:
        """The module that this one replaces."""
        return self._source[0]

    def sources(self) -> Iterator[tuple[nn.Linear, Tensor, Tensor | None]]:
        """Yield each Linear layer with the weight and bias that it was made from."""
        for layers, parts in zip(self, self._parts, strict=True):
            for part in parts:
                yield cast(nn.Linear, layers.get_submodule(part.layer)), part.weight, part.bias

    def routed(self, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        """Return the weighted sum of the chosen experts' outputs, [tokens, width].

        `hidden_states`: [tokens, width]; `top_k_index`, `top_k_weights`: [tokens, experts per token]. While llmcompressor calibrates,
        each expert computes all tokens, so that none is pruned without data; only the chosen ones count.
        """
        result = torch.zeros_like(hidden_states)
        for number in range(len(self)):
            tokens, places = torch.where(top_k_index == number)
            if _calibrates_all_experts():
                output = self.expert(number, hidden_states)[tokens]
            elif len(tokens):
                output = self.expert(number, hidden_states[tokens])
            else:
                continue
            weighted = output * top_k_weights[tokens, places, None]
            result.index_add_(0, tokens, weighted.to(result.dtype))
        return result

    def expert(self, number: int, inputs: Tensor) -> Tensor:
        """Return the output of one expert for [tokens, width]."""
        raise NotImplementedError


class _DecoratedExperts(_Experts):
    """Experts of a class that transformers decorates with `use_experts_implementation`."""

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        # The names of the two arguments differ from model to model, and so does how they are passed.
        top_k_index, top_k_weights = (*args, *kwargs.values())
        if not top_k_weights.is_floating_point():
            top_k_index, top_k_weights = top_k_weights, top_k_index
        return self.routed(hidden_states, top_k_index, top_k_weights)

    def expert(self, number: int, inputs: Tensor) -> Tensor:
        layers: Any = self[number]
        if not self.source.has_gate:
            return cast("Tensor", layers.down_proj(self.source.act_fn(layers.up_proj(inputs))))
        gate, up = layers.gate_proj(inputs), layers.up_proj(inputs)
        is_concatenated = self.source.is_concatenated
        gate_up = torch.cat([gate, up], dim=-1) if is_concatenated else torch.stack([gate, up], dim=-1).flatten(-2)
        return cast("Tensor", layers.down_proj(self.source._apply_gate(gate_up)))


class _DbrxExperts(_Experts):
    def forward(self, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        tokens = hidden_states.reshape(-1, hidden_states.shape[-1])
        return self.routed(tokens, top_k_index, top_k_weights).reshape(hidden_states.shape)

    def expert(self, number: int, inputs: Tensor) -> Tensor:
        layers: Any = self[number]
        return cast("Tensor", layers.w2(self.source.mlp.activation_fn(layers.w1(inputs)) * layers.v1(inputs)))


class _Llama4Experts(_Experts):
    """All experts get all tokens, [experts x tokens, width], multiplied by the router's score: zeros where it did not choose them."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        outputs = []
        for number, inputs in enumerate(hidden_states.view(len(self), -1, hidden_states.shape[-1])):
            chosen = inputs.any(dim=-1)
            output = torch.zeros_like(inputs)
            if chosen.any():
                output[chosen] = self.expert(number, inputs[chosen])
            outputs.append(output)
        return torch.cat(outputs)

    def expert(self, number: int, inputs: Tensor) -> Tensor:
        layers: Any = self[number]
        return cast("Tensor", layers.down_proj(layers.up_proj(inputs) * self.source.act_fn(layers.gate_proj(inputs))))


class _LongcatExperts(_DecoratedExperts):
    """The last experts return their input. They have a gate matrix that is never used."""

    def expert(self, number: int, inputs: Tensor) -> Tensor:
        if number >= self.source.num_routed_experts:
            return inputs
        layers: Any = self[number]
        return cast("Tensor", layers.down_proj(self.source.act_fn(layers.gate_proj(inputs)) * layers.up_proj(inputs)))


class _ParallelExperts(_Experts):
    """One matrix per expert; the tokens are sorted by expert."""

    def forward(self, inputs: Tensor, tokens_per_expert: Sequence[int]) -> Tensor:
        parts = zip(range(len(self)), torch.split(inputs, [int(count) for count in tokens_per_expert]), strict=True)
        return torch.cat([self.expert(number, part) for number, part in parts if len(part)])

    def expert(self, number: int, inputs: Tensor) -> Tensor:
        return cast("Tensor", cast(Any, self[number]).linear(inputs))


class _Layout(NamedTuple):
    """`parameters`: the expert parameters of a module; `parts`: its layers by expert; `experts`: the class that replaces it."""

    parameters: Callable[[Any], list[ExpertParameter]]
    parts: Callable[[Any], list[list[_Part]]]
    experts: type[_Experts]

    def replacement(self, module: nn.Module) -> nn.Module:
        return self.experts(module, self.parts(module))


def _layout(module: nn.Module) -> _Layout | None:
    if _is_decorated(module):
        return _Layout(_gated_parameters, _gated_parts, _DecoratedExperts)
    if type(module).__name__ == "Llama4TextExperts":
        return _Layout(_gated_parameters, _gated_parts, _Llama4Experts)
    if type(module).__name__ == "DbrxExperts":
        return _Layout(_dbrx_parameters, _dbrx_parts, _DbrxExperts)
    if type(module).__name__ == "LongcatFlashExperts" and module.num_routed_experts:
        return _Layout(_gated_parameters, _longcat_parts, _LongcatExperts)
    if _is_parallel(module) or type(module).__name__ == "AriaGroupedExpertsGemm":
        return _Layout(_parallel_parameters, _parallel_parts, _ParallelExperts)
    return None


def _is_decorated(module: Any) -> bool:
    """Whether the decorator of transformers' integrations/moe.py made the module, and it holds its weights as the decorator says."""
    known = all(hasattr(module, name) for name in ("has_gate", "has_bias", "is_transposed", "is_concatenated", "_apply_gate"))
    names = ("gate_up_proj" if getattr(module, "has_gate", True) else "up_proj", "down_proj")
    return known and all(isinstance(weight := getattr(module, name, None), nn.Parameter) and weight.ndim == 3 for name in names)


def _is_parallel(module: Any) -> bool:
    """Whether the module has JetMoE's form: one matrix per expert, and tokens that come sorted by expert."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, nn.Parameter) or weight.ndim != 3:
        return False
    shape = tuple(getattr(module, name, None) for name in ("num_experts", "output_size", "input_size"))
    return tuple(weight.shape) == shape and [*inspect.signature(module.forward).parameters] == ["inputs", "expert_size"]


def _gated_parameters(module: Any) -> list[ExpertParameter]:
    # No decorator says how Llama 4 and LongCat store them.
    transposed = getattr(module, "is_transposed", type(module).__name__ == "Llama4TextExperts")
    names = ("gate_up_proj" if getattr(module, "has_gate", True) else "up_proj", "down_proj")
    return [ExpertParameter(name, getattr(module, name).mT if transposed else getattr(module, name)) for name in names]


def _gated_parts(module: Any) -> list[list[_Part]]:
    (first, up_matrices), (_, down_matrices) = _gated_parameters(module)
    has_bias = getattr(module, "has_bias", False)
    up_biases = getattr(module, f"{first}_bias").data if has_bias else [None] * len(up_matrices)
    down_biases = module.down_proj_bias.data if has_bias else [None] * len(down_matrices)
    halves = _halves(getattr(module, "is_concatenated", True), up_matrices.shape[1])
    layers = {"gate_proj": halves[0], "up_proj": halves[1]} if first == "gate_up_proj" else {"up_proj": slice(None)}
    return [
        [
            *(_Part(name, first, up[rows], None if up_bias is None else up_bias[rows]) for name, rows in layers.items()),
            _Part("down_proj", "down_proj", down, down_bias),
        ]
        for up, up_bias, down, down_bias in zip(up_matrices.data, up_biases, down_matrices.data, down_biases, strict=True)
    ]


def _halves(is_concatenated: bool, rows: int) -> tuple[slice, slice]:
    """Return the rows of gate and up in their common matrix: one after the other, or in turn."""
    if is_concatenated:
        return slice(None, rows // 2), slice(rows // 2, None)
    return slice(0, None, 2), slice(1, None, 2)


def _dbrx_parameters(module: Any) -> list[ExpertParameter]:
    def split(name: str) -> Tensor:
        weight: Tensor = getattr(module.mlp, name)
        return weight.view(module.num_experts, module.ffn_hidden_size, module.hidden_size)

    return [
        ExpertParameter("mlp.w1", split("w1")),
        ExpertParameter("mlp.v1", split("v1")),
        ExpertParameter("mlp.w2", split("w2").mT),
    ]


def _dbrx_parts(module: Any) -> list[list[_Part]]:
    parameters = _dbrx_parameters(module)
    return [
        [_Part(name.removeprefix("mlp."), name, matrices.data[number], None) for name, matrices in parameters]
        for number in range(module.num_experts)
    ]


def _longcat_parts(module: Any) -> list[list[_Part]]:
    (_, up_matrices), (_, down_matrices) = _gated_parameters(module)
    gate_rows, up_rows = _halves(True, up_matrices.shape[1])
    parts = [
        [_Part("gate_proj", "gate_up_proj", up[gate_rows], None), _Part("up_proj", "gate_up_proj", up[up_rows], None)]
        for up in up_matrices.data
    ]
    for expert, down in zip(parts, down_matrices.data, strict=False):
        expert.append(_Part("down_proj", "down_proj", down, None))
    return parts


def _parallel_parameters(module: Any) -> list[ExpertParameter]:
    # Aria: [experts, inputs, outputs]; JetMoE: [experts, outputs, inputs].
    return [ExpertParameter("weight", module.weight.mT if hasattr(module, "groups") else module.weight)]


def _parallel_parts(module: Any) -> list[list[_Part]]:
    return [[_Part("linear", "weight", weight, None)] for weight in _parallel_parameters(module)[0].matrices.data]


def _linear(part: _Part) -> nn.Linear:
    outputs, inputs = part.weight.shape
    # On the meta device, because the initial weights would be computed for nothing.
    layer = nn.Linear(inputs, outputs, bias=part.bias is not None, device="meta")
    layer.weight = nn.Parameter(part.weight.contiguous(), requires_grad=False)
    if part.bias is not None:
        layer.bias = nn.Parameter(part.bias.contiguous(), requires_grad=False)
    return layer


def _calibrates_all_experts() -> bool:
    """Whether llmcompressor's hooks observe this forward pass, and every expert is to get every token."""
    from llmcompressor.modeling.moe.context import get_calibrate_all_experts_flag
    from llmcompressor.modifiers.utils.hooks import HooksMixin

    return bool(get_calibrate_all_experts_flag()) and not HooksMixin._HOOKS_DISABLED

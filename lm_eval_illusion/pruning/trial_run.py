"""Forward passes of a few tokens before pruning: which layers the model calls, and whether it can be calibrated block by block."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from lm_eval_illusion.errors import UserError, cause_of
from lm_eval_illusion.pruning.linear_form import LinearForm
from lm_eval_illusion.pruning.shared_keys import shared_keys_kept
from lm_eval_illusion.pruning.weights import prunable_weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedModel

logger = logging.getLogger(__name__)

# Tokens of a trial. Few, because all weights are read once for it, on the CPU.
TRIAL_TOKENS = 32
# Largest relative difference of the last hidden states, whole model against block by block. In 16 bits, another order of the operations
# gives up to 0.01; a block with wrong keys or a missing mask gives more.
LARGEST_DIFFERENCE = 0.03

Pipeline = Literal["sequential", "basic"]
"""llmcompressor's names: calibration block by block, or of the whole model at once."""


def uncalled_layers(model: PreTrainedModel, form: LinearForm, token_ids: list[list[int]]) -> frozenset[str]:
    """Return the prunable layers whose forward function the model does not call for the first tokens of the calibration text.

    They are used in another way, e.g. `dt_proj` of Mamba, so no method can see their inputs. Experts are excluded: they may get no token.
    `model`: in linear form.

    Raises:
        UserError: The model's own code fails, or changes the weights.
    """
    layers = [name for name, _ in prunable_weights(model)]
    versions = {name: weight._version for name, weight in model.named_parameters()}
    with calls_of(model, layers) as called:
        try:
            _run_whole(model, _trial_ids(token_ids))
        except Exception as error:
            raise UserError(
                f"{type(model).__name__} can't be run on the calibration text ({root_cause(error)}): choose another model"
            ) from error
    for name, weight in model.named_parameters():
        if weight._version != versions[name]:
            raise UserError(
                f"{type(model).__name__} changes its own weights when it is run ({name}), so they would be saved in another form than"
                " they were loaded: choose another model"
            )
    return frozenset(name for name in layers if name not in called and not is_expert(name, form))


def working_pipeline(model: PreTrainedModel, token_ids: list[list[int]]) -> Pipeline:
    """Return how the model can be calibrated: block by block if that gives the last hidden states of the whole model.

    Otherwise at once: llmcompressor can't trace the model, or a block depends on more than the blocks before it pass on.
    """
    from lm_eval_illusion.pruning.traced_configs import attention_kept_in_configs

    ids = _trial_ids(token_ids)
    expected = _run_whole(model, ids)
    try:
        with shared_keys_kept(model, 1), _attributes_kept(model), attention_kept_in_configs():
            found = _run_block_by_block(model, ids)
    except Exception as error:
        # Whatever the reason, the whole model runs.
        return _at_once(model, root_cause(error))
    if expected is None or found is None:
        return "sequential"
    difference = float((found - expected).norm() / expected.norm())
    return _at_once(model, "its blocks give other results one by one") if difference > LARGEST_DIFFERENCE else "sequential"


def _at_once(model: PreTrainedModel, reason: str) -> Pipeline:
    logger.warning(
        "%s is calibrated as a whole, not block by block (%s): this takes more memory, no accelerator is used, and each layer sees the"
        " inputs of the dense model",
        type(model).__name__,
        reason,
    )
    return "basic"


def is_expert(layer: str, form: LinearForm) -> bool:
    """Return whether a layer belongs to one of several experts, which may get no token of a text."""
    return layer in form.stored or re.search(r"(^|\.)experts\.\d+\.", layer) is not None


def root_cause(error: BaseException) -> str:
    """Return type and message of the first exception of a chain. llmcompressor's tracer puts source text around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return cause_of(error)


def block_classes(model: PreTrainedModel) -> list[str] | None:
    """Return the names of the classes of the transformer blocks, or None if the model has no list of them."""
    from lm_eval_illusion.pruning.weights import block_list

    blocks = block_list(model)
    return None if blocks is None else sorted({type(block).__name__ for block in blocks[1]})


@contextmanager
def calls_of(model: PreTrainedModel, layers: list[str]) -> Iterator[set[str]]:
    """Within the `with` statement, collect the names of the layers that are called with at least one token."""
    called: set[str] = set()

    def hook(name: str) -> Callable[[torch.nn.Module, tuple[Tensor, ...]], None]:
        def add(_: torch.nn.Module, arguments: tuple[Tensor, ...]) -> None:
            if arguments and arguments[0].numel():
                called.add(name)

        return add

    handles = [model.get_submodule(name).register_forward_pre_hook(hook(name)) for name in layers]
    try:
        yield called
    finally:
        for handle in handles:
            handle.remove()


def _trial_ids(token_ids: list[list[int]]) -> Tensor:
    import torch

    return torch.tensor(token_ids[:1])[:, :TRIAL_TOKENS]


def _run_whole(model: PreTrainedModel, ids: Tensor) -> Tensor | None:
    return _last_hidden_states(model, lambda: model(input_ids=ids))


def _run_block_by_block(model: PreTrainedModel, ids: Tensor) -> Tensor | None:
    """Run llmcompressor's blocks one after the other, and return the last hidden states."""
    from llmcompressor.args.dataset_arguments import DatasetArguments
    from llmcompressor.pipelines.sequential.helpers import trace_subgraphs
    from llmcompressor.utils.pytorch.module import infer_sequential_targets

    def run() -> None:
        values = {"input_ids": ids}
        targets = infer_sequential_targets(model, block_classes(model))
        for subgraph in trace_subgraphs(model, values, targets, DatasetArguments().tracing_ignore):
            values |= subgraph.forward(model, **{name: values[name] for name in subgraph.input_names})

    return _last_hidden_states(model, run)


@contextmanager
def _attributes_kept(model: PreTrainedModel) -> Iterator[None]:
    """After the `with` statement, restore the attributes of all modules: a model that sets one would keep the tracer's placeholder."""
    before = [(module, dict(module.__dict__), dict(module._buffers)) for module in model.modules()]
    try:
        yield
    finally:
        for module, attributes, buffers in before:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            module._buffers.clear()
            module._buffers.update(buffers)


def _last_hidden_states(model: PreTrainedModel, run: Callable[[], object]) -> Tensor | None:
    """Call `run` as llmcompressor calls the model, and return what the output head receives, in float32."""
    from llmcompressor.utils.helpers import calibration_forward_context

    head = model.get_output_embeddings()
    received: list[Tensor] = []
    handle = None if head is None else head.register_forward_pre_hook(lambda _, arguments: received.append(arguments[0]))
    try:
        with calibration_forward_context(model):
            run()
    finally:
        if handle is not None:
            handle.remove()
    return received[-1].float() if received else None

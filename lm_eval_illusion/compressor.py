"""The one module that runs llmcompressor: a model in memory and a recipe go in, the model comes out pruned."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def prune_model(
    model: PreTrainedModel,
    tokenizer: Any,
    recipe: str,
    token_ids: list[list[int]],
    seed: int,
    trust_remote_code: bool = False,
) -> None:
    """Prune a model in place by an llmcompressor recipe.

    `token_ids`: calibration samples of one length. Leave the model in main memory: llmcompressor takes it to the
    accelerator layer by layer. The random states of Python and torch are afterwards as before.

    Raises:
        UserError: llmcompressor can't read the recipe.
    """
    import torch

    with _quiet():
        from compressed_tensors.offload import remove_dispatch
        from llmcompressor import oneshot
        from llmcompressor.core import reset_session

        _check_recipe(recipe)
        samples = [{"input_ids": row[None], "attention_mask": torch.ones_like(row[None])} for row in torch.tensor(token_ids)]
        loader: Any = torch.utils.data.DataLoader(samples, batch_size=None, shuffle=False)  # type: ignore[arg-type]
        tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
        with _random_states(), _linear_layers(model):
            torch.manual_seed(seed)
            try:
                oneshot(
                    model=model,
                    tokenizer=tokenizer,
                    dataset=loader,
                    recipe=recipe,
                    num_calibration_samples=len(samples),
                    trust_remote_code_model=trust_remote_code,
                )
            finally:
                reset_session()
                remove_dispatch(model)
        if tied:
            model.tie_weights()


def _check_recipe(recipe: str) -> None:
    """llmcompressor passes over what it doesn't know, so a recipe with a slip of the pen would prune nothing."""
    from llmcompressor.modifiers import ModifierFactory
    from llmcompressor.recipe import Recipe

    from lm_eval_illusion.magnitude import register_modifier

    register_modifier()
    ModifierFactory.refresh()
    try:
        modifiers = Recipe.create_instance(recipe).modifiers
    # A recipe is the user's text; llmcompressor lets out whatever YAML, pydantic or its own look-ups raise on it.
    except Exception as error:
        raise UserError(f"the recipe can't be read by llmcompressor ({error}): mend it") from error
    if not modifiers:
        raise UserError(
            "the recipe has no modifier: llmcompressor reads <name>_stage: <name>_modifiers: <Modifier>: arguments"
        )
    for modifier in modifiers:
        unknown = sorted(modifier.model_extra or {})
        if unknown:
            raise UserError(
                f"the recipe gives {type(modifier).__name__} the unknown argument {unknown[0]}:"
                f" it takes {', '.join(type(modifier).model_fields)}"
            )


@contextmanager
def _random_states() -> Iterator[None]:
    import torch

    state = random.getstate()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(state)


@contextmanager
def _linear_layers(model: PreTrainedModel) -> Iterator[None]:
    """GPT-2's Conv1D layers as Linear ones while pruning: llmcompressor's pruners don't see Conv1D."""
    from transformers.pytorch_utils import Conv1D

    swapped = []
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Conv1D):
                setattr(parent, name, _as_linear(layer))
                swapped.append((parent, name, layer))
    try:
        yield
    finally:
        for parent, name, layer in swapped:
            layer.weight.data = getattr(parent, name).weight.data.T.contiguous()
            setattr(parent, name, layer)


def _as_linear(layer: Any) -> Any:
    from torch import nn

    inputs, outputs = layer.weight.shape
    linear = nn.Linear(inputs, outputs, device="meta")
    linear.weight = nn.Parameter(layer.weight.data.T.contiguous())
    linear.bias = nn.Parameter(layer.bias.data)
    return linear


@contextmanager
def _quiet() -> Iterator[None]:
    """llmcompressor says its warnings only, and shows no bars for calibration; LLM_COMPRESSOR_LOG_LEVEL wins."""

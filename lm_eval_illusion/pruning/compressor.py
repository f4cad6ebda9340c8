"""The only module that runs llmcompressor's `oneshot`. It undoes the side effects of `oneshot` on model and process."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.memory import disable_malloc_trim

if TYPE_CHECKING:
    import torch
    from llmcompressor.modifiers import Modifier
    from transformers import PreTrainedModel


# Calibration tokens per forward pass. Larger batches make the matrix products no faster.
TOKENS_PER_BATCH = 2048


def prune_in_place(
    model: PreTrainedModel, tokenizer: Any, recipe: str, token_ids: list[list[int]], seed: int
) -> dict[str, float]:
    """Prune and quantise a model by a recipe.

    The model is on the CPU; if there is an accelerator, llmcompressor moves one layer at a time there and back. `token_ids`: calibration
    samples, [samples, length]. Quantised weights are rounded to their grid, in the model's dtype. Returns the bits of each quantised layer
    by name. The global random states are restored.

    Raises:
        UserError: llmcompressor rejects the recipe for this model, or a dense-format checkpoint can't hold the result.
    """
    from lm_eval_illusion.pruning.quantization import refuse_impossible, round_to_grid

    _prepare_llmcompressor()
    is_tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
    with _seeded_random_states(seed), _conv1d_as_linear(model):
        refuse_impossible(recipe, model)
        _run_oneshot(model, tokenizer, recipe, token_ids)
        bits = round_to_grid(model)
    if is_tied:
        model.tie_weights()
    return bits


def input_squares(model: PreTrainedModel, tokenizer: Any, token_ids: list[list[int]], seed: int) -> dict[str, torch.Tensor]:
    """Return the sum of squared inputs of each linear layer of the unchanged model: layer name -> [inputs], float64.

    The sums run over all calibration tokens, `token_ids` [samples, length]. A layer that received no token is missing.

    Raises:
        UserError: llmcompressor can't run this model block by block.
    """
    _prepare_llmcompressor()
    from lm_eval_illusion.pruning.modifiers import InputSquaresModifier

    modifier = InputSquaresModifier()
    with _seeded_random_states(seed), _conv1d_as_linear(model):
        _run_oneshot(model, tokenizer, modifier, token_ids)
    return modifier.squares


def needs_calibration(recipe: str) -> bool:
    """Return whether llmcompressor needs calibration data for a recipe.

    Raises:
        UserError: llmcompressor rejects the recipe.
    """
    _prepare_llmcompressor()
    from lm_eval_illusion.pruning.quantization import asks_for_data

    return asks_for_data(recipe)


def output_head(model: PreTrainedModel) -> list[str]:
    """Return llmcompressor patterns for the output head, which must not be pruned; tied embeddings would be pruned with it."""
    head = model.get_output_embeddings()
    # llmcompressor matches "<layer>." where a target is the layer itself, so a plain name never matches.
    return [f"re:.*{name.split('.')[-1]}" for name, module in model.named_modules() if module is head]


def _prepare_llmcompressor() -> None:
    """Reduce llmcompressor's log to errors and register our modifier. Call before anything else imports llmcompressor."""
    # llmcompressor reads the log level at its first import.
    os.environ.setdefault("LLM_COMPRESSOR_LOG_LEVEL", "ERROR")
    from lm_eval_illusion.pruning.modifiers import register_modifier

    register_modifier()


def _run_oneshot(model: PreTrainedModel, tokenizer: Any, recipe: str | Modifier, token_ids: list[list[int]]) -> None:
    import torch
    from llmcompressor import oneshot
    from llmcompressor.core import reset_session

    from lm_eval_illusion.pruning.modifiers import fast_wanda_norms

    # All samples have the same length, so no attention mask is needed; without one a causal model uses its fastest attention.
    rows = max(1, TOKENS_PER_BATCH // len(token_ids[0]))
    ids = torch.tensor(token_ids)
    batches = [{"input_ids": ids[start : start + rows]} for start in range(0, len(ids), rows)]
    loader: Any = torch.utils.data.DataLoader(batches, batch_size=None, shuffle=False)  # type: ignore[arg-type]
    if not torch.accelerator.is_available():
        disable_malloc_trim()
    with warnings.catch_warnings(), _pinning_only_with_accelerator(), fast_wanda_norms():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            oneshot(model=model, tokenizer=tokenizer, dataset=loader, recipe=recipe, num_calibration_samples=len(batches))
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"llmcompressor can't prune this model with this recipe ({one_line(error, 300)}): try another pruner, recipe or"
                " mask_structure"
            ) from error
        finally:
            reset_session()
            _remove_dispatch(model)


@contextmanager
def _seeded_random_states(seed: int) -> Iterator[None]:
    """Seed the generators of torch, numpy and Python within the `with` statement, then restore them for later draws."""
    import numpy
    import torch

    python_state, numpy_state = random.getstate(), numpy.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        random.seed(seed)
        numpy.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python_state)
            numpy.random.set_state(numpy_state)


@contextmanager
def _conv1d_as_linear(model: PreTrainedModel) -> Iterator[None]:
    """Within the `with` statement, replace GPT-2's Conv1D layers by Linear layers: llmcompressor's methods ignore Conv1D."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    replaced = []
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Conv1D):
                inputs, outputs = layer.weight.shape
                linear = nn.Linear(inputs, outputs, dtype=layer.weight.dtype)
                linear.weight.data, linear.bias.data = layer.weight.data.T.contiguous(), layer.bias.data
                setattr(parent, name, linear)
                replaced.append((parent, name, layer))
    yield
    for parent, name, layer in replaced:
        layer.weight.data = getattr(parent, name).weight.data.T.contiguous()
        setattr(parent, name, layer)


@contextmanager
def _pinning_only_with_accelerator() -> Iterator[None]:
    """Within the `with` statement, disable AWQ's memory pinning if there is no accelerator: torch can't pin memory without one."""
    import torch
    from compressed_tensors.utils import patch_attr
    from llmcompressor.pipelines.cache import IntermediatesCache

    if torch.accelerator.is_available():
        yield
        return
    with patch_attr(IntermediatesCache, "pin_memory", lambda _, __: None):
        yield


def _remove_dispatch(model: PreTrainedModel) -> None:
    """Move all weights from llmcompressor's offloading back to plain parameters on the CPU."""
    from compressed_tensors.offload import remove_dispatch

    remove_dispatch(model)

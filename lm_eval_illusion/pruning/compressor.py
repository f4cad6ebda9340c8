"""llmcompressor's `oneshot`, called so that it leaves alone what is not asked: the one file that knows its habits."""

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
    from transformers import PreTrainedModel


# Calibration samples that go through the model together: more fill its matrix products no better.
TOKENS_PER_BATCH = 2048


def prune_in_place(
    model: PreTrainedModel, tokenizer: Any, recipe: str, token_ids: list[list[int]], seed: int
) -> dict[str, float]:
    """Prune and quantise a model on the CPU by a recipe; where there is an accelerator, llmcompressor moves layer by layer there and back.

    `token_ids`: calibration samples of one length. Quantised weights are left on their grid, in the model's dtype; returned are the bits of
    the layers that were quantised. The global random states are as before afterwards.

    Raises:
        UserError: llmcompressor refuses the recipe for this model, or an ordinary checkpoint can't hold what it makes.
    """
    from lm_eval_illusion.pruning.quantization import refuse_impossible, round_to_grid

    _register_modifiers()
    tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
    with _random_states(seed), _linear_layers(model):
        refuse_impossible(recipe, model)
        _run(model, tokenizer, recipe, token_ids)
        bits = round_to_grid(model)
    if tied:
        model.tie_weights()
    return bits


def input_squares(model: PreTrainedModel, tokenizer: Any, token_ids: list[list[int]], seed: int) -> dict[str, torch.Tensor]:
    """What goes into each linear layer of the model as it is: by layer, [inputs], the sums of squares over all calibration tokens.

    Raises:
        UserError: llmcompressor can't run this model block by block.
    """
    _register_modifiers()
    from lm_eval_illusion.pruning.modifiers import InputSquaresModifier

    modifier = InputSquaresModifier()
    with _random_states(seed), _linear_layers(model):
        _run(model, tokenizer, modifier, token_ids)
    return modifier.squares


def _run(model: PreTrainedModel, tokenizer: Any, recipe: Any, token_ids: list[list[int]]) -> None:
    import torch
    from llmcompressor import oneshot
    from llmcompressor.core import reset_session

    from lm_eval_illusion.pruning.modifiers import fast_wanda_norms

    # No attention mask: without one a causal model takes its fastest attention, and the samples are all of one length.
    rows = max(1, TOKENS_PER_BATCH // len(token_ids[0]))
    ids = torch.tensor(token_ids)
    batches = [{"input_ids": ids[start : start + rows]} for start in range(0, len(ids), rows)]
    loader: Any = torch.utils.data.DataLoader(batches, batch_size=None, shuffle=False)  # type: ignore[arg-type]
    if not torch.accelerator.is_available():
        disable_malloc_trim()
    with warnings.catch_warnings(), _pinning_where_it_can_be(), fast_wanda_norms():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            oneshot(model=model, tokenizer=tokenizer, dataset=loader, recipe=recipe, num_calibration_samples=len(batches))
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"llmcompressor can't prune this model so ({one_line(error, 300)}): try another pruner, recipe or mask_structure"
            ) from error
        finally:
            reset_session()
            _remove_dispatch(model)


def _register_modifiers() -> None:
    # Its notes of every layer ("no accelerator", times) are not the user's; what matters we measure. Read when it is first imported.
    os.environ.setdefault("LLM_COMPRESSOR_LOG_LEVEL", "ERROR")
    from lm_eval_illusion.pruning.modifiers import register_modifier

    register_modifier()


def output_head(model: PreTrainedModel) -> list[str]:
    """Patterns of the layers that stay as they are: the output head, which llmcompressor would prune, and tied embeddings with it."""
    head = model.get_output_embeddings()
    # llmcompressor matches against "<layer>." where a target is the layer itself, so the plain name never matches.
    return [f"re:.*{name.split('.')[-1]}" for name, module in model.named_modules() if module is head]


@contextmanager
def _random_states(seed: int) -> Iterator[None]:
    """Pruning draws from torch's, numpy's and Python's generators; what comes after it must not depend on whether it was done."""
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
def _linear_layers(model: PreTrainedModel) -> Iterator[None]:
    """GPT-2's Conv1D layers as Linear ones while pruning: llmcompressor's pruners don't see Conv1D."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    swapped = []
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Conv1D):
                inputs, outputs = layer.weight.shape
                linear = nn.Linear(inputs, outputs, dtype=layer.weight.dtype)
                linear.weight.data, linear.bias.data = layer.weight.data.T.contiguous(), layer.bias.data
                setattr(parent, name, linear)
                swapped.append((parent, name, layer))
    yield
    for parent, name, layer in swapped:
        layer.weight.data = getattr(parent, name).weight.data.T.contiguous()
        setattr(parent, name, layer)


@contextmanager
def _pinning_where_it_can_be() -> Iterator[None]:
    """AWQ pins what it keeps in memory for an accelerator's sake; torch refuses to where there is none."""
    import torch
    from compressed_tensors.utils import patch_attr
    from llmcompressor.pipelines.cache import IntermediatesCache

    if torch.accelerator.is_available():
        yield
        return
    with patch_attr(IntermediatesCache, "pin_memory", lambda _, __: None):
        yield


def _remove_dispatch(model: PreTrainedModel) -> None:
    """The weights back as plain parameters on the CPU, from wherever llmcompressor's offloading holds them."""
    from compressed_tensors.offload import remove_dispatch

    remove_dispatch(model)

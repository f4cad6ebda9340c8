"""The only module that runs llmcompressor's `oneshot`. It undoes the side effects of `oneshot` on model and process."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.memory import disable_malloc_trim
from lm_eval_illusion.pruning.linear_form import LinearForm
from lm_eval_illusion.pruning.llmcompressor_recipe import load_recipe, registered_names_only
from lm_eval_illusion.pruning.shared_keys import shared_keys_kept
from lm_eval_illusion.pruning.trial_run import (
    Pipeline,
    block_classes,
    calls_of,
    is_expert,
    root_cause,
    uncalled_layers,
    working_pipeline,
)
from lm_eval_illusion.pruning.weights import linear_layers_outside, name_pattern, prunable_weights

if TYPE_CHECKING:
    import torch
    from llmcompressor.modifiers import Modifier
    from transformers import PreTrainedModel


# Calibration tokens per forward pass. Larger batches make the matrix products no faster.
TOKENS_PER_BATCH = 2048


class PruningResult(NamedTuple):
    """`bits`: of each quantised layer by name. `pipeline`: how the model was calibrated, None for methods without calibration."""

    bits: dict[str, float]
    pipeline: Pipeline | None


def prune_in_place(
    model: PreTrainedModel, form: LinearForm, tokenizer: Any, recipe: str, token_ids: list[list[int]], seed: int
) -> PruningResult:
    """Prune and quantise a model in linear form by a recipe.

    The model is on the CPU; if there is an accelerator, llmcompressor moves one layer at a time there and back. `token_ids`: calibration
    samples, [samples, length]. Quantised weights are rounded to their grid, in the model's dtype. The global random states are restored.

    Raises:
        UserError: llmcompressor rejects the recipe for this model, or a dense-format checkpoint can't hold the result.
    """
    from lm_eval_illusion.pruning.quantization import asks_for_data, refuse_impossible, round_to_grid

    prepare_llmcompressor()
    is_tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
    with _seeded_random_states(seed):
        refuse_impossible(recipe, model)
        pipeline = working_pipeline(model, token_ids) if asks_for_data(recipe) else None
        with _complete_blocks(model, form):
            _run_oneshot(model, tokenizer, recipe, token_ids, pipeline)
        with attributed(f"{type(model).__name__} can't be rounded as the recipe asks", "try another scheme or pruner"):
            bits = round_to_grid(model)
    if is_tied:
        model.tie_weights()
    return PruningResult(bits, pipeline)


def input_squares(model: PreTrainedModel, tokenizer: Any, token_ids: list[list[int]], seed: int) -> dict[str, torch.Tensor]:
    """Return the sum of squared inputs of each linear layer of the unchanged model: layer name -> [inputs], float64.

    The sums run over all calibration tokens, `token_ids` [samples, length]. A layer that received no token is missing.

    Raises:
        UserError: llmcompressor can't run this model.
    """
    prepare_llmcompressor()
    from lm_eval_illusion.pruning.modifiers import InputSquaresModifier

    modifier = InputSquaresModifier()
    with _seeded_random_states(seed):
        _run_oneshot(model, tokenizer, modifier, token_ids, working_pipeline(model, token_ids))
    return modifier.squares


def needs_calibration(recipe: str) -> bool:
    """Return whether llmcompressor needs calibration data for a recipe.

    Raises:
        UserError: llmcompressor rejects the recipe.
    """
    prepare_llmcompressor()
    from lm_eval_illusion.pruning.quantization import asks_for_data

    return asks_for_data(recipe)


def layers_without_inputs(model: PreTrainedModel, form: LinearForm, token_ids: list[list[int]]) -> frozenset[str]:
    """Return the prunable layers of a model in linear form that no method can see the inputs of; see `uncalled_layers`.

    Raises:
        UserError: The model's own code fails.
    """
    prepare_llmcompressor()
    return uncalled_layers(model, form, token_ids)


def try_pipeline(model: PreTrainedModel, token_ids: list[list[int]]) -> Pipeline:
    """Return how the model can be calibrated; see `working_pipeline`."""
    prepare_llmcompressor()
    return working_pipeline(model, token_ids)


def ignored_layers(model: PreTrainedModel, skipped: Collection[str]) -> list[str]:
    """Return llmcompressor patterns for the layers that must not be changed.

    They are the output head (tied embeddings would be pruned with it), routers, everything outside the language model, and `skipped`.
    """
    head = model.get_output_embeddings()
    # llmcompressor matches "<layer>." where a target is the layer itself, so a plain name never matches.
    heads = [f"re:.*{name.split('.')[-1]}" for name, module in model.named_modules() if module is head]
    pruned = {name_pattern(name) for name, _ in prunable_weights(model, skipped)}
    names = [*linear_layers_outside(model), *skipped]
    # The names of two layers may differ in a number alone, and only one of them be pruned.
    patterns = dict.fromkeys(name if name_pattern(name) in pruned else name_pattern(name) for name in names)
    # No backslashes: the patterns stand in YAML strings in which Python's `repr` would double them.
    return heads + [f"re:{pattern.replace('.', '[.]').replace('*', '[0-9]+')}[.]?$" for pattern in patterns]


def prepare_llmcompressor() -> None:
    """Reduce llmcompressor's log to errors and register our modifier. Call before anything else imports llmcompressor."""
    # llmcompressor reads the log level at its first import.
    os.environ.setdefault("LLM_COMPRESSOR_LOG_LEVEL", "ERROR")
    from lm_eval_illusion.pruning.modifiers import register_modifier

    register_modifier()


def _run_oneshot(
    model: PreTrainedModel, tokenizer: Any, recipe: str | Modifier, token_ids: list[list[int]], pipeline: Pipeline | None
) -> None:
    import torch
    from llmcompressor import oneshot
    from llmcompressor.core import reset_session

    from lm_eval_illusion.pruning.modifiers import fast_wanda_norms, inputs_of_any_shape
    from lm_eval_illusion.pruning.traced_configs import attention_kept_in_configs

    # All samples have the same length, so no attention mask is needed; without one a causal model uses its fastest attention.
    rows = max(1, TOKENS_PER_BATCH // len(token_ids[0]))
    ids = torch.tensor(token_ids)
    batches = [{"input_ids": ids[start : start + rows]} for start in range(0, len(ids), rows)]
    loader: Any = torch.utils.data.DataLoader(batches, batch_size=None, shuffle=False)  # type: ignore[arg-type]
    if not torch.accelerator.is_available():
        disable_malloc_trim()
    with (
        warnings.catch_warnings(),
        _pinning_only_with_accelerator(),
        fast_wanda_norms(),
        inputs_of_any_shape(),
        shared_keys_kept(model, len(batches)),
        attention_kept_in_configs(),
        _calibrating(pipeline),
        _unchanged_norms_kept(),
        registered_names_only(),
    ):
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            oneshot(
                model=model,
                tokenizer=tokenizer,
                dataset=loader,
                # As content: llmcompressor takes a text for a path first.
                recipe=load_recipe(recipe) if isinstance(recipe, str) else recipe,
                num_calibration_samples=len(batches),
                sequential_targets=block_classes(model),
            )
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"llmcompressor can't prune this model with this recipe ({type(model).__name__}, {root_cause(error)}): try another"
                " pruner, recipe or mask_structure"
            ) from error
        finally:
            reset_session()
            _remove_dispatch(model)


@contextmanager
def _calibrating(pipeline: Pipeline | None) -> Iterator[None]:
    """Within the `with` statement, let every modifier that needs calibration data use this pipeline."""
    from compressed_tensors.utils import patch_attr
    from llmcompressor.pipelines import CalibrationPipeline

    def infer(modifiers: list[Modifier]) -> str:
        return pipeline if pipeline and any(modifier.requires_calibration_data for modifier in modifiers) else "datafree"

    with patch_attr(CalibrationPipeline, "_infer_pipeline", staticmethod(infer)):
        yield


@contextmanager
def _unchanged_norms_kept() -> Iterator[None]:
    """Within the `with` statement, let norms that multiply by 1 + weight (Gemma, Qwen3-Next) keep weights that no modifier changed.

    llmcompressor adds 1 to the weights before calibration and subtracts it afterwards. In bfloat16 that rounds each to a multiple of 2^-8
    or more.
    """
    from compressed_tensors.utils import patch_attr
    from llmcompressor.modeling import CalibrationOffsetNorm

    subtract = CalibrationOffsetNorm.restore

    def restore(norm: Any, original: Any) -> Any:
        added = (1.0 + original.weight.data.float()).to(original.weight.dtype)
        return original if added.equal(norm.weight.data.to(added.device)) else subtract(norm, original)

    with patch_attr(CalibrationOffsetNorm, "restore", restore):
        yield


@contextmanager
def _complete_blocks(model: PreTrainedModel, form: LinearForm) -> Iterator[None]:
    """Within the `with` statement, let every prunable layer take part at the end of its block.

    An expert that received no token gets the unit matrix as its input. Without an input a method would leave it dense, or choose weights
    by their position; with unit inputs Wanda and SparseGPT remove the weights with the smallest magnitude, and GPTQ rounds to the nearest.
    A layer that is called outside the modules of a block (`per_layer_model_projection` of Gemma 4) is added to them: llmcompressor does
    not see that it was called.
    """
    import torch
    from compressed_tensors.utils import patch_attr
    from llmcompressor.core import LifecycleCallbacks

    layers = {name: model.get_submodule(name) for name, _ in prunable_weights(model)}
    names = {layer: name for name, layer in layers.items()}
    start_calibration, end_block = LifecycleCallbacks.calibration_start, LifecycleCallbacks.sequential_epoch_end
    ended: set[str] = set()
    with calls_of(model, list(layers)) as called:

        def start(**arguments: Any) -> Any:
            # Each modifier of a recipe has its own pass.
            called.clear()
            ended.clear()
            return start_calibration(**arguments)

        def end(modules: list[torch.nn.Module], **arguments: Any) -> Any:
            in_block = {names[module] for module in modules if module in names}
            for name in in_block:
                if name not in called and is_expert(name, form):
                    weight = layers[name].weight
                    with torch.no_grad():
                        layers[name](torch.eye(weight.shape[1], dtype=weight.dtype, device=weight.device))
            outside = [layer for name, layer in layers.items() if name in called - in_block - ended]
            ended.update(in_block, called)
            return end_block([*modules, *outside], **arguments)

        with (
            patch_attr(LifecycleCallbacks, "calibration_start", start),
            patch_attr(LifecycleCallbacks, "sequential_epoch_end", end),
        ):
            yield


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

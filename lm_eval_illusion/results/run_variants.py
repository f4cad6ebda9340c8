"""The variant that a run evaluated: what our model classes or the arguments of another model class say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.loading.arguments import (
    GGUF_ARGUMENT,
    Change,
    changed_name,
    changed_pruner,
    changes_of,
    read_model_args,
)
from lm_eval_illusion.plugin import MODEL_NAME, VLLM_MODEL_NAME
from lm_eval_illusion.results.base_content import BaseContent
from lm_eval_illusion.results.messages import shown
from lm_eval_illusion.results.outcomes import POOLED
from lm_eval_illusion.results.results_file import (
    BaseIdentityConfig,
    CalibrationConfig,
    IllusionConfig,
    QuantizationConfig,
    RunConfig,
)
from lm_eval_illusion.results.typed_json import convert
from lm_eval_illusion.results.variants import DENSE_METHOD, EMBEDDED_TEXT, Variant

Changes: TypeAlias = tuple[Change, ...]
_REMEDY = "give the results file as lm_eval wrote it, or run lm_eval again"


def variant_of_run(config: RunConfig, results_file: Path) -> Variant:
    """Return the variant that a run evaluated.

    Raises:
        UserError: The model arguments can't be read, or name no model.
    """
    with attributed(f"{results_file}: config.model_args can't be read", _REMEDY):
        arguments = read_model_args(config.model_args)
        changes = _changes_of(arguments, results_file)
    if config.illusion is not None:
        return _our_variant(config, config.illusion, arguments, changes)
    name = arguments.get("pretrained") or config.model
    if isinstance(name, bool) or not isinstance(name, (str, int, float)) or not str(name).strip():
        raise UserError(
            f"{results_file} names no model: config.model_args.pretrained or config.model is {shown(name)}, not text"
        )
    return _other_variant(str(name), config, arguments, changes)


def _changes_of(arguments: Mapping[str, Any], results_file: Path) -> Changes:
    try:
        return changes_of(arguments)
    except (AttributeError, TypeError):
        # The parts of a `quantization_config` depend on its method. Of one that can't be read, this names the part of another type.
        quantization = arguments.get("quantization_config")
        if quantization is None:
            raise
        place = "config.model_args.quantization_config"
        convert(quantization, QuantizationConfig, results_file, place, _REMEDY)
        with attributed(f"{results_file}: {place} can't be read", _REMEDY):
            raise


def _our_variant(
    config: RunConfig, ours: IllusionConfig, arguments: Mapping[str, Any], changes_by_argument: Changes
) -> Variant:
    calibration = ours.calibration or CalibrationConfig()
    base = ours.base_identity or BaseIdentityConfig()
    # Earlier versions did not record what an argument changes. `key` and `none`: in those, a model was pruned here or dense.
    unrecorded = changes_by_argument if ours.key or ours.pruner == "none" else ()
    unrecorded = () if ours.changes else unrecorded
    # An adapter's content tells it from another one of the same name; without one, its path does.
    changes = [change.content or f"{change.argument}={change.value}" for change in ours.changes]
    changes += [f"{change.argument}={change.value}" for change in unrecorded]
    return Variant(
        base_model=ours.base_model,
        variant=changed_name(ours.variant, unrecorded),
        pruner=changed_pruner(ours.pruner, unrecorded),
        sparsity_requested=ours.sparsity_requested,
        sparsity_measured=ours.sparsity_measured,
        bits_measured=ours.bits_measured,
        mask_structure=ours.mask_structure,
        owl_lambda=ours.owl_lambda,
        owl_m=ours.owl_m,
        calibration_source=calibration.source,
        calibration_language=_calibration_language(calibration),
        calibration_samples=calibration.samples,
        calibration_length=calibration.length,
        # Without calibration nothing depends on the seed.
        pruning_seed=ours.pruning_seed if ours.calibration else None,
        dtype=ours.dtype or _dtype(config),
        identity="+".join([str(ours.key or ours.base_revision), *changes]),
        base_content=BaseContent(
            base.weights,
            base.tokenizer,
            _commit(ours.base_revision),
            *_place(arguments),
            # A method without a checkpoint of the store and without changes by arguments is that of the base model itself.
            scheme=ours.variant if ours.pruner != DENSE_METHOD and not (ours.key or ours.changes or unrecorded) else None,
            # Each quantisation of a model in a folder of GGUF files has other weights on purpose.
            other_model=next((f"{ours.base_model}/{it.value}" for it in ours.changes if it.argument == GGUF_ARGUMENT), None),
        ),
        beams_are_top1=config.model not in (MODEL_NAME, VLLM_MODEL_NAME),
    )


def _calibration_language(calibration: CalibrationConfig) -> str | None:
    """Return the language of the calibration text. `all` is the default of the argument: of a text of the user it says nothing."""
    is_embedded = calibration.source in (None, EMBEDDED_TEXT)
    return calibration.language if is_embedded or calibration.language != POOLED else None


def _other_variant(name: str, config: RunConfig, arguments: Mapping[str, Any], changes: Changes) -> Variant:
    """Return the variant of a model class that is not ours: what its arguments say, otherwise dense."""
    commits = [sha for sha in (config.model_sha, config.peft_sha, config.delta_sha) if sha]
    bits = [change.bits for change in changes if change.is_quantisation]
    return Variant(
        base_model=name,
        variant=changed_name("dense", changes),
        pruner=changed_pruner(DENSE_METHOD, changes),
        sparsity_requested=None,
        sparsity_measured=None,
        bits_measured=bits[-1] if bits else None,
        mask_structure="0:0",
        dtype=_dtype(config),
        identity="+".join([*commits, *(f"{change.argument}={change.value}" for change in changes)]),
        base_content=BaseContent(None, None, _commit(config.model_sha), *_place(arguments)),
        beams_are_top1=True,
    )


def _dtype(config: RunConfig) -> str | None:
    """Return the dtype of the weights as lm_eval's `hf` writes it."""
    return config.model_dtype.removeprefix("torch.") if config.model_dtype else None


def _commit(revision: str | None) -> str | None:
    """Return a revision if it is a commit: 40 hexadecimal digits."""
    return revision if revision and re.fullmatch(r"[0-9a-f]{40}", revision) else None


def _place(arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Return the requested revision and subfolder."""
    revision, subfolder = (str(arguments.get(name) or "") for name in ("revision", "subfolder"))
    return ("main" if revision in ("", "None") else revision), ("" if subfolder == "None" else subfolder)

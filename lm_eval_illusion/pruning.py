"""From a base model and pruning settings to a pruned checkpoint in the store."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path
from typing import Any

from lm_eval_illusion.arguments import PruningSettings, read_settings
from lm_eval_illusion.base_models import BaseModel, base_revision, load_model, load_tokenizer, resolve
from lm_eval_illusion.calibration import calibration_samples, calibration_texts
from lm_eval_illusion.checkpoints import Checkpoint, key_of, obtain
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.recipes import is_recipe_file, recipe_template, render_recipe

PACKAGES = ("lm_eval_illusion", "llmcompressor", "compressed-tensors", "transformers", "torch")


def prune(
    pretrained: str,
    pruner: str = "wanda",
    sparsity: float | None = None,
    *,
    revision: str = "main",
    dtype: str = "auto",
    trust_remote_code: bool = False,
    **settings: Any,
) -> Path:
    """Prune a model and return the folder of the checkpoint, an ordinary dense-format Hugging Face folder in the store.

    `settings` are the other pruning arguments of `pruned-hf`: mask_structure, calibration, calibration_language,
    calibration_samples, calibration_length, pruning_seed, store.

    Raises:
        UserError: an argument is wrong, or the model came out with another sparsity than was asked.
    """
    read = read_settings(pruner=pruner, sparsity=sparsity, **settings)
    if read.pruner == "none":
        raise UserError("pruner none leaves the model as it is: give wanda, sparsegpt, magnitude or a recipe")
    base = BaseModel(pretrained, revision, dtype, trust_remote_code)
    return Path(pruned_checkpoint(base, read).path)


def pruned_checkpoint(base: BaseModel, settings: PruningSettings) -> Checkpoint:
    """The checkpoint of these settings from the store, made if it isn't there. For `pruner=none` the base model itself."""
    provenance = _provenance(base, settings)
    if settings.pruner == "none":
        return Checkpoint(resolve(base.pretrained), provenance)
    texts = calibration_texts(settings)
    key = key_of(_identity(base, settings, texts, provenance))
    return obtain(settings.store, key, lambda folder: _prune_into(folder, base, settings, texts, {**provenance, "key": key}))


def _prune_into(
    folder: Path, base: BaseModel, settings: PruningSettings, texts: list[str], provenance: dict[str, Any]
) -> dict[str, Any]:
    """Prune, check, and save model and tokenizer; return the manifest's fields."""
    from lm_eval_illusion.oneshot import output_head, prune_in_place, save_ordinary
    from lm_eval_illusion.sparsity import check_shapes, check_sparsity, measure_sparsity, overall_sparsity
    from lm_eval_illusion.steps import step

    step("pruning")
    tokenizer, model = load_tokenizer(base), load_model(base)
    _check_window(model, settings)
    check_shapes(model, settings.mask_structure)
    calibration = calibration_samples(texts, tokenizer, settings)
    recipe = render_recipe(settings.pruner, settings.sparsity, settings.mask_structure, output_head(model))
    prune_in_place(model, tokenizer, recipe, calibration.token_ids, settings.pruning_seed)
    if settings.sparsity_expected is not None:
        check_sparsity(model, settings.sparsity_expected, settings.mask_structure)
    save_ordinary(model, tokenizer, folder)
    return {
        **provenance,
        "sparsity_measured": overall_sparsity(model),
        "sparsity_of_layer": measure_sparsity(model),
        "recipe": recipe,
        "recipe_sha256": hashlib.sha256(recipe.encode()).hexdigest(),
        "calibration": {
            "source": settings.calibration,
            "language": settings.calibration_language,
            "samples": len(calibration.token_ids),
            "length": settings.calibration_length,
            "sha256": calibration.sha256,
        },
    }


def _identity(base: BaseModel, settings: PruningSettings, texts: list[str], provenance: dict[str, Any]) -> dict[str, Any]:
    """All that decides what the checkpoint is; the store key is its hash."""
    return {
        **{name: provenance[name] for name in ("base_revision", "pruning_seed", "mask_structure", "versions")},
        "dtype": str(base.dtype),
        "tokenizer": base_revision(base.tokenizer, base.revision) if base.tokenizer else None,
        "recipe": recipe_template(settings.pruner),
        "sparsity": settings.sparsity,
        "calibration": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
        "calibration_samples": settings.calibration_samples,
        "calibration_length": settings.calibration_length,
    }


def _check_window(model: Any, settings: PruningSettings) -> None:
    window = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if window is not None and settings.calibration_length > window:
        raise UserError(
            f"calibration_length {settings.calibration_length} is longer than the model's window: give at most {window}"
        )


def _provenance(base: BaseModel, settings: PruningSettings) -> dict[str, Any]:
    """What results.config says of a variant; what only pruning can tell is None until then."""
    return {
        "base_model": base.pretrained,
        "base_revision": base_revision(base.pretrained, base.revision),
        "variant": settings.variant,
        "pruner": Path(settings.pruner).stem if is_recipe_file(settings.pruner) else settings.pruner,
        "sparsity_requested": settings.sparsity,
        "sparsity_measured": None,
        "mask_structure": settings.mask_structure,
        "recipe": None,
        "recipe_sha256": None,
        "calibration": None,
        "pruning_seed": settings.pruning_seed,
        "key": None,
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
    }

"""From a base model and pruning settings to a pruned checkpoint in the store."""

from __future__ import annotations

import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.calibration import calibration_samples, calibration_texts
from lm_eval_illusion.pruning.checkpoint_store import Checkpoint, get_or_create, key_of
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, base_revision, load_model, load_tokenizer
from lm_eval_illusion.pruning.recipes import is_recipe_file, pruner_names, recipe_template, render_recipe
from lm_eval_illusion.pruning.settings import PruningSettings, read_settings, template_args

if TYPE_CHECKING:
    from lm_eval_illusion.pruning.owl import OwlProfile

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
    """Prune or quantise a model and return the folder of the checkpoint, an ordinary dense-format Hugging Face folder in the store.

    `settings` are the other pruning arguments of `pruned-hf`: mask_structure, owl_lambda, owl_m, calibration, calibration_language,
    calibration_samples, calibration_length, pruning_seed, store.

    Raises:
        UserError: an argument is wrong, or the model came out with another sparsity than was asked.
    """
    read = read_settings(pruner=pruner, sparsity=sparsity, **settings)
    if read.pruner == "none":
        raise UserError(f"pruner none leaves the model as it is: give {', '.join(pruner_names())} or a recipe")
    base = BaseModel(pretrained, revision, dtype, trust_remote_code)
    return Path(pruned_checkpoint(base, read).path)


def pruned_checkpoint(base: BaseModel, settings: PruningSettings) -> Checkpoint:
    """The checkpoint of these settings from the store, made if it isn't there. For `pruner=none` the base model itself."""
    provenance = _provenance(base, settings)
    if settings.pruner == "none":
        return Checkpoint(resolve_pretrained(base.pretrained), provenance)
    texts = calibration_texts(settings)
    key = key_of(_identity(base, settings, texts, provenance))
    made = get_or_create(
        settings.store, key, lambda folder: _prune_into(folder, base, settings, texts, {**provenance, "key": key})
    )
    # Models of the same content share an entry, under whatever names; a run is of the one that was asked for.
    asked = {name: provenance[name] for name in ("base_model", "variant", "pruner")}
    return made._replace(manifest={**made.manifest, **asked})


def _prune_into(
    folder: Path, base: BaseModel, settings: PruningSettings, texts: list[str], provenance: dict[str, Any]
) -> dict[str, Any]:
    """Prune, check, and save model and tokenizer; return the manifest's fields."""
    from lm_eval_illusion.progress import step
    from lm_eval_illusion.pruning.compressor import prune_in_place
    from lm_eval_illusion.pruning.hf_checkpoint import save_ordinary
    from lm_eval_illusion.pruning.quantization import bits_of_layers, overall_bits
    from lm_eval_illusion.pruning.sparsity import check_shapes, check_sparsity, measure_sparsity, overall_sparsity

    step("pruning")
    tokenizer, model = load_tokenizer(base), load_model(base)
    _check_window(model, settings)
    check_shapes(model, settings.mask_structure)
    calibration = calibration_samples(texts, tokenizer, settings)
    owl = _owl(model, tokenizer, settings, calibration.token_ids)
    recipe = _recipe(model, settings, owl)
    quantised = prune_in_place(model, tokenizer, recipe, calibration.token_ids, settings.pruning_seed)
    if settings.sparsity_expected is not None:
        of_layer = owl.of_layer if owl else None
        check_sparsity(model, settings.sparsity_expected, settings.mask_structure, of_layer=of_layer, at_least=bool(quantised))
    save_ordinary(model, tokenizer, folder)
    bits_of_layer = bits_of_layers(model, quantised)
    return {
        **provenance,
        "sparsity_measured": overall_sparsity(model),
        "sparsity_of_layer": measure_sparsity(model),
        "bits_measured": overall_bits(model, bits_of_layer),
        "bits_of_layer": bits_of_layer,
        "owl_of_block": owl.of_block if owl else None,
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


def _owl(model: Any, tokenizer: Any, settings: PruningSettings, token_ids: list[list[int]]) -> OwlProfile | None:
    """The sparsity of each layer by OWL; None for a pruner without it."""
    if settings.owl_lambda is None or settings.owl_m is None or settings.sparsity is None:
        return None
    from lm_eval_illusion.pruning.compressor import input_squares
    from lm_eval_illusion.pruning.owl import owl_profile

    squares = input_squares(model, tokenizer, token_ids, settings.pruning_seed)
    return owl_profile(model, squares, settings.sparsity, settings.owl_lambda, settings.owl_m)


def _recipe(model: Any, settings: PruningSettings, owl: OwlProfile | None) -> str:
    from lm_eval_illusion.pruning.compressor import output_head
    from lm_eval_illusion.pruning.owl import linear_layers
    from lm_eval_illusion.pruning.quantization import common_group_size

    more: dict[str, Any] = {}
    if owl is not None and settings.sparsity is not None:
        more["owl_sparsities"] = owl.in_order(linear_layers(model), settings.sparsity)
    if "group_size" in template_args(settings.pruner):
        more["group_size"] = common_group_size(model)
    return render_recipe(settings.pruner, settings.sparsity, settings.mask_structure, output_head(model), **more)


def _identity(base: BaseModel, settings: PruningSettings, texts: list[str], provenance: dict[str, Any]) -> dict[str, Any]:
    """All that decides what the checkpoint is; the store key is its hash."""
    return {
        **{name: provenance[name] for name in ("base_revision", "pruning_seed", "mask_structure", "versions")},
        "dtype": str(base.dtype),
        "tokenizer": base_revision(base.tokenizer, base.revision) if base.tokenizer else None,
        "recipe": recipe_template(settings.pruner),
        "sparsity": settings.sparsity,
        "owl": [settings.owl_lambda, settings.owl_m],
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
        "bits_measured": None,
        "mask_structure": settings.mask_structure,
        "owl_lambda": settings.owl_lambda,
        "owl_m": settings.owl_m,
        "recipe": None,
        "recipe_sha256": None,
        "calibration": None,
        "pruning_seed": settings.pruning_seed,
        "key": None,
        "versions": dict(_versions()),
    }


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    """Of the packages that decide what a checkpoint is; each look at one reads and parses a file."""
    return tuple((package, importlib.metadata.version(package)) for package in PACKAGES)

"""From a base model and pruning settings to a pruned checkpoint: recipe, calibration, llmcompressor, and a look at what came out."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.arguments import PruningSettings, is_recipe_file, pruners_folder, read_settings
from lm_eval_illusion.base_models import base_revision, resolve
from lm_eval_illusion.calibration import calibration_samples, calibration_texts
from lm_eval_illusion.checkpoints import Checkpoint, key_of, obtain
from lm_eval_illusion.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PACKAGES = ("lm_eval_illusion", "llmcompressor", "compressed-tensors", "transformers", "torch")


def prune(
    pretrained: str,
    pruner: str = "wanda",
    sparsity: float | None = None,
    *,
    revision: str = "main",
    dtype: str = "auto",
    device: str | None = None,
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
    made = pruned_checkpoint(
        pretrained, read, revision=revision, dtype=dtype, device=device, trust_remote_code=trust_remote_code
    )
    return Path(made.path)


def pruned_checkpoint(
    pretrained: str,
    settings: PruningSettings,
    *,
    revision: str = "main",
    dtype: str = "auto",
    device: str | None = None,
    trust_remote_code: bool = False,
    tokenizer: str | None = None,
) -> Checkpoint:
    """The checkpoint of these settings from the store, made if it isn't there. For `pruner=none` the base model itself."""
    provenance = _provenance(pretrained, revision, settings)
    if settings.pruner == "none":
        return Checkpoint(resolve(pretrained), provenance)
    loading = {"revision": revision, "trust_remote_code": trust_remote_code}
    template = _template(settings)
    texts = calibration_texts(settings)
    identity = {
        **{name: provenance[name] for name in ("base_revision", "pruning_seed", "mask_structure", "versions")},
        "recipe": template,
        "sparsity": settings.sparsity,
        "dtype": str(dtype),
        "tokenizer": tokenizer,
        "calibration": [hashlib.sha256("\n\n".join(texts).encode()).hexdigest(), settings.calibration_length, len(texts)],
        "calibration_samples": settings.calibration_samples,
    }
    key = key_of(identity)

    def make(folder: Path) -> dict[str, Any]:
        return _prune_into(folder, pretrained, settings, template, texts, {**provenance, "key": key}, loading, dtype, device, tokenizer)

    return obtain(settings.store, key, make)


def _prune_into(
    folder: Path,
    pretrained: str,
    settings: PruningSettings,
    template: str,
    texts: list[str],
    provenance: dict[str, Any],
    loading: dict[str, Any],
    dtype: str,
    device: str | None,
    tokenizer_name: str | None,
) -> dict[str, Any]:
    """Prune, check, and save model and tokenizer; return the manifest's fields."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lm_eval_illusion.sparsity import check_sparsity, measure_sparsity, overall_sparsity

    base = resolve(pretrained)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_name or base, **loading)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, **loading)
    _check_window(model, settings)
    calibration = calibration_samples(texts, tokenizer, settings)
    recipe = render_recipe(template, settings, _output_head(model))
    if device:
        model.to(device)
    prune_model(model, tokenizer, recipe, calibration.token_ids, settings.pruning_seed)
    model.to("cpu")
    if settings.sparsity_expected is not None:
        check_sparsity(model, settings.sparsity_expected, settings.mask_structure)
    # llmcompressor puts its own save_pretrained on the instance; the class's writes an ordinary folder.
    type(model).save_pretrained(model, folder)
    tokenizer.save_pretrained(folder)
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


def prune_model(model: PreTrainedModel, tokenizer: Any, recipe: str, token_ids: list[list[int]], seed: int) -> None:
    """Prune a model in place by an llmcompressor recipe.

    `token_ids`: calibration samples of one length. The global random state is as before afterwards.
    """
    import torch
    from llmcompressor import oneshot
    from llmcompressor.core import reset_session

    from lm_eval_illusion.magnitude import register_modifier

    register_modifier()
    ids = torch.tensor(token_ids)
    samples = [{"input_ids": row[None], "attention_mask": torch.ones_like(row[None])} for row in ids]
    loader = torch.utils.data.DataLoader(samples, batch_size=None, shuffle=False)  # type: ignore[arg-type]
    tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
    with torch.random.fork_rng(), _quiet(), _linear_layers(model):
        torch.manual_seed(seed)
        oneshot(model=model, tokenizer=tokenizer, dataset=loader, recipe=recipe, num_calibration_samples=len(samples))
        reset_session()
    if tied:
        model.tie_weights()


def render_recipe(template: str, settings: PruningSettings, output_head: str | None) -> str:
    """Fill a recipe template: `sparsity`, `mask_structure`, and `ignore`, the layers that stay as they are.

    Raises:
        UserError: the template is not valid Jinja, or names something else.
    """
    from jinja2 import Environment, StrictUndefined, TemplateError

    # llmcompressor matches "<layer>." where a target is the layer itself, so the name alone would never match.
    ignore = [f"re:.*{output_head}"] if output_head else []
    try:
        return (
            Environment(undefined=StrictUndefined, autoescape=False)
            .from_string(template)
            .render(sparsity=settings.sparsity if settings.sparsity is not None else 0.5, mask_structure=settings.mask_structure, ignore=ignore)
        )
    except TemplateError as error:
        raise UserError(
            f"recipe {settings.pruner} can't be filled in ({error}): it may use sparsity, mask_structure and ignore"
        ) from error


def _template(settings: PruningSettings) -> str:
    path = Path(settings.pruner) if is_recipe_file(settings.pruner) else pruners_folder() / f"{settings.pruner}.yaml"
    return path.read_text(encoding="utf-8")


def _output_head(model: PreTrainedModel) -> str | None:
    head = model.get_output_embeddings()
    return next((name.split(".")[-1] for name, module in model.named_modules() if module is head), None)


def _check_window(model: PreTrainedModel, settings: PruningSettings) -> None:
    window = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if window is not None and settings.calibration_length > window:
        raise UserError(
            f"calibration_length {settings.calibration_length} is longer than the model's window: give at most {window}"
        )


def _provenance(pretrained: str, revision: str, settings: PruningSettings) -> dict[str, Any]:
    """What results.config says of a variant; what only pruning can tell is None until then."""
    return {
        "base_model": pretrained,
        "base_revision": base_revision(pretrained, revision),
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


@contextmanager
def _linear_layers(model: PreTrainedModel) -> Iterator[None]:
    """GPT-2's Conv1D layers as Linear ones while pruning: llmcompressor's pruners don't see Conv1D."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    swapped = []
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Conv1D):
                linear = nn.Linear(*layer.weight.shape, device=layer.weight.device, dtype=layer.weight.dtype)
                linear.weight.data, linear.bias.data = layer.weight.data.T.contiguous(), layer.bias.data
                setattr(parent, name, linear)
                swapped.append((parent, name, layer))
    yield
    for parent, name, layer in swapped:
        layer.weight.data = getattr(parent, name).weight.data.T.contiguous()
        setattr(parent, name, layer)


@contextmanager
def _quiet() -> Iterator[None]:
    """llmcompressor's notes are not the user's; its warnings and progress bars stay. LLM_COMPRESSOR_LOG_LEVEL wins."""
    from loguru import logger

    if "LLM_COMPRESSOR_LOG_LEVEL" in os.environ:
        yield
        return
    logger.disable("llmcompressor")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.enable("llmcompressor")

"""Make a pruned checkpoint in the store from a base model and pruning settings: identity, lookup, pruning, measurement."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lm_eval_illusion.embedded import EMBEDDED, resolve_pretrained
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.arguments import GGUF_ARGUMENT
from lm_eval_illusion.option_values import read_name
from lm_eval_illusion.pruning.as_loaded import described_as_loaded
from lm_eval_illusion.pruning.calibration import calibration_samples, calibration_texts, text_sha256
from lm_eval_illusion.pruning.checkpoint_files import remove_code_references
from lm_eval_illusion.pruning.checkpoint_store import Checkpoint, get_or_create, key_of
from lm_eval_illusion.pruning.earlier_keys import found_by_key
from lm_eval_illusion.pruning.elsewhere import check_python, impossible_here, other_checkpoint, prune_elsewhere, pruning_python
from lm_eval_illusion.pruning.environment import installed_versions, pruning_fault
from lm_eval_illusion.pruning.gguf_checkpoint import GgufModel, dequantised, is_gguf, refuse_unnamed_file
from lm_eval_illusion.pruning.hf_checkpoint import (
    BaseModel,
    base_revision,
    check_dtype,
    identity_of,
    load_config,
    load_model,
    load_tokenizer,
    save_checkpoint,
)
from lm_eval_illusion.pruning.manifest import CalibrationRecord, ChangeRecord, CheckpointIdentity, Manifest
from lm_eval_illusion.pruning.manifest_check import Asked
from lm_eval_illusion.pruning.model_folder import check_files
from lm_eval_illusion.pruning.named_models import refuse_adapter, refuse_missing
from lm_eval_illusion.pruning.quantized_checkpoint import refuse_quantized
from lm_eval_illusion.pruning.recipes import pruner_names, recipe_template, render_recipe, short_name, template_args
from lm_eval_illusion.pruning.settings import PruningSettings, read_settings
from lm_eval_illusion.pruning.store_key import checkpoint_identity, earlier_identities

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from lm_eval_illusion.pruning.owl import OwlProfile

logger = logging.getLogger(__name__)

# The packages that make a checkpoint; their versions stand in its manifest.
PACKAGES = ("lm_eval_illusion", "llmcompressor", "compressed-tensors", "transformers", "torch")


def prune(
    pretrained: str,
    pruner: str = "wanda",
    sparsity: float | str | None = None,
    *,
    mask_structure: str = "0:0",
    owl_lambda: float | str | None = None,
    owl_m: float | str | None = None,
    calibration: str | None = None,
    calibration_language: str | None = None,
    calibration_samples: int | str = 128,
    calibration_length: int | str | None = None,
    pruning_seed: int | str = 0,
    store: str | None = None,
    revision: str = "main",
    dtype: str = "auto",
    trust_remote_code: bool = False,
    gguf_file: str | None = None,
) -> Path:
    """Prune or quantise a model and return the folder of the checkpoint in the store, a dense-format Hugging Face folder.

    Weights are removed from every linear layer and expert except output head and routers; removed weights are zeros. Of a multimodal
    model only the language model is changed. A checkpoint of the same model and
    settings is made once and then loaded from the store.

    Args:
        pretrained: A folder, a hub name, `embedded`, or the path of a GGUF file.
        pruner: A template in pruners/, e.g. `wanda` (arXiv 2306.11695), `sparsegpt` (2301.00774), `owl` (2310.05175), `gptq`
            (2210.17323), `awq` (2306.00978); or the path of a recipe.
        sparsity: Share of weights to remove, in [0, 1); None is 0.6 where the pruner takes a sparsity.
        mask_structure: "2:4" or "4:8" for that many zeros in every group of a row, in place of `sparsity`.
        owl_lambda: Half the distance between the sparsities of the most and the least sparse block (OWL only, default 0.08).
        owl_m: Multiple of a block's mean |weight| x input norm from which a weight is an outlier (OWL only, default 5).
        calibration: `embedded`, a text or JSONL file, or `hub:<dataset>[:<config>[:<split>[:<column>]]]`; None is `embedded` for the
            embedded model and C4 (`hub:allenai/c4:en`) for every other one.
        calibration_language: Language of the embedded calibration text, or `all`. Without `calibration`, it selects the embedded text.
        calibration_samples: Number of samples.
        calibration_length: Tokens per sample; None is 256 for the embedded text, and 2048 or the model's window for any other.
        pruning_seed: Seed for the order of the calibration text and for llmcompressor.
        store: Folder of the checkpoint store, or "off"; None is `settings.default_store()`.
        revision: Revision of the base model on the hub.
        dtype: torch dtype in which the base model is loaded; "auto" is its own.
        trust_remote_code: Whether code of the base model may be run.
        gguf_file: Name of a GGUF file in `pretrained`, which is dequantised once into the store and then pruned.

    Raises:
        UserError: An argument is wrong, the model can't be pruned this way, or the result does not have the requested sparsity.
    """
    settings = read_settings(
        pruner,
        sparsity,
        mask_structure=mask_structure,
        owl_lambda=owl_lambda,
        owl_m=owl_m,
        calibration=calibration,
        calibration_language=calibration_language,
        calibration_samples=calibration_samples,
        calibration_length=calibration_length,
        pruning_seed=pruning_seed,
        store=store,
        pretrained=pretrained,
    )
    refuse_dense(settings)
    base = BaseModel(pretrained, revision, dtype, trust_remote_code, gguf_file=gguf_file)
    return Path(pruned_checkpoint(base, settings).path)


def refuse_dense(settings: PruningSettings) -> None:
    """Refuse `pruner=none` where a pruned checkpoint is required.

    Raises:
        UserError: The pruner is `none`.
    """
    if settings.pruner == "none":
        raise UserError(f"pruner none leaves the model as it is: give {', '.join(pruner_names())} or a recipe")


def pruned_checkpoint(base: BaseModel, settings: PruningSettings) -> Checkpoint:
    """Return the checkpoint for these settings from the store; make it if it is missing. For `pruner=none`, the base model itself.

    Raises:
        UserError: As for `prune`.
    """
    for name, value in (("pretrained", base.pretrained), ("revision", base.revision)):
        read_name(name, value)
    check_dtype(base.dtype)
    if is_gguf(base):
        model = dequantised(base, settings.store)
        folder = BaseModel(
            model.checkpoint.path, dtype=base.dtype, tokenizer=base.tokenizer, tokenizer_revision=base.tokenizer_revision
        )
        checkpoint = _checkpoint_of_folder(folder, settings, f"{model.name}/{model.file}", base, model.sha256)
        return _named_by_file(checkpoint, model)
    refuse_unnamed_file(base)
    return _checkpoint_of_folder(base, settings, base.pretrained, base)


def _named_by_file(checkpoint: Checkpoint, model: GgufModel) -> Checkpoint:
    """Return a checkpoint that was made of a dequantised GGUF file, or that is one, with the names and the content of the file.

    The file as it is has the bits of its blocks; a pruned one is no GGUF file any more, and has those of its data type.
    """
    stored, manifest = model.checkpoint.manifest, checkpoint.manifest
    is_pruned = manifest.key is not None
    names = replace(
        manifest,
        base_model=model.name,
        base_revision=model.sha256,
        base_identity=stored.base_identity,
        variant=f"{stored.variant}+{manifest.variant}" if is_pruned else stored.variant,
        pruner=f"{stored.pruner}+{manifest.pruner}" if is_pruned else stored.pruner,
        bits_measured=manifest.bits_measured if is_pruned else stored.bits_measured,
        sparsity_measured=manifest.sparsity_measured if is_pruned else stored.sparsity_measured,
        changes=[ChangeRecord(GGUF_ARGUMENT, model.file, model.sha256)],
    )
    return checkpoint._replace(manifest=names)


@dataclass(frozen=True)
class _Request:
    """A pruned checkpoint that is asked for, of a base model that is a folder, on the hub, or `embedded`.

    `manifest`: as far as it is defined before pruning; `manifest_earlier`: as the key schemes of earlier versions have it. `label`: the
    checkpoint in words.
    """

    base: BaseModel
    settings: PruningSettings
    texts: list[str]
    manifest: Manifest
    manifest_earlier: Manifest
    identity: CheckpointIdentity

    @property
    def key(self) -> str:
        return key_of(asdict(self.identity))

    @property
    def label(self) -> str:
        return f"{self.manifest.variant} of {self.manifest.base_model}"

    @property
    def asked(self) -> Asked:
        settings = self.settings
        return Asked(
            self.manifest,
            sparsity=settings.sparsity_expected,
            calibration=(text_sha256(self.texts), settings.calibration_samples, settings.calibration_length)
            if settings.needs.calibration
            else None,
            allows_code=self.base.trust_remote_code,
        )

    def found(self) -> Checkpoint | str:
        """Return the checkpoint of the store, or why it can't be used, as in "is not in it"."""
        earlier = earlier_identities(self.base, self.identity)
        asked = self.asked
        return found_by_key(
            self.settings.store,
            self.key,
            earlier,
            name=self.label,
            asked=asked,
            asked_earlier=asked._replace(manifest=self.manifest_earlier),
        )

    def make(self, folder: Path) -> Manifest:
        """Make the checkpoint in a folder; return its manifest."""
        manifest = replace(self.manifest, key=self.key)
        return _make_checkpoint(folder, self.base, self.settings, self.texts, manifest, self.identity.recipe)


def check_obtainable(base: BaseModel, settings: PruningSettings) -> None:
    """Check that `pruned_checkpoint` finds the checkpoint in the store, or that an environment is known that can make it. Nothing is made.

    `base`: an ordinary folder, or `embedded`.

    Raises:
        UserError: Neither is so.
    """
    request = _request(base, settings, base.pretrained)
    fault = request.found()
    if isinstance(fault, Checkpoint):
        return
    if (python := _other_python(settings)) is not None:
        check_python(python)
    elif (reason := pruning_fault()) is not None:
        raise impossible_here(base, settings, request.label, fault, reason)


def _other_python(settings: PruningSettings) -> str | None:
    """Return the Python of another environment that is to fill the store; None if none is named, or nothing is to be stored."""
    return pruning_python() if settings.store != "off" else None


def _checkpoint_of_folder(
    base: BaseModel, settings: PruningSettings, name: str, given: BaseModel, file_sha256: str | None = None
) -> Checkpoint:
    """Return the checkpoint of a base model that is an ordinary folder, a model on the hub, or `embedded`. `name`: for the manifest.

    `given`: the base model as the user named it. `file_sha256`: of the GGUF file that the folder was made of. The key depends on it:
    another version of transformers writes another folder of the same numbers.
    """
    if settings.pruner == "none":
        return Checkpoint(resolve_pretrained(base.pretrained), _checked_manifest(base, settings, name))
    request = _request(base, settings, name, file_sha256)
    settings = request.settings
    checkpoint = request.found()
    if isinstance(checkpoint, str) and (python := _other_python(settings)) is not None:
        prune_elsewhere(python, given, settings)
        checkpoint = request.found()
        if isinstance(checkpoint, str):
            raise other_checkpoint(python)
    if isinstance(checkpoint, str):
        if (reason := pruning_fault()) is not None:
            raise impossible_here(given, settings, request.label, checkpoint, reason)
        checkpoint = get_or_create(settings.store, request.key, request.make, name=request.label, asked=request.asked)
    # Base models with the same content share an entry, whatever their names. Report the names of this request.
    stored = checkpoint.manifest
    names = replace(
        stored,
        base_model=request.manifest.base_model,
        variant=request.manifest.variant,
        pruner=request.manifest.pruner,
        # Two files with the same text also share an entry.
        calibration=stored.calibration
        and replace(stored.calibration, source=settings.calibration, language=settings.calibration_language),
    )
    return checkpoint._replace(manifest=names)


def _request(base: BaseModel, settings: PruningSettings, name: str, file_sha256: str | None = None) -> _Request:
    """Return the request for a checkpoint, with the arguments of `_checkpoint_of_folder`."""
    manifest = manifest_earlier = _checked_manifest(base, settings, name)
    settings = within_window(base, settings)
    texts = calibration_texts(settings)
    if file_sha256 is not None:
        manifest = replace(manifest, base_revision=file_sha256, base_identity=None)
    identity = checkpoint_identity(base, settings, texts, manifest.base_revision)
    return _Request(base, settings, texts, manifest, manifest_earlier, identity)


def _checked_manifest(base: BaseModel, settings: PruningSettings, name: str) -> Manifest:
    """Check the files of a base model, and return the manifest with the fields that are defined before pruning."""
    check_files(base.files)
    refuse_adapter(base.files)
    if base.tokenizer_files is not None:
        refuse_missing("tokenizer" if base.tokenizer else "tokenizer_revision of", base.tokenizer_files)
        check_files(base.tokenizer_files)
    if settings.pruner != "none":
        refuse_quantized(base.files)
    return described_as_loaded(_initial_manifest(base, settings, name), base)


def _initial_manifest(base: BaseModel, settings: PruningSettings, name: str) -> Manifest:
    """Return the manifest with the fields that are defined before pruning."""
    # The weights of a hub model need not be there for a checkpoint of the store, whose manifest has the identity.
    is_needed = settings.pruner == "none" or base.files.is_local
    return Manifest(
        base_model=name,
        base_revision=base_revision(*base.files),
        base_identity=identity_of(base) if is_needed else None,
        variant=settings.variant,
        pruner=short_name(settings.pruner),
        sparsity_requested=settings.sparsity,
        mask_structure=settings.mask_structure,
        owl_lambda=settings.owl_lambda,
        owl_m=settings.owl_m,
        pruning_seed=settings.pruning_seed if settings.needs.seed else None,
        versions=dict(_versions()),
    )


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    """Return name and version of each of `PACKAGES` that is installed. Cached: every lookup reads and parses a file."""
    return tuple(installed_versions(PACKAGES).items())


def _make_checkpoint(
    folder: Path, base: BaseModel, settings: PruningSettings, texts: list[str], manifest: Manifest, template: str
) -> Manifest:
    """Prune the model, check it, save it with its tokenizer into `folder`, and return the completed manifest.

    `template`: the text of the pruner's template that the checkpoint's key was made of.
    """
    from lm_eval_illusion.progress import report_step
    from lm_eval_illusion.pruning.compressor import layers_without_inputs, prune_in_place
    from lm_eval_illusion.pruning.linear_form import linear_form
    from lm_eval_illusion.pruning.quantization import bits_of_layers, overall_bits
    from lm_eval_illusion.pruning.sparsity import (
        check_shapes,
        check_sparsity,
        left_dense,
        measure_sparsity,
        overall_sparsity,
        refuse_not_finite,
        refuse_pruned_outside,
        refuse_unreachable,
        still_dense,
        sums_of_weights,
        zeros_outside,
    )
    from lm_eval_illusion.pruning.weights import modules_outside

    report_step("pruning")
    tokenizer, model = load_tokenizer(base), load_model(base)
    _check_context_window(model, settings)
    calibration = calibration_samples(texts, tokenizer, settings)
    with linear_form(model) as form:
        skipped = layers_without_inputs(model, form, calibration.token_ids)
        refuse_unreachable(model, skipped)
        check_shapes(model, settings.mask_structure, skipped)
        zeros, others, sums = measure_sparsity(model), zeros_outside(model), sums_of_weights(model)
        refuse_not_finite(sums, base.pretrained)
        owl = _owl_profile(model, tokenizer, settings, calibration.token_ids, skipped)
        recipe = _render_recipe(model, settings, owl, skipped)
        result = prune_in_place(model, form, tokenizer, recipe, calibration.token_ids, settings.pruning_seed)
        if settings.sparsity_expected is not None:
            check_sparsity(
                model,
                settings.sparsity_expected,
                settings.mask_structure,
                layer_sparsities=owl.layer_sparsities if owl else None,
                at_least=bool(result.bits),
                skipped=skipped,
            )
        refuse_pruned_outside(others, zeros_outside(model))
        dense_names = still_dense(zeros, measure_sparsity(model), result.bits)
        # A rotation adds no zeros, but changes the sums.
        if settings.sparsity != 0 and dense_names >= zeros.keys() and sums_of_weights(model) == sums:
            raise UserError(
                f"recipe {settings.pruner} changed no weight of {type(model).__name__}: correct its targets or modifiers"
            )
        dense = left_dense(model, dense_names)
        bits_of_layer = form.mean_by_stored(bits_of_layers(model, result.bits))
    if recipe_template(settings.pruner) != template:
        raise UserError(f"recipe {settings.pruner} changed while it was used: run the same command again")
    save_checkpoint(model, tokenizer, folder)
    if not base.trust_remote_code:
        remove_code_references(folder)
    return replace(
        manifest,
        sparsity_measured=overall_sparsity(model),
        sparsity_of_layer=measure_sparsity(model),
        left_dense=dense,
        outside_language_model=modules_outside(model),
        calibration_pipeline=result.pipeline,
        bits_measured=overall_bits(model, bits_of_layer),
        bits_of_layer=bits_of_layer,
        owl_of_block=owl.blocks if owl else None,
        # A hub model is in the cache only now.
        base_identity=manifest.base_identity or identity_of(base),
        recipe=recipe,
        recipe_sha256=hashlib.sha256(recipe.encode()).hexdigest(),
        calibration=CalibrationRecord(
            source=settings.calibration,
            language=settings.calibration_language,
            samples=len(calibration.token_ids),
            length=settings.calibration_length,
            sha256=calibration.sha256,
        )
        if settings.needs.calibration
        else None,
    )


def _check_context_window(model: PreTrainedModel, settings: PruningSettings) -> None:
    if not settings.needs.calibration:
        return
    window = _window_of(model.config)
    if window is not None and window < settings.calibration_length:
        raise UserError(
            f"calibration_length {settings.calibration_length} is longer than the model's window: give at most {window}"
        )


def within_window(base: BaseModel, settings: PruningSettings) -> PruningSettings:
    """Return the settings with samples as long as the model's window, if it is shorter than the default length.

    Raises:
        UserError: The model's configuration can't be read.
    """
    # A sample of the embedded text fits into the window of every model of use; if not, the user is told.
    if settings.is_length_given or not settings.needs.calibration or settings.calibration == EMBEDDED:
        return settings
    window = _window_of(load_config(base))
    if window is None or window >= settings.calibration_length:
        return settings
    logger.warning("calibration samples have %d tokens, the window of the model, not %d", window, settings.calibration_length)
    return dataclasses.replace(settings, calibration_length=window)


def _window_of(config: PreTrainedConfig) -> int | None:
    """Return the most tokens of a sequence; None if the model has no such limit."""
    window = getattr(config.get_text_config(), "max_position_embeddings", None)
    # XLNet's -1 is no window.
    return window if isinstance(window, int) and window > 0 else None


def _owl_profile(
    model: PreTrainedModel, tokenizer: Any, settings: PruningSettings, token_ids: list[list[int]], skipped: frozenset[str]
) -> OwlProfile | None:
    """Return OWL's sparsity of each layer; None for other pruners."""
    if settings.owl_lambda is None or settings.owl_m is None or settings.sparsity is None:
        return None
    from lm_eval_illusion.pruning.compressor import input_squares
    from lm_eval_illusion.pruning.owl import owl_profile

    squares = input_squares(model, tokenizer, token_ids, settings.pruning_seed)
    return owl_profile(model, squares, settings.sparsity, settings.owl_lambda, settings.owl_m, skipped)


def _render_recipe(model: PreTrainedModel, settings: PruningSettings, owl: OwlProfile | None, skipped: frozenset[str]) -> str:
    """Fill in the pruner's template with the values that depend on the model."""
    from lm_eval_illusion.pruning.compressor import ignored_layers
    from lm_eval_illusion.pruning.owl import linear_layers
    from lm_eval_illusion.pruning.quantization import common_group_size

    owl_sparsities: list[float] = []
    if owl is not None and settings.sparsity is not None:
        owl_sparsities = owl.in_order(linear_layers(model), settings.sparsity)
    return render_recipe(
        settings.pruner,
        settings.sparsity,
        settings.mask_structure,
        ignored_layers(model, skipped),
        owl_sparsities=owl_sparsities,
        group_size=common_group_size(model, skipped) if "group_size" in template_args(settings.pruner) else None,
        module_names=[name for name, _ in model.named_modules()],
    )

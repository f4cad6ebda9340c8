"""`lm-eval-illusion prune`: export a pruned checkpoint with a model card to a folder, and upload it to the hub."""

from __future__ import annotations

import glob
import shutil
from pathlib import Path

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.files import new_folder, refuse_existing
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.manifest import MANIFEST, CalibrationRecord, Manifest
from lm_eval_illusion.pruning.prune import pruned_checkpoint, refuse_dense
from lm_eval_illusion.pruning.settings import PruningSettings

CARD = "README.md"
# Rows of the card's table of layers: this many with the lowest and this many with the highest sparsity.
SHOWN_LAYERS = 5


def export_command(base: BaseModel, settings: PruningSettings, out: Path, repository: str | None = None) -> int:
    """Prune a model or take it from the store, write it to the new folder `out`, and upload it to `repository` if one is named.

    Returns the exit code 0.

    Raises:
        UserError: The pruner is `none`, `out` exists or can't be written, or the hub can't be reached.
    """
    refuse_dense(settings)
    refuse_existing(out)
    checkpoint = pruned_checkpoint(base, settings)
    card = model_card(base, checkpoint.manifest)
    with new_folder(out) as folder:
        _copy_files(Path(checkpoint.path), folder, checkpoint.manifest)
        (folder / CARD).write_text(card, encoding="utf-8", newline="\n")
    manifest = checkpoint.manifest
    print(f"written: {out} (sparsity {manifest.sparsity_measured:.4f}, {manifest.bits_measured:g} bits per weight)")
    if repository is not None:
        _upload(out, repository, [*manifest.files, MANIFEST, CARD])
    print(
        f"Now: lm_eval --model hf --model_args pretrained={out} --tasks mqa_illusion_core --log_samples --output_path runs\n"
        f"and: lm-eval-illusion report runs --dense {base.pretrained}"
    )
    return 0


def _copy_files(source: Path, target: Path, manifest: Manifest) -> None:
    """Copy the files that the manifest lists, and the manifest, without their permissions: those of the umask are for this user's files.

    Also, those of a read-only store would prevent writing the card.
    """
    for name in (*manifest.files, MANIFEST):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, copy)


def model_card(base: BaseModel, manifest: Manifest) -> str:
    """Return the text of the model card: base model and licence, measured sparsity and bits, calibration, recipe, layers."""
    from huggingface_hub import ModelCardData

    licence = base_licence(base)
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    data = ModelCardData(
        base_model=base.pretrained, license=licence, tags=["pruned", manifest.variant], pipeline_tag="text-generation"
    )
    sections = [
        f"---\n{data.to_yaml()}\n---",
        f"# {manifest.base_model}, compressed: {manifest.variant}",
        f"Made by lm-eval-illusion from `{manifest.base_model}` (revision {manifest.base_revision}). A dense-format checkpoint: removed"
        " weights are zeros.",
        f"- **Licence**: {licence or 'the base model states none, see there'}; the base model's licence applies.",
        f"- **Sparsity**: {manifest.sparsity_measured:.4f} measured over all weights but embeddings and"
        " output head,"
        f" {_requested(manifest.sparsity_requested)}, mask structure {manifest.mask_structure}.",
        f"- **Bits**: {manifest.bits_measured:g} per weight, the mean over the same weights. Quantised weights are rounded to their grid,"
        " in the dtype of the base model.",
        *_unpruned_lines(manifest),
        *([_calibration_line(manifest.calibration)] if manifest.calibration else []),
        f"- **Seed**: {'not used' if manifest.pruning_seed is None else manifest.pruning_seed}. **Versions**: {versions}.",
        f"## Recipe\n\n```yaml\n{(manifest.recipe or '').strip()}\n```",
        f"## Sparsity of the layers\n\n{_layer_table(manifest.sparsity_of_layer)}",
        "This card does not tell how compression changed the model's answers: multiple-choice scores can stay the same while the model no"
        " longer produces the answer (arXiv 2606.17609). `mqa_illusion_core` measures it.",
    ]
    return "\n\n".join(sections) + "\n"


def base_licence(base: BaseModel) -> str | None:
    """Return the licence in the base model's card; None if there is no card, it names none, or it can't be reached."""
    from huggingface_hub import ModelCard
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    folder = Path(resolve_pretrained(base.pretrained))
    source = folder / CARD if folder.is_dir() else base.pretrained
    if folder.is_dir() and not (folder / CARD).is_file():
        return None
    try:
        licence: str | None = ModelCard.load(source, ignore_metadata_errors=True).data.license
    except (OSError, ValueError, HfHubHTTPError, LocalEntryNotFoundError):
        # A missing card does not prevent pruning; the new card says that no licence was stated.
        return None
    return licence


def _requested(sparsity: float | None) -> str:
    return "requested by the mask or the recipe" if sparsity is None else f"{sparsity:g} requested"


def _calibration_line(calibration: CalibrationRecord) -> str:
    return (
        f"- **Calibration**: {calibration.samples} samples of {calibration.length} tokens, {calibration.source}, language"
        f" {calibration.language}, SHA-256 {calibration.sha256}."
    )


def _unpruned_lines(manifest: Manifest) -> list[str]:
    """Return a line on the weights that stay dense and one on the modules outside the language model, where there are any."""
    lines = []
    if manifest.left_dense:
        parts = ", ".join(f"`{name}` {share:.2%}" for name, share in manifest.left_dense.items())
        lines.append(f"- **Left dense**, with their share of all weights: {parts}.")
    if manifest.outside_language_model:
        modules = ", ".join(f"`{name}`" for name in manifest.outside_language_model)
        lines.append(f"- **Neither changed nor measured**, outside the language model: {modules}.")
    return lines


def _layer_table(sparsity_of_layer: dict[str, float]) -> str:
    """Return a Markdown table of the layers with the lowest and the highest sparsity."""
    layers = sorted(sparsity_of_layer.items(), key=lambda layer: (layer[1], layer[0]))
    listed = [*layers[:SHOWN_LAYERS], *layers[SHOWN_LAYERS:][-SHOWN_LAYERS:]]
    caption = f"The least and the most sparse of {len(layers)} layers; `manifest.json` has all."
    return "\n".join(
        [caption, "", "| layer | sparsity |", "| --- | --- |", *(f"| {name} | {share:.4f} |" for name, share in listed)]
    )


def _upload(out: Path, repository: str, names: list[str]) -> None:
    """Upload these files of the folder `out`, and nothing else that somebody may have put there."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        api = HfApi()
        api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=out, allow_patterns=[glob.escape(name) for name in names])
    except (OSError, HfHubHTTPError, HFValidationError, ValueError) as error:
        reason = one_line(error)
        raise UserError(
            f"{out} is written, but {repository} can't be uploaded to ({reason}): log in with `hf auth login`, then run"
            f" `hf upload {repository} {out}`"
        ) from error
    print(f"uploaded: {repository}")

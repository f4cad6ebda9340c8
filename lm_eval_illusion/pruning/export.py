"""`lm-eval-illusion prune`: a pruned checkpoint as an ordinary folder with a model card, for any engine, and for the hub."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.files import new_folder, refuse_existing
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.prune import pruned_checkpoint
from lm_eval_illusion.pruning.recipes import pruner_names
from lm_eval_illusion.pruning.settings import PruningSettings

CARD = "README.md"
_SHOWN_LAYERS = 5


def export_command(base: BaseModel, settings: PruningSettings, out: Path, repository: str | None = None) -> int:
    """Prune (or take from the store), write the folder `out` and, if a repository is named, upload it. Returns the exit code.

    Raises:
        UserError: nothing is pruned, `out` exists or can't be written, the hub can't be reached.
    """
    if settings.pruner == "none":
        raise UserError(f"pruner none leaves the model as it is: give {', '.join(pruner_names())} or a recipe")
    refuse_existing(out)
    checkpoint = pruned_checkpoint(base, settings)
    card = model_card(base, checkpoint.manifest)
    with new_folder(out) as folder:
        shutil.copytree(checkpoint.path, folder)
        (folder / CARD).write_text(card, encoding="utf-8", newline="\n")
    measured = checkpoint.manifest
    print(f"written: {out} (sparsity {measured['sparsity_measured']:.4f}, {measured['bits_measured']:g} bits a weight)")
    if repository is not None:
        _upload(out, repository)
    print(
        f"Now: lm_eval --model hf --model_args pretrained={out} --tasks mqa_illusion_core --log_samples --output_path runs\n"
        f"and: lm-eval-illusion report runs --dense {base.pretrained}"
    )
    return 0


def model_card(base: BaseModel, manifest: dict[str, Any]) -> str:
    """The card: how it was pruned, what sparsity was measured, with what calibration, under whose licence."""
    from huggingface_hub import ModelCardData

    licence = base_licence(base)
    data = ModelCardData(
        base_model=base.pretrained, license=licence, tags=["pruned", manifest["variant"]], pipeline_tag="text-generation"
    )
    calibration = manifest["calibration"]
    lines = [
        f"---\n{data.to_yaml()}\n---",
        f"# {manifest['base_model']}, pruned: {manifest['variant']}",
        f"Made by lm-eval-illusion from `{manifest['base_model']}` (revision {manifest['base_revision']}). An ordinary dense-format"
        " checkpoint: removed weights are zeros.",
        f"- **Licence**: {licence or 'not stated by the base model: see there'}; that of the base model holds.",
        f"- **Sparsity**: {manifest['sparsity_measured']:.4f} measured over the linear layers, "
        f"{_or_recipe(manifest['sparsity_requested'])} asked, mask structure {manifest['mask_structure']}.",
        f"- **Bits**: {manifest['bits_measured']:g} a weight, the mean over the linear layers. Quantised weights lie on their grid, in the"
        " dtype of the base model.",
        f"- **Calibration**: {calibration['samples']} samples of {calibration['length']} tokens, {calibration['source']}, language"
        f" {calibration['language']}, SHA-256 {calibration['sha256']}.",
        f"- **Seed**: {manifest['pruning_seed']}. **Versions**: {', '.join(f'{n} {v}' for n, v in manifest['versions'].items())}.",
        f"## Recipe\n\n```yaml\n{manifest['recipe'].strip()}\n```",
        f"## Sparsity of the layers\n\n{_layers(manifest['sparsity_of_layer'])}",
        "What pruning did to its answers is not known from this card: multiple-choice scores can stay while the model no longer says the"
        " answer (arXiv 2606.17609). `mqa_illusion_core` measures it.",
    ]
    return "\n\n".join(lines) + "\n"


def base_licence(base: BaseModel) -> str | None:
    """The licence that the base model's own card names; None if it has no card, names none, or can't be reached."""
    from huggingface_hub import ModelCard
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    folder = Path(resolve_pretrained(base.pretrained))
    source = folder / CARD if folder.is_dir() else base.pretrained
    if folder.is_dir() and not (folder / CARD).is_file():
        return None
    try:
        licence: str | None = ModelCard.load(source, ignore_metadata_errors=True).data.license
    except (OSError, ValueError, HfHubHTTPError, LocalEntryNotFoundError):
        # A card is no condition for pruning; the new one says that none was stated.
        return None
    return licence


def _or_recipe(sparsity: float | None) -> str:
    return "as the mask or the recipe says" if sparsity is None else f"{sparsity:g}"


def _layers(sparsity_of_layer: dict[str, float]) -> str:
    lowest = sorted(sparsity_of_layer.items(), key=lambda layer: (layer[1], layer[0]))
    rows = [f"| {name} | {share:.4f} |" for name, share in [*lowest[:_SHOWN_LAYERS], *lowest[_SHOWN_LAYERS:][-_SHOWN_LAYERS:]]]
    said = f"The least and the most sparse of {len(lowest)}; all stand in `manifest.json`."
    return "\n".join([said, "", "| layer | sparsity |", "| --- | --- |", *rows])


def _upload(out: Path, repository: str) -> None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        api = HfApi()
        api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=out)
    except (OSError, HfHubHTTPError, HFValidationError, ValueError) as error:
        reason = one_line(error)
        raise UserError(
            f"{out} is written, but {repository} can't be uploaded to ({reason}): log in by `hf auth login`, then"
            f" `hf upload {repository} {out}`"
        ) from error
    print(f"uploaded: {repository}")

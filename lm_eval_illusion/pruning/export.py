"""`lm-eval-illusion prune`: put a pruned checkpoint into the store; or export it with a model card, and upload it to the hub."""

from __future__ import annotations

import glob
import logging
import shutil
from pathlib import Path

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, cause_of, one_line
from lm_eval_illusion.escaping import for_markdown, for_terminal, markdown_block, markdown_code, shortened
from lm_eval_illusion.files import new_folder, refuse_existing
from lm_eval_illusion.pruning.gguf_checkpoint import is_gguf, stated_licence
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.manifest import MANIFEST, CalibrationRecord, Manifest, manifest_text
from lm_eval_illusion.pruning.prune import pruned_checkpoint, refuse_dense
from lm_eval_illusion.pruning.settings import PruningSettings
from lm_eval_illusion.reading import read_text

logger = logging.getLogger(__name__)

CARD = "README.md"
# Rows of the card's table of layers: this many with the lowest and this many with the highest sparsity.
SHOWN_LAYERS = 5
MOST_BYTES_OF_A_CARD = 1 << 20
# The longest name or licence in a card.
MOST_CHARACTERS = 200


def store_command(base: BaseModel, settings: PruningSettings) -> int:
    """Prune a model into the store, where the same request of any environment finds it. Returns the exit code 0.

    Raises:
        UserError: The pruner is `none`, or no store is to be used.
    """
    refuse_dense(settings)
    if settings.store == "off":
        raise UserError("store off keeps no checkpoint: give --out DIR, --store FOLDER, or leave --store out")
    checkpoint = pruned_checkpoint(base, settings)
    print(for_terminal(f"in the store: {checkpoint.path} ({_measured(checkpoint.manifest)})"))
    return 0


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
    print(for_terminal(f"written: {out} ({_measured(manifest)})"))
    if repository is not None:
        _upload(out, repository, [*manifest.files, MANIFEST, CARD])
    arguments = "--tasks mqa_illusion_core --log_samples --output_path runs"
    print(for_terminal(f"Now: lm_eval --model hf --model_args pretrained={out} {arguments}"))
    print(for_terminal(f"and: lm-eval-illusion report runs --dense {manifest.base_model}"))
    return 0


def _measured(manifest: Manifest) -> str:
    return f"sparsity {manifest.sparsity_measured:.4f}, {manifest.bits_measured:g} bits per weight"


def _copy_files(source: Path, target: Path, manifest: Manifest) -> None:
    """Copy the files that the manifest lists, without their permissions: those of the umask are for this user's files.

    Also, those of a read-only store would prevent writing the card. The manifest has the names of this request: an entry of the store
    has those of the first one.
    """
    for name in manifest.files:
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, copy)
    (target / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8", newline="\n")


def model_card(base: BaseModel, manifest: Manifest) -> str:
    """Return the text of the model card: base model and licence, measured sparsity and bits, calibration, recipe, layers.

    Names, licence and recipe come from other people: in the card they are text, never markup.
    """
    from huggingface_hub import ModelCardData

    licence = base_licence(base)
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    data = ModelCardData(
        # Of a GGUF file, the folder or hub repository that holds it: a path of a file is no model.
        base_model=_name(manifest.base_model if is_gguf(base) else base.pretrained),
        license=licence,
        tags=["pruned", _name(manifest.variant)],
        pipeline_tag="text-generation",
    )
    licence_in_words = for_markdown(licence) if licence else "the base model states none, see there"
    base_model, variant, revision = map(_name, (manifest.base_model, manifest.variant, manifest.base_revision))
    sections = [
        f"---\n{data.to_yaml()}\n---",
        f"# {for_markdown(base_model)}, compressed: {for_markdown(variant)}",
        f"Made by lm-eval-illusion from {markdown_code(base_model)} (revision {for_markdown(revision)}). A dense-format checkpoint:"
        " removed weights are zeros.",
        f"- **Licence**: {licence_in_words}; the base model's licence applies.",
        f"- **Sparsity**: {manifest.sparsity_measured:.4f} measured over all weights but embeddings and"
        " output head,"
        f" {_requested(manifest.sparsity_requested)}, mask structure {for_markdown(manifest.mask_structure)}.",
        f"- **Bits**: {manifest.bits_measured:g} per weight, the mean over the same weights. Quantised weights are rounded to their grid,"
        " in the dtype of the base model.",
        *_unpruned_lines(manifest),
        *([_calibration_line(manifest.calibration)] if manifest.calibration else []),
        f"- **Seed**: {'not used' if manifest.pruning_seed is None else manifest.pruning_seed}. **Versions**: {for_markdown(versions)}.",
        f"## Recipe\n\n{markdown_block((manifest.recipe or '').strip(), 'yaml')}",
        f"## Sparsity of the layers\n\n{_layer_table(manifest.sparsity_of_layer)}",
        "This card does not tell how compression changed the model's answers: multiple-choice scores can stay the same while the model no"
        " longer produces the answer (arXiv 2606.17609). `mqa_illusion_core` measures it.",
    ]
    return "\n\n".join(sections) + "\n"


def base_licence(base: BaseModel) -> str | None:
    """Return the licence in the base model's card, as one line; None if there is no card, it names none, or it can't be read.

    A local GGUF file may state it itself. Of one that is given by its path, the card is beside it.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if is_gguf(base) and (licence := stated_licence(base)) is not None:
        return _name(licence) or None
    is_path = is_gguf(base) and base.gguf_file is None
    folder = Path(base.pretrained).expanduser().parent if is_path else Path(resolve_pretrained(base.pretrained))
    if folder.is_dir():
        path = folder / CARD
        if not path.is_file():
            return None
    else:
        try:
            path = Path(hf_hub_download(base.pretrained, CARD))
        except (OSError, ValueError, HfHubHTTPError, LocalEntryNotFoundError):
            # A missing card does not prevent pruning; the new card says that no licence was stated.
            return None
    try:
        licences = _licences(read_text(path, "its licence is not read", MOST_BYTES_OF_A_CARD))
    # The card is another person's YAML: whatever is raised here comes from it.
    except Exception as error:
        logger.warning("the licence in %s can't be read (%s)", for_terminal(str(path)), for_terminal(cause_of(error)))
        return None
    return _name(", ".join(licences)) or None


def _licences(card: str) -> list[str]:
    """Return the values of `license` in the YAML between the first two lines `---` of a card.

    The YAML is only parsed. No object is made of it: an anchor that is used again and again could make objects without end.
    """
    import yaml

    lines = card.split("\n")
    ends = [number for number, line in enumerate(lines) if line.rstrip() == "---"][:2]
    if len(ends) < 2 or ends[0] != 0:
        return []
    metadata = yaml.compose("\n".join(lines[1 : ends[1]]), Loader=yaml.SafeLoader)
    found = [value for key, value in metadata.value if key.value == "license"] if isinstance(metadata, yaml.MappingNode) else []
    nodes = found[0].value if found and isinstance(found[0], yaml.SequenceNode) else found
    return [node.value for node in nodes if isinstance(node, yaml.ScalarNode) and node.value not in ("", "null")]


def _name(text: str) -> str:
    """Return a name or another person's words as one line of a bounded length."""
    return shortened(for_terminal(text), MOST_CHARACTERS)


def _requested(sparsity: float | None) -> str:
    return "requested by the mask or the recipe" if sparsity is None else f"{sparsity:g} requested"


def _calibration_line(calibration: CalibrationRecord) -> str:
    source, language = for_markdown(_name(calibration.source)), for_markdown(_name(str(calibration.language)))
    return (
        f"- **Calibration**: {calibration.samples} samples of {calibration.length} tokens, {source}, language {language}, SHA-256"
        f" {for_markdown(calibration.sha256)}."
    )


def _unpruned_lines(manifest: Manifest) -> list[str]:
    """Return a line on the weights that stay dense and one on the modules outside the language model, where there are any."""
    lines = []
    if manifest.left_dense:
        parts = ", ".join(f"{markdown_code(name)} {share:.2%}" for name, share in manifest.left_dense.items())
        lines.append(f"- **Left dense**, with their share of all weights: {parts}.")
    if manifest.outside_language_model:
        modules = ", ".join(markdown_code(name) for name in manifest.outside_language_model)
        lines.append(f"- **Neither changed nor measured**, outside the language model: {modules}.")
    return lines


def _layer_table(sparsity_of_layer: dict[str, float]) -> str:
    """Return a Markdown table of the layers with the lowest and the highest sparsity."""
    layers = sorted(sparsity_of_layer.items(), key=lambda layer: (layer[1], layer[0]))
    listed = [*layers[:SHOWN_LAYERS], *layers[SHOWN_LAYERS:][-SHOWN_LAYERS:]]
    caption = f"The least and the most sparse of {len(layers)} layers; `manifest.json` has all."
    return "\n".join(
        [
            caption,
            "",
            "| layer | sparsity |",
            "| --- | --- |",
            *(f"| {for_markdown(name)} | {share:.4f} |" for name, share in listed),
        ]
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
    print(for_terminal(f"uploaded: {repository}"))

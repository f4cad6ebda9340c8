"""The manifest of a model that is not pruned here, or not only: dense, quantised by another tool, or changed by model arguments."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.loading.arguments import GGUF_ARGUMENT, Change, changed_name, changed_pruner, without_methods
from lm_eval_illusion.loading.pruned_folder import MANIFEST, REMEDY, pruned_manifest
from lm_eval_illusion.loading.quantized_config import COMPRESSED_TENSORS
from lm_eval_illusion.pruning.base_identity import ModelFiles, shown
from lm_eval_illusion.pruning.hash_cache import file_hashes
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, base_revision
from lm_eval_illusion.pruning.manifest import ChangeRecord, Manifest
from lm_eval_illusion.pruning.model_folder import check_files
from lm_eval_illusion.pruning.named_models import refuse_missing
from lm_eval_illusion.pruning.quantized_checkpoint import bits_of_scheme, checkpoint_scheme

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def described_as_loaded(manifest: Manifest, base: BaseModel) -> Manifest:
    """Return the manifest of a base model that is loaded as it is, with variant, method and bits of a quantised checkpoint.

    A folder or hub model that `lm-eval-illusion prune` wrote is the variant of its base model that its own manifest describes.

    Raises:
        UserError: The model's configuration or its own manifest can't be read.
    """
    if manifest.pruner == "none" and (content := pruned_manifest(base.files.finder())) is not None:
        with attributed(f"{MANIFEST} of {shown(base.pretrained)} is not that of a checkpoint", REMEDY):
            return msgspec.convert(content, Manifest)
    scheme = checkpoint_scheme(base.files)
    if scheme is None:
        return manifest
    bits = bits_of_scheme(base, scheme)
    return replace(
        manifest,
        variant=scheme.name,
        pruner=scheme.method,
        bits_measured=bits.mean if bits else None,
        bits_of_layer=bits.of_layer if bits else {},
    )


def with_changes(manifest: Manifest, base: BaseModel, changes: Sequence[Change]) -> Manifest:
    """Return the manifest of a model that model arguments change: its variant is named by them and is never dense.

    Raises:
        UserError: An adapter is neither a folder nor on the hub or in its cache.
    """
    if is_quantized(manifest):
        changes = without_methods(changes)
    if not changes:
        return manifest
    of_weights = [change for change in changes if change.argument != "kv_cache_dtype"]
    quantised = [change.bits for change in of_weights if change.is_quantisation]
    return replace(
        manifest,
        variant=changed_name(manifest.variant, changes),
        pruner=changed_pruner(manifest.pruner, changes),
        sparsity_measured=None if of_weights else manifest.sparsity_measured,
        bits_measured=quantised[-1] if quantised else manifest.bits_measured,
        bits_of_layer={} if quantised else manifest.bits_of_layer,
        # A GGUF file that was dequantised is among them already.
        changes=[
            *manifest.changes,
            *(ChangeRecord(change.argument, change.value, _content(change, base)) for change in changes),
        ],
    )


def is_quantized(manifest: Manifest) -> bool:
    """Return whether the base model itself is quantised: it has a method, but no checkpoint was made here."""
    return manifest.key is None and manifest.pruner != "none" and not manifest.changes


def refuse_other_dtype(model: PreTrainedModel, manifest: Manifest) -> None:
    """Refuse a model of weights that are 4-bit floats in another dtype than bfloat16, to which compressed-tensors unpacks them.

    Raises:
        UserError: The other layers have another dtype, so that no layer could be computed.
    """
    import torch

    is_packed = manifest.pruner == COMPRESSED_TENSORS and re.search("(nv|mx)fp4", manifest.variant) is not None
    if is_packed and model.dtype != torch.bfloat16:
        raise UserError(
            f"{shown(manifest.base_model)} ({manifest.variant}) can't run in {str(model.dtype).removeprefix('torch.')}: compressed-tensors"
            " unpacks its weights to bfloat16, so give dtype=bfloat16"
        )


def measure_loaded(model: PreTrainedModel, manifest: Manifest) -> dict[str, Any]:
    """Return sparsity and mean bits per weight of a loaded model, None for what can't be read.

    Packed weights have no zeros to count. An adapter's matrices are added to the weights while running, so the zeros of either
    say nothing. The bits of quantised weights are those of the configuration: the engine may have unpacked them.
    """
    from lm_eval_illusion.pruning.quantization import overall_bits
    from lm_eval_illusion.pruning.sparsity import overall_sparsity

    if is_quantized(manifest):
        zeros = _share_of_zeros(model, manifest.bits_of_layer)
        return {"sparsity_measured": zeros, "bits_measured": manifest.bits_measured}
    arguments = {change.argument for change in manifest.changes} - {"delta", "kv_cache_dtype", GGUF_ARGUMENT}
    has_quantised_base = manifest.key is None and bool(manifest.bits_of_layer)
    if has_quantised_base or arguments - {"peft"}:
        return {"sparsity_measured": None, "bits_measured": manifest.bits_measured}
    inner = model.get_base_model() if "peft" in arguments else model
    sparsity = None if arguments else overall_sparsity(inner)
    # The weights of a GGUF file that is not pruned have few values, whatever data type they are dequantised to.
    is_file = manifest.key is None and any(change.argument == GGUF_ARGUMENT for change in manifest.changes)
    bits = manifest.bits_measured if is_file else overall_bits(inner, manifest.bits_of_layer)
    return {"sparsity_measured": sparsity, "bits_measured": bits}


def _share_of_zeros(model: PreTrainedModel, layers: Collection[str]) -> float | None:
    """Return the share of zeros in the weights of these layers; None if one is packed, has numbers of less than 16 bits, or is missing."""
    modules, parameters = dict(model.named_modules()), dict(model.named_parameters())
    zeros = total = 0
    for name in layers:
        weight = getattr(modules[name], "weight", None) if name in modules else parameters.get(name)
        if weight is None or not weight.is_floating_point() or weight.element_size() < 2:
            return None
        zeros += weight.numel() - int(weight.count_nonzero())
        total += weight.numel()
    return zeros / total if total else None


def _content(change: Change, base: BaseModel) -> str | None:
    """Return the SHA-256 of what an argument names, or its commit on the hub; None if it names no file."""
    if change.is_quantisation:
        return None
    path = _file(change.value)
    if path is None:
        files = ModelFiles(change.value, base.revision)
        refuse_missing(change.argument, files)
        check_files(files)
        return base_revision(change.value, base.revision)
    return file_hashes([path])[0]


def _file(name: str) -> Path | None:
    """Return the file that an argument names; None if it names a folder, a model on the hub, or can't be a path."""
    try:
        path = Path(name).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError):  # too long for a path, or an unknown home folder
        return None

"""GGUF files as base models: dequantised once into the checkpoint store, as an ordinary Hugging Face folder.

The numbers are those that ggml computes with: a block's scale times whole numbers, in float32. They are stored in float32, or in a type
of 16 bits if all of them are exactly that, as in a file of F16 or BF16.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from lm_eval_illusion.errors import UserError, one_line, system_reason
from lm_eval_illusion.loading.arguments import GGUF_METHOD
from lm_eval_illusion.loading.gguf_facts import linear_tensors, mean_bits, quantisation_name, special_tokens, vocabulary
from lm_eval_illusion.loading.gguf_header import REMEDY, GgufHeader, read_header
from lm_eval_illusion.pruning.base_identity import WEIGHT_SUFFIXES, BaseIdentity, ModelFiles, refuse_outside, shown
from lm_eval_illusion.pruning.checkpoint_store import Checkpoint, get_or_create, key_of
from lm_eval_illusion.pruning.complete_model import limited_size, refuse_incomplete
from lm_eval_illusion.pruning.earlier_keys import found_by_key
from lm_eval_illusion.pruning.environment import installed_versions
from lm_eval_illusion.pruning.gguf_rope import FACTORS, refuse_other_rotary_size, set_rope
from lm_eval_illusion.pruning.gguf_tokenizer import gguf_tokenizer
from lm_eval_illusion.pruning.hash_cache import file_hashes
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, loading_errors, save_checkpoint
from lm_eval_illusion.pruning.manifest import Manifest
from lm_eval_illusion.pruning.manifest_check import Asked
from lm_eval_illusion.pruning.model_folder import MOST_LAYERS

if TYPE_CHECKING:
    from torch import Tensor, dtype
    from transformers import PreTrainedModel

logger = logging.getLogger(__name__)

SUFFIX = ".gguf"
DEQUANTISATION = 2
"""Version of this module. Increase it when the same file gives another folder: older entries are then not found."""
PACKAGES = ("lm_eval_illusion", "gguf", "transformers", "torch")
"""The packages that make the folder; their versions stand in its manifest."""
_EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The SHA-256 of a recipe without text: nothing is pruned."""
# Tensors of a file that transformers reads into no weight.
_NO_WEIGHT = re.compile(r"^rope_|\.nextn\.")


class GgufModel(NamedTuple):
    """A GGUF file, dequantised.

    `name`: of the model, for reports: the folder or hub repository that holds the file, so that the quantisations of a model in one
    folder are variants of one model. `file`: the file's name within it. `sha256`: of the file. `checkpoint`: the ordinary folder; its
    manifest's `variant` is the quantisation, such as `Q4_1`, its `bits_measured` is that of the file.
    """

    name: str
    file: str
    sha256: str
    checkpoint: Checkpoint


def is_gguf(base: BaseModel) -> bool:
    """Return whether a base model is a GGUF file: by the argument `gguf_file`, or because `pretrained` is the path of one."""
    return base.gguf_file is not None or (base.pretrained.lower().endswith(SUFFIX) and not base.files.path.is_dir())


def refuse_unnamed_file(base: BaseModel) -> None:
    """Refuse a local folder whose only weights are GGUF files, where none of them is named.

    Raises:
        UserError: That is so; the message names up to five of them.
    """
    folder = base.files.folder
    if is_gguf(base) or folder is None or not folder.is_dir():
        return
    try:
        weights = [entry.name for entry in folder.iterdir() if entry.suffix.lower() in WEIGHT_SUFFIXES]
    except OSError as error:
        raise UserError(
            f"{shown(str(folder))} can't be read ({system_reason(error)}): give a folder that you may read"
        ) from error
    if weights and all(name.lower().endswith(SUFFIX) for name in weights):
        names = ", ".join(shown(name) for name in sorted(weights)[:5]) + (", ..." if len(weights) > 5 else "")
        raise UserError(f"{shown(str(folder))} has no weights but GGUF files ({names}): give one of them as gguf_file=NAME")


def stated_licence(base: BaseModel) -> str | None:
    """Return the licence that a local GGUF file states (general.license); None if it states none, or is on the hub.

    Raises:
        UserError: There is no such file, or it is damaged.
    """
    if base.gguf_file is not None and not base.files.is_local:
        return None
    licence = read_header(_located(base)[2]).metadata.get("general.license")
    return licence if isinstance(licence, str) and licence.strip() else None


def dequantised(base: BaseModel, store: str) -> GgufModel:
    """Return the ordinary folder of a GGUF file from the store; make it if it is missing.

    Raises:
        UserError: There is no such file, it is damaged, or of an architecture that transformers can't read; the store can't be used.
    """
    name, file, path = _located(base)
    label = f"{shown(name)}/{shown(file)}"
    _check_package()
    header = read_header(path)
    _check_header(header, label)
    (sha256,) = file_hashes([path])
    content: dict[str, object] = {"gguf": sha256, "algorithm": DEQUANTISATION}
    key = key_of(content)
    manifest = Manifest(
        base_model=name,
        base_revision=sha256,
        base_identity=BaseIdentity(sha256, sha256),
        variant=quantisation_name(header),
        pruner=GGUF_METHOD,
        sparsity_requested=None,
        bits_measured=mean_bits(header),
        mask_structure="0:0",
        owl_lambda=None,
        owl_m=None,
        recipe="",
        recipe_sha256=_EMPTY_SHA256,
        pruning_seed=None,
        key=key,
        versions=installed_versions(PACKAGES),
    )
    described, asked = f"{file} as an ordinary folder", Asked(manifest, sparsity=None, calibration=None, allows_code=False)
    checkpoint = found_by_key(store, key, [content], name=described, asked=asked)
    if not isinstance(checkpoint, Checkpoint):
        checkpoint = get_or_create(
            store, key, lambda folder: _make(folder, path, header, label, manifest), name=described, asked=asked
        )
    return GgufModel(name, file, sha256, checkpoint._replace(manifest=replace(checkpoint.manifest, base_model=name)))


def dequantised_size(path: Path) -> tuple[int, int]:
    """Return the number of weights in a GGUF file, and the bytes of their folder: 2 each for a file of 16 bits, otherwise 4.

    Raises:
        UserError: It is no GGUF file, or damaged.
    """
    header = read_header(path)
    weights = sum(tensor.elements for tensor in header.tensors)
    kinds = {tensor.kind for tensor in linear_tensors(header)}
    return weights, weights * (2 if kinds in ({"F16"}, {"BF16"}) else 4)


def _located(base: BaseModel) -> tuple[str, str, Path]:
    """Return the model's name, the file's name within it, and the file's path; on the hub it is downloaded if it is not in the cache."""
    if base.gguf_file is None:
        path = Path(base.pretrained).expanduser()
        if not path.is_file():
            raise UserError(
                f"pretrained {shown(base.pretrained)!r} is {_no_file(path)}{_similar(path.parent, path.name)}: give an existing GGUF file"
            )
        return str(path.parent if path.parent.name else path.parent.absolute()), path.name, path
    file = os.path.join(base.subfolder, base.gguf_file)
    parts = PurePath(base.gguf_file)
    if parts.is_absolute() or ".." in parts.parts:
        raise UserError(
            f"gguf_file {shown(base.gguf_file)!r} is not within its folder: give the file's path as pretrained, without gguf_file"
        )
    refuse_outside(file, "gguf_file", base.pretrained)
    if base.files.is_local:
        path = base.files.path / file
        if not path.is_file():
            raise UserError(
                f"gguf_file {shown(base.gguf_file)!r} is {_no_file(path)} in {shown(str(path.parent))}{_similar(path.parent, path.name)}:"
                " give the name of a GGUF file there"
            )
        return base.pretrained, file, path
    return base.pretrained, file, _downloaded(base, file)


def _downloaded(base: BaseModel, file: str) -> Path:
    from transformers.utils import cached_file

    try:
        return Path(str(cached_file(base.pretrained, file, revision=base.revision)))
    except Exception as error:
        # Whatever the hub's client raises, it is about these names.
        raise UserError(
            f"gguf_file {shown(file)!r} is neither in a folder {shown(base.pretrained)!r} nor in a model of that name on the hub or in its"
            f" cache ({one_line(error, 200)}): give a local folder, or download it first"
        ) from error


def _no_file(path: Path) -> str:
    """Return what a path is that is no regular file, in words."""
    if path.is_dir():
        return "a folder"
    if path.is_symlink():
        return "a link to a file that does not exist"
    return "no regular file" if path.exists() else "no file"


def _similar(folder: Path, name: str) -> str:
    """Return ", did you mean X?", or what GGUF files there are in a folder."""
    try:
        files = sorted(entry.name for entry in folder.iterdir() if entry.name.lower().endswith(SUFFIX) and entry.is_file())
    except OSError:
        return ""
    if near := get_close_matches(name, files, n=1):
        return f", did you mean {shown(near[0])}?"
    return f" (there are {', '.join(map(shown, files[:5]))})" if files else " (there is no GGUF file)"


def _check_header(header: GgufHeader, label: str) -> None:
    """Refuse a file that is part of one, or of an architecture or size that transformers can't read."""
    metadata = header.metadata
    if metadata.get("split.count", 1) not in (0, 1):
        raise UserError(
            f"{label} is one of {str(metadata['split.count'])[:20]} parts of a model: merge them with llama-gguf-split --merge"
        )
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise UserError(f"{label} does not state its architecture (general.architecture): {REMEDY}")
    layers = metadata.get(f"{architecture}.block_count")
    if type(layers) is not int or not 0 < layers <= min(MOST_LAYERS, len(header.tensors)):
        raise UserError(
            f"{label} states {str(layers)[:40]} layers ({shown(architecture)}.block_count) with {len(header.tensors)} tensors: {REMEDY}"
        )
    eos, tokens = metadata.get("tokenizer.ggml.eos_token_id"), vocabulary(metadata)
    if eos is not None and tokens and (type(eos) is not int or not 0 <= eos < len(tokens)):
        raise UserError(f"{label} states the end token {str(eos)[:20]} with a vocabulary of {len(tokens):,} tokens: {REMEDY}")


def _check_package() -> None:
    if importlib.util.find_spec("gguf") is None:
        raise UserError("GGUF files need the package gguf, which is not installed: run pip install gguf")


def _make(folder: Path, path: Path, header: GgufHeader, label: str, manifest: Manifest) -> Manifest:
    """Write model and tokenizer of a GGUF file into `folder` and return the completed manifest."""
    from lm_eval_illusion.progress import report_step
    from lm_eval_illusion.pruning.sparsity import measure_sparsity, overall_sparsity

    report_step("dequantising")
    with _alone(path) as link, loading_errors(label):
        tokenizer = gguf_tokenizer(link, header.metadata, label)
        model = _plain_model(link, header, label)
    save_checkpoint(model, tokenizer, folder)
    if file_hashes([path]) != [manifest.base_revision]:
        raise UserError(f"{label} changed while it was read: run the same command again")
    return replace(manifest, sparsity_measured=overall_sparsity(model), sparsity_of_layer=measure_sparsity(model))


@contextmanager
def _alone(path: Path) -> Iterator[Path]:
    """Yield a link to the file in a folder without other files: transformers would read adapters and settings that stand beside it."""
    with tempfile.TemporaryDirectory(prefix="lm-eval-illusion-") as folder:
        link = Path(folder) / f"model{SUFFIX}"
        link.symlink_to(path.absolute())
        yield link


def _plain_model(file: Path, header: GgufHeader, label: str) -> PreTrainedModel:
    """Return the model with dequantised weights, as one that was never quantised: transformers does not save any other."""
    import torch
    from transformers import AutoModelForCausalLM

    with limited_size(ModelFiles(str(file.resolve()))):
        loaded, info = AutoModelForCausalLM.from_pretrained(
            str(file.parent), gguf_file=str(file), dtype=torch.float32, output_loading_info=True
        )
    refuse_incomplete(label, info, [name for name, _ in loaded.named_parameters()], is_quantised=True)
    weights = loaded.state_dict()
    _refuse_left_over(weights, header, label, type(loaded).__name__)
    refuse_other_rotary_size(loaded, header.metadata, label)
    config = loaded.config
    set_rope(config, header.metadata, _rotary_factors(file, header), label)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    dtype = _exact_dtype(weights.values(), header)
    config.dtype = dtype
    with torch.device("meta"):
        model: PreTrainedModel = type(loaded)(config)
    model.load_state_dict({name: weight.to(dtype) for name, weight in weights.items()}, assign=True)
    model.tie_weights()
    ends = special_tokens(header.metadata).ends
    if not ends:
        # The default of the configuration's class is another token of this vocabulary.
        model.config.eos_token_id = None
        logger.warning("%s states no end token: each answer goes on to the limit of its tokens", label)
    if model.generation_config is not None:
        model.generation_config.eos_token_id = ends[0] if len(ends) == 1 else list(ends) or None
    return model.eval()


def _rotary_factors(file: Path, header: GgufHeader) -> Tensor | None:
    """Return the divisors of the rotary frequencies; None if the file has none."""
    import torch
    from gguf import GGUFReader

    if all(tensor.name != FACTORS for tensor in header.tensors):
        return None
    (found,) = (tensor for tensor in GGUFReader(file).tensors if tensor.name == FACTORS)
    return torch.tensor(found.data, dtype=torch.float32).flatten()


def _refuse_left_over(weights: Mapping[str, Tensor], header: GgufHeader, label: str, model: str) -> None:
    """Refuse a file that has more numbers than the model: transformers leaves out biases and layers that its class does not have.

    Raises:
        UserError: There are such numbers.
    """
    # Tied weights stand once in the file. Rotary factors are no weights, and further predicted tokens (MTP) no part of the model.
    if others := [tensor.name for tensor in header.tensors if tensor.name.startswith("rope_") and tensor.name != FACTORS]:
        raise UserError(
            f"{label} has factors of the rotary embedding that transformers does not read ({shown(others[0])}):"
            " give the Hugging Face folder of the model"
        )
    places = {weight.data_ptr(): weight.numel() for weight in weights.values()}
    stored = sum(tensor.elements for tensor in header.tensors if not _NO_WEIGHT.search(tensor.name))
    if (left := stored - sum(places.values())) > 0:
        raise UserError(
            f"{label} has {left:,} numbers that have no place in transformers' {model} (biases or layers that it would leave out):"
            " convert the original checkpoint to a folder, or use a newer transformers"
        )


def _exact_dtype(weights: Any, header: GgufHeader) -> dtype:
    """Return the smallest data type in which every number is exact; of two of 16 bits, the one that most weights have in the file."""
    import torch

    kinds = [tensor.kind for tensor in header.tensors]
    candidates = sorted((torch.float16, torch.bfloat16), key=lambda it: -kinds.count({torch.float16: "F16"}.get(it, "BF16")))
    matrices = list(weights)
    for dtype in candidates:
        if all(torch.equal(matrix.to(dtype).float(), matrix.float()) for matrix in matrices):
            return dtype
    return torch.float32

"""Hugging Face checkpoints: the base model to load, its identity for the store key, and the pruned model to save."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.files import file_sha256, files_below

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# A larger file is hashed by samples: SAMPLES pieces of SAMPLE_BYTES, spread evenly over the file.
FULL_HASH_LIMIT = 64 << 20
SAMPLE_BYTES = 64 << 10
SAMPLES = 64


class BaseModel(NamedTuple):
    """The model to prune.

    `pretrained`: a folder, a hub name, or `embedded`. `dtype`: a torch dtype by name; "auto" is the dtype of the checkpoint.
    `tokenizer`: a folder or hub name; None is the model's own.
    """

    pretrained: str
    revision: str = "main"
    dtype: str = "auto"
    trust_remote_code: bool = False
    tokenizer: str | None = None


def load_model(base: BaseModel) -> PreTrainedModel:
    """Load the model on the CPU in `base.dtype`.

    Raises:
        UserError: The model can't be loaded.
    """
    from transformers import AutoModelForCausalLM

    with loading_errors(base.pretrained):
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            resolve_pretrained(base.pretrained),
            dtype=base.dtype,
            revision=base.revision,
            trust_remote_code=base.trust_remote_code,
        )
    return model


def load_tokenizer(base: BaseModel) -> Any:
    """Load `base.tokenizer`, or the model's own tokenizer.

    Raises:
        UserError: The tokenizer can't be loaded.
    """
    from transformers import AutoTokenizer

    name = base.tokenizer or resolve_pretrained(base.pretrained)
    with loading_errors(name):
        return AutoTokenizer.from_pretrained(name, revision=base.revision, trust_remote_code=base.trust_remote_code)


@contextmanager
def loading_errors(name: str) -> Iterator[None]:
    """Turn transformers' errors about the model `name` into a `UserError` of one line.

    Raises:
        UserError: Loading failed within the `with` statement.
    """
    from safetensors import SafetensorError

    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        reason = one_line(error, 300)
        raise UserError(
            f"{name} can't be loaded ({reason}): check that it is a complete model folder and the arguments are right"
        ) from error


def base_revision(pretrained: str, revision: str = "main") -> str:
    """Return the identity of a model's content: a SHA-256 over a local folder's files, or the commit of a hub model.

    Of a file over 64 MiB only the size, the time of last change and 64 samples are hashed, so that a 70 B model takes seconds. A copied
    folder may therefore get another identity; a changed folder always does.

    Raises:
        UserError: There is no such folder, and no such model on the hub or in its cache.
    """
    folder = Path(resolve_pretrained(pretrained))
    if folder.is_dir():
        return _folder_hash(folder)
    return _hub_commit(pretrained, revision)


def _folder_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for name, path in files_below(folder).items():
        content = file_sha256(path) if path.stat().st_size <= FULL_HASH_LIMIT else _sampled_hash(path)
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def _sampled_hash(path: Path) -> str:
    status = path.stat()
    digest = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode())
    with path.open("rb") as file:
        for number in range(SAMPLES):
            file.seek(number * (status.st_size - SAMPLE_BYTES) // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def _hub_commit(name: str, revision: str) -> str:
    from transformers.utils import cached_file

    try:
        config: Any = cached_file(name, "config.json", revision=revision)
    except (OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(
            f"pretrained {name!r} is neither a folder nor a model on the hub or in its cache ({reason}):"
            " give a local folder, embedded, or download the model first"
        ) from error
    # The hub's cache stores a file at .../snapshots/<commit>/config.json, online and offline alike.
    return str(Path(config).parent.name)


def save_checkpoint(model: PreTrainedModel, tokenizer: Any, folder: Path) -> None:
    """Save a model and its tokenizer as a dense-format checkpoint that any engine can load, and check that it is complete.

    Raises:
        OSError: The folder can't be written.
        UserError: The saved tensors are not exactly those of the model's class.
    """
    from safetensors import SafetensorError

    try:
        # llmcompressor replaces save_pretrained on the instance by one that adds its recipe and format; call the class's own.
        type(model).save_pretrained(model, folder)
        tokenizer.save_pretrained(folder)
    except SafetensorError as error:  # safetensors reports a full disk by this error
        raise OSError(str(error)) from error
    _check_complete(type(model), folder)


def _check_complete(model_class: type[PreTrainedModel], folder: Path) -> None:
    """Load names and shapes without data. transformers initialises missing tensors randomly and only warns about it."""
    try:
        _, info = model_class.from_pretrained(folder, device_map="meta", output_loading_info=True)
        faults = [(fault, sorted(map(str, info[f"{fault}_keys"]))) for fault in ("missing", "unexpected", "mismatched")]
    except RuntimeError as error:
        faults = [("mismatched", [one_line(error, 300)])]
    for fault, names in faults:
        if names:
            raise UserError(
                f"the pruned {model_class.__name__} would not load completely from a dense-format checkpoint: {len(names)} tensors"
                f" {fault}, e.g. {names[0]}, so nothing is stored; remove from the recipe what adds tensors, or use another model"
                " (llmcompressor splits the experts of some models)"
            )

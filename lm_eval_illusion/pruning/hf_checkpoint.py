"""An ordinary dense-format Hugging Face folder: written, and seen to load whole, so that any engine loads the model that was made.

The base model: where it lies, what identifies it in a store key, and how it is loaded for pruning.
"""

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


WHOLE_FILE_LIMIT = 64 << 20
PIECE = 64 << 10
PIECES = 64


class BaseModel(NamedTuple):
    """A model to prune. `pretrained`: a folder, a name on the hub, or `embedded`. `dtype`: "auto" is the checkpoint's own."""

    pretrained: str
    revision: str = "main"
    dtype: str = "auto"
    trust_remote_code: bool = False
    tokenizer: str | None = None


def load_model(base: BaseModel) -> PreTrainedModel:
    """The model on the CPU, in `base.dtype`.

    Raises:
        UserError: it can't be loaded.
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
    """The model's tokenizer, or the one that `base.tokenizer` names.

    Raises:
        UserError: it can't be loaded.
    """
    from transformers import AutoTokenizer

    name = base.tokenizer or resolve_pretrained(base.pretrained)
    with loading_errors(name):
        return AutoTokenizer.from_pretrained(name, revision=base.revision, trust_remote_code=base.trust_remote_code)


@contextmanager
def loading_errors(name: str) -> Iterator[None]:
    """Turn what transformers says of a model that can't be loaded into one line."""
    from safetensors import SafetensorError

    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        reason = one_line(error)
        raise UserError(f"{name} can't be loaded ({reason}): is it a whole model folder, are the arguments right?") from error


def base_revision(pretrained: str, revision: str = "main") -> str:
    """What identifies the base model's content: a hash of a local folder's files, or the commit on the hub.

    Of a file over 64 MiB the size, the time of its last change and 64 pieces spread over it are hashed, so that looking
    at a 70 B model takes no minutes. A copied folder may so get another identity; a changed one never keeps its own.

    Raises:
        UserError: there is no such folder, and no such model on the hub or in its cache.
    """
    folder = Path(resolve_pretrained(pretrained))
    if folder.is_dir():
        return _folder_hash(folder)
    return _hub_commit(pretrained, revision)


def _folder_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for name, path in files_below(folder).items():
        content = file_sha256(path) if path.stat().st_size <= WHOLE_FILE_LIMIT else _sampled_hash(path)
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def _sampled_hash(path: Path) -> str:
    status = path.stat()
    digest = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode())
    with path.open("rb") as file:
        for piece in range(PIECES):
            file.seek(piece * (status.st_size - PIECE) // (PIECES - 1))
            digest.update(file.read(PIECE))
    return digest.hexdigest()


def _hub_commit(name: str, revision: str) -> str:
    from transformers.utils import cached_file

    try:
        config: Any = cached_file(name, "config.json", revision=revision)
    except (OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(
            f"pretrained {name!r} is neither a folder nor a model that can be had from the hub or its cache ({reason}):"
            " give a local folder, embedded, or download the model first"
        ) from error
    # The hub's cache lays a file at .../snapshots/<commit>/config.json, online and offline alike.
    return str(Path(config).parent.name)


def save_ordinary(model: PreTrainedModel, tokenizer: Any, folder: Path) -> None:
    """Write the folder.

    Raises:
        OSError: the folder can't be written.
        UserError: what is written is not all of the model, or more than it.
    """
    from safetensors import SafetensorError

    try:
        # llmcompressor puts a save_pretrained of its own on the instance, which adds its recipe and format; this is the class's.
        type(model).save_pretrained(model, folder)
        tokenizer.save_pretrained(folder)
    except SafetensorError as error:  # how safetensors says that the disk is full
        raise OSError(str(error)) from error
    _check_whole(type(model), folder)


def _check_whole(kind: type[PreTrainedModel], folder: Path) -> None:
    """Load names and shapes without the numbers: transformers fills what is missing with random ones and says so in a warning only."""
    try:
        _, info = kind.from_pretrained(folder, device_map="meta", output_loading_info=True)
        wrong = [(what, sorted(map(str, info[f"{what}_keys"]))) for what in ("missing", "unexpected", "mismatched")]
    except RuntimeError as error:
        wrong = [("mismatched", [one_line(error, 300)])]
    for what, names in wrong:
        if names:
            raise UserError(
                f"the pruned {kind.__name__} would not load whole from an ordinary checkpoint: {len(names)} tensors {what}, e.g."
                f" {names[0]}, so nothing is stored; leave out of the recipe what adds tensors, or take another model (llmcompressor"
                " takes the experts of some apart)"
            )

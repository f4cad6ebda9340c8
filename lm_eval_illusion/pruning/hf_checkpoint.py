"""Hugging Face checkpoints: the base model to load, its identity for the store key, and the pruned model to save."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, cause_of, one_line
from lm_eval_illusion.loading.shown_logs import safe_logs
from lm_eval_illusion.pruning.base_identity import BaseIdentity, ModelFiles, base_identity, hub_commit, shown
from lm_eval_illusion.pruning.complete_model import CompleteCausalLM, limited_size

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


_ALIASES = {"half": "float16", "float": "float32", "double": "float64"}
DTYPES = ("auto", "float16", "half", "bfloat16", "float32", "float", "float64", "double")
"""Names of the dtypes in which a model can be loaded; "auto" is that of its files."""


class BaseModel(NamedTuple):
    """The model to prune.

    `pretrained`: a folder, a hub name, or `embedded`. `dtype`: a torch dtype by name; "auto" is the dtype of the checkpoint.
    `tokenizer`: a folder or hub name; None is the model's own. `subfolder`: of the model's files, and of its tokenizer's.
    `tokenizer_revision`: None is `revision`. `weights_variant`: `fp16` for model.fp16.safetensors. `use_safetensors`: False to load
    pytorch_model.bin even where there is model.safetensors. `gguf_file`: the name of a GGUF file there, which is the model instead.
    """

    pretrained: str
    revision: str = "main"
    dtype: str = "auto"
    trust_remote_code: bool = False
    tokenizer: str | None = None
    subfolder: str = ""
    tokenizer_revision: str | None = None
    weights_variant: str | None = None
    use_safetensors: bool | None = None
    gguf_file: str | None = None

    @property
    def files(self) -> ModelFiles:
        """Where the model's files are."""
        return ModelFiles(self.pretrained, self.revision, self.subfolder, self.weights_variant, self.use_safetensors)

    @property
    def tokenizer_files(self) -> ModelFiles | None:
        """Where the files of a tokenizer are that is not the model's own."""
        if not self.tokenizer and not self.tokenizer_revision:
            return None
        return ModelFiles(self.tokenizer or self.pretrained, self.tokenizer_revision or self.revision, self.subfolder)


def check_dtype(dtype: Any) -> None:
    """Check the dtype in which a model is to be loaded, a name or a torch dtype.

    Raises:
        UserError: It is none of `DTYPES`.
    """
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise UserError(f"dtype {shown(name)!r} is unknown: give {', '.join(DTYPES)}")


def plain_dtype(dtype: Any) -> str:
    """Return the one name of a dtype: "float32" for torch.float32, "torch.float32" and "float"; "auto" for None."""
    name = "auto" if dtype is None else str(dtype).removeprefix("torch.")
    return _ALIASES.get(name, name)


def load_model(base: BaseModel) -> PreTrainedModel:
    """Load the model on the CPU in `base.dtype`.

    Raises:
        UserError: The model can't be loaded, or not completely.
    """
    with loading_errors(base.pretrained), limited_size(base.files):
        return CompleteCausalLM.from_pretrained(
            resolve_pretrained(base.pretrained),
            dtype=plain_dtype(base.dtype),
            revision=base.revision,
            trust_remote_code=base.trust_remote_code,
            use_safetensors=base.use_safetensors,
        )


def load_config(base: BaseModel) -> PreTrainedConfig:
    """Load the model's configuration.

    Raises:
        UserError: It can't be loaded.
    """
    from transformers import AutoConfig

    with loading_errors(base.pretrained), limited_size(base.files):
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            resolve_pretrained(base.pretrained), revision=base.revision, trust_remote_code=base.trust_remote_code
        )
    return config


def load_tokenizer(base: BaseModel) -> Any:
    """Load `base.tokenizer`, or the model's own tokenizer.

    Raises:
        UserError: The tokenizer can't be loaded.
    """
    from transformers import AutoTokenizer

    name = base.tokenizer or resolve_pretrained(base.pretrained)
    revision = base.tokenizer_revision or base.revision
    with loading_errors(name):
        return AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=base.trust_remote_code)


@contextmanager
def loading_errors(name: str) -> Iterator[None]:
    """Turn any error of the libraries that load the model `name` into a `UserError` of one line; their logs are safe for a terminal.

    Raises:
        UserError: Loading failed within the `with` statement.
    """
    with safe_logs(), errors_of_files(name, "can't be loaded"):
        yield


@contextmanager
def errors_of_files(name: str, problem: str) -> Iterator[None]:
    """Turn any error within the `with` statement into "<name> <problem> (<cause>): <remedy>".

    For code of other libraries that works with a model's files, which anybody may have written: it raises exceptions of all types.

    Raises:
        UserError: Something was raised.
    """
    try:
        yield
    except (UserError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        # The tokenizers library reports a failure of its own by an exception that is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise UserError(f"{shown(name)} {problem} ({_cause(error)}): {_remedy(error, name)}") from error


def _cause(error: BaseException) -> str:
    # PyTorch's message explains how to load it all the same.
    return "UnpicklingError: a file is damaged, or holds other things than tensors" if _is_pickle(error) else cause_of(error)


def _is_pickle(error: BaseException) -> bool:
    return isinstance(error, pickle.UnpicklingError)


def _remedy(error: BaseException, name: str) -> str:
    import torch

    if _is_pickle(error):
        return "nothing of it was run; use a model in safetensors format, and trust this one as little as a program"
    if "trust_remote_code" in str(error):
        return "it brings code of its own, which is run only with trust_remote_code=True; give that if you trust the code"
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return "the memory is not enough; use a smaller model, or a dtype of 16 bits"
    what = "GGUF file" if name.lower().endswith(".gguf") else "model folder"
    return f"check that it is a complete {what} and the arguments are right"


def base_revision(
    pretrained: str,
    revision: str = "main",
    subfolder: str = "",
    weights_variant: str | None = None,
    use_safetensors: bool | None = None,
) -> str:
    """Return what determines a model's content: a SHA-256 over a local folder's weights, configuration and tokenizer, or a hub commit.

    The files are hashed as a whole. See `base_identity` for which files count, and `ModelFiles` for the arguments.

    Raises:
        UserError: There is no such folder, and no such model on the hub or in its cache.
    """
    files = ModelFiles(pretrained, revision, subfolder, weights_variant, use_safetensors)
    if not files.is_local:
        return hub_commit(pretrained, revision, subfolder)
    identity = base_identity(files)
    return hashlib.sha256(f"{identity.weights} {identity.tokenizer}".encode()).hexdigest()


def identity_of(base: BaseModel) -> BaseIdentity:
    """Return the identity of a base model by content, for results.config.

    Raises:
        UserError: There is no such model or tokenizer, or a file can't be read.
    """
    return base_identity(base.files, base.tokenizer_files)


def tokenizer_revision(base: BaseModel) -> str | None:
    """Return the revision of a tokenizer that is not the model's own, as `base_revision`; None if it is.

    Raises:
        UserError: There is no such tokenizer.
    """
    files = base.tokenizer_files
    if files is None:
        return None
    return (
        (base_identity(files).tokenizer or "")
        if files.is_local
        else hub_commit(files.pretrained, files.revision, files.subfolder)
    )


def save_checkpoint(model: PreTrainedModel, tokenizer: Any, folder: Path) -> None:
    """Save a model and its tokenizer as a dense-format checkpoint that any engine can load, and check that it is complete.

    The settings of `generation_config.json` are saved as they were loaded.

    Raises:
        OSError: The folder can't be written.
        UserError: transformers can't write what was loaded; the saved tensors are not exactly those of the model's class.
    """
    from safetensors import SafetensorError

    try:
        _save_model(model, folder)
        tokenizer.save_pretrained(folder)
    except SafetensorError as error:  # safetensors reports a full disk by this error
        raise OSError(str(error)) from error
    except (OSError, UserError):
        raise
    except Exception as error:
        # What a configuration holds is checked again when it is written, and may be of a type that JSON does not have.
        raise UserError(
            f"the pruned {type(model).__name__} can't be saved ({cause_of(error)}), so nothing is stored: correct the base model's files"
        ) from error
    _check_complete(type(model), folder)


def _save_model(model: PreTrainedModel, folder: Path) -> None:
    """Save the model with its own generation settings, also with those that transformers accepts only when it loads them.

    Many published models have such: a temperature without do_sample, or a pad_token_id of -1. transformers warns of them when it loads,
    and refuses to write them.
    """
    from transformers import GenerationConfig

    settings = model.generation_config if model.can_generate() else None
    try:
        if settings is not None:
            model.generation_config = GenerationConfig()
        # llmcompressor replaces save_pretrained on the instance by one that adds its recipe and format; call the class's own.
        type(model).save_pretrained(model, folder)
    finally:
        if settings is not None:
            model.generation_config = settings
    if settings is not None:
        # As GenerationConfig.save_pretrained writes them.
        settings.to_json_file(folder / "generation_config.json", use_diff=True, keys_to_pop=["compile_config"])


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

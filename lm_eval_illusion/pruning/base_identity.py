"""The identity of a base model by content: one hash over what its weights are loaded from, one over its tokenizer.

Only files that are loaded count, whatever else a folder or the hub's cache holds. So a copied folder, a hub model on another machine and
every engine give the same identity, and a changed weight, configuration or tokenizer gives another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.pruning.hash_cache import file_hashes

CONFIGURATION = ("config.json", "generation_config.json")
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""The files that weights are loaded from; the first that exists is used, as in transformers."""
ADAPTER = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
"""Files that count as weights in a local folder without any of `WEIGHTS`."""
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja")
VOCABULARY = (
    *("vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model"),
    *("sentencepiece.model", "vocab.model", "tekken.json", "tiktoken.model"),
)
"""Read only where there is no tokenizer.json."""

_MAY_BE_MISSING = {"_raise_exceptions_for_missing_entries": False, "_raise_exceptions_for_connection_errors": False}

Find = Callable[[str], Path | None]
"""Relative name of a file -> its path, None if there is no such file."""


class BaseIdentity(msgspec.Struct, frozen=True):
    """SHA-256 over the configuration and the weight files, and over the tokenizer's files. None if there are no such files."""

    weights: str | None
    tokenizer: str | None


class ModelFiles(NamedTuple):
    """Where a model's files are.

    `pretrained`: a folder, a hub name, or `embedded`. `subfolder`: within it. `weights_variant`: `fp16` for model.fp16.safetensors.
    `use_safetensors`: False if transformers is told not to load safetensors files.
    """

    pretrained: str
    revision: str = "main"
    subfolder: str = ""
    weights_variant: str | None = None
    use_safetensors: bool | None = None

    def finder(self) -> Find:
        """Return the function that finds a file; on the hub it downloads it if it is not in the cache.

        Raises:
            UserError: There is no such folder, and no such model on the hub or in its cache.
        """
        if self.is_local:
            folder = self.folder
            return lambda name: path if folder and (path := folder / name).is_file() else None
        commit = hub_commit(self.pretrained, self.revision, self.subfolder)
        return lambda name: _hub_file(self.pretrained, name, commit, self.subfolder)

    def fetch(self, names: list[str]) -> None:
        """Download files of a hub model that are not in the cache, several at once. Those that are missing there are left out."""
        if not self.is_local:
            from transformers.utils.hub import cached_files

            cached_files(self.pretrained, names, revision=self.revision, subfolder=self.subfolder, **_MAY_BE_MISSING)

    @property
    def path(self) -> Path:
        """The path that `pretrained` is if it is not a hub name."""
        return Path(resolve_pretrained(self.pretrained))

    @property
    def is_local(self) -> bool:
        """Whether the model is a folder or, for an engine that reads GGUF, a single file."""
        return self.path.exists()

    @property
    def folder(self) -> Path | None:
        """The local folder that holds the files; None for a model on the hub and for a single file."""
        return self.path / self.subfolder if self.path.is_dir() else None


def read_use_safetensors(value: Any) -> bool | None:
    """Read the model argument `use_safetensors`; None where it is not given."""
    return None if value is None else str(value).strip().lower() not in ("false", "0", "")


def base_identity(model: ModelFiles, tokenizer: ModelFiles | None = None) -> BaseIdentity:
    """Return the identity of a model's content. `tokenizer`: where a tokenizer is that is not the model's own.

    On the hub, files that are not in the cache are downloaded: the model is loaded from them anyway.

    Raises:
        UserError: There is no such folder or hub model, or a file can't be read.
    """
    find, find_tokenizer = model.finder(), (tokenizer or model).finder()
    try:
        weights = _digest(dict(_weight_files(model, find)))
        return BaseIdentity(weights, _digest(dict(_tokenizer_files(find_tokenizer))))
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:  # a JSON file may have another content than expected
        raise UserError(
            f"{model.pretrained} can't be read ({one_line(error)}): check that it is a complete model folder"
        ) from error


def model_config(model: ModelFiles) -> dict[str, Any]:
    """Return the content of config.json; empty if there is none.

    Raises:
        UserError: There is no such folder or hub model, or the file is not JSON.
    """
    return read_object(model, "config.json")


def read_object(model: ModelFiles, name: str) -> dict[str, Any]:
    """Return the JSON object in one of the model's files; empty if there is no such file.

    Raises:
        UserError: There is no such folder or hub model, or the file does not hold a JSON object.
    """
    path = model.finder()(name)
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read ({error}): check that it is a complete model folder") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no JSON object: check that it is a complete model folder")
    return content


def hub_commit(name: str, revision: str, subfolder: str = "") -> str:
    """Return the commit of a model on the hub or in its cache.

    Raises:
        UserError: There is no such model.
    """
    try:
        # An adapter has no configuration of its own.
        return commit_of_file(name, ("config.json", "adapter_config.json"), revision, subfolder)
    except (OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(
            f"pretrained {name!r} is neither a folder nor a model on the hub or in its cache ({reason}):"
            " give a local folder, embedded, or download the model first"
        ) from error


def commit_of_file(name: str, files: Sequence[str], revision: str, subfolder: str = "") -> str:
    """Return the commit of a repository on the hub or in its cache that has one of these files.

    Raises:
        OSError: It has none of them, or there is no such repository.
        ValueError: `name` can't be the name of a repository.
    """
    from transformers.utils import cached_file

    *others, last = files
    for file in others:
        with suppress(OSError):
            return _commit_of_path(cached_file(name, file, revision=revision, subfolder=subfolder), subfolder)
    return _commit_of_path(cached_file(name, last, revision=revision, subfolder=subfolder), subfolder)


def _commit_of_path(path: Any, subfolder: str) -> str:
    # The hub's cache stores a file at .../snapshots/<commit>/<subfolder>/<file>, online and offline alike.
    return Path(path).parts[-2 - len(Path(subfolder).parts)]


def _hub_file(name: str, file: str, commit: str, subfolder: str) -> Path | None:
    from transformers.utils import cached_file

    path: Any = cached_file(name, file, revision=commit, subfolder=subfolder, **_MAY_BE_MISSING)
    return Path(path) if path else None


def _weight_files(model: ModelFiles, find: Find) -> Iterator[tuple[str, Path]]:
    """Yield name and path of the files that a model is loaded from; nothing if there are no weights."""
    if model.path.is_file():
        yield model.path.name, model.path
        return
    names = list(_weight_names(model, find))
    if len(names) > 1:
        model.fetch(names)
    yield from _existing(names, find)
    if names:
        yield from _existing(CONFIGURATION, find)
        yield from _code_files("config.json", find)


def _weight_names(model: ModelFiles, find: Find) -> Iterator[str]:
    for name in _possible_weights(model, find):
        path = find(name)
        if path is not None:
            yield name
            if name.endswith(".json"):
                yield from sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
            break
    else:
        if model.folder is not None:
            yield from (file.name for file in sorted(model.folder.iterdir()) if file.suffix in WEIGHT_SUFFIXES)
    yield from (name for name in ADAPTER if find(name))


def _possible_weights(model: ModelFiles, find: Find) -> Iterator[str]:
    """Yield the files that weights may be loaded from, the first choice of transformers first."""
    config = find("config.json")
    # A configuration may name the file itself.
    named = json.loads(config.read_text(encoding="utf-8")).get("transformers_weights") if config else None
    if named:
        yield str(named)
    for name in WEIGHTS:
        if model.use_safetensors is not False or not name.startswith("model.safetensors"):
            yield _with_variant(name, model.weights_variant)


def _with_variant(name: str, variant: str | None) -> str:
    """Return `model.fp16.safetensors` for `model.safetensors` and the variant `fp16`, as transformers names it."""
    if not variant:
        return name
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{variant}.{suffix}"


def _tokenizer_files(find: Find) -> Iterator[tuple[str, Path]]:
    yield from _existing(TOKENIZER, find)
    if find("tokenizer.json") is None:
        yield from _existing(VOCABULARY, find)
    if (settings := find("tokenizer_config.json")) is not None:
        yield from ((template.name, template) for template in settings.parent.glob("additional_chat_templates/*.jinja"))
        yield from _code_files("tokenizer_config.json", find)


def _existing(names: list[str] | tuple[str, ...], find: Find) -> Iterator[tuple[str, Path]]:
    yield from ((name, path) for name in names if (path := find(name)) is not None)


def _code_files(settings: str, find: Find) -> Iterator[tuple[str, Path]]:
    """Yield the model's own Python files that a JSON file names in `auto_map`, and those that they import."""
    from transformers.dynamic_module_utils import get_relative_imports

    path = find(settings)
    auto_map = json.loads(path.read_text(encoding="utf-8")).get("auto_map", {}) if path else {}
    classes = [entry for value in auto_map.values() for entry in (value if isinstance(value, list) else [value]) if entry]
    # "other/repository--module.Class" is code of another repository.
    open_modules = {entry.split(".")[0] for entry in classes if "--" not in entry}
    seen: set[str] = set()
    while open_modules - seen:
        module = min(open_modules - seen)
        seen.add(module)
        if (file := find(f"{module}.py")) is not None:
            yield f"{module}.py", file
            open_modules |= {name.split(".")[0] for name in get_relative_imports(file)}


def _digest(files: dict[str, Path]) -> str | None:
    """Return the SHA-256 over the names and hashes of files; None without files."""
    if not files:
        return None
    names = sorted(files)
    hashes = file_hashes([files[name] for name in names])
    lines = (f"{name}\0{digest}\n" for name, digest in zip(names, hashes, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()

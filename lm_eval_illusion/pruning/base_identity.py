"""The identity of a base model by content: one hash over what its weights are loaded from, one over its tokenizer.

Only files that are loaded count, whatever else a folder or the hub's cache holds. So a copied folder, a hub model on another machine and
every engine give the same identity, and a changed weight, configuration or tokenizer gives another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import msgspec

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, attributed, one_line
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.pruning.hash_cache import file_hashes
from lm_eval_illusion.reading import read_json

CONFIGURATION = ("config.json", "generation_config.json")
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""The files that weights are loaded from; the first that exists is used, as in transformers."""
ADAPTER_CONFIGURATION = "adapter_config.json"
ADAPTER = (ADAPTER_CONFIGURATION, "adapter_model.safetensors", "adapter_model.bin")
WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
"""Files that count as weights in a local folder without any of `WEIGHTS`."""
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja")
VOCABULARY = (
    *("vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model"),
    *("sentencepiece.model", "vocab.model", "tekken.json", "tiktoken.model"),
)
"""Read only where there is no tokenizer.json."""

MOST_JSON_BYTES = 64 << 20
"""The largest configuration, index or template: 64 MiB. Those of the largest models have some MiB."""
MOST_SHOWN = 200
"""Characters of a name in a message."""
REMEDY = "check that it is a complete model folder"

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
        try:
            return self.path.exists()
        except OSError:  # a name that is too long for a path, or a folder that may not be searched
            return False

    @property
    def folder(self) -> Path | None:
        """The local folder that holds the files; None for a model on the hub and for a single file."""
        return self.path / self.subfolder if self.is_local and self.path.is_dir() else None


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
    # A JSON file may have any other content than expected.
    with attributed(f"{shown(model.pretrained)} can't be read", REMEDY):
        weights = _digest(dict(_weight_files(model, find)))
        return BaseIdentity(weights, _digest(dict(_tokenizer_files(find_tokenizer))))


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
    return {} if path is None else _object(path)


def weight_paths(model: ModelFiles) -> list[Path]:
    """Return the files that the weights are loaded from, and those of an adapter; on the hub they are downloaded.

    Raises:
        UserError: There is no such folder or hub model, or an index can't be read.
    """
    find = model.finder()
    with attributed(f"{shown(model.pretrained)} can't be read", REMEDY):
        if model.path.is_file():
            return [model.path]
        return [path for _, path in _existing(list(_weight_names(model, find)), find)]


def shown(name: str) -> str:
    """Return a model's name or path for a message: one of thousands of characters is cut."""
    return cut(name, MOST_SHOWN)


def refuse_outside(name: str, what: str, owner: str) -> None:
    """Refuse a relative name that leaves the folder it belongs to. `what`, `owner`: what has the name, and whose it is, for the message.

    Raises:
        UserError: The name is absolute or has `..` among its parts.
    """
    path = PurePath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise UserError(f"{shown(owner)}: {what} {shown(name)!r} is not within its folder: {REMEDY}")


def _object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        UserError: The file can't be read, or does not hold a JSON object.
    """
    content = read_json(path, REMEDY, MOST_JSON_BYTES)
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no JSON object: {REMEDY}")
    return content


def hub_commit(name: str, revision: str, subfolder: str = "") -> str:
    """Return the commit of a model on the hub or in its cache.

    Raises:
        UserError: There is no such model.
    """
    try:
        # An adapter has no configuration of its own.
        return commit_of_file(name, ("config.json", "adapter_config.json"), revision, subfolder)
    except Exception as error:
        # Whatever the hub's client raises, it is about this name: there is no connection, no such name, or no access to it.
        reason = one_line(error, 200)
        raise UserError(
            f"pretrained {shown(name)!r} is neither a folder nor a model on the hub or in its cache ({reason}):"
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
                yield from _inside(sorted(set(_object(path)["weight_map"].values())), path)
            break
    else:
        if model.folder is not None:
            yield from (file.name for file in sorted(model.folder.iterdir()) if file.suffix in WEIGHT_SUFFIXES)
    yield from (name for name in ADAPTER if find(name))


def _possible_weights(model: ModelFiles, find: Find) -> Iterator[str]:
    """Yield the files that weights may be loaded from, the first choice of transformers first."""
    config = find("config.json")
    # A configuration may name the file itself.
    named = _object(config).get("transformers_weights") if config else None
    if config and named:
        yield from _inside([str(named)], config)
    for name in WEIGHTS:
        if model.use_safetensors is not False or not name.startswith("model.safetensors"):
            yield _with_variant(name, model.weights_variant)


def _inside(names: list[str], path: Path) -> list[str]:
    """Return names of files that a JSON file states, none of which may leave its folder."""
    for name in names:
        refuse_outside(name, "the file", str(path))
    return names


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
    auto_map = _object(path).get("auto_map") or {} if path else {}
    classes = [entry for value in auto_map.values() for entry in (value if isinstance(value, list) else [value]) if entry]
    # "other/repository--module.Class" is code of another repository.
    open_modules = {entry.split(".")[0] for entry in _inside(classes, Path(settings)) if "--" not in entry}
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

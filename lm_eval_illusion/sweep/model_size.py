"""The size of a base model without loading it: from the headers of its weight files, from the hub, or as the study states it."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.pruning.gguf_checkpoint import SUFFIX, dequantised_size
from lm_eval_illusion.reading import open_file, read_json

HUB_TIMEOUT_SECONDS = 5
BYTES_PER_PARAMETER = 2
"""Of a model of which only the number of parameters is known: bfloat16 or float16."""
MOST_HEADER_BYTES = 100 << 20
"""The largest header of a safetensors file, as in the format's own library."""

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
# What transformers downloads. A repository may hold the same weights a second time, as consolidated.safetensors.
_LOADED = (
    re.compile(r"model\.safetensors"),
    re.compile(r"model-\d+-of-\d+\.safetensors"),
    re.compile(r"pytorch_model\.bin"),
    re.compile(r"pytorch_model-\d+-of-\d+\.bin"),
)
_REMEDY = "check that it is a complete model folder"


@dataclass(frozen=True)
class ModelSize:
    """The size of a base model.

    `parameters`: number of stored weights. `weight_bytes`: bytes of its weight files. Both are None if unknown. `is_here`: the weights need
    no download. `source`: where the numbers come from, in words.
    """

    parameters: int | None
    weight_bytes: int | None
    is_here: bool
    source: str


def model_size(pretrained: str, revision: str, stated: int | None, *, ask_hub: bool = True, file: str = "") -> ModelSize:
    """Return the size of a model. Nothing is downloaded; the hub is asked for the sizes of files only, for a model that is not here.

    Args:
        pretrained: A folder, a hub name, `embedded`, or the path of a GGUF file.
        revision: Branch, tag or commit of a hub model.
        stated: Number of parameters that the study states.
        ask_hub: Whether the hub may be asked.
        file: A GGUF file in `pretrained`, which is the model instead; its checkpoints are dequantised.
    """
    folder = Path(resolve_pretrained(pretrained))
    if file or pretrained.lower().endswith(SUFFIX):
        return _size_of_gguf(folder / file) or _stated(stated, is_here=_exists(folder / file))
    snapshot = folder if _exists(folder) else cached_snapshot(pretrained, revision)
    if snapshot is not None:
        size = _size_of_folder(snapshot)
        if size is not None or _exists(folder):
            return size or _stated(stated, is_here=True)
    return (_size_on_hub(pretrained, revision) if ask_hub else None) or _stated(stated, is_here=False)


def cached_snapshot(name: str, revision: str) -> Path | None:
    """Return the folder of a hub model in the cache; None if its configuration is not there."""
    from huggingface_hub import try_to_load_from_cache

    for file in ("config.json", "adapter_config.json", "tokenizer_config.json"):
        with suppress(OSError, ValueError):  # ValueError: a text that can be no name of a repository
            path = try_to_load_from_cache(name, file, revision=revision)
            if isinstance(path, str):
                return Path(path).parent
    return None


def _stated(parameters: int | None, *, is_here: bool) -> ModelSize:
    if parameters is None:
        return ModelSize(None, None, is_here, "unknown")
    return ModelSize(parameters, BYTES_PER_PARAMETER * parameters, is_here, "as the study states")


def _size_of_folder(folder: Path) -> ModelSize | None:
    """Return the size by the headers of the weight files; None if they are incomplete or in another format."""
    with suppress(UserError):
        names = _weight_names(folder)
        paths = [folder / name for name in names]
        if paths and all(path.is_file() for path in paths):
            parameters = sum(map(_parameters_in, paths))
            return ModelSize(parameters, sum(path.stat().st_size for path in paths), True, "its files")
    return None


def _size_of_gguf(path: Path) -> ModelSize | None:
    """Return the size of the dequantised model; None if the file can't be read."""
    with suppress(UserError):
        parameters, weight_bytes = dequantised_size(path)
        return ModelSize(parameters, weight_bytes, True, "its header")
    return None


def _weight_names(folder: Path) -> list[str]:
    if (folder / _INDEX).is_file() and not (folder / _SINGLE).is_file():
        with attributed(f"{folder / _INDEX} can't be read", _REMEDY):
            names = set(read_json(folder / _INDEX, _REMEDY, MOST_HEADER_BYTES)["weight_map"].values())
            return sorted(Path(str(name)).name for name in names)
    return [_SINGLE]


def _parameters_in(path: Path) -> int:
    """Return the number of weights in a safetensors file, from its header.

    Raises:
        UserError: It is not such a file.
    """
    with open_file(path, _REMEDY) as file, attributed(f"{path} is no safetensors file", _REMEDY):
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MOST_HEADER_BYTES:
            raise UserError(f"{path} has a header of more than {MOST_HEADER_BYTES:,} bytes: {_REMEDY}")
        header: Mapping[str, Any] = json.loads(file.read(length))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


@cache
def _size_on_hub(name: str, revision: str) -> ModelSize | None:
    """Return the size that the hub tells; None if it does not answer or has no such model."""
    if not hub_answers():
        return None
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(name, revision=revision, timeout=HUB_TIMEOUT_SECONDS, files_metadata=True)
    except Exception:  # of requests, httpx or the hub's client, by version: unknown, gated, or no connection
        return None
    sizes = {file.rfilename: file.size for file in info.siblings or () if file.size}
    weights = _loaded_bytes(sizes)
    parameters = getattr(info.safetensors, "total", None)
    if not weights and not parameters:
        return None
    return ModelSize(parameters, weights or BYTES_PER_PARAMETER * int(parameters or 0), False, "the hub")


def _loaded_bytes(sizes: Mapping[str, int]) -> int:
    """Return the bytes of the weight files that transformers would load: those of the first format that is there."""
    return next((found for pattern in _LOADED if (found := sum(_matching(pattern, sizes)))), 0)


def _matching(pattern: re.Pattern[str], sizes: Mapping[str, int]) -> Iterable[int]:
    return (size for name, size in sizes.items() if pattern.fullmatch(name))


@cache
def hub_answers() -> bool:
    """Return whether the hub answers at all. It is asked once, for a few seconds: its client retries a request for half a minute."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info("gpt2", timeout=HUB_TIMEOUT_SECONDS)  # any model
    except HfHubHTTPError:
        return True
    except Exception:  # of requests, httpx or the hub's client, by version
        return False
    return True


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a text that can be no path: too long, or a NUL character
        return False

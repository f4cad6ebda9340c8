"""What runs behind an address: the software, its version, the models that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.served_address import ServedAddress, without_password
from lm_eval_illusion.models.served_requests import get

LLAMA_CPP, LLAMA_CPP_PYTHON = "llama.cpp", "llama-cpp-python"
VLLM, SGLANG, TRANSFORMERS = "vllm", "sglang", "transformers"

_OWNERS = {"llamacpp": LLAMA_CPP, "vllm": VLLM, "sglang": SGLANG, "me": LLAMA_CPP_PYTHON}
"""`owned_by` in the list of models -> software."""
_OWN_PATHS = {"/load_model": TRANSFORMERS, "/flush_cache": SGLANG, "/version": VLLM}
"""A path that only one software has -> that software, for those that describe their paths."""
TEXT_ONLY = (LLAMA_CPP_PYTHON, TRANSFORMERS)
"""Servers that refuse a prompt of tokens."""
MOST_NAMES = 5


@dataclass(frozen=True)
class RunningServer:
    """`kind`: the software, None if it is none of those above. `version`, `dtype`: as it tells them, else None.

    `models`: the names that it lists; empty if it lists none. `unlisted`: why it lists none, "" if it just has no list.
    """

    url: str
    kind: str | None = None
    version: str | None = None
    dtype: str | None = None
    models: tuple[str, ...] = ()
    unlisted: str = ""

    def __str__(self) -> str:
        """Return e.g. `vllm 0.32.0 at http://127.0.0.1:8000/v1/completions`."""
        return " ".join(part for part in (self.kind or "the server", self.version, "at", without_password(self.url)) if part)


def find_server(endpoint: ServedAddress) -> RunningServer:
    """Ask a server what it is. Nothing is generated.

    Raises:
        UserError: It can't be reached.
    """
    listed = get(endpoint, "/v1/models")
    entries = [entry for entry in (listed.content or {}).get("data") or [] if isinstance(entry, dict)]
    kind = next((_OWNERS[owner] for entry in entries if (owner := str(entry.get("owned_by"))) in _OWNERS), None)
    if listed.headers.get("server", "").lower() == LLAMA_CPP:
        kind = LLAMA_CPP
    described = {} if kind in (LLAMA_CPP, VLLM, SGLANG) else get(endpoint, "/openapi.json").content or {}
    paths = described.get("paths") or {}
    kind = kind or next((software for path, software in _OWN_PATHS.items() if path in paths), None)
    version, dtype = _version_and_dtype(endpoint, kind, described)
    return RunningServer(endpoint.url, kind, version, dtype, tuple(_names(entries)), listed.refusal)


def chosen_model(server: RunningServer, name: str | None) -> str:
    """Return the name of the model to ask for: the given one, or the only one that the server has.

    Raises:
        UserError: The server lists its models, and the given one is not among them; or none is given and there is no only one.
    """
    shown = ", ".join(server.models[:MOST_NAMES]) + (", ..." if len(server.models) > MOST_NAMES else "")
    if name is None:
        if len(server.models) == 1:
            return server.models[0]
        why = server.unlisted or "lists none: is base_url right?"
        no_list = f"as the server knows it; {without_password(server.url)}, asked for its list at /v1/models, {why}"
        raise UserError(f"served needs the name of the model: give model=, {f'one of {shown}' if shown else no_list}")
    # transformers lists what is on the disk, and loads what is asked for. llama.cpp answers to any name, with the model that it has.
    if server.models and name not in server.models and server.kind != TRANSFORMERS:
        raise UserError(f"model={name} is not served by {server}: give model=, one of {shown}")
    return name


def _names(entries: list[dict[str, Any]]) -> list[str]:
    names: list[Any] = []
    for entry in entries:
        aliases = entry.get("aliases")
        names += [entry.get("id"), *(aliases if isinstance(aliases, list) else [])]
    return [str(name) for name in dict.fromkeys(name for name in names if isinstance(name, str | int)) if str(name)]


def _version_and_dtype(
    endpoint: ServedAddress, kind: str | None, described: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    if kind == LLAMA_CPP:
        properties = get(endpoint, "/props").content or {}
        return _text(properties.get("build_info")), _text(properties.get("model_ftype"))
    if kind == VLLM:
        return _text((get(endpoint, "/version").content or {}).get("version")), None
    if kind == SGLANG:
        facts = get(endpoint, "/get_server_info").content or {}
        return _text(facts.get("version")), _text(facts.get("dtype"))
    if kind == LLAMA_CPP_PYTHON:
        return _text((described.get("info") or {}).get("version")), None
    return None, None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None

"""The server that a run asked: what the model arguments of lm_eval's API classes say about it.

A key of an API may stand anywhere in an address. So only host and port are shown; path and query are compared by their hash.
"""

from __future__ import annotations

import hashlib
import ipaddress
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

from lm_eval_illusion.results.results_file import RunConfig

UNNAMED = "unknown"
"""The host of a server whose address is not stated or can't be read."""
API_CLASSES: Mapping[str, str | None] = {
    "local-completions": None,
    "local-chat-completions": None,
    "served": None,
    "gguf": None,
    "ggml": None,
    "sglang-generate": None,
    "openai-completions": "https://api.openai.com/v1/completions",
    "openai-chat-completions": "https://api.openai.com/v1/chat/completions",
    "azure-openai-chat-completions": None,
    "anthropic-completions": "https://api.anthropic.com/v1/messages",
    "anthropic-chat": "https://api.anthropic.com/v1/messages",
    "anthropic-chat-completions": "https://api.anthropic.com/v1/messages",
    "textsynth": "https://api.textsynth.com",
    "litellm": None,
    "litellm-chat": None,
    "litellm-chat-completions": None,
    "watsonx_llm": None,
}
"""lm_eval's model classes that ask a server, and our own -> the address that each has by default; None if it has none."""

_URL_ARGUMENTS = ("base_url", "api_base")
_ENDPOINTS = ("/chat/completions", "/completions", "/messages", "/generate", "/v1")
_PORTS = {"http": 80, "https": 443}
_SECRETS = ("key", "token", "secret", "sig", "auth", "pass", "pwd", "code", "credential")


@dataclass(frozen=True, slots=True)
class Server:
    """A server. `host`: its name and port, as shown. `digest`: SHA-256 of the address, without user, password and keys.

    `serves_checkpoint`: whether the model is a checkpoint of a known base model, so that the server is named with the variant.
    """

    host: str
    digest: str
    serves_checkpoint: bool = False

    @property
    def is_this_machine(self) -> bool:
        """Whether the address is that of the machine which asks."""
        name = self.host.rpartition(":")[0] if self.host.rpartition(":")[2].isdecimal() else self.host
        if name == "localhost":
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified


def server_of(config: RunConfig, arguments: Mapping[str, Any]) -> Server | None:
    """Return the server that a run asked; None for a model class that loads the model itself."""
    stated = config.served.base_url if config.served is not None else None
    given = [stated, *(arguments.get(name) for name in _URL_ARGUMENTS)]
    url = next((str(value).strip() for value in given if value is not None and str(value).strip() not in ("", "None")), None)
    if url is None:
        if config.model is None or config.model not in API_CLASSES:
            return None
        url = API_CLASSES[config.model]
    if url is None:
        # Azure and others take the address from the environment.
        return Server(UNNAMED, _hash(f"of {config.model}"))
    return _server_at(url)


def _server_at(url: str) -> Server:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = _plain_host(parts.hostname or ""), parts.port or _PORTS.get(parts.scheme.lower())
        path = _plain_path(parts.path)
        query = urlencode(sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _is_secret(pair[0])))
    except ValueError:
        return Server(UNNAMED, _hash(url))
    if not host:
        return Server(UNNAMED, _hash(url))
    for endpoint in _ENDPOINTS:
        path = path.removesuffix(endpoint)
    return Server(host if port in (None, *_PORTS.values()) else f"{host}:{port}", _hash(f"{host}:{port}{path}?{query}"))


def _plain_host(host: str) -> str:
    """Return one spelling of a host, in lower case: an IPv6 address has several, and a name may end with the dot of the root.

    Raises:
        ValueError: It can't be a host.
    """
    if ":" in host:
        return f"[{ipaddress.ip_address(host)}]"
    host = host.removesuffix(".")
    return host if host.isascii() else host.encode("idna").decode()


def _plain_path(path: str) -> str:
    """Return one spelling of a path, as RFC 3986 (6.2.2) compares them: without `.` and `..`, nothing escaped that need not be."""
    plain = "/".join(quote(unquote_to_bytes(part), safe="") for part in path.split("/"))
    return posixpath.normpath(f"/{plain.lstrip('/')}").rstrip("/")


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRETS)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

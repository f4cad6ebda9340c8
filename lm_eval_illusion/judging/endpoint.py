"""The endpoint that judges: its address, the key from an environment variable, and the fields of a request."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.option_values import shown

PATH = "/chat/completions"
SHORTEST_SECRET = 8
_EXAMPLE = "give e.g. http://localhost:8000/v1"


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint and the settings of its requests.

    `base_url`: without a slash at its end. `key`: "" for none; it is in no `repr`. `max_tokens`: limit of a reply, thoughts included.
    `fields`: further fields of a request; one that is None removes a field. `tries`: requests for one answer. `timeout`: seconds that
    a request may take.
    """

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    max_tokens: int = 1024
    seed: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 6
    timeout: float = 120.0

    @property
    def url(self) -> str:
        """The address of the requests."""
        return self.base_url + PATH

    @property
    def sends_key_in_clear(self) -> bool:
        """Whether the key goes over a network without encryption."""
        address = urlsplit(self.base_url)
        return bool(self.key) and address.scheme == "http" and not _is_this_machine(address.hostname or "")

    def request(self, prompt: str) -> dict[str, Any]:
        """Return the JSON object of a request; all of it determines the reply."""
        request = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
            **self.fields,
        }
        return {name: value for name, value in request.items() if value is not None}

    def without_key(self, text: str) -> str:
        """Return a text in which the key is replaced: an endpoint may repeat what it got. A shorter one ("EMPTY") is no secret."""
        return text.replace(self.key, "(key)") if len(self.key) >= SHORTEST_SECRET else text


def _is_this_machine(host: str) -> bool:
    with contextlib.suppress(ValueError):  # a name and no number
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def read_base_url(text: str) -> str:
    """Return the base URL without a slash at its end.

    Raises:
        UserError: It is no address of HTTP, or it holds a user, a password, a query or the path of the requests.
    """
    try:
        address = urlsplit(text)
        is_address = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # a wrong port or a wrong IPv6 address
        is_address = False
    if not is_address or not text.isascii() or not text.isprintable() or " " in text:
        raise UserError(f"--base-url {shown(text)} is no address that begins with http:// or https://: {_EXAMPLE}")
    if "@" in address.netloc:
        # Not shown: it may hold a password.
        raise UserError(
            f"--base-url holds a user or a password: name the variable with the key by --api-key-env, and {_EXAMPLE}"
        )
    if "?" in text or "#" in text:
        raise UserError(f"--base-url {shown(text)} has a query: {_EXAMPLE}")
    base = text.rstrip("/")
    if base.endswith(PATH):
        raise UserError(f"--base-url {shown(text)} ends with {PATH}, which is added: give the part before it")
    return base


def read_key(variable: str | None) -> str:
    """Return the key that an environment variable holds; "" without a variable.

    Raises:
        UserError: The variable is not set, or its content is no key. The message does not show it.
    """
    if variable is None:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UserError(
            f"--api-key-env {cut(variable, 80)} is not set: set this environment variable to the key of the endpoint"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(f"--api-key-env {cut(variable, 80)} holds no key (a blank, or a character beyond ASCII): set it again")
    return key


def read_fields(text: str | None) -> dict[str, Any]:
    """Return the fields of `--request`, a JSON object.

    Raises:
        UserError: It is no JSON object, or it names a field that other options set.
    """
    if text is None:
        return {}
    remedy = """give e.g. '{"max_tokens": null, "max_completion_tokens": 500}'"""
    try:
        fields = json.loads(text, parse_constant=_refuse_constant)
        # What the key of the cache is made of must be text.
        json.dumps(fields).encode("ascii")
    except (ValueError, RecursionError) as error:
        raise UserError(f"--request {shown(text)} is not JSON: {remedy}") from error
    if not isinstance(fields, dict):
        raise UserError(f"--request {shown(text)} is no JSON object: {remedy}")
    if own := {"model", "messages", "stream", "n"} & fields.keys():
        raise UserError(f"--request must not set {', '.join(sorted(own))}: leave it out")
    return fields


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

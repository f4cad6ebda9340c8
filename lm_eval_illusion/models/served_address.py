"""The address of a server, and the keys that must stand in no message and no file: in headers, and before the host."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

_SHORTEST_SECRET = 6
"""Characters of a header's value from which it may be a key; shorter ones are words that messages have, too."""
_HIDDEN = "***"


@dataclass(frozen=True)
class ServedAddress:
    """Where requests go. `url`: of the completions or chat completions. `attempts`: how often a request is sent before it has failed.

    `secrets`: texts that no message may repeat, such as the key: some servers write it into their answers.
    """

    client: httpx.Client
    url: str
    attempts: int
    secrets: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The address in messages."""
        return without_password(self.url)

    def told(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    @property
    def root(self) -> str:
        """The address before `/v1/`."""
        return self.url.split("/v1/")[0]


def without_password(url: str) -> str:
    """Return an address without the user and the password before its host."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else url


def secrets_of(headers: Mapping[str, str], url: str) -> tuple[str, ...]:
    """Return what no message may repeat: the values of the headers, without "Bearer", and the password in the address; long ones first."""
    password = urlsplit(url).password
    values = [value.removeprefix("Bearer ").strip() for value in headers.values()] + ([password] if password else [])
    return tuple(sorted({value for value in values if len(value) >= _SHORTEST_SECRET}, key=len, reverse=True))


def hide_secrets(arguments: MutableMapping[str, Any]) -> None:
    """Take the values of headers, a token and the password in the address out of model arguments.

    lm_eval writes the very dictionary that it hands to a model class into the results file.
    """
    if isinstance(arguments.get("header"), Mapping):
        arguments["header"] = dict.fromkeys(arguments["header"], _HIDDEN)
    if arguments.get("auth_token"):
        arguments["auth_token"] = _HIDDEN
    if isinstance(arguments.get("base_url"), str):
        arguments["base_url"] = without_password(arguments["base_url"])

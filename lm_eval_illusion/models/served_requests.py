"""Requests to an OpenAI-compatible server: JSON in and out, repeated where waiting may help, one line where it can't."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lm_eval_illusion.errors import UserError, one_line

if TYPE_CHECKING:
    import httpx

MOST_CHARACTERS = 300
"""The longest answer of a server that a message repeats."""
LONGEST_WAIT = 10.0
"""Seconds between two attempts."""


_UNKNOWN_SETTING = (400, 422, 500, 501)
"""Codes by which servers refuse a setting or the form of a prompt."""
_SHORTEST_SECRET = 6
"""Characters of a header's value from which it may be a key; shorter ones are words that messages have, too."""


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
            text = text.replace(secret, "***")
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


class RequestRefusedError(UserError):
    """The server runs, and refuses a request for what it asks."""


def post(endpoint: ServedAddress, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request.

    A busy server (429), a fault of the server (5xx) and a lost connection are tried again; everything else would fail again.

    Raises:
        RequestRefusedError: The server does not take such a request.
        UserError: It can't be reached or used, or answers with something else than a JSON object with choices.
    """
    import httpx

    problem = ""
    error_class = UserError
    for attempt in range(endpoint.attempts):
        if attempt:
            time.sleep(min(2.0 ** (attempt - 1), LONGEST_WAIT))
        try:
            response = endpoint.client.post(endpoint.url, json=payload)
        except httpx.ConnectError as error:
            raise unreachable(endpoint.shown, error) from error
        except httpx.TimeoutException as error:
            problem = f"gave no answer in time ({one_line(error, MOST_CHARACTERS)}): give a longer timeout=, or a smaller num_concurrent="
        except httpx.HTTPError as error:
            problem = (
                f"broke the connection ({one_line(error, MOST_CHARACTERS)}): does the server still run? Its log may say more"
            )
        else:
            if response.is_success:
                return _object(response, endpoint)
            problem = _refusal(response)
            if response.status_code in _UNKNOWN_SETTING:
                error_class = RequestRefusedError
            if response.status_code != 429 and response.status_code < 500:
                break
    raise error_class(f"{endpoint.shown} {endpoint.told(problem)}")


def get(endpoint: ServedAddress, path: str) -> tuple[dict[str, Any] | None, Mapping[str, str]]:
    """Return what the server tells at a path below its root, None if it has no such path, and the headers of its answer.

    Raises:
        UserError: The server can't be reached.
    """
    import httpx

    url = endpoint.root + path
    try:
        try:
            response = endpoint.client.get(url)
        except (httpx.ReadError, httpx.RemoteProtocolError):  # a connection that the server had closed
            response = endpoint.client.get(url)
    except httpx.HTTPError as error:
        raise unreachable(endpoint.shown, error) from error
    try:
        content = response.json() if response.is_success else None
    except ValueError:  # a page for people
        content = None
    return content if isinstance(content, dict) else None, response.headers


def unreachable(url: str, error: Exception) -> UserError:
    """Return the error for a server that does not answer."""
    return UserError(
        f"{url} can't be reached ({one_line(error, MOST_CHARACTERS)}): start the server, or correct base_url, e.g."
        " base_url=http://127.0.0.1:8000/v1/completions"
    )


def _object(response: httpx.Response, endpoint: ServedAddress) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UserError(
            f"{endpoint.shown} answered {endpoint.told(response.text)[:MOST_CHARACTERS]!r}, which is no JSON object: is it an"
            " OpenAI-compatible server?"
        )
    # Some servers answer an error with the code 200.
    if "choices" not in content:
        raise UserError(f"{endpoint.shown} answered without choices: {endpoint.told(_message(content))}")
    choices = content["choices"]
    if not isinstance(choices, list) or not choices or not all(_is_answer(choice) for choice in choices):
        raise UserError(
            f"{endpoint.shown} answered {endpoint.told(str(choices))[:MOST_CHARACTERS]!r} as choices, and not one with a text: is it an"
            " OpenAI-compatible server?"
        )
    # Some servers leave out the number of an only choice, which lm_eval reads.
    for number, choice in enumerate(choices):
        choice.setdefault("index", number)
    return content


def _is_answer(choice: object) -> bool:
    """Return whether a choice has a text, or a message with one; null is none, as of a model that answers with an end token alone."""
    if not isinstance(choice, dict):
        return False
    message = choice.get("message", choice)
    name = "text" if message is choice else "content"
    return isinstance(message, dict) and name in message and isinstance(message[name], str | None)


def _refusal(response: httpx.Response) -> str:
    try:
        message = _message(response.json())
    except ValueError:
        message = " ".join(response.text.split())[:MOST_CHARACTERS]
    remedies = {
        401: "give the key in the environment variable OPENAI_API_KEY",
        403: "give a key with access in the environment variable OPENAI_API_KEY",
        404: "is model= the name of a model there, and does base_url end in /v1/completions or /v1/chat/completions?",
    }
    remedy = remedies.get(response.status_code, "its log may say more")
    return f"refused the request with code {response.status_code} ({message}): {remedy}"


def _message(content: Any) -> str:
    """Return the message in a server's answer, whatever its form: {"error": {"message": ...}}, {"detail": ...}."""
    while isinstance(content, dict):
        content = next((content[name] for name in ("error", "message", "detail") if name in content), str(content))
    return " ".join(str(content).split())[:MOST_CHARACTERS]

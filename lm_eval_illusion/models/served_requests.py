"""Requests to an OpenAI-compatible server: JSON in and out, repeated where waiting may help, one line where it can't."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError, one_line

if TYPE_CHECKING:
    import httpx

MOST_CHARACTERS = 300
"""The longest answer of a server that a message repeats."""
LONGEST_WAIT = 10.0
"""Seconds between two attempts."""


@dataclass(frozen=True)
class ServedAddress:
    """Where requests go. `url`: of the completions or chat completions. `attempts`: how often a request is sent before it has failed."""

    client: httpx.Client
    url: str
    attempts: int

    @property
    def root(self) -> str:
        """The address before `/v1/`."""
        return self.url.split("/v1/")[0]


def post(endpoint: ServedAddress, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request.

    A busy server (429), a fault of the server (5xx) and a lost connection are tried again; everything else would fail again.

    Raises:
        UserError: The server can't be reached, refuses the request, or answers with something else than a JSON object.
    """
    import httpx

    problem = ""
    for attempt in range(endpoint.attempts):
        if attempt:
            time.sleep(min(2.0 ** (attempt - 1), LONGEST_WAIT))
        try:
            response = endpoint.client.post(endpoint.url, json=payload)
        except httpx.ConnectError as error:
            raise unreachable(endpoint.url, error) from error
        except httpx.TimeoutException as error:
            problem = f"gave no answer in time ({one_line(error, MOST_CHARACTERS)}): give a longer timeout=, or a smaller num_concurrent="
        except httpx.HTTPError as error:
            problem = (
                f"broke the connection ({one_line(error, MOST_CHARACTERS)}): does the server still run? Its log may say more"
            )
        else:
            if response.is_success:
                return _object(response, endpoint.url)
            problem = _refusal(response)
            if response.status_code != 429 and response.status_code < 500:
                break
    raise UserError(f"{endpoint.url} {problem}")


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
        raise unreachable(endpoint.url, error) from error
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


def _object(response: httpx.Response, url: str) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UserError(
            f"{url} answered {response.text[:MOST_CHARACTERS]!r}, which is no JSON object: is it an OpenAI-compatible server?"
        )
    # Some servers answer an error with the code 200.
    if "choices" not in content:
        raise UserError(f"{url} answered without choices: {_message(content)}")
    return content


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

"""Requests to an OpenAI-compatible server: JSON in and out, repeated where waiting may help, one line where it can't."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.models.served_address import ServedAddress, without_password

if TYPE_CHECKING:
    import httpx

MOST_CHARACTERS = 300
"""The longest answer of a server that a message repeats."""
LONGEST_WAIT = 10.0
"""Seconds between two attempts, where the server does not say how long it needs."""
LONGEST_STATED_WAIT = 120.0
"""Seconds that a server may ask for by the header Retry-After; one that asks for more has failed."""
_BUSY = (408, 425, 429)
"""Codes below 500 by which servers, and proxies before them, ask for another attempt."""
_STOPPED = ("error", "abort")
"""Reasons for the end of an answer by which OpenRouter, vLLM and SGLang say that it is not complete."""
_STARTING = (429, 503)
"""Codes of a server that can't tell yet what it is."""
NOT_FOUND = 404
_UNKNOWN_SETTING = (400, 422, 500, 501)
"""Codes by which servers refuse a setting or the form of a prompt."""


class RequestRefusedError(UserError):
    """The server runs, and refuses a request for what it asks. `problem`: the message without the address."""

    def __init__(self, address: str, problem: str) -> None:
        super().__init__(f"{address} {problem}")
        self.problem = problem


class Told(NamedTuple):
    """What a server tells at a path. `content`: None if it has no such path. `refusal`: why there is none, "" if nothing is wrong."""

    content: dict[str, Any] | None
    headers: Mapping[str, str]
    refusal: str = ""


def post(endpoint: ServedAddress, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request.

    A busy server (408, 425, 429), a fault of the server (5xx) and a lost connection are tried again, after the time that the server asks
    for; everything else would fail again.

    Raises:
        RequestRefusedError: The server does not take such a request.
        UserError: It can't be reached or used, or answers with something else than a JSON object with choices.
    """
    import httpx

    problem = ""
    is_refused = False
    for attempt in range(endpoint.attempts):
        wait: float | None = None
        is_refused = False
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
            code = response.status_code
            is_refused = code in _UNKNOWN_SETTING
            if response.is_success:
                content = _object(response, endpoint)
                problem = _fault_of(content)
                if not problem:
                    return content
            else:
                problem = refusal_of(response, endpoint)
                wait = stated_wait(response.headers)
                if code not in _BUSY and code < 500:
                    break
                if wait is not None and wait > LONGEST_STATED_WAIT:
                    problem += f"; it asks to wait {wait:.0f} s: run again then"
                    break
        if attempt + 1 < endpoint.attempts:
            time.sleep(max(_own_wait(attempt), wait or 0.0))
    problem = endpoint.told(problem)
    raise RequestRefusedError(endpoint.shown, problem) if is_refused else UserError(f"{endpoint.shown} {problem}")


def get(endpoint: ServedAddress, path: str) -> Told:
    """Return what the server tells at a path below its root. A server that is busy or starts is asked again.

    Raises:
        UserError: The server can't be reached.
    """
    import httpx

    url = endpoint.root + path
    for attempt in range(endpoint.attempts):
        try:
            try:
                response = endpoint.client.get(url)
            except (httpx.ReadError, httpx.RemoteProtocolError):  # a connection that the server had closed
                response = endpoint.client.get(url)
        except httpx.HTTPError as error:
            raise unreachable(endpoint.shown, error) from error
        stated = stated_wait(response.headers) or 0.0
        is_last = attempt + 1 == endpoint.attempts or stated > LONGEST_STATED_WAIT
        if response.status_code not in _STARTING or is_last:
            break
        time.sleep(max(_own_wait(attempt), stated))
    try:
        content = response.json() if response.is_success else None
    except ValueError:  # a page for people
        content = None
    refusal = "" if response.is_success or response.status_code == NOT_FOUND else endpoint.told(refusal_of(response, endpoint))
    return Told(content if isinstance(content, dict) else None, response.headers, refusal)


def _own_wait(attempt: int) -> float:
    """Return the seconds before the next attempt, where the server states none."""
    return min(2.0**attempt, LONGEST_WAIT)


def stated_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of the header Retry-After, which has them or a date (RFC 9110, 10.2.3); None if it has neither."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return None


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
    # Some servers leave out the number of a choice, or count from elsewhere; lm_eval reads it as a place in a list.
    numbers = [choice.get("index") for choice in choices]
    if all(isinstance(number, int) for number in numbers):
        choices.sort(key=lambda choice: int(choice["index"]))
    for number, choice in enumerate(choices):
        choice["index"] = number
    return content


def _fault_of(content: Mapping[str, Any]) -> str:
    """Return what stopped an answer that has the form of one, "" if nothing did. What is written of it is not the model's answer."""
    parts = [content, *content["choices"]]
    error = next((part["error"] for part in parts if part.get("error")), None)
    reason = next((choice["finish_reason"] for choice in content["choices"] if choice.get("finish_reason") in _STOPPED), None)
    if error is None and reason is None:
        return ""
    return f"stopped an answer ({_message({'error': error}) if error else reason}): its log may say more"


def _is_answer(choice: object) -> bool:
    """Return whether a choice has a text, or a message with one; null is none, as of a model that answers with an end token alone."""
    if not isinstance(choice, dict):
        return False
    message = choice.get("message", choice)
    name = "text" if message is choice else "content"
    return isinstance(message, dict) and name in message and isinstance(message[name], str | None)


def refusal_of(response: httpx.Response, endpoint: ServedAddress) -> str:
    """Return what a refusal says, and what to do, as it goes on after the address of the server."""
    try:
        message = _message(response.json())
    except ValueError:
        message = " ".join(response.text.split())[:MOST_CHARACTERS]
    code = response.status_code
    if response.is_redirect:
        target = without_password(str(response.url.join(response.headers["location"])))
        remedy = (
            f"give base_url={target}" if target.endswith("/completions") else "give the address that answers itself as base_url"
        )
        return f"sends requests on to {target} (code {code}): {remedy}"
    return f"refused the request with code {code} ({message}): {_remedy(code, message)}"


def _remedy(code: int, message: str) -> str:
    remedies = {
        401: "give the key in the environment variable OPENAI_API_KEY",
        403: "give a key with access in the environment variable OPENAI_API_KEY",
        404: "is model= the name of a model there, and does base_url end in /v1/completions or /v1/chat/completions?",
        429: "give a smaller num_concurrent= or more attempts by max_retries=, or run again when the key may ask for more",
    }
    if code not in remedies and "context" in message.lower():
        return "start the server with a longer context, or give max_length= and tokenizer=, which cut prompts from the left"
    return remedies.get(code, "its log may say more")


def _message(content: Any) -> str:
    """Return the message in a server's answer, whatever its form: {"error": {"message": ...}}, {"detail": ...}."""
    while isinstance(content, dict):
        content = next((content[name] for name in ("error", "message", "detail") if name in content), str(content))
    return " ".join(str(content).split())[:MOST_CHARACTERS]

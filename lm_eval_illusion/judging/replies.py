"""What the endpoint sends back: a completion, or the message of an error."""

from __future__ import annotations

from typing import Any

import msgspec

from lm_eval_illusion.errors import one_line
from lm_eval_illusion.escaping import cut

MOST_OF_A_REPLY = 20_000
"""Characters of a judge's reply that are kept: a verdict has one word, thoughts may come before it."""
MOST_OF_A_MESSAGE = 300


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A judge's reply. `finish`: why it ended, "length" at the token limit. Tokens are None where the endpoint does not state them."""

    reply: str
    finish: str | None = None
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


class GarbageError(ValueError):
    """A reply that is no completion; the message says why."""


class _Choice(msgspec.Struct):
    message: dict[str, Any]
    finish_reason: Any = None


class _Body(msgspec.Struct):
    choices: list[_Choice]
    model: Any = None
    usage: Any = None


_BODY = msgspec.json.Decoder(_Body)
CUT = "length"
"""The finish reason of a reply that was cut at the token limit."""


def read_completion(body: bytes) -> Completion:
    """Return the completion in the body of a reply with status 200.

    Raises:
        GarbageError: It is not JSON, it has no choice with a text, or the text is blank although the reply was not cut.
    """
    try:
        parsed = _BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbageError(f"no completion ({one_line(error, 100)})") from error
    if not parsed.choices:
        raise GarbageError("a completion without choices")
    choice = parsed.choices[0]
    text = _text(choice.message.get("content"))
    finish = choice.finish_reason if isinstance(choice.finish_reason, str) else None
    # A server may keep the thoughts in a field of their own: then nothing is left of a reply that was cut within them.
    if not text.strip() and finish != CUT:
        raise GarbageError("an empty completion")
    usage = parsed.usage if isinstance(parsed.usage, dict) else {}
    return Completion(
        reply=cut_middle(text),
        finish=finish,
        model=cut(parsed.model, 200) if isinstance(parsed.model, str) else None,
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
    )


def cut_middle(text: str) -> str:
    """Return a text of at most about `MOST_OF_A_REPLY` characters: its end stays, because the verdict stands there."""
    if len(text) <= MOST_OF_A_REPLY:
        return text
    half = MOST_OF_A_REPLY // 2
    return f"{text[:half]} [...] {text[-half:]}"


def error_message(body: bytes) -> str:
    """Return the message in the body of an error as one line, in whichever of the usual forms it is; "" for an empty body."""
    try:
        parsed: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        parsed = body.decode("utf-8", "replace")
    for name in ("error", "detail", "message"):
        if isinstance(parsed, dict) and parsed.get(name):
            parsed = parsed[name]
    text = parsed if isinstance(parsed, str) else msgspec.json.encode(parsed).decode()
    return cut(" ".join(text.split()), MOST_OF_A_MESSAGE)


def _text(content: object) -> str:
    """Return the text of a message: a string, or the parts of a list that are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else None

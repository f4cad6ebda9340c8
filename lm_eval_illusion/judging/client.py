"""The requests to the endpoint: several at a time, each tried again after a failure that may pass."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lm_eval_illusion.errors import UserError, attributed, one_line
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.judging.endpoint import Endpoint
from lm_eval_illusion.judging.replies import Completion, GarbageError, error_message, read_completion
from lm_eval_illusion.judging.retries import LONGEST_ASKED, asked_wait, is_tried_again, wait_before
from lm_eval_illusion.option_values import shown

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 4 << 20
"""The longest reply that is read."""
MOST_FAILED_IN_A_ROW = 25
"""After so many answers in a row without a reply, the endpoint is down: the others are not asked about any more."""

ABOUT_ONE_REQUEST = (400, 413, 422)
"""Statuses that say that a request is wrong, which may be its texts or its settings. Other refusals are about all requests."""

Request = tuple[str, Mapping[str, Any]]
"""The key of a request in the cache, and its JSON object."""


@dataclass
class _Asking:
    """What the threads share.

    `not_before`: the time before which nobody asks, because the endpoint said so. `is_there`: it has answered once, in whatever way.
    `has_reply`: it has accepted a request, now or earlier.
    """

    endpoint: Endpoint
    waiting: Iterator[Request]
    on_reply: Callable[[str, Completion], None]
    on_end: Callable[[], None]
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)
    not_before: float = 0.0
    is_there: bool = False
    has_reply: bool = False
    failed_in_a_row: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    error: BaseException | None = None


def ask_all(
    endpoint: Endpoint,
    requests: Iterable[Request],
    concurrency: int,
    on_reply: Callable[[str, Completion], None],
    on_end: Callable[[], None] = lambda: None,
    *,
    has_replies: bool = False,
) -> dict[str, str]:
    """Send the requests, at most `concurrency` at a time, and return why a request has no reply, by key.

    `on_reply` gets each reply, `on_end` is called after each request that was sent, with or without a reply; never two of them at once.
    A request that is missing from the result and had no reply was not sent, because the endpoint is down. `has_replies`: there are earlier
    replies to requests with these settings. Then, and after the first reply, a request that the endpoint calls wrong (400, 413, 422: too
    long, or against its content filter) is a failure of this request alone.

    Raises:
        UserError: The endpoint refuses the requests, or nothing is at its address.
    """
    import httpx

    asking = _Asking(endpoint, iter(list(requests)), on_reply, on_end, has_reply=has_replies)
    headers = {"Accept-Encoding": "identity", "User-Agent": "lm-eval-illusion"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    # No redirects: the key and the texts go to the address that the user gave.
    with attributed("the proxy in the environment can't be used", "correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"):
        client = httpx.Client(headers=headers, timeout=endpoint.timeout, limits=limits, follow_redirects=False)
    # Daemons: a request that is under way when the user stops the command does not hold up its end.
    threads = [threading.Thread(target=_work, args=(asking, client), daemon=True) for _ in range(concurrency)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        asking.stopped.set()
        client.close()
    if asking.error is not None:
        raise asking.error
    return asking.failures


def _work(asking: _Asking, client: httpx.Client) -> None:
    """Send one request after the other until there is none left or the asking is stopped."""
    try:
        while not asking.stopped.is_set():
            with asking.lock:
                request = next(asking.waiting, None)
            if request is None:
                return
            _ask(asking, client, *request)
    except BaseException as error:
        with asking.lock:
            asking.error = asking.error or error
        asking.stopped.set()


def _ask(asking: _Asking, client: httpx.Client, key: str, request: Mapping[str, Any]) -> None:
    """Send a request until there is a reply or it was tried often enough."""
    body = json.dumps(request).encode("ascii")
    for attempt in range(1, asking.endpoint.tries + 1):
        while (left := asking.not_before - time.monotonic()) > 0:
            if asking.stopped.wait(left):
                return
        reply, asked = _try(asking, client, body)
        # Also after a stop: this reply was paid for.
        if isinstance(reply, Completion):
            with asking.lock:
                asking.has_reply = True
                asking.failed_in_a_row = 0
                asking.on_reply(key, reply)
                asking.on_end()
            return
        if asking.stopped.is_set():
            return
        if asked is None or asked > LONGEST_ASKED or attempt == asking.endpoint.tries:
            break
        if asked:
            with asking.lock:
                asking.not_before = max(asking.not_before, time.monotonic() + asked)
        if asking.stopped.wait(max(asked, wait_before(attempt, random.random()))):
            return
    with asking.lock:
        asking.failures[key] = f"{reply}, it asks for a pause of {asked:.0f} s" if (asked or 0) > LONGEST_ASKED else str(reply)
        asking.failed_in_a_row += 1
        asking.on_end()
        if asking.failed_in_a_row >= MOST_FAILED_IN_A_ROW:
            asking.stopped.set()


def _try(asking: _Asking, client: httpx.Client, body: bytes) -> tuple[Completion | str, float | None]:
    """Send a request once; return the reply or why there is none, and the seconds that the endpoint asks to wait.

    None instead of seconds: another try of this request has no use.

    Raises:
        UserError: There is no use in trying any request.
    """
    import httpx

    endpoint = asking.endpoint
    try:
        status, retry_after, content = _post(client, endpoint, body)
    except httpx.InvalidURL as error:
        raise UserError(f"--base-url {shown(endpoint.base_url)} is no address ({one_line(error, 100)}): correct it") from error
    except httpx.TimeoutException:
        return f"no reply within {endpoint.timeout:g} s", 0.0
    except httpx.ConnectError as error:
        if not asking.is_there:
            reason = endpoint.without_key(one_line(error, 200))
            raise UserError(
                f"{endpoint.base_url} can't be reached ({reason}): is the server running, and is --base-url right?"
            ) from error
        return f"no connection ({one_line(error, 100)})", 0.0
    except httpx.TransportError as error:
        return f"the connection was lost ({one_line(error, 100)})", 0.0
    asking.is_there = True
    if status == 200:
        try:
            completion = read_completion(content)
            model = endpoint.without_key(completion.model) if completion.model else None
            return replace(completion, reply=endpoint.without_key(completion.reply), model=model), 0.0
        except GarbageError as error:
            return str(error), 0.0
    message = endpoint.without_key(error_message(content))
    said = f"{status}: {message}" if message else f"{status}, without a message"
    if is_tried_again(status):
        return f"it answers {cut(said, 200)}", asked_wait(retry_after, time.time())
    if status in ABOUT_ONE_REQUEST and asking.has_reply:
        return f"it refuses the request ({cut(said, 200)})", None
    raise UserError(f"{endpoint.url} refuses the requests ({said}): {_remedy(status)}")


def _post(client: httpx.Client, endpoint: Endpoint, body: bytes) -> tuple[int, str | None, bytes]:
    """Return the status, the `Retry-After` header and the body of the reply to a request.

    Raises:
        httpx.TransportError: There is no whole reply in time, or it is longer than `MOST_BYTES`.
    """
    import httpx

    deadline = time.monotonic() + endpoint.timeout
    content = bytearray()
    with client.stream("POST", endpoint.url, content=body, headers={"Content-Type": "application/json"}) as response:
        # Not decompressed: a few bytes could become gigabytes. The endpoint was asked for plain text.
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > MOST_BYTES:
                raise httpx.ReadError(f"the reply has more than {MOST_BYTES:,} bytes")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the reply takes too long")
        return response.status_code, response.headers.get("Retry-After"), bytes(content)


def _remedy(status: int) -> str:
    """Return what the user can do about a status that says that each request is wrong."""
    if status in (401, 403):
        return "name the environment variable with the right key by --api-key-env"
    if status in (404, 405) or 300 <= status < 400:
        return "check --base-url, which often ends with /v1, and --model"
    return "check --model, --max-tokens and --request"

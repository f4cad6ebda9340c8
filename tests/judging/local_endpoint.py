"""A real HTTP server in this process that speaks the protocol of the endpoint, and misbehaves as a test asks it to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOST, LATE = "lost", "late"
"""In place of a reply: the connection is closed, or nothing comes before the server ends."""


@dataclass(frozen=True)
class Raw:
    """A reply as it goes over the wire."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def said(text: Any, finish: str = "stop", **more: Any) -> Raw:
    """A completion."""
    body = {
        "id": "1",
        "object": "chat.completion",
        "model": "served-judge",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102},
    }
    return Raw(body=json.dumps(body | more).encode())


def refused(status: int, message: str, **headers: str) -> Raw:
    """An error as OpenAI's server writes it."""
    body = {"error": {"message": message, "type": "x", "code": None}}
    return Raw(status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class LocalEndpoint:
    """What the server got. `requests`: the JSON object of each; `headers`: of each; `most_at_once`: requests that were open together."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    paths: list[str] = field(default_factory=list)

    @property
    def prompts(self) -> list[str]:
        return [request["messages"][0]["content"] for request in self.requests]


@contextmanager
def endpoint(reply: Callable[[str, int], Raw | str]) -> Iterator[LocalEndpoint]:
    """Serve within the `with` statement. `reply` gets the prompt and how often it came before, and returns the reply, LOST or LATE."""
    log, lock, ended = LocalEndpoint(), threading.Lock(), threading.Event()
    open_now, times = 0, dict[str, int]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            nonlocal open_now
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = request["messages"][0]["content"]
            with lock:
                open_now += 1
                log.most_at_once = max(log.most_at_once, open_now)
                log.requests.append(request)
                log.headers.append(dict(self.headers))
                log.paths.append(self.path)
                before = times.get(prompt, 0)
                times[prompt] = before + 1
            try:
                self.answer(reply(prompt, before))
            finally:
                with lock:
                    open_now -= 1

        def answer(self, raw: Raw | str) -> None:
            if raw == LATE:
                ended.wait(30)
            if isinstance(raw, str):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(raw.status)
            for name, value in raw.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw.body)))
            self.end_headers()
            self.wfile.write(raw.body)

        def log_message(self, *arguments: Any) -> None:
            """Keep standard error for the command."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    log.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield log
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()

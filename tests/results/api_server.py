"""A small HTTP server in this process for lm_eval's API classes. It scores by the text alone, and has one answer."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lm_eval_illusion.embedded import EMBEDDED, resolve_pretrained


class Completions(BaseHTTPRequestHandler):
    """`/v1/completions` with `echo` on lists of token ids. Scores depend on the name of the model, so that two models differ."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompts = request["prompt"] if isinstance(request["prompt"][0], list) else [request["prompt"]]
        choices = [{"index": n, "text": " Paris", **self._logprobs(request, ids)} for n, ids in enumerate(prompts)]
        body = json.dumps({"choices": choices}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _logprobs(self, request: dict[str, Any], ids: list[int]) -> dict[str, Any]:
        if not request.get("echo"):
            return {}
        scores = [-1 - zlib.crc32(f"{request['model']} {token}".encode()) % 997 / 100 for token in (*ids, 0)]
        return {"logprobs": {"token_logprobs": scores, "top_logprobs": [{"x": score} for score in scores]}}

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def api_server() -> Iterator[str]:
    """Serve within the `with` statement; the value is host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Completions)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def tokenizer() -> str:
    """Return the folder of a tokenizer, for the argument `tokenizer`."""
    return resolve_pretrained(EMBEDDED)

"""Runs of lm_eval's API classes against a small HTTP server in this process, which scores and answers by the text alone."""

from __future__ import annotations

import json
import logging
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lm_eval_illusion.embedded import EMBEDDED, resolve_pretrained
from lm_eval_illusion.evaluation import task_manager


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


def run_api(folder: Path, model_args: dict[str, Any] | str, model: str = "local-completions") -> None:
    """Evaluate two items with lm_eval as its command does, and write results and samples."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    import tests.quick_environment  # noqa: F401

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tasks = ["mqa_illusion_en_mc", "mqa_illusion_en_gen"]
    tracker = EvaluationTracker(output_path=str(folder))
    results = simple_evaluate(
        model=model,
        model_args=model_args,
        tasks=tasks,
        limit=2,
        bootstrap_iters=0,
        task_manager=task_manager(tasks, {}),
        evaluation_tracker=tracker,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])


def tokenizer() -> str:
    """Return the folder of a tokenizer, for the argument `tokenizer`."""
    return resolve_pretrained(EMBEDDED)

"""A real HTTP server in this process that speaks OpenAI's protocol, and has the faults that real servers have.

Its model is a table of random numbers: the logits of a token depend on the two tokens before it. It knows nothing, as a model that
compression has destroyed, and its scores are right all the same.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from lm_eval_illusion.embedded import resolve_pretrained

TOKENIZER = resolve_pretrained("embedded")
OWNERS = {"llama.cpp": "llamacpp", "vllm": "vllm", "sglang": "sglang", "llama-cpp-python": "me", None: "somebody"}


@cache
def tokenizer():
    return AutoTokenizer.from_pretrained(TOKENIZER)


@cache
def words() -> tuple[int, ...]:
    """The tokens that the model generates: whole words, so that their text is tokenized back."""
    return tuple(
        id for id in range(len(tokenizer())) if (text := tokenizer().decode([id])).startswith(" ") and text[1:].isalpha()
    )


@cache
def _distribution(before: tuple[int, ...]) -> np.ndarray:
    """The log-probabilities of the next token, [vocabulary]."""
    draws = np.random.default_rng([*before, 7])
    logits = draws.normal(-4.0, 1.0, len(tokenizer()))
    logits[list(words())] += 6.0
    return logits - np.log(np.exp(logits).sum())


def next_logprobs(ids: list[int]) -> np.ndarray:
    """The log-probabilities after some tokens."""
    return _distribution(tuple(ids[-2:]))


def true_score(ids: list[int], start: int) -> float:
    """The log-likelihood of the tokens from `start` on."""
    return float(sum(next_logprobs(ids[:place])[ids[place]] for place in range(start, len(ids))))


@dataclass
class StandIn:
    """`fault`: what is wrong with the scores or the samples. `refused`: names that no request may have. `requests`: the JSON
    object of each request.
    """

    software: str | None = "vllm"
    fault: str = ""
    url: str = ""
    models: list[str] = field(default_factory=lambda: ["m"])
    refused: tuple[str, ...] = ()
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def completions(self) -> str:
        return f"{self.url}/v1/completions"

    @property
    def chat(self) -> str:
        return f"{self.url}/v1/chat/completions"

    def described(self, path: str) -> dict[str, Any] | None:
        if path == "/v1/models":
            return {"data": [{"id": name, "owned_by": OWNERS[self.software]} for name in self.models]}
        if path == "/props" and self.software == "llama.cpp":
            return {"build_info": "b1234-abcdef", "model_ftype": "Q4_0"}
        if path == "/version" and self.software == "vllm":
            return {"version": "0.32.0"}
        return None

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.refused and (name := next((name for name in self.refused if name in request), None)):
            return 422, {"detail": [{"loc": ["body", name], "msg": f"{name} is not permitted"}]}
        if self.fault == "takes text" and not isinstance(request.get("prompt", ""), str):
            return 400, {"error": "json: cannot unmarshal array into field prompt of type string"}
        if self.fault == "refuses":
            return 400, {"error": {"message": "max_tokens is too small\nthere", "code": 400}}
        if request.get("echo") or request.get("logprobs"):
            return 200, {"choices": [{"index": 0, "text": "", "finish_reason": "length", "logprobs": self.logprobs(request)}]}
        text = self.text(request)
        message = {"message": {"role": "assistant", "content": text}} if "messages" in request else {"text": text}
        finish = "length" if self.fault == "long" else "stop"
        return 200, {"choices": [{"index": 0, "finish_reason": finish, **message}]}

    def text(self, request: dict[str, Any]) -> str:
        if self.fault == "long":
            return " Oslo is a city and"
        if request["temperature"] == 0 and self.fault == "samples always":
            return f" sample {request['seed']}"
        if request["temperature"] == 0:
            return " greedy" if request["max_tokens"] > 1 else self.greedy_token(request["prompt"])
        count = len(self.requests)
        drawn = {"one seed": 0, "own seeds": count}.get(self.fault, request.get("seed", count))
        return f" sample {drawn}\nmore"

    def greedy_token(self, prompt: str | list[int]) -> str:
        ids = tokenizer()(prompt).input_ids if isinstance(prompt, str) else prompt
        order = next_logprobs(ids).argsort()
        return tokenizer().decode([int(order[-4 if self.fault == "another model" else -1])])

    def logprobs(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """As the server gives them: by the names of tokens, the digits and the parts that it has."""
        found = self.logprobs_of_vllm(request)
        if found is None or "token_logprobs" not in found:
            return found
        if self.fault == "other base":
            # So large a base that five of this model's flat probabilities are together more than 1; 10 is enough for a real model.
            base = 10
            found["token_logprobs"] = [value and value / base for value in found["token_logprobs"]]
            found["top_logprobs"] = [
                tops and {name: value / base for name, value in tops.items()} for tops in found["top_logprobs"]
            ]
        digits = {"whole numbers": 0, "two digits": 2, "four digits": 4}.get(self.fault)
        if digits is not None:
            found["token_logprobs"] = [value if value is None else round(value, digits) for value in found["token_logprobs"]]
            found["top_logprobs"] = [
                tops and {name: round(value, digits) for name, value in tops.items()} for tops in found["top_logprobs"]
            ]
        names = {"numbers": lambda id: f"token_id:{id}", "pieces": lambda id: tokenizer().convert_ids_to_tokens([id])[0]}
        names["bytes"] = lambda id: "bytes:" + "".join(f"\\x{byte:02x}" for byte in tokenizer().decode([id]).encode())
        if self.fault in names:
            found["tokens"] = [names[self.fault](id) for id in found["ids"]]
            found["top_logprobs"] = [
                tops and {names[self.fault](id): value for id, value in zip(ids, tops.values(), strict=True)}
                for ids, tops in zip(found["top_ids"], found["top_logprobs"], strict=True)
            ]
        missing = {"no texts": "tokens", "no likeliest": "top_logprobs", "likeliest alone": "token_logprobs"}.get(self.fault)
        if missing and (request.get("echo") or self.fault == "no likeliest"):
            found[missing] = None
        if self.fault == "no generated" and request.get("echo"):
            found = {name: values[:-1] for name, values in found.items()}
        return {name: values for name, values in found.items() if name not in ("ids", "top_ids")}

    def logprobs_of_vllm(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """As vLLM gives them: those of the prompt, the first unknown, and of one generated token."""
        prompt, fault = request["prompt"], self.fault
        ids = tokenizer()(prompt).input_ids if isinstance(prompt, str) else list(prompt)
        if fault == "no log-probabilities" or (fault == "no echo" and request.get("echo")):
            # llama.cpp: a form of its own, of the generated token only.
            return {"content": []} if fault == "no echo" else None
        after = next_logprobs(ids)
        best = int(after.argmax())
        if not request.get("echo"):
            likeliest = [int(id) for id in np.argsort(-after)[: request["logprobs"]]]
            return {
                "ids": [best],
                "top_ids": [likeliest],
                "tokens": [tokenizer().decode([best])],
                "token_logprobs": [float(after[best])],
                "top_logprobs": [{tokenizer().decode([id]): float(after[id]) for id in likeliest}],
            }
        if fault == "adds a token":
            ids = [5, *ids]
        whole = [*ids, best]
        # llama-cpp-python without a token before the text: each token with the distribution after it.
        shift = 1 if fault == "shifted" else 0
        rows = [next_logprobs(whole[: place + shift]) for place in range(1, len(whole))]
        logprobs: list[float | None] = [None, *(float(row[id]) for row, id in zip(rows, whole[1:], strict=True))]
        if fault == "positive":
            logprobs[1] = 0.5
        if fault == "nan":
            logprobs[1] = None
        if fault == "not repeatable":
            logprobs[1] = -float(len(self.requests))
        if fault == "zero at the first":
            # It has no log-probability; servers write null, 0 or leave out the number.
            logprobs[0] = -0.0
        if fault == "nan later" and len(logprobs) > 6:
            logprobs[4] = float("nan")
        if fault == "last alone":
            # Only the last tokens of a prompt are calculated.
            logprobs[1:-3] = [-1.0] * len(logprobs[1:-3])
        if fault == "texts for numbers":
            logprobs = [None, *map(str, logprobs[1:])]
        if fault == "sees the future":
            logprobs[1] -= whole[-2] % 13
        tokens = [tokenizer().decode([id]) for id in whole]
        if fault == "other tokens":
            tokens[-2] = "x"
        if fault == "shifted":
            # And none of the generated token, whose distribution was not calculated.
            tokens, logprobs, rows = tokens[:-1], logprobs[:-1], rows[:-1]
        if fault == "without the first":
            # llama-cpp-python with a token before the text: right, and one place too early.
            tokens, logprobs, rows = tokens[1:], [None, *logprobs[2:]], rows[1:]
        return {
            "ids": whole,
            "top_ids": [None, *([int(row.argmax())] for row in rows)],
            "tokens": tokens,
            "token_logprobs": logprobs,
            "top_logprobs": [None, *({"t": float(row.max())} for row in rows)],
        }


@contextmanager
def serving(software: str | None = "vllm", fault: str = "", **more: Any) -> Iterator[StandIn]:
    """Start the server, and stop it at the end."""
    stand_in = StandIn(software, fault, **more)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            found = stand_in.described(self.path)
            self.reply(404 if found is None else 200, found or {"detail": "Not Found"})

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stand_in.requests.append(request)
            self.reply(*stand_in.answer(request))

        def reply(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def version_string(self):
            return "llama.cpp" if stand_in.software == "llama.cpp" else "uvicorn"

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.02))
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

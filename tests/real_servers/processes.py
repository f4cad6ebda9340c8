"""Start a real server in the environment of `make test-servers`, and wait for it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest

PYTHON = os.environ.get("LM_EVAL_ILLUSION_SERVERS", "")
"""The Python of that environment; without it these tests are skipped."""

LLAMA_CPP = """
import sys, time
import xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.port = sys.argv[1], int(sys.argv[2])
parameters.n_ctx, parameters.n_parallel = 2048, 1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
time.sleep(3600)
"""


def needs_servers() -> pytest.MarkDecorator:
    """Skip where the environment of the servers is not there."""
    return pytest.mark.skipif(not PYTHON, reason="real servers: run make test-servers, which installs them")


@contextmanager
def running(make_arguments: list[str], seconds: int = 120) -> Iterator[str]:
    """Run a server with these arguments, in which PORT stands for a free port, and yield its address once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    arguments = [PYTHON, *(argument.replace("PORT", port) for argument in make_arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, arguments, url, seconds)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], arguments: Sequence[str], url: str, seconds: int) -> None:
    for _ in range(seconds * 2):
        assert process.poll() is None, f"{arguments} ended with code {process.returncode}"
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"{arguments} did not answer within {seconds} s")

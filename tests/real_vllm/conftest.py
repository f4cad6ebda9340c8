"""Tests on the real vLLM, in the environment that `make test-vllm` makes. Elsewhere none of them is collected.

A start of vLLM's engine takes more time than what the tests ask of it, so that models are shared, and freed before the next is loaded.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

collect_ignore_glob = [] if importlib.util.find_spec("vllm") else ["test_*.py"]

# One thread, without a core of its own: other programs run on the machine, too.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def prune_elsewhere(shared_store):
    """A function that prunes a folder into the shared store, in the environment that has llmcompressor (`PRUNING_PYTHON`)."""
    python = os.environ.get("PRUNING_PYTHON")
    if python is None:
        pytest.skip("PRUNING_PYTHON names no Python with llmcompressor: run `make test-vllm`")

    def prune(folder: Path, **settings):
        code = "import sys, lm_eval_illusion; print(lm_eval_illusion.prune(sys.argv[1], **eval(sys.argv[2])))"
        arguments = [str(folder), repr({**settings, "store": str(shared_store)})]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "VLLM", "LD_PRELOAD"))
        }
        done = subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return Path(done.stdout.splitlines()[-1])

    return prune

"""Fixtures of several test modules, the order of the tests, and garbage collection."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.smollm2 import dequantise_smollm2, smollm2_file

# The expected numbers are those of a CPU, and commands run in forked processes, which must not use a GPU that their parent has used.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# No limit of seconds for an example: on a busy machine that would fail tests of correct code.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")


@pytest.fixture(scope="module")
def small_chunks() -> Iterator[None]:
    """Set a small chunk size, so that the layers of tiny models are multiplied in chunks like large layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval_illusion.inference.cpu_matmul.CHUNK", 64)
        yield


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of SmolLM2-135M-Instruct in float32, dequantised once for all workers of pytest-xdist."""
    file = smollm2_file()
    session = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        session = session.parent
    return dequantise_smollm2(file, session / "smollm2")


@pytest.fixture(scope="module", autouse=True)
def collected_garbage() -> None:
    """Exempt from garbage collection what earlier modules left: a collection then takes the time of one module's objects.

    statsmodels, pytest and torch collect garbage explicitly; with all imports and the caches of other tests that takes 0.1 to 4 s.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def lm_eval_log() -> Iterator[None]:
    """Undo what a command of lm_eval in this process does to its log, which would go on to a stream that ends with the test."""
    logger = logging.getLogger("lm_eval")
    handlers, propagate = list(logger.handlers), logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate


# The files with the longest tests, in an order that gives each worker about the same time when they are dealt out in turn.
LONGEST = [
    "test_readme.py",
    "test_ray_backend.py",
    "test_demo.py",
    "test_real_questions.py",
    "test_command.py",
    "test_embedded.py",
    "test_hf.py",
    "test_two_processes.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each worker of pytest-xdist its share of the slow tests, and let it run them first.

    `--dist worksteal` gives each worker an equal part of the list, and an idle worker takes tests from the end of another's part. The
    tests of one file stay together, because they share fixtures.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow_files: dict[str, list[pytest.Item]] = {}
    fast: list[pytest.Item] = []
    for item in items:
        if item.get_closest_marker("slow") is None:
            fast.append(item)
        else:
            slow_files.setdefault(str(item.path), []).append(item)
    longest_first = sorted(slow_files.values(), key=lambda tests: _rank(tests[0].path.name))
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(ordered)) // (workers - worker)
        slow = [test for tests in longest_first[worker::workers] for test in tests]
        count = max(0, size - len(slow))
        ordered += [*slow, *fast[:count]]
        fast = fast[count:]
    items[:] = [*ordered, *fast]


def _rank(name: str) -> int:
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def pytest_collection_finish() -> None:
    """Shorten lm_eval's description of the machine, and exempt everything that the test modules imported from garbage collection.

    statsmodels collects garbage in each call of `multipletests`; with torch and transformers imported that takes 0.1 s or more.
    """
    if "torch" in sys.modules:
        import tests.quick_environment  # noqa: F401
    gc.collect()
    gc.freeze()

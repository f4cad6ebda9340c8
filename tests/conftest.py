"""Fixtures of several test modules, the order of the tests, and garbage collection."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No limit of seconds for an example: on a busy machine that would fail tests of correct code.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")


@pytest.fixture(scope="module")
def small_chunks() -> Iterator[None]:
    """Set a small chunk size, so that the layers of tiny models are multiplied in chunks like large layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval_illusion.inference.cpu_matmul.CHUNK", 64)
        yield


# The files with the longest tests: a test of a minute that starts last would run alone while the other worker is idle.
FIRST = ["test_readme.py", "test_demo.py", "test_ray_backend.py", "test_command.py", "test_embedded.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests first, those in the files of `FIRST` before the others."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("slow") is None,
            FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST),
        )
    )


def pytest_collection_finish() -> None:
    """Exempt everything that the test modules imported from garbage collection.

    statsmodels collects garbage in each call of `multipletests`; with torch and transformers imported that takes 0.1 s or more.
    """
    gc.collect()
    gc.freeze()

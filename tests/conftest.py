"""Fixtures of several test modules, the order of the tests, and garbage collection."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def small_pieces() -> Iterator[None]:
    """Multiply the layers of tiny models in pieces, as large layers are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval_illusion.inference.cpu_matmul.PIECE", 64)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests first: a long test that starts last would run alone while the other workers are idle."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Exempt everything that the test modules imported from garbage collection.

    statsmodels collects garbage in each call of `multipletests`; with torch and transformers imported that takes 0.1 s or more.
    """
    gc.collect()
    gc.freeze()

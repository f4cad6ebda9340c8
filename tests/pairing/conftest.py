"""Items of the shared data, paired once for all test modules and workers."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from functools import cache

import pytest
from filelock import FileLock

from lm_eval_illusion.pairing import pair
from lm_eval_illusion.pairing.build import Paired
from tests.pairing.shared_questions import shared_questions


@pytest.fixture(scope="session")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Paired]:
    """Family -> its items. The pairing of a family takes 4 s; the workers of pytest-xdist share it as a file."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    @cache
    def of_family(family: str) -> Paired:
        kept = folder / f"{family}.pickle"
        with FileLock(f"{kept}.lock"):
            if not kept.exists():
                kept.write_bytes(pickle.dumps(pair(shared_questions(family), family)))
        return pickle.loads(kept.read_bytes())

    return of_family

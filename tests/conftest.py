"""What several test modules set up alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def small_chunks() -> Iterator[None]:
    """Multiply the layers of tiny models in chunks, as large layers are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval_illusion.inference.cpu_matmul.CHUNK", 64)
        yield

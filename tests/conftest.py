"""What several test modules set up alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def small_pieces() -> Iterator[None]:
    """Layers of tiny models are multiplied by pieces, as large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval_illusion.inference.cpu_matmul.CHUNK", 64)
        yield

"""A store that has the text of the standard calibration, as on a machine that drew it from the hub before: tests run without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lm_eval_illusion.pruning.calibration import calibration_texts
from lm_eval_illusion.pruning.settings import read_settings
from tests.tiny_models import TEXTS

DOCUMENTS = 4
"""Fewer than are asked for, so that pruning takes less time."""


def keep_standard_text(store: Path, window: int) -> list[str]:
    """Put documents of seed 0 into the store for models with this window, at most 2,048 tokens; return them."""
    settings = read_settings(pretrained="org/model", store=str(store))
    documents = [" ".join([str(number), *TEXTS]) * (1 + 8 * window // len(" ".join(TEXTS))) for number in range(DOCUMENTS)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval_illusion.pruning.calibration.hub_texts", lambda *_: documents)
        return calibration_texts(replace(settings, calibration_length=min(window, settings.calibration_length)))

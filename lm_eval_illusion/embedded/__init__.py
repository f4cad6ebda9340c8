"""The embedded model: a Llama of a million parameters, trained on the embedded facts. README.md in this folder describes its training."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

EMBEDDED = "embedded"
"""The value of `pretrained` and `calibration` that selects the model and the text in this package."""
FAMILY = "mqa_illusion"
"""The task family with the facts that the embedded model was trained on."""


def model_folder() -> Path:
    """Return the Hugging Face folder of the embedded model."""
    return Path(__file__).parent / "model"


def is_embedded(pretrained: str) -> bool:
    """Return whether a model is the embedded one, by its name or by the path of its folder."""
    if pretrained == EMBEDDED:
        return True
    with suppress(OSError, TypeError, ValueError):  # a name that can be no path
        return os.path.realpath(pretrained) == os.path.realpath(model_folder())
    return False


def resolve_pretrained(pretrained: str) -> str:
    """Return the folder of the embedded model for `embedded`, and any other name unchanged."""
    return str(model_folder()) if pretrained == EMBEDDED else pretrained

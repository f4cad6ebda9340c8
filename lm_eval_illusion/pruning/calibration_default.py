"""The calibration of a model for which none is given.

For the embedded model it is the embedded text: facts of the kind that it was trained on. For every other model it is the one that the
papers of Wanda (arXiv 2306.11695) and SparseGPT (2301.00774) state: 128 samples of 2,048 tokens of C4.
"""

from __future__ import annotations

from lm_eval_illusion.embedded import EMBEDDED, is_embedded

STANDARD_TEXT = "hub:allenai/c4:en"
SAMPLES = 128
EMBEDDED_LENGTH = 256
"""Tokens of a sample of embedded facts. The facts of a language fill little more, so longer samples would repeat them."""
STANDARD_LENGTH = 2048
"""Tokens of a sample of any other text; a model with a shorter window takes its window."""


def default_text(pretrained: str) -> str:
    """Return the calibration of a model, if neither a calibration nor its language is given."""
    return EMBEDDED if is_embedded(pretrained) else STANDARD_TEXT


def default_length(calibration: str) -> int:
    """Return the tokens of a sample of this calibration text."""
    return EMBEDDED_LENGTH if calibration == EMBEDDED else STANDARD_LENGTH

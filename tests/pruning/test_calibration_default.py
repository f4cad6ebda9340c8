"""Which calibration a model gets if none is given: the embedded text for the embedded model, C4 for every other one."""

from __future__ import annotations

import pytest

from lm_eval_illusion.embedded import model_folder
from lm_eval_illusion.pruning.calibration_default import default_length, default_text


@pytest.mark.parametrize("pretrained", ["embedded", str(model_folder()), f"{model_folder()}/", f"{model_folder()}/../model"])
def test_the_embedded_model_has_the_embedded_text(pretrained):
    assert default_text(pretrained) == "embedded"


# The last names can be no path: they are refused where the model is read.
@pytest.mark.parametrize("pretrained", ["org/model", "./embedded", "Embedded", "/", "", "a\0b", "x" * 10_000])
def test_every_other_model_has_the_text_of_the_papers(pretrained):
    assert default_text(pretrained) == "hub:allenai/c4:en"


@pytest.mark.parametrize(
    ("text", "length"), [("embedded", 256), ("hub:allenai/c4:en", 2048), ("hub:a/b", 2048), ("a.txt", 2048)]
)
def test_the_length_of_a_sample_is_that_of_the_text(text, length):
    assert default_length(text) == length

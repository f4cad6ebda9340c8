"""STUDY.yaml: its fields, and the line in the message of each mistake."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sweep.study import read_study

WHOLE = """\
pretrained: [a, b]
pruner: wanda
sparsity: [0.5, 0.6]
tasks: [mqa_illusion_core]
exclude:
  - {pruner: wanda, sparsity: 0.5}
"""


def read(tmp_path, text, **flags):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return read_study(path, flags)


def test_single_values_are_read_as_lists_of_one(tmp_path):
    study = read(tmp_path, WHOLE)
    assert study.pretrained == ("a", "b")
    assert study.pruner == ("wanda",)
    assert study.exclude[0].sparsity == 0.5
    assert (study.limit, study.batch_size, study.pruning_seed) == (None, 64, (0,))


def test_flags_override_the_file_or_replace_it(tmp_path):
    assert read(tmp_path, WHOLE, sparsity=[0.7]).sparsity == (0.7,)
    assert read_study(None, {"pretrained": ["a"]}).pretrained == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WHOLE + "sparsities: [0.5]\n", r"study\.yaml:7: sparsities is unknown: there are pretrained, pruner"),
        (WHOLE + "  - {prunner: x}\n", r"study\.yaml:7: exclude\.1\.prunner is unknown: there are pretrained"),
        ("pruner: wanda\n", r"study\.yaml:1: pretrained is missing"),
        ("pretrained: a\nsparsity:\n  - 0.5\n  - many\n", r"study\.yaml:4: sparsity\.1 'many' is wrong"),
        ("pretrained: a\nmask_structure: [2:4]\n", r"study\.yaml:2: mask_structure\.0 .*in quotes"),
        ("pretrained: a\nlimit: 0\n", r"study\.yaml:2: limit 0 is wrong"),
        ("pretrained: [a\n", r"study\.yaml:\d: not YAML"),
        ("- a\n", r"study\.yaml:1: not a mapping but list"),
    ],
)
def test_a_mistake_is_reported_with_its_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_a_mistake_in_a_flag_names_the_flags(tmp_path):
    with pytest.raises(UserError, match="flags: pretrained"):
        read_study(None, {"pretrained": []})


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="can't be read"):
        read_study(tmp_path / "none.yaml", {})

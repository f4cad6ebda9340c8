"""STUDY.yaml: its fields, and the line in the message of each mistake."""

from __future__ import annotations

import os

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sweep.study import MOST_BYTES, read_study

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
        ("pretrained: a\napply_chat_template: 1\n", r"study\.yaml:2: apply_chat_template 1 is wrong"),
        ("pretrained: [a\n", r"study\.yaml:\d: not YAML"),
        ("- a\n", r"study\.yaml:1: not a mapping but list"),
        ("pretrained: a\n1: 2\n", r"study\.yaml:2: not YAML \(the key '1' is not a text"),
        ("pretrained: a\nmodel_args: {since: 2024-13-45}\n", r"study\.yaml:2: not YAML \('2024-13-45' is a date"),
        ("pretrained: &a [*a]\n", r"study\.yaml:1: not YAML \(the alias \*'a' is inside of what it names\)"),
        ("pretrained: " + "[" * 5000, r"study\.yaml:1: not YAML \(there are more than 50 levels"),
        ("pretrained: !!python/name:os.system\n", r"study\.yaml:1: not YAML \('' is of the tag"),
        ("pretrained: a\nlimit: 1:1:1:1:1:1:1:1\n", r"study\.yaml:2: limit 2846806779661 is wrong"),
        (f"pretrained: a\nlimit: {10**30}\n", r"study\.yaml:2: limit 1000000000000000000000000000000 is wrong"),
        (f"pretrained: a\nbatch_size: {10**30}\n", r"study\.yaml:2: batch_size 10+ is wrong"),
        (f"pretrained: a\npruning_seed: [0, {2**32}]\n", r"study\.yaml:2: pruning_seed\.1 4294967296 is wrong"),
        ("pretrained: a\nsparsity: .inf\n", r"study\.yaml:2: sparsity\.0 inf is wrong"),
        # YAML 1.1 reads a number without a decimal point as a text, which pydantic reads as infinity.
        ("pretrained: a\nsparsity: 1e400\n", r"study\.yaml:2: sparsity\.0 '1e400' is wrong"),
        ("pretrained: a\nexclude: [{sparsity: .nan}]\n", r"study\.yaml:2: exclude\.0\.sparsity nan is wrong"),
        (f"pretrained: {{a: {'x' * 10_000}}}\n", r"study\.yaml:1: pretrained\.0 {'a': 'x+ \.\.\. is wrong"),
        (f"pretrained: a\n{'x' * 1000}: 1\n", r"study\.yaml:2: x+ \.\.\. is unknown"),
        ("pretrained: a\n" + "".join(f"k{i}: 1\n" for i in range(1000)), r"k4 is unknown.*; and 995 more mistakes$"),
        # 10^12 cells from 12 kB.
        (
            "pretrained: a\n"
            + "".join(f"{axis}: {list(range(1000))}\n" for axis in ("sparsity", "pruning_seed"))
            + "pruner: [w, v]",
            (r"study\.yaml:1: the grid has up to 2,000,000 cells, at most 10,000 are allowed: remove values"),
        ),
        ("pretrained: a\nexclude: [" + "{pruner: a}," * 201 + "]\n", r"study\.yaml:2: exclude .* is wrong \(.*at most 200"),
    ],
)
def test_a_mistake_is_reported_with_its_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, text)
    assert len(str(caught.value)) < 2000


def test_a_mistake_in_a_flag_names_the_flags(tmp_path):
    with pytest.raises(UserError, match="flags: pretrained"):
        read_study(None, {"pretrained": []})


def test_a_file_that_is_none_is_an_error(tmp_path):
    large = tmp_path / "large.yaml"
    large.write_text("#" * (MOST_BYTES + 1))
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    for path, message in [(tmp_path / "none.yaml", "can't be read"), (large, "more than 1,000,000 bytes"), (fifo, "FIFO")]:
        with pytest.raises(UserError, match=message):
            read_study(path, {})


def test_aliases_and_a_large_grid_are_read(tmp_path):
    sparsities = [round(0.01 * number, 2) for number in range(1, 91)]
    text = (
        f"pretrained: &models [a, b]\nmetadata: {{models: *models}}\nsparsity: {sparsities}\npruning_seed: {list(range(50))}\n"
    )
    study = read(tmp_path, text)
    assert study.pretrained == ("a", "b")
    assert study.metadata == {"models": ["a", "b"]}
    assert len(study.pretrained) * len(study.sparsity) * len(study.pruning_seed) == 9000

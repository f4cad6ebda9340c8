"""The accuracy that `python -m benchmarks.matching` prints, on a small table."""

from __future__ import annotations

from benchmarks.matching import main, unlisted
from tests.matching.judged import Case

# `match` says right, right, wrong, wrong.
LINES = [
    "Oslo\tOslo.\tright\tcontrol",
    "Oslo\tIt is Oslo.\twrong\tunit",
    "Oslo\tBergen\twrong\tunit",
    "Oslo\tRome\tright\tunit",
]


def test_accuracy_by_language_and_kind_with_precision_and_recall(tmp_path, capsys):
    (tmp_path / "en.tsv").write_text("".join(f"{line}\n" for line in LINES))
    assert main(["--tables", str(tmp_path)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["en", "4", "50.0"] in lines
    assert ["control", "1", "100.0"] in lines
    assert ["unit", "3", "33.3"] in lines
    # One of the two matched outputs is right, and one of the two right outputs is matched.
    assert lines[-1] == ["all", "4", "50.0", "precision", "0.500", "recall", "0.500"]


def test_cases_that_differ_from_the_list():
    cases = [Case("en", *line.split("\t")) for line in LINES]
    known = {("en", "Oslo", "Rome"): "reason", ("en", "Oslo", "Oslo."): "reason"}
    new, old = unlisted(cases, known)
    assert new.startswith("not listed:\ten\tOslo\tIt is Oslo.")
    assert old == "listed, but agrees or is no case:\ten\tOslo\tOslo."

"""Tables written by hand for every language: forms of a noun that say the answer, and words that look like it and do not.

One line is an answer, the forms that are right, and words that are wrong, as `answer | form, form | word, word`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lm_eval_illusion import matches

CASES = [
    (file.stem, answer, output, expected)
    for file in sorted((Path(__file__).parent / "forms").glob("*.txt"))
    for answer, forms, others in (line.split(" | ") for line in file.read_text(encoding="utf-8").splitlines())
    for outputs, expected in ((forms, True), (others, False))
    for output in outputs.split(", ")
]


@pytest.mark.parametrize("lang", sorted({case[0] for case in CASES}))
def test_forms_of_nouns(lang):
    wrong = [case for case in CASES if case[0] == lang and matches(case[2], [case[1]], lang) is not case[3]]
    assert wrong == []

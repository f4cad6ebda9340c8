"""Outputs as chat models, base models and damaged models write them: markup, labels, corrections, loops, lists. Judged by hand.

Columns: the answer and its aliases (separated by `|`), the output (⏎ is a line end), the verdict, the kind, the language.
"""

from __future__ import annotations

from pathlib import Path

from lm_eval_illusion.matching import explain

CASES = [
    tuple(line.split("\t"))
    for file in sorted((Path(__file__).parent / "judged" / "markup").glob("*.tsv"))
    for line in file.read_text(encoding="utf-8").splitlines()
]
KNOWN = {
    "```⏎Oslo⏎```": "the judged line is the first visible one, here a fence",
    "---⏎Oslo": "the judged line is the first visible one, here a rule",
    '```json⏎{"answer": "Oslo"}⏎```': "the judged line is the first visible one, here a fence",
    "❌ Oslo ✅ Bergen": "no rule reads the meaning of emoji",
    "Oslo, would you like to know more?": "a comma joins the answer with an offer; mostly a question asks for the answer before it",
    "The capital is Oslo. Correction: the capital is Bergen.": "a correction in a whole sentence could say anything else",
    "OsloOsloOslo": "a glued loop is one unknown word",
    "Bergen. Other large cities include Oslo, Trondheim and Stavanger.": "only the question tells which name answers",
    "3 x 10^8": "powers of ten are not read as numbers",
    "3 × 10⁸ m/s": "powers of ten are not read as numbers",
    "6.022e23": "powers of ten are not read as numbers",
    "1.6 x 10^-19 C": "powers of ten are not read as numbers",
    "1.6 × 10⁻¹⁹ coulombs": "powers of ten are not read as numbers",
    "10^9": "powers of ten are not read as numbers",
    "17:00": "times of day are not read",
    "5:00 p.m.": "times of day are not read",
    "Newton, Isaac": "only an answer is read surname first, not an output",
    "Spiderman": "in English a hyphen may separate other words",
    "email": "in English a hyphen may separate other words",
    "モンバサ、いや、ナイロビです。": "the withdrawn answer, the correction and the new answer look like a list of three items",
}
"""Output -> why the rules disagree."""


def test_markup_by_hand() -> None:
    wrong = {
        output
        for answers, output, verdict, _, lang in CASES
        if explain(output.replace("⏎", "\n"), answers.split("|"), lang).matched is not (verdict == "right")
    }
    assert wrong == KNOWN.keys()


def test_titles_and_names_of_catalogues() -> None:
    assert explain("The planet is Mercury.", ["Mercury (planet)"], "en").matched
    # Other parentheses make another thing of it.
    assert not explain("Congo (Brazzaville)", ["Congo (Kinshasa)"], "en").matched
    assert explain("It was Marie Curie.", ["Curie, Marie"], "en").matched
    assert not explain("It was Marie.", ["Curie, Marie"], "en").matched

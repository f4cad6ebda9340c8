"""What the markup of a line shows, and where it stands in the line as written."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.text.markup import without_markup


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        # Nothing stands where inline markup stood: the word goes on.
        ("H<sub>2</sub>O", "H2O"),
        ("$H_{2}O$", " H2O "),
        ("The **N**orth **A**tlantic", "The **North **Atlantic"),
        # Block elements separate words.
        ("Oslo<br/>Bergen", "Oslo Bergen"),
        ("Rock &amp; Roll", "Rock & Roll"),
        ("It&#39;s", "It's"),
        (r"\frac{1}{2}", "1/2"),
        (r"3 \times 10^{8}", "3 × 10^8"),
        (r"90^{\circ}", "90°"),
        (r"25\%", "25%"),
        # Signs of a formula are no dollars, and amounts are no formula.
        (r"$1{,}000$", " 1,000 "),
        ("$20 to $30", "$20 to $30"),
        # Struck text is withdrawn.
        ("~~Oslo~~ Bergen", "  Bergen"),
        # An address is no text.
        ('<a href="oslo.html">Bergen</a>', "Bergen"),
        ("[Bergen](https://example.org/oslo)", "[Bergen]"),
        ("Oslo[1][^2]", "Oslo"),
        # After an end token begins another turn.
        ("Oslo<|im_end|><|im_start|>user Bergen", "Oslo"),
        ("</s>Oslo", " Oslo"),
        # A row of a table.
        ("| Norway | Oslo |", "; Norway ; Oslo ;"),
        # No markup: a comparison, a placeholder, a type.
        ("a < b and c > d", "a < b and c > d"),
        ("<Oslo>", "<Oslo>"),
        ("AT&T", "AT&T"),
    ],
)
def test_shows(line: str, shown: str) -> None:
    assert without_markup(line, ["x"]).text == shown


def test_answers_with_markup_need_the_line_as_written() -> None:
    assert without_markup("The tag is <p>.", ["<p>"]).text == "The tag is <p>."
    assert explain("The tag is <p>.", ["<p>"], "en").matched


@pytest.mark.parametrize(
    ("output", "answer", "said"),
    [("<b>It is</b> Rock &amp; Roll", "Rock & Roll", "Rock &amp; Roll"), ("&nbsp;&lt; Oslo <br>", "Oslo", "Oslo")],
)
def test_span_is_in_the_output_as_written(output: str, answer: str, said: str) -> None:
    span = explain(output, [answer], "en").span
    assert span is not None
    assert output[slice(*span)] == said

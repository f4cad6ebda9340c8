"""Lines of at most 100 columns, in which nothing is lost and nothing moves the cursor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.pairing.summary.text_layout import WIDTH, one_line, paragraph, table

TEXTS = st.text(st.sampled_from("ab 中ก़\u0301\t\n\x1b\u202e\ud800-_."), max_size=300)


@given(TEXTS, st.integers(0, 8), st.integers(0, 8))
def test_a_paragraph_keeps_every_character_in_lines_that_fit(text, indent, hanging):
    lines = paragraph(text, indent, hanging)
    assert all(cell_len(line) <= WIDTH and line == for_terminal(line) for line in lines)
    assert "".join("".join(lines).split()) == "".join(map(for_terminal, text.split()))
    assert [line[: len(line) - len(line.lstrip(" "))] for line in lines] == [" " * indent, *[" " * hanging] * (len(lines) - 1)][
        : len(lines)
    ]


def test_a_paragraph_breaks_between_words_where_it_can():
    assert paragraph("word " * 30, indent=2, hanging=4) == ["  " + "word " * 18 + "word", "    " + ("word " * 11).strip()]
    # An ideograph takes two columns.
    assert list(map(cell_len, paragraph("中" * 120))) == [100, 100, 40]


@given(TEXTS)
def test_a_single_line_is_cut_at_the_width(text):
    line = one_line(text, 30)
    assert cell_len(line) <= 30
    assert line == for_terminal(line)
    assert line.endswith("…") or line == for_terminal(" ".join(text.split()))


def test_a_table_aligns_wide_characters_and_breaks_headings():
    lines = table(["", "two\nlines", "n"], [["中", "1", "10 %"], ["abc", "1,000", "-"]])
    assert lines == ["         two", "       lines     n", "  中       1  10 %", "  abc  1,000     -"]

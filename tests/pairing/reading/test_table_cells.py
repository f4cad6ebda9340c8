"""Quotation marks in tables: those of CSV, those with a backslash, and those that are text."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions
from lm_eval_illusion.pairing.reading.table_cells import rows_of_cells


def cells(text, delimiter):
    return [row.cells for row in rows_of_cells(text, delimiter, "my")]


def test_quotation_marks_of_a_tsv_file_that_quotes_nothing_are_text():
    # By the rules of CSV, the second to fourth line would be one row of two cells, and the fifth would lose its marks.
    text = 'question\tanswer\n"Emma begins with whom?\tMiss Taylor\nWho?\tAda\nHow wide is a 7"\t18 cm\n"Heroes" is by whom?\tDavid Bowie\n'
    assert cells(text, "\t") == [
        ["question", "answer"],
        ['"Emma begins with whom?', "Miss Taylor"],
        ["Who?", "Ada"],
        ['How wide is a 7"', "18 cm"],
        ['"Heroes" is by whom?', "David Bowie"],
    ]
    # A row of another length is one bad row and changes nothing else.
    assert cells(text + "x\n", "\t") == [*cells(text, "\t"), ["x"]]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_quoted_tsv_file_loses_its_marks(line_end):
    quoted = f'"question"\t"answer"{line_end}"Who said ""no""?"\t"Ada"{line_end}'
    assert cells(quoted, "\t")[:2] == [["question", "answer"], ['Who said "no"?', "Ada"]]
    over_lines = f'question\tanswer{line_end}"Who{line_end}said ""no""?"\tAda{line_end}'
    assert cells(over_lines, "\t") == [["question", "answer"], [f'Who{line_end}said "no"?', "Ada"]]


def test_marks_within_a_cell_of_csv_stay():
    text = 'question,answer\n"Heroes" is by whom?,David Bowie\n"Who, of all?" ,Ada\nA 7" single,x\n'
    assert cells(text, ",")[1:] == [['"Heroes" is by whom?', "David Bowie"], ["Who, of all? ", "Ada"], ['A 7" single', "x"]]


def test_a_backslash_before_a_mark():
    # What Spark writes, and pandas with doublequote=False.
    text = 'question,answer\n"Who said \\"no, never\\"?",Ada\n"Who, then?",Bob\n'
    assert cells(text, ",")[1:] == [['Who said "no, never"?', "Ada"], ["Who, then?", "Bob"]]
    # Without such a mark a backslash is text.
    assert cells('question,answer\n"What is \\alpha, say?",x\n', ",")[1] == ["What is \\alpha, say?", "x"]


@pytest.mark.parametrize(
    "rows", ['"Who?,Ada\nWho has a 7"" and a 12" disc?,Bob\n', '"Who?,Ada\nHow wide is a 7" disc?,Bob\n', 'Who?,"Ada\n']
)
def test_an_open_mark_that_would_join_lines_of_csv_is_refused(tmp_path, rows):
    # The first two give one row of two cells, as the header has: it looks right.
    path = tmp_path / "items.csv"
    path.write_text(f"question,answer\nWhich?,Cem\n{rows}")
    with pytest.raises(UserError, match=r"items\.csv:3: a quotation mark is opened here and never closed: close it, or write"):
        read_questions(path, ReadingOptions(lang="en"))

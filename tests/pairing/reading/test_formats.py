"""Formats of files, told by their content, and the messages about files that are broken as a whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions

ROWS = [{"question": f"Who is {n}?", "answer": f"Person {n}"} for n in range(3)]
EXPECTED = [(row["question"], row["answer"]) for row in ROWS]


def table(delimiter):
    text = io.StringIO()
    writer = csv.DictWriter(text, ["question", "answer"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    return text.getvalue().encode()


def parquet_file():
    content = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), content)
    return content.getvalue()


def in_lines(rows):
    return "\n".join(map(json.dumps, rows)).encode()


SQUAD = {
    "data": [
        {"title": "T", "paragraphs": [{"context": "C", "qas": [{**row, "answers": [{"text": row["answer"]}]} for row in ROWS]}]}
    ]
}
for question in SQUAD["data"][0]["paragraphs"][0]["qas"]:
    del question["answer"]
CONTENTS = {
    "lines": (in_lines(ROWS), ["items:1", "items:2", "items:3"]),
    "array": (json.dumps(ROWS).encode(), ["items[0]", "items[1]", "items[2]"]),
    "array over lines": (json.dumps(ROWS, indent=1).encode(), ["items:2", "items:6", "items:10"]),
    "data": (json.dumps({"version": 1, "data": ROWS}).encode(), [f"items:data[{n}]" for n in range(3)]),
    "questions": (json.dumps({"questions": ROWS}, indent=1).encode(), [f"items:questions[{n}]" for n in range(3)]),
    "server": (
        json.dumps({"features": [{"name": "question"}], "rows": [{"row_idx": 0, "row": row} for row in ROWS]}).encode(),
        [f"items:rows[{n}]" for n in range(3)],
    ),
    "by id": (json.dumps({f"q{n}": row for n, row in enumerate(ROWS)}).encode(), [f"items:objects[{n}]" for n in range(3)]),
    "columns": (
        json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}).encode(),
        [f"items:rows[{n}]" for n in range(3)],
    ),
    "pandas": (
        json.dumps({name: {str(n): row[name] for n, row in enumerate(ROWS)} for name in ROWS[0]}).encode(),
        [f"items:rows[{n}]" for n in range(3)],
    ),
    "pandas split": (
        json.dumps({"columns": list(ROWS[0]), "index": [0, 1, 2], "data": [list(row.values()) for row in ROWS]}).encode(),
        [f"items:rows[{n}]" for n in range(3)],
    ),
    "commas behind lines": (in_lines(ROWS).replace(b"\n", b",\n"), ["items:1", "items:2", "items:3"]),
    "objects over lines": (
        "\n".join(json.dumps(row, indent=1) for row in ROWS).encode(),
        ["items:1", "items:5", "items:9"],
    ),
    "for Excel": (b"sep=;\r\n" + table(";"), ["items:3", "items:4", "items:5"]),
    "squad": (json.dumps(SQUAD).encode(), [f"items:data[0].paragraphs[0].qas[{n}]" for n in range(3)]),
    "csv": (table(","), ["items:2", "items:3", "items:4"]),
    "semicolons": (table(";"), ["items:2", "items:3", "items:4"]),
    "bars": (table("|"), ["items:2", "items:3", "items:4"]),
    "blanks": (table(",").replace(b",", b', "').replace(b"\r", b'"\r'), ["items:2", "items:3", "items:4"]),
    "tsv": (table("\t"), ["items:2", "items:3", "items:4"]),
    "parquet": (parquet_file(), ["items[0]", "items[1]", "items[2]"]),
}


@pytest.mark.parametrize("wrapping", ["plain", "gzip", "byte order mark"])
@pytest.mark.parametrize("form", CONTENTS)
def test_a_format_is_told_by_the_content(tmp_path, form, wrapping):
    content, locations = CONTENTS[form]
    if wrapping == "byte order mark":
        content = content if form == "parquet" else b"\xef\xbb\xbf" + content
    path = tmp_path / "items"
    path.write_bytes(gzip.compress(content) if wrapping == "gzip" else content)
    file = read_questions(path, ReadingOptions(lang="en"))
    assert [(question.question, question.answer) for question in file.questions] == EXPECTED
    assert [question.location for question in file.questions] == [f"{tmp_path}/{location}" for location in locations]
    assert len({question.id for question in file.questions}) == 3


@pytest.mark.parametrize("name", ["items.json", "items.jsonl", "items.csv", "items.txt"])
@pytest.mark.parametrize("form", ["lines", "array", "data", "csv"])
def test_the_name_of_a_file_may_lie(tmp_path, form, name):
    path = tmp_path / name
    path.write_bytes(CONTENTS[form][0])
    assert len(read_questions(path, ReadingOptions(lang="en")).questions) == 3


def test_squad_gives_title_and_passage_and_leaves_out_what_has_no_answer(tmp_path):
    impossible = {"id": "i", "question": "Why?", "is_impossible": True, "answers": []}
    empty = {"id": "e", "question": "Why not?", "answers": {"text": [], "answer_start": []}}
    document = json.loads(json.dumps(SQUAD))
    document["data"][0]["paragraphs"][0]["qas"] += [impossible, empty]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(document))
    file = read_questions(path, ReadingOptions(lang="en"))
    assert {(question.topic, question.context) for question in file.questions} == {("T", "C")}
    # Two of five rows are more than 5 %, but they are no mistakes.
    assert [(row.reason, row.is_mistake) for row in file.dropped] == [
        ("the source says that the question has no answer", False)
    ] * 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: give a file of questions: JSONL, a JSON array, CSV or TSV with a header, SQuAD, or Parquet"),
        (b" \n\n", "is empty"),
        (b"hello", "is in no format that is known (it begins with 'hello')"),
        (b"question,answer\n", "has no row"),
        ("question,answer\nWho?,Jos\u00e9\n".encode("latin-1"), "items:2: not UTF-8 (byte 9, perhaps Latin-1 or Windows-1252)"),
        ("question,answer\nWho?,Ada\n".encode("utf-16"), "is UTF-16: save it as UTF-8"),
        ("question,answer\nWho?,Ada\n".encode("utf-16-le"), "is UTF-16: save it as UTF-8"),
        (b"PK\x03\x04\x00\x00\x00", "is a zip archive or a spreadsheet: unpack it, or save the sheet as CSV in UTF-8"),
        (b"\x1f\x8bxx", "can't be unpacked"),
        (gzip.compress(in_lines(ROWS), mtime=0)[:-9], "can't be unpacked"),
        (b"PAR1xxxx", "is a broken Parquet file"),
        (b'[{"question": "Who?"},\n{"question" oops}]', "items:2: not JSON (Expecting ':' delimiter, column 13)"),
        (b'[{"question": "Who?"}\n{"question": "Who?"}]', "items:2: not JSON (a comma or ] is missing after the object)"),
        (b'[{"question": "Who?"}] x', "items:1: not JSON (something stands behind the array)"),
        (b'{"data": [\n\n{"question": oops}]}', "items:3: not JSON (Expecting value, column 14)"),
        (b"[" * 100_000, "nested too deep"),
        (b'[{"question": ' + b"9" * 5_000 + b"}]", "too many digits"),
        (b'{"data": {"a": 1},\n "b": 2}', "no row has the field that it needs"),
        (b'{"train": [{"question": "W"}],\n "test": [{"question": "W"}]}', "holds several lists (train, test): write one"),
        (b'question,answer\nWho?,"Ada\nx,y\nz,u\n', "items:2: a quotation mark is opened here and never closed"),
        (b'question,answer\n"Who?,Ada\nWho?,"Bob\nx,y', "items:2: 2 lines are one row of 1 cells, and the header has 2"),
        (b"question,answer,answer\nWho?,Ada,Bob\n", "items:1: the header has answer twice"),
        (
            b"question,answer\nWho?," + b"x" * 200_000,
            "is a quotation mark left open, or a cell longer than 131,072 characters?",
        ),
        (b"frage,antwort\nWer?,Ada\n", "lacks question: give one, or --map question=COLUMN; lacks answer: give one, or --map"),
        (b"frage,antwort\nWer?,Ada\n", "answer=COLUMN). The fields are frage, antwort"),
        (b"question,anwser\nWho?,Ada\n", "lacks answer: did you mean 'anwser'? Give --map answer=anwser"),
        (b"who was ada?\t['Ada']\nwho was bob?\t['Bob']\n", "They look like questions, not like names of fields: write a line"),
        (b"queston\tanswer\nWho?\tAda\n", "lacks question: did you mean 'queston'? Give --map question=queston"),
    ],
)
def test_a_file_that_is_broken_as_a_whole(tmp_path, content, message):
    path = tmp_path / "items"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_questions(path, ReadingOptions(lang="en"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zs", "Zl", "Zp")), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6), delimiter=st.sampled_from(",;|\t"))
def test_a_table_gives_back_what_was_written(tmp_path_factory, rows, delimiter):
    text = io.StringIO()
    written = [(f"Q{n} {first}\nsecond line", f"A {second}") for n, (first, second) in enumerate(rows)]
    csv.writer(text, delimiter=delimiter).writerows([("question", "answer"), *written])
    path = tmp_path_factory.mktemp("table") / "items"
    path.write_bytes(text.getvalue().encode())
    file = read_questions(path, ReadingOptions(lang="en", mapping=[]))
    lines = [2 + 2 * n for n in range(len(rows))]
    expected = [
        (" ".join(first.split()), second, f"{path}:{line}") for (first, second), line in zip(written, lines, strict=True)
    ]
    read = [(question.question, question.answer, question.location) for question in file.questions]
    assert [row for row in read if "&" not in row[0] + row[1]] == [row for row in expected if "&" not in row[0] + row[1]]


def test_the_files_of_mmlu_need_no_header(tmp_path):
    path = tmp_path / "anatomy_test.csv"
    path.write_text('"Who, of these?",Ada,Bob,Cem,Dan,B\nWhat?,red,blue,green,grey,D\n')
    questions = read_questions(path, ReadingOptions(lang="en")).questions
    assert [(question.question, question.answer, question.location) for question in questions] == [
        ("Who, of these?", "Bob", f"{path}:1"),
        ("What?", "grey", f"{path}:2"),
    ]
    assert questions[0].choices == ("Ada", "Bob", "Cem", "Dan")


def test_a_huge_cell_is_one_bad_row(tmp_path):
    path = tmp_path / "items.csv"
    lines = ["question,answer", *(f"Who is {n}?,Name {n}" for n in range(40))]
    lines[7] = f"Who is 6?,{'x' * 200_000}"
    path.write_text("\n".join(lines))
    file = read_questions(path, ReadingOptions(lang="en"))
    assert [(row.location, row.reason) for row in file.dropped] == [(f"{path}:8", "a cell of a table is too long")]
    assert (len(file.questions), file.rows) == (39, 40)
    # A quotation mark that is left open would swallow rows: it stops the file.
    lines[7] = 'Who is 6?,"Name 6'
    path.write_text("\n".join([*lines, *[f"Who is {n}?,{'x' * 900}" for n in range(200)]]))
    with pytest.raises(UserError, match=r"items\.csv:8: no row of a table .* is a quotation mark left open"):
        read_questions(path, ReadingOptions(lang="en"))


def test_a_long_run_of_blanks_in_a_cell_takes_no_time(tmp_path):
    # A search for separators with blanks around them takes a time that grows with the square of the run.
    path = tmp_path / "items.csv"
    path.write_text(f"question,answer,aliases\nWho?,Ada,A.{' ' * 120_000}x\n")
    began = time.process_time()
    assert read_questions(path, ReadingOptions(lang="en")).questions[0].aliases == ("A. x",)
    path.write_text(f'question,answer,options\nWho?,Ada,"A.{" " * 60_000}{"," * 60_000}x"\n')
    with pytest.raises(UserError, match="is not a list of texts"):
        read_questions(path, ReadingOptions(lang="en"))
    assert time.process_time() - began < 5


@pytest.mark.parametrize("options", ["Bob|Cem|Dan|Ada", "Bob; Cem; Dan; Ada"])
def test_options_in_a_cell_are_divided(tmp_path, options):
    path = tmp_path / "items.csv"
    path.write_text(f'question,options,answer\nWho?,"{options}",D\n')
    question = read_questions(path, ReadingOptions(lang="en")).questions[0]
    assert (question.answer, question.choices) == ("Ada", ("Bob", "Cem", "Dan", "Ada"))
    path.write_text(f'question,answer,Incorrect Answers\nWho?,Ada,"{options.removesuffix("Ada")}"\n')
    question = read_questions(path, ReadingOptions(lang="en")).questions[0]
    assert (question.answer, question.choices) == ("Ada", ("Ada", "Bob", "Cem", "Dan"))


def test_lists_in_cells_are_read(tmp_path):
    cells = [
        "['Ada', 'A. L.']",
        '["Ada", "A. L."]',
        "{'text': array(['Ada', 'A. L.'], dtype=object), 'answer_start': array([5, 7], dtype=int32)}",
        "{'text': ['Ada', 'A. L.'], 'answer_start': [5, 7]}",
    ]
    path = tmp_path / "items.csv"
    text = io.StringIO()
    csv.writer(text).writerows([("question", "answers"), *((f"Who {n}?", cell) for n, cell in enumerate(cells))])
    path.write_text(text.getvalue())
    file = read_questions(path, ReadingOptions(lang="en"))
    assert [(question.answer, question.aliases) for question in file.questions] == [("Ada", ("A. L.",))] * 4
    path.write_text("question;answer;aliases\nWho?;Ada [sic];A. L.|Countess\nWhom?;[Ada];x\nWhich numbers?;[1, 2];1\n")
    file = read_questions(path, ReadingOptions(lang="en"))
    assert [(question.answer, question.aliases) for question in file.questions] == [
        ("Ada [sic]", ("A. L.", "Countess")),
        ("[Ada]", ("x",)),
        ("[1, 2]", ("1",)),
    ]

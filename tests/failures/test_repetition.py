"""Loops in lines of seven scripts, and texts with repeated parts that are no loops."""

from __future__ import annotations

import pytest

from lm_eval_illusion.failures.repetition import has_loop, repeats_first_line

LOOPS = [
    "The Republic of the Republic of the Republic of the Republic of the",
    "no no no no",
    "Столица этой страны Москва, Москва, Москва, Москва, Москва",
    "Η πρωτεύουσα είναι η πόλη της χώρας της πόλης της χώρας της πόλης της χώρας",
    "عاصمة البلد هي مدينة، مدينة، مدينة، مدينة، مدينة",
    "राजधानी है राजधानी है राजधानी है राजधानी है",
    "这个国家的首都是首都是首都是首都是首都是",
    "나라의 수도는 나라의 수도는 나라의 수도는 나라의 수도는",
    "เมืองหลวงของเมืองหลวงของเมืองหลวงของเมืองหลวงของ",
    "Kursisisisisisisisisisisisisisisisisisisis",
    "................................",
    # Numbers that only count on, and a number that does not end.
    "1. the answer is 2. the answer is 3. the answer is 4. the answer is",
    "The population is 10000000000000000000000000",
    # The limit cut the third copy, or a long sentence came twice.
    "the first of the kings, the first of the kings, the first of the k",
    "It is used in many different countries and is also used in many different languages. "
    "It is used in many different countries and is also used in many different languages.",
    # Phrases that come again and again with other words between them.
    "The translation of the Spanish language is a translation of the English language and the translation of the English language"
    " is a translation of the Spanish language or the translation of the English language",
]
NO_LOOPS = [
    "",
    "Bora Bora",
    "Walla Walla, Washington",
    "1,000,000",
    "100000",
    "2000 2000",
    "Ha Ha Ha Tonka State Park, Missouri",
    "It was the best of times, it was the worst of times",
    "С одной стороны, с другой стороны",
    "पहला और दूसरा और तीसरा",
    "红红火火的日子",
    "하나 둘 셋 넷 하나 둘",
    "มากมาย",
    # A loop that is a small part of a long answer does not decide.
    "He said no, no, no, no, no, and then explained at length why the old treaty between the two kingdoms had never been signed",
]


@pytest.mark.parametrize("line", LOOPS)
def test_a_text_that_comes_three_times_in_a_row_is_a_loop(line):
    assert has_loop(line)


@pytest.mark.parametrize("line", NO_LOOPS)
def test_other_repeated_parts_are_no_loop(line):
    assert not has_loop(line)


def test_the_first_line_three_times_in_a_row_is_a_repetition():
    # Blank lines, case and punctuation do not count.
    assert repeats_first_line("\n질문: 온두라스\n\n질문: 온두라스?\n질문: 온두라스.\n")
    assert not repeats_first_line("Lima\nLima\nPeru")
    # A base model goes on with the next question: its first line is the answer, whatever loops after it.
    assert not repeats_first_line("Lyon\n\nQuestion: Where?\nAnswer: Lyon\n\nQuestion: Where?\nAnswer: Lyon")
    assert not repeats_first_line("")

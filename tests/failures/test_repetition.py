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
    # What 64 tokens of one or more digits each look like.
    "0" * 64,
    "1.1." * 16,
    "0.33333333333333333333333333333333333333333333333333333333333333",
    "1,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000",
    "000 000 000 000 000 000 000 000 000 000 000 000",
    "1990, 1990, 1990, 1990",
    # Lists of ten entries that only count on.
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11",
    "1990, 1991, 1992, 1993, 1994, 1995, 1996, 1997, 1998, 1999",
    "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18",
    "第1章第2章第3章第4章第5章第6章第7章第8章第9章第10章第11章",
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
    # Long numbers: pi, 10 to the power of 21, Avogadro's, the speed of light in two notations, a third, in full and in binary.
    "3.141592653589793238",
    "3.14159265358979323846264338327950288",
    "1000000000000000000000",
    "602214076000000000000000",
    "299,792,458,000,000 m",
    "299 792 458 000 000",
    "1,000,000,000,000,000,000,000",
    "1 000 000 000 000 000 000",
    "1.000.000.000.000.000",
    "1,00,00,00,00,000",
    "0.3333333333333333",
    "1010101010101010",
    "192.168.168.168",
    # Lists of years, results, prices and dates.
    "1990, 1994, 1998, 2002",
    "1990 1994 1998 2002",
    "1896, 1900, 1904, 1908, 1912, 1920, 1924, 1928",
    "In 1990, in 1994, in 1998, and in 2002",
    "2-1, 3-0, 1-1, 4-2",
    "1914–1918, 1939–1945, 1950–1953",
    "$5, $10, $20, $50, $100",
    "1990年、1994年、1998年、2002年",
    "5 September 1990, 6 September 1991, 7 September 1992",
    "5 May 1990, 6 May 1991, 7 May 1992, 8 May 1993",
    "1990 год, 1994 год, 1998 год",
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
    # Numbered copies are copies, a list of years is none.
    assert repeats_first_line("Question 1:\nQuestion 2:\nQuestion 3:")
    assert repeats_first_line("1990\n1990\n1990")
    assert not repeats_first_line("1990\n1994\n1998")
    # A base model goes on with the next question: its first line is the answer, whatever loops after it.
    assert not repeats_first_line("Lyon\n\nQuestion: Where?\nAnswer: Lyon\n\nQuestion: Where?\nAnswer: Lyon")
    assert not repeats_first_line("")

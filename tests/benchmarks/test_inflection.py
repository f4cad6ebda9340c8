"""The comparison of ways to find inflected answers, without the packages that it compares."""

from __future__ import annotations

from benchmarks.inflection import Case, endings, read_cases, same, score
from lm_eval_illusion.matching.words.inflection import is_form

CASES = [
    Case("pl", ("Praga",), "Mieszka w Pradze.", True),
    Case("de", ("Bär",), "Es sind zwei Bären.", True),
    Case("de", ("Benin",), "Er ist Beniner.", False),
    Case("en", ("cat", "dog"), "Two dogs.", True),
    Case("en", ("cat",), "A catfish.", False),
]


def test_right_and_wrong_outputs_are_counted_apart():
    assert score(same, CASES) == (0, 0)
    assert score(is_form, CASES) == (3, 0)
    assert score(lambda answer, word, lang: word.startswith(answer), CASES) == (2, 2)


def test_any_two_endings_of_a_language_behind_three_letters():
    assert endings("cities", "city", "en")
    # Two endings of different declensions.
    assert endings("party", "parts", "en")
    assert not is_form("party", "parts", "en")
    assert not endings("us", "uses", "en")


def test_only_the_two_kinds_are_read(tmp_path):
    rows = (
        "wolf|wolves\tTwo wolves.\tright\tinflected",
        "Oslo\tNot Oslo.\twrong\tdenied",
        "ham\tA hamster.\twrong\tother_word",
    )
    (tmp_path / "en.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    wolf, ham = read_cases(tmp_path)
    assert wolf == Case("en", ("wolf", "wolves"), "Two wolves.", True)
    assert ham == Case("en", ("ham",), "A hamster.", False)

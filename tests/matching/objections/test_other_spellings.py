"""The objection against a mention whose accents make another word."""

from __future__ import annotations

from lm_eval_illusion.matching import explain


def test_a_word_with_other_accents_is_named_as_another_word():
    assert explain("Είναι ο νομός της Αχαΐας.", ["νόμος"], "el") == (False, "νόμος", "other_word", (8, 13))


def test_the_answer_itself_is_no_other_word():
    assert explain("Είναι ο νόμος.", ["νόμος"], "el").matched


def test_a_vowel_point_makes_another_word():
    assert explain("این گِل است", ["گُل"], "fa").rule == "other_word"
    assert explain("این گل است", ["گُل"], "fa").matched

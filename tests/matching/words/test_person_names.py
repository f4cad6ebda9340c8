"""A person's name counts with initials and patronymics; another person's name does not. Judged by hand."""

from __future__ import annotations

import pytest

from lm_eval_illusion import matches

# language, answer, output: the same person.
SAME = [
    ("en", "Joanne Rowling", "J. K. Rowling"),
    ("en", "J. K. Rowling", "Joanne Rowling"),
    ("ru", "Лев Толстой", "Лев Николаевич Толстой"),
    ("ru", "Лев Толстой", "Роман Льва Николаевича Толстого"),
    ("ru", "Лев Толстой", "Л. Н. Толстой"),
    ("ru", "Лев Николаевич Толстой", "Лев Толстой"),
    ("ru", "Лев Толстой", "Толстой Л. Н."),
    ("uk", "Іван Франко", "Іван Якович Франко"),
    ("fi", "Johan Ludvig Runeberg", "J. L. Runebergin"),
    ("ro", "Ion Luca Caragiale", "I.L. Caragiale"),
]

# Another given name, another middle name, or no initial at all.
OTHER = [
    ("en", "George W. Bush", "George H. W. Bush"),
    ("en", "John Adams", "John Quincy Adams"),
    ("en", "Adam Smith", "a Smith"),
    ("en", "North Korea", "S. Korea"),
    ("ru", "Лев Толстой", "А. Н. Толстой"),
    ("ru", "Л. Н. Толстой", "Алексей Николаевич Толстой"),
    ("pl", "Adam Mickiewicz", "J. Mickiewicz"),
]


@pytest.mark.parametrize(("lang", "answer", "output"), SAME)
def test_initials_and_patronymics_are_the_same_person(lang, answer, output):
    assert matches(output, [answer], lang)


@pytest.mark.parametrize(("lang", "answer", "output"), OTHER)
def test_another_given_name_is_another_person(lang, answer, output):
    assert not matches(output, [answer], lang)

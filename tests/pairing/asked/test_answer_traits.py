import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.asked.answer_traits import answer_traits


@pytest.mark.parametrize(
    ("answer", "lang", "trait"),
    [
        ("New Zealand", "en", "territories"),
        ("Neuseeland", "de", "territories"),
        ("新西兰", "zh", "territories"),
        ("Swahili", "en", "languages"),
        ("суахили", "ru", "languages"),
        ("US Dollar", "en", "currencies"),
    ],
)
def test_cldr_knows_countries_languages_and_currencies(answer, lang, trait):
    assert trait in answer_traits(answer, lang)


def test_shape_and_words_of_an_answer():
    assert set(answer_traits("University of Oregon", "en")) == {
        "3 words, some capitals",
        "first:university",
        "last:oregon",
        "end:gon",
    }
    assert "upper case" in answer_traits("NBA", "en")
    assert "2 words, all capitals" in answer_traits("Ada Lovelace", "en")


def test_capitals_are_no_trait_where_they_do_not_mark_names():
    assert "2 words" in answer_traits("Blaue Moschee", "de")


def test_chinese_answers_have_their_length_and_their_ends():
    assert set(answer_traits("长江", "zh")) == {"2 characters", "end:江", "ends:长江", "first:长"}


@given(st.text(max_size=30), st.sampled_from(["en", "de", "zh", "ar", "xx"]))
def test_any_answer_has_traits(answer, lang):
    assert all(isinstance(trait, str) and trait for trait in answer_traits(answer, lang))

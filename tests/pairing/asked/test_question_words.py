from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.asked.question_words import phrase_units, question_words


def texts(question: str, lang: str) -> list[str]:
    return [word.text for word in question_words(question, lang).words]


def test_words_are_caseless_and_without_punctuation():
    assert texts("¿Quién escribió «Don Quijote»?", "es") == ["quién", "escribió", "don", "quijote"]
    assert texts("What's the U.S.-led force?", "en") == ["what", "s", "the", "u", "s", "led", "force"]


def test_vowel_signs_belong_to_their_word():
    assert texts("भारत की राजधानी क्या है?", "hi") == ["भारत", "की", "राजधानी", "क्या", "है"]


def test_a_capital_marks_a_name_except_at_the_beginning():
    words = question_words("Which river flows through Paris?", "en").words
    assert [word.text for word in words if word.is_name] == ["paris"]


def test_german_capitals_mark_no_names():
    assert not any(word.is_name for word in question_words("Welcher Fluss fließt durch Paris?", "de").words)


def test_chinese_gives_characters_and_pairs():
    found = question_words("谁写了NBA?", "zh")
    assert found.units[:3] == ("谁", "写", "了")
    expected = [("谁写", 0), ("写了", 1), ("了n", 2), ("nb", 3), ("ba", 4)]
    assert [(word.text, word.start) for word in found.words] == expected
    assert not any(word.is_name for word in found.words)


def test_latin_words_stay_whole_in_chinese():
    assert [(word.text, word.is_name) for word in question_words("谁 写 iPhone?", "zh").words][-1] == ("iphone", True)


def test_phrases_are_divided_as_questions():
    assert phrase_units("How many", "en") == ("how", "many")
    assert phrase_units("什么时候", "zh") == tuple("什么时候")
    assert phrase_units("*stadt", "de") == ("*stadt",)


@given(st.text(max_size=60), st.sampled_from(["en", "zh", "hi", "th", "xx"]))
def test_any_text_has_words_within_its_units(question, lang):
    found = question_words(question, lang)
    starts = [word.start for word in found.words]
    assert starts == sorted(starts)
    assert all(0 <= start < len(found.units) for start in starts)

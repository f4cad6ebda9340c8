"""Matching: hand-judged cases in every language, and properties against brute force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion import matches
from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.matching import exact_match, f1, normalise

# language, output, answers, does it match?
JUDGED = [
    ("ar", " مصر.", ["مصر"], True),
    ("ar", "تقع في مصر", ["مصر"], True),
    ("ar", "مصرف", ["مصر"], False),
    ("ar", "السودان", ["مصر"], False),
    ("bn", " মিশর।", ["মিশর"], True),
    ("bn", "উত্তর হল মিশর", ["মিশর"], True),
    ("bn", "মিশরীয়", ["মিশর"], False),
    ("de", "Deutschland!", ["Deutschland"], True),
    ("de", "Die Schweiz", ["Schweiz"], True),
    ("de", "STRASSE", ["Straße"], True),
    ("de", "Niederlande", ["Niederland"], False),
    ("el", "Η ΕΛΛΑΔΑ", ["Ελλαδα"], True),
    ("el", "ΑΘΗΝΑΣ", ["Αθηνας"], True),  # final sigma
    ("el", "της Ελλάδας", ["Ελλάδας"], True),
    ("el", "Ελβετία", ["Ελλάδα"], False),
    ("en", " France\nQuestion: ...", ["France"], True),
    ("en", "The answer is France.", ["France"], True),
    ("en", "the United Kingdom", ["United Kingdom"], True),
    ("en", "nobody", ["no"], False),
    ("en", "no.", ["no"], True),
    ("en", "Germany\nFrance", ["France"], False),
    ("en", "Cote d'Ivoire", ["Cote d’Ivoire"], True),
    ("en", "St. Louis", ["St Louis"], True),
    ("en", "U.S.", ["US"], False),  # a stop separates: known, aliases are for this
    ("en", "Guinea-Bissau", ["Guinea"], True),  # known weakness: the gold stands in it as a whole token
    ("en", "Burma", ["Myanmar", "Burma"], True),
    ("en", "", ["France"], False),
    ("en", "...", ["France"], False),
    ("es", "¡España!", ["España"], True),
    ("es", "el euro", ["euro"], True),
    ("es", "europeo", ["euro"], False),
    ("fi", "Suomi", ["suomi"], True),
    ("fi", "Suomessa", ["Suomi"], False),  # an inflected answer is another word: known
    ("hi", "मिस्र।", ["मिस्र"], True),
    ("hi", "मिस्री", ["मिस्र"], False),
    ("id", "Negara Mesir", ["Mesir"], True),
    ("id", "Mesirnya", ["Mesir"], False),
    ("ko", "이집트", ["이집트"], True),
    ("ko", "이집트 입니다", ["이집트"], True),
    ("ko", "키릴 문자", ["키릴 문자"], True),
    ("ro", "România.", ["România"], True),
    ("ro", "o Românie", ["Românie"], True),
    ("ru", "«Франция»", ["Франция"], True),
    ("ru", "ФРАНЦИЯ", ["Франция"], True),
    ("ru", "Франции", ["Франция"], False),
    ("sw", "Ni Misri", ["Misri"], True),
    ("sw", "Kimisri", ["Misri"], False),
    ("te", "ఈజిప్ట్\u200c", ["ఈజిప్ట్"], True),  # zero-width non-joiner
    ("te", "జర్మనీ", ["ఈజిప్ట్"], False),
    ("th", "ประเทศอียิปต์", ["อียิปต์"], True),  # no spaces between words
    ("th", "ไทย", ["อียิปต์"], False),
    ("tr", "İSTANBUL", ["istanbul"], True),
    ("tr", "ISPARTA", ["ısparta"], True),
    ("tr", "ISPARTA", ["isparta"], False),
    ("tr", "Mısır", ["Misir"], False),
    ("vi", "Ai Cập", ["ai cập"], True),
    ("vi", "Ai Cap", ["Ai Cập"], False),
    ("zh", "位于埃及。", ["埃及"], True),
    ("zh", "Ａｉ埃及", ["ai埃及"], True),  # full-width letters
    ("zh", "埃塞俄比亚", ["埃及"], False),
]


@pytest.mark.parametrize(("lang", "output", "answers", "right"), JUDGED)
def test_judged_by_hand(lang, output, answers, right):
    assert matches(output, answers, lang) is right


def test_every_language_is_judged():
    assert {case[0] for case in JUDGED} == set(embedded_languages())


@pytest.mark.parametrize("lang", embedded_languages())
def test_an_embedded_answer_matches_itself_and_no_other_option(lang):
    from lm_eval_illusion.items import embedded_items

    for item in embedded_items(lang):
        answers = [item["answer"], *item["aliases"]]
        assert [matches(option, answers, lang) for option in item["choices"]] == [n == item["gold"] for n in range(4)], item


def test_an_answer_that_is_only_punctuation_never_matches():
    assert not matches("?", ["?"], "en")
    assert not exact_match("", ["."], "en")


def test_f1_by_hand():
    # said 3 tokens, answer 2, shared 2: precision 2/3, recall 1, F1 = 2 * 2/3 / (5/3) = 0.8
    assert f1("West African franc", ["African franc"], "en") == pytest.approx(0.8)
    # characters in Chinese: said 3, answer 2, shared 2
    assert f1("大埃及", ["埃及"], "zh") == pytest.approx(0.8)
    assert f1("x", ["埃及"], "zh") == 0.0
    assert f1("", ["x"], "en") == 0.0
    assert f1("b", ["a c", "b"], "en") == 1.0


langs = st.sampled_from(sorted(embedded_languages()))
texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)
words = st.text(alphabet="abcßéıİΣσςไทย中文 ", min_size=1, max_size=12)


@given(texts, langs)
def test_normalising_twice_changes_nothing(text, lang):
    once = normalise(text, lang)
    assert normalise(once, lang) == once


@given(words, words, langs)
def test_exact_match_implies_match(output, answer, lang):
    assert not exact_match(output, [answer], lang) or matches(output, [answer], lang)


@given(words, words, langs, st.sampled_from(["\u200b", "\u200d", "\ufeff", "!", ".", "  ", "«"]))
def test_noise_around_the_output_changes_nothing(output, answer, lang, noise):
    assert matches(output, [answer], lang) == matches(noise + output + noise, [answer], lang)


@given(words, words, st.sampled_from([lang for lang in embedded_languages() if lang not in ("th", "zh")]))
def test_whole_token_sequences_against_brute_force(output, answer, lang):
    said, wanted = normalise(output, lang).split(), normalise(answer, lang).split()
    stands = any(said[start : start + len(wanted)] == wanted for start in range(len(said))) and bool(wanted)
    assert matches(output, [answer], lang) is stands


@given(st.text(alphabet="a1中文", max_size=8), st.text(alphabet="a1中文", min_size=1, max_size=3))
def test_substring_where_no_spaces_are_written(output, answer):
    # A boundary may not fall within a run of letters or within a number: "a" is not in "aa", nor "1" in "11".
    def is_boundary(place):
        return place in (0, len(output)) or not (output[place - 1] == output[place] and output[place] in "a1")

    starts = [start for start in range(len(output)) if output.startswith(answer, start)]
    assert matches(output, [answer], "zh") is any(is_boundary(s) and is_boundary(s + len(answer)) for s in starts)

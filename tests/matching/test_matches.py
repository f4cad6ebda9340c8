"""The metrics `match`, `exact_match` and `f1`: the embedded items, properties checked by brute force, and the time of long outputs."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lm_eval_illusion import matches
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.languages import language, language_codes
from lm_eval_illusion.matching import exact_match, f1, first_line, normalise
from lm_eval_illusion.matching.text import normalize


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
    # output 3 tokens, answer 2, shared 2: precision 2/3, recall 1, F1 = 2 * 2/3 / (5/3) = 0.8
    assert f1("West African franc", ["African franc"], "en") == pytest.approx(0.8)
    # characters in Chinese: output 3, answer 2, shared 2
    assert f1("大埃及", ["埃及"], "zh") == pytest.approx(0.8)
    assert f1("x", ["埃及"], "zh") == 0.0
    assert f1("", ["x"], "en") == 0.0
    assert f1("b", ["a c", "b"], "en") == 1.0


langs = st.sampled_from(sorted(embedded_languages()))
texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)
words = st.text(alphabet="abcßéıİΣσςไทย中文 ", min_size=1, max_size=12)


@given(texts | st.text(alphabet="a1234 .,-–−'%½²", max_size=20), langs)
def test_normalise_is_idempotent_except_for_adjacent_numbers(text, lang):
    # Punctuation separated the numbers and is removed: "1, 234" becomes "1 234", and that becomes 1234.
    once = normalise(text, lang)
    assert normalise(once, lang) == once or re.search(r"\d (?:% (?:– )?)*[−\d]", once)


@given(words, words, langs)
def test_exact_match_implies_match(output, answer, lang):
    assert not exact_match(output, [answer], lang) or matches(output, [answer], lang)


@given(words, words, langs, st.sampled_from(["\u200b", "\u200d", "\ufeff", "!", ".", "  ", "«"]))
def test_noise_around_the_output_changes_nothing(output, answer, lang, noise):
    assert matches(output, [answer], lang) == matches(noise + output + noise, [answer], lang)


def has_fixed_spaces(lang):
    return language(lang).words.spaces and not language(lang).words.optional_spaces


@given(words, words, st.sampled_from([lang for lang in embedded_languages() if has_fixed_spaces(lang)]))
def test_whole_token_sequences_against_brute_force(output, answer, lang):
    assume(not normalize.ends_in_article(answer, lang))
    # A second capitalised word can make another name, and capitals can be written without their accents or dots.
    assume(not any(map(str.isupper, output + answer)))
    tokens, form = normalise(output, lang).split(), normalise(answer, lang).split()
    is_contained = any(tokens[start : start + len(form)] == form for start in range(len(tokens))) and bool(form)
    assert matches(output, [answer], lang) is is_contained


@given(st.text(alphabet="a1龘靐", max_size=8), st.text(alphabet="a1龘靐", min_size=1, max_size=3))
def test_substring_where_no_spaces_are_written(output, answer):
    # The two ideographs are in no word of more than one character.
    # One ideograph counts only as the whole output.
    if answer in ("龘", "靐"):
        assert matches(output, [answer], "zh") is (output == answer)
        return

    # A boundary may not divide a word in Latin letters or a number: "a" is not in "aa", and "1" is not in "11".
    def is_boundary(index):
        return index in (0, len(output)) or not (output[index - 1] == output[index] and output[index] in "a1")

    starts = [start for start in range(len(output)) if output.startswith(answer, start)]
    assert matches(output, [answer], "zh") is any(is_boundary(s) and is_boundary(s + len(answer)) for s in starts)


def test_articles_count_if_the_answer_ends_in_a_word_like_an_article():
    assert not matches("Astra 2C", ["Astra 2A"], "en")
    assert matches("a deficiency of the vitamin A", ["Vitamin A"], "en")
    assert exact_match("the Vitamin A.", ["vitamin A"], "en")
    assert not matches("vitamin", ["vitamin A"], "en")


def test_a_percentage():
    assert not matches("May 18, 1756", ["18%"], "en")
    assert matches("about 18 percent", ["18%"], "en")
    assert matches("18%", ["18 percent"], "en")
    assert matches("18", ["18%"], "en")
    assert exact_match("18", ["18%"], "en")
    assert not matches("18 people", ["18%"], "en")
    assert matches("75,8 idi, %55,1", ["%55,1"], "tr")


@pytest.mark.parametrize("output", ["15 million", "15\u00a0million people", "-15", "15th-century"])
def test_neighbours_of_a_number(output):
    assert matches(output, ["15"], "en") is output.startswith("15th")
    assert matches("in 15 or 15 million", ["15"], "en")


def test_answers_are_a_list():
    for metric in (matches, exact_match, f1):
        with pytest.raises(TypeError, match="list of strings"):
            metric("Paris", "Paris", "en")


def test_an_unknown_language_is_named_with_known_ones():
    near = {"jp": "such as ja$", "": r"\bcs\b.*\bda\b.*\bde\b.*\bel\b.*\ben\b", "zh-CN": "such as zh$"}
    for lang, codes in near.items():
        with pytest.raises(UserError, match=f"no language has the code {lang!r}.*{codes}"):
            matches("Paris", ["Paris"], lang)


def test_a_language_that_cldr_lacks_is_matched_by_the_rules_of_all_languages():
    # Klingon; xx and qaa are free for a language of the user's own.
    for lang in ("tlh", "xx", "qaa"):
        assert matches("12 Paris.", ["Paris"], lang)
        assert not matches("Parisian", ["Paris"], lang)
        assert matches("in 1234 places", ["1234"], lang)
        assert not matches("1994", ["94"], lang)


def test_an_answer_of_five_thousand_digits():
    digits = "9" * 5000
    assert matches(digits, [digits], "en")
    assert not matches(f"March {digits}", [f"May {digits}"], "en")


@pytest.mark.parametrize("blank", ["", "\ufeff\n", "\u200b \n\u200b", "\n\u200f"])
def test_the_first_line_is_the_first_visible_one(blank):
    assert first_line(f"{blank}Paris\nLondon") == "Paris"


@pytest.mark.parametrize("lang", [code for code in language_codes() if not language(code).words.spaces])
def test_spaces_are_ignored_where_they_separate_no_words(lang):
    assert exact_match("東 京", ["東京"], lang)


PATHOLOGICAL = [
    "1 th ",
    "1/234",
    "1,",
    "1'234",
    "1 234 ",
    "1-",
    "1 – ",
    "ال",
    "وال",
    "a'",
    "x'da ",
    "2½ ",
    "中",
    "中 ",
    "이 ",
    "% 1",
    "1 %",
    "5年",
]


def seconds(output, lang):
    """Return the processor time of one call; the output must be new, so that no cache has it."""
    start = time.process_time()
    assert not matches(output, ["zzz1"], lang)
    return time.process_time() - start


def is_linear(unit, lang):
    """Whether four times the output takes less than ten times as long; a quadratic rule takes sixteen times as long."""
    short, long = (unit * (length // len(unit)) for length in (2_500, 10_000))
    slowest = seconds(long, lang)
    # Below 0.02 s the ratio cannot be measured.
    if slowest < 0.02:
        return True
    fastest = seconds(short + "x", lang)
    # Far from ten times: a second look is needed only nearer to it, because a busy machine can make one call slow.
    if slowest < 6 * fastest:
        return True
    fastest = min(fastest, *(seconds(short + end, lang) for end in "yz"))
    return slowest < 10 * fastest or min(seconds(long + end, lang) for end in "xy") < max(10 * fastest, 0.02)


@pytest.mark.parametrize("lang", "ar en fr he hi ko ru th tr zh".split())
def test_four_times_the_output_takes_about_four_times_as_long(lang):
    matches("1", ["zzz1"], lang)
    assert [unit for unit in PATHOLOGICAL if not is_linear(unit, lang)] == []


@pytest.mark.parametrize(
    ("output", "answer", "lang", "expected"),
    [
        ("Mieszka w Pradze.", "Praga", "pl", True),
        # A form of a name is written with a capital, unless the line has none.
        ("Mieszka w pradze.", "Praga", "pl", False),
        ("mieszka w pradze", "Praga", "pl", True),
        ("She comes from the jerseys", "Jersey", "en", False),
        # A common noun may begin a sentence.
        ("Wolves hunt in packs.", "wolf", "en", True),
        # A genitive before a capitalised word is one name with it; a full name is not part of another one.
        ("Nokian Renkaat", "Nokia", "fi", False),
        ("Nokian kaupungissa", "Nokia", "fi", True),
        ("Väinö Linnan Tuntematon sotilas", "Väinö Linna", "fi", True),
        # Demonyms and adjectives are other words.
        ("французский", "Франция", "ru", False),
        ("suomalainen", "Suomi", "fi", False),
        ("Berliner", "Berlin", "de", False),
        ("românesc", "România", "ro", False),
    ],
)
def test_inflected_answers(output, answer, lang, expected):
    assert matches(output, [answer], lang) is expected

"""The words and marks around a mention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.objections.context import as_context, context_of, phrases
from lm_eval_illusion.matching.text.lines import line_of


@pytest.mark.parametrize(
    ("lang", "text", "context"),
    [
        ("en", "It ISN’T “Oslo”!", "it isn ' t oslo ."),
        # a mark within a number, an initial or an abbreviation ends nothing
        ("en", "1,234.5 at 12:30", "1 234 5 at 12 30"),
        ("en", "St. Gallen, J. Smith", "st gallen , j smith"),
        ("de", "Graz bzw. Linz.", "graz bzw linz ."),
        # a dash between words is a mark, a hyphen is none
        ("en", "Guinea-Bissau — yes", "guinea bissau : yes"),
        ("el", "Πού;", "πού ?"),
        ("el", "Ή", "ή"),
        ("zh", "是北京，不是 上海。", "是北京,不是上海."),
        # a space ends a clause
        ("th", "เชียงใหม่ ไม่ใช่", "เชียงใหม่,ไม่ใช่"),
        ("es", "Sí, ¿no?", "sí , ¿ no ?"),
    ],
)
def test_text(lang, text, context):
    assert as_context(text, lang) == context


def around(text, word, lang):
    start = text.index(word)
    found = context_of(line_of(text, lang)).around(Mention(start, start + len(word), "words"))
    return found.before, found.after


def test_around_and_within():
    assert around("It is (not) Oslo, or so.", "Oslo", "en") == (" it is ( not ) ", " , or so . ")
    assert around("不是大阪。", "大阪", "zh") == ("不是", ".")
    line = line_of("No. It is Oslo, yes! No", "en")
    within = context_of(line).around(Mention(10, 14, "words")).within(".?")
    assert (within.before, within.after) == (" it is ", " , yes ")
    within = context_of(line).around(Mention(10, 14, "words")).within(".,")
    assert (within.before, within.after) == (" it is ", " ")


def test_capitals():
    context = context_of(line_of("the town of Oslo or a village", "en"))
    first = context.text.index("oslo")
    assert context.has_capital(first, first + 4)
    assert not context.has_capital(first + 4, len(context.text))
    assert not context.has_capital(0, first)


@pytest.mark.parametrize(
    ("lang", "entry", "text", "is_found"),
    [
        ("en", "isn't", "it isn’t so", True),
        ("en", "not", "a knot", False),
        ("en", "no ... than", "no other town than Oslo", True),
        ("en", "no ... than", "no other town, but older than Oslo", False),
        ("en", "no ... than", "no one two three four five than", False),
        ("ko", "아니*", "부산이 아니에요", True),
        ("ko", "아니*", "부산이 맞아요", False),
        ("tr", "*madı", "kimse yazmadı", True),
        ("de", "* nicht", "es ist nicht", True),
        ("de", "* nicht", "nicht", False),
        ("zh", "不是", "并不是", True),
    ],
)
def test_phrases(lang, entry, text, is_found):
    pattern = phrases((entry,), lang)
    assert (pattern.search(context_of(line_of(text, lang)).text) is not None) is is_found


def test_an_empty_list_finds_nothing():
    assert phrases((), "en").search(" ") is None


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.sampled_from(sorted(embedded_languages())), st.data())
def test_any_place_of_any_line_has_a_context(text, lang, data):
    context = context_of(line_of(text, lang))
    start = data.draw(st.integers(0, len(text)))
    begin, end = context.bounds(Mention(start, data.draw(st.integers(start, len(text))), "words"))
    assert 0 <= begin <= end <= len(context.text)


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        # Behind a unit or capitals, a full stop ends the sentence: what follows says nothing about the answer.
        ("en", "Nile", "It is the Nile with 6,650 km. I am not sure about the Amazon."),
        ("de", "Donau", "Die Donau mit 2857 km. Ist der Rhein länger? Nein."),
        ("es", "20 km", "Son 20 km. No sé cuánto se tarda."),
        ("en", "cheetah", "The cheetah, at 110 km/h. I don't know how fast a lion is."),
        ("en", "BBC", "The broadcaster is the BBC. Is ITV public? No."),
        ("en", "J. Smith", "It was J. Smith. Who else?"),
    ],
)
def test_a_full_stop_behind_a_unit_or_capitals_ends_a_sentence(lang, answer, output):
    assert explain(output, [answer], lang).matched


def test_a_full_stop_behind_an_initial_ends_no_sentence():
    assert explain("Is it J. Smith?", ["Smith"], "en").rule == "question"

"""Properties of `explain` for any text in any language."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.languages import language, language_codes
from lm_eval_illusion.matching import explain, first_line, matches, normalise

LANGS = st.sampled_from(language_codes())
# Any characters, and texts that come close to what the rules look for.
ANY = st.text(max_size=25)
SIGNS = st.sampled_from(list(" .,;:?!()/-–—'’\"«»،。、？¿\u0301\u200d\u2066½²%€"))


@st.composite
def answers_in_context(draw):
    """Return a language, an answer, and an output that has words of the language's lists, marks and often the answer."""
    lang = draw(LANGS)
    own = language(lang)
    sections = (own.negation, own.alternatives, own.questions, own.yes_no)
    lists = [getattr(section, name) for section in sections for name in section.__struct_fields__]
    entries = st.sampled_from([entry for one in lists if isinstance(one, tuple) for entry in one] or ["not"])
    answer = draw(st.sampled_from(["Oslo", "3", "東京", "ก", "no", "مصر", "a or b", "İ", "서울"]) | entries | ANY)
    parts = draw(st.lists(entries | SIGNS | st.just(answer) | st.just(" ") | ANY, max_size=8))
    return lang, answer, draw(st.sampled_from(["", " "])).join(parts)


@given(answers_in_context())
def test_the_span_lies_in_the_output_and_holds_the_answer(case):
    lang, answer, output = case
    found = explain(output, [answer], lang)
    assert found.matched is matches(output, [answer], lang)
    if found.span is None:
        assert found == (False, None, "not_said", None)
        return
    start, end = found.span
    assert found.answer == answer
    assert 0 <= start < end <= len(output)
    # The place lies in the judged line, and is not empty or blank.
    assert first_line(output)
    assert normalise(output[start:end], lang)


@given(ANY, ANY, LANGS)
def test_no_text_raises(output, answer, lang):
    assert isinstance(explain(output, [answer, ""], lang).matched, bool)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), LANGS)
def test_the_answer_alone_is_equal(answer, lang):
    line = first_line(answer)
    if normalise(line, lang):
        assert explain(answer, [line], lang)[:3] == (True, line, "equal")


def test_the_span_counts_from_the_beginning_of_the_whole_output():
    assert explain("\n \nIt is Oslo.\nNo.", ["Oslo"], "en").span == (9, 13)
    assert explain("\ufeff是大阪。", ["大阪"], "zh").span == (2, 4)


def test_the_first_rejected_mention_is_reported():
    found = explain("It is not Oslo, nor Bergen.", ["Bergen", "Oslo"], "en")
    assert found == (False, "Bergen", "denied", (20, 26))

"""The cost of donors: values computed by hand, properties that hold for any answers, and the work done for many questions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.pairing import distractor_costs as module
from lm_eval_illusion.pairing.assignment import FORBIDDEN
from lm_eval_illusion.pairing.distractor_costs import (
    FORMAT_WEIGHT,
    PASSAGE_WEIGHT,
    QUESTION_WORDS_WEIGHT,
    TOPIC_WEIGHT,
    distractor_costs,
)
from lm_eval_illusion.pairing.option_rules import MAX_LENGTH_RATIO, number_format, overlaps, right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.question_words import QuestionWords
from lm_eval_illusion.pairing.reading.questions import Question

HIGHEST_COST = math.log(MAX_LENGTH_RATIO) + TOPIC_WEIGHT + PASSAGE_WEIGHT + QUESTION_WORDS_WEIGHT + FORMAT_WEIGHT


def parallel(question_id, answers, text="Which?", topic="", contexts=(), kind="name", aliases=()):
    """`answers`: the answer in English, or language -> answer. `contexts`: the same for the passage."""
    answers = {"en": answers} if isinstance(answers, str) else answers
    contexts = {"en": contexts} if isinstance(contexts, str) else dict(contexts)
    by_lang = {
        lang: Question(question_id, lang, text, contexts.get(lang, ""), answer, tuple(aliases), topic=topic)
        for lang, answer in answers.items()
    }
    return ParallelQuestion(question_id, by_lang, kind)


def cost(donor, question, others=()):
    """The cost of the donor's answer for `question` among these questions and `others`."""
    questions = list({item.id: item for item in (donor, question, *others)}.values())
    answer_key = right_answers(translation for item in questions for translation in item.by_lang.values())
    (row,) = distractor_costs([question], [donor], answer_key, QuestionWords(questions))
    return float(row[0])


def question(answer="Rome", **fields):
    """The question of most tests. Its text is unlike the donor's: the right answers of equal texts count for both."""
    return parallel("question", answer, text="Which city?", **fields)


# Nine questions of each type, so that the question words are found: "how", "many", "are" in one half, "who", "is" in the other.
HOW_MANY = [parallel(f"n{n}", f"{n}{n}{n}", f"How many are in case {n}?", kind="number") for n in range(1, 10)]
WHO = [parallel(f"w{n}", f"Name{n}", f"Who is in case {n}?") for n in range(1, 10)]


@pytest.mark.parametrize(
    ("donor", "of", "by_hand"),
    [
        (parallel("d", "Oslo"), question(), 0.0),  # same length, same topic, no passage, no number
        (parallel("d", "Budapest"), question(), 0.6931),  # ln(8/4)
        (parallel("d", "Rio"), question(), 0.2877),  # ln(4/3)
        (parallel("d", "Oslo", topic="Norway"), question(topic="Italy"), 1.0),
        (parallel("d", "Oslo"), question(contexts="From Rome to Oslo."), 0.0),
        (parallel("d", "Oslo"), question(contexts="From Rome to Kyiv."), 2.0),
        (parallel("d", "1812", kind="date"), question("1939", kind="date"), 0.0),  # two years
        (parallel("d", "12.5", kind="date"), question("1939", kind="date"), 3.0),  # "#" and "Y"
        (parallel("d", "340 miles"), question("17 seconds"), 0.1054),  # both "#a"; ln(10/9)
        (parallel("d", "340 miles"), question("seconds 17"), 3.1054),  # "#a" and "a#"
        (parallel("d", "Budapest", topic="Hungary"), question(topic="Italy", contexts="Rome."), 3.6931),  # 0.6931 + 1 + 2
        # Two languages: the mean of ln(8/4) and ln(4/4); the passage of one of them lacks the option.
        (parallel("d", {"en": "Budapest", "de": "Wien"}), question({"en": "Rome", "de": "Rhom"}), 0.3466),
        (
            parallel("d", {"en": "Oslo", "de": "Wien"}),
            question({"en": "Rome", "de": "Rhom"}, contexts={"en": "From Rome to Oslo.", "de": "Von Rhom bis Bonn."}),
            1.0,
        ),
        (
            parallel("d", {"en": "Oslo", "de": "Wien"}),
            question({"en": "Rome", "de": "Rhom"}, contexts={"de": "Von Rhom bis Bonn."}),
            1.0,
        ),
    ],
)
def test_cost_by_hand(donor, of, by_hand):
    assert cost(donor, of) == pytest.approx(by_hand, abs=1e-4)


def test_cost_of_other_question_words_by_hand():
    questions = [*HOW_MANY, *WHO]
    assert cost(HOW_MANY[0], HOW_MANY[1], questions) == 0.0
    # "Who is" and "How many are" have no question word in common. "in" and "case" are none: they say nothing about the answer type.
    lisa, many = parallel("l", "Lisa", "Who is in case 10?"), parallel("m", "Many", "How many are in case 11?", kind="number")
    assert cost(lisa, many, questions) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("donor", "of", "reason"),
    [
        (question("Oslo"), question("Rome"), "the question itself"),
        (parallel("d", "Rome"), question(), "equal"),
        (parallel("d", "the ROME!"), question(), "equal to the matcher"),
        (parallel("d", "Ancient Rome"), question(), "contains the answer"),
        (parallel("d", "Rom"), question(), "is contained in the answer"),
        (parallel("d", "Roma"), question(aliases=["Roma"]), "equal to an alias"),
        (parallel("d", "City"), question(), "occurs in the question"),
        (parallel("d", "...."), question(), "has neither letter nor digit"),
        (parallel("d", "Constantinople/Is"), question(), "17 characters, the answer 4"),
        (parallel("d", "X"), question("Cairo"), "1 character, the answer 5"),
        (parallel("d", "Осло"), question(), "another script"),
        (parallel("d", {"en": "Oslo", "de": "Roma"}), question({"en": "Rome", "de": "Roma"}), "equal in one of two languages"),
    ],
)
def test_a_forbidden_donor(donor, of, reason):
    assert cost(donor, of) == FORBIDDEN, reason


def test_a_right_answer_of_the_same_text_elsewhere_is_forbidden():
    other = parallel("other", "Oslo", text="Which city?")
    assert cost(parallel("d", "Oslo"), question(), [other]) == FORBIDDEN
    assert cost(parallel("d", "Oslo"), question()) == 0


@pytest.mark.parametrize(("length", "is_forbidden"), [(4, False), (16, False), (17, True)])
def test_the_longest_and_the_shortest_distractor(length, is_forbidden):
    long, short = "x" * length, "abcd"
    assert (cost(parallel("d", long), question(short)) == FORBIDDEN) is is_forbidden
    assert (cost(parallel("d", short), question(long)) == FORBIDDEN) is is_forbidden


# Answers of the donor and of the question share no character, and none of them occurs in the questions: only length and script forbid.
donor_answers = st.text("bcdf234", min_size=1, max_size=12)
answers = st.text("gjkp567", min_size=1, max_size=12)
allowed_donor_answers = st.builds(str.__add__, st.text("bcdf", min_size=3, max_size=6), st.text("234", max_size=3))
allowed_answers = st.builds(str.__add__, st.text("gjkp", min_size=3, max_size=6), st.text("567", max_size=3))
topics = st.sampled_from(["", "Rome", "Oslo"])
passages = st.sampled_from(["", "gjk 567", "bcd 234 and b"])
question_texts = st.sampled_from(["Who?", "When?", "How many?"])
LANGUAGE_CODES = ("de", "en", "fi")


@st.composite
def pairs(draw, langs=LANGUAGE_CODES, donor_answers=donor_answers, answers=answers):
    """A donor and a question in these languages."""
    donor = parallel("d", {lang: draw(donor_answers) for lang in langs}, draw(question_texts), draw(topics))
    contexts = {lang: draw(passages) for lang in langs}
    # Not the donor's text: the right answers of equal texts count for both.
    text = f"{draw(question_texts)} Say it."
    return donor, parallel("q", {lang: draw(answers) for lang in langs}, text, draw(topics), contexts)


allowed_pairs = pairs(donor_answers=allowed_donor_answers, answers=allowed_answers)


@given(pairs())
def test_a_cost_is_forbidden_or_between_zero_and_the_sum_of_the_weights(pair):
    value = cost(*pair, [*HOW_MANY, *WHO])
    assert value == FORBIDDEN or 0 <= value <= HIGHEST_COST + 1e-9
    assert HIGHEST_COST < FORBIDDEN


def allowed_cost(donor, question, others=()):
    value = cost(donor, question, others)
    assert value < FORBIDDEN
    return value


def with_fields(original, **fields):
    """The same question with other fields in every language."""
    by_lang = {lang: Question(**{**vars(translation), **fields}) for lang, translation in original.by_lang.items()}
    return ParallelQuestion(original.id, by_lang, original.answer_type)


@given(pairs())
def test_without_passages_the_cost_is_symmetric(pair):
    donor, question = (with_fields(member, context="") for member in pair)
    assert cost(donor, question) == pytest.approx(cost(question, donor))


@given(allowed_pairs)
def test_another_topic_adds_its_weight(pair):
    donor, question = pair
    same = allowed_cost(with_fields(donor, topic="Rome"), with_fields(question, topic="Rome"))
    assert cost(with_fields(donor, topic="Oslo"), with_fields(question, topic="Rome")) == pytest.approx(same + TOPIC_WEIGHT)


@given(allowed_pairs, st.sets(st.sampled_from(LANGUAGE_CODES), min_size=1))
def test_each_passage_without_the_option_adds_its_share_of_the_weight(pair, langs):
    donor, question = pair
    without = allowed_cost(donor, with_fields(question, context=""))

    def in_passages(text_of):
        by_lang = {
            lang: Question(**{**vars(translation), "context": text_of(lang) if lang in langs else ""})
            for lang, translation in question.by_lang.items()
        }
        return cost(donor, ParallelQuestion(question.id, by_lang, question.answer_type))

    assert in_passages(lambda _: "Something else.") == pytest.approx(
        without + PASSAGE_WEIGHT * len(langs) / len(LANGUAGE_CODES)
    )
    assert in_passages(lambda lang: f"This: {donor.answers[lang]}.") == pytest.approx(without)


@given(st.data(), st.integers(1, 12))
def test_the_cost_grows_with_the_ratio_of_the_lengths(data, length):
    first, second = (data.draw(st.integers(math.ceil(length / 4), 4 * length)) for _ in range(2))
    target = question("b" * length)
    costs = {n: cost(parallel("d", "x" * n), target) for n in (first, second)}
    nearer, farther = sorted((first, second), key=lambda n: abs(math.log(n / length)))
    assert costs[nearer] <= costs[farther] + 1e-9
    assert costs[first] == pytest.approx(abs(math.log(first / length)))


@given(
    st.sampled_from(["1939", "12.5", "63%", "4-11", "1.90", "12:5"]), st.sampled_from(["1812", "45.6", "70%", "2-33", "8.77"])
)
def test_another_format_of_numbers_adds_its_weight(answer, donor_answer):
    expected = FORMAT_WEIGHT * (number_format(answer) != number_format(donor_answer))
    length = abs(math.log(len(donor_answer) / len(answer)))
    assert cost(parallel("d", donor_answer), question(answer)) == pytest.approx(length + expected)


@given(pairs(), st.permutations(LANGUAGE_CODES))
def test_the_order_of_the_languages_does_not_matter(pair, order):
    reordered = [
        ParallelQuestion(member.id, {lang: member.by_lang[lang] for lang in order}, member.answer_type) for member in pair
    ]
    assert cost(*reordered) == pytest.approx(cost(*pair))


@given(pairs(langs=("en",)))
def test_languages_of_the_same_texts_cost_as_one_of_them(pair):
    doubled = [
        ParallelQuestion(member.id, {lang: with_lang(member.by_lang["en"], lang) for lang in ("en", "id")}, member.answer_type)
        for member in pair
    ]
    assert cost(*doubled) == pytest.approx(cost(*pair))


def with_lang(question, lang):
    return Question(**{**vars(question), "lang": lang})


@given(allowed_pairs)
def test_other_question_words_add_at_most_their_weight(pair):
    donor, question = pair
    others = [*HOW_MANY, *WHO]
    same = allowed_cost(with_fields(donor, question="Who is it?"), with_fields(question, question="Who is that?"), others)
    different = cost(with_fields(donor, question="How many are it?"), with_fields(question, question="Who is that?"), others)
    assert same <= different <= same + QUESTION_WORDS_WEIGHT + 1e-9


@settings(max_examples=20)
@given(st.lists(pairs(), min_size=2, max_size=5))
def test_many_donors_at_once_cost_what_each_costs_alone(drawn):
    # Different ids, some answers and texts that are the same.
    numbered = [renamed(member, f"{number}{member.id}") for number, pair in enumerate(drawn) for member in pair]
    answer_key = right_answers(translation for member in numbered for translation in member.by_lang.values())
    words = QuestionWords(numbered)
    for question, row in zip(numbered, distractor_costs(numbered, numbered, answer_key, words), strict=True):
        alone = [next(distractor_costs([question], [donor], answer_key, words))[0] for donor in numbered]
        assert row.tolist() == alone


def renamed(original, new_id):
    return ParallelQuestion(new_id, original.by_lang, original.answer_type)


def overlap_tests(monkeypatch, questions):
    """How often an option is compared with the right answers of a question text."""
    calls = []

    def counted(text, others):
        calls.append(len(others))
        return overlaps(text, others)

    monkeypatch.setattr(module, "overlaps", counted)
    answer_key = right_answers(translation for member in questions for translation in member.by_lang.values())
    rows = list(distractor_costs(questions, questions, answer_key, QuestionWords(questions)))
    assert len(rows) == len(questions)
    return calls


def test_right_answers_of_one_text_are_compared_once_with_each_option(monkeypatch):
    # 40 questions with one text: 40 options and one set of 40 right answers, not one set for each of the questions.
    same_text = [parallel(f"q{n}", f"Name{n:02}x", "Who is it?") for n in range(40)]
    assert overlap_tests(monkeypatch, same_text) == [40] * 40


def test_equal_answers_are_compared_once(monkeypatch):
    same_answer = [parallel(f"q{n}", "Ada Lovelace", f"Who did {n}?") for n in range(40)]
    assert overlap_tests(monkeypatch, same_answer) == [1] * 40

"""The cost of donors: values computed by hand, and properties that hold for any answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from lm_eval_illusion.matching import occurs_in_passage
from lm_eval_illusion.pairing.asked.kinds import ALIKE
from lm_eval_illusion.pairing.donors.answer_table import answer_table
from lm_eval_illusion.pairing.donors.assignment import HIGHEST_PRICE
from lm_eval_illusion.pairing.donors.pair_costs import (
    FORM_WEIGHT,
    FORMAT_WEIGHT,
    PASSAGE_WEIGHT,
    RANDOM_WEIGHT,
    RELATED_WEIGHT,
    SCRIPT_WEIGHT,
    SIMILARITY_WEIGHT,
    STRANGER_WEIGHT,
    TOPIC_WEIGHT,
    PairCosts,
    Passages,
)
from lm_eval_illusion.pairing.donors.rules import OptionRulesOfLanguage
from lm_eval_illusion.pairing.option_rules import MAX_LENGTH_RATIO, number_format, right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question

FORBIDDEN = math.inf
HIGHEST_COST = (
    math.log(MAX_LENGTH_RATIO)
    + TOPIC_WEIGHT
    + PASSAGE_WEIGHT
    + FORM_WEIGHT
    + FORMAT_WEIGHT
    + SIMILARITY_WEIGHT
    + STRANGER_WEIGHT
    + SCRIPT_WEIGHT
)


class Asked:
    """Stands for `AskedKinds`: all questions ask for the same, or each for what its `kinds` says (angles on a circle)."""

    def __init__(self, questions, angles=None):
        self._angles = np.array([angles[question.id] if angles else 0.0 for question in questions])

    def features(self, lang):
        return csr_matrix(np.stack([np.cos(self._angles), np.sin(self._angles)], axis=1).astype(np.float32))


def parallel(question_id, answers, text="Which?", topic="", contexts=(), kind="name", aliases=()):
    """`answers`: the answer in English, or language -> answer. `contexts`: the same for the passage."""
    answers = {"en": answers} if isinstance(answers, str) else answers
    contexts = {"en": contexts} if isinstance(contexts, str) else dict(contexts)
    by_lang = {
        lang: Question(question_id, lang, text, contexts.get(lang, ""), answer, tuple(aliases), topic=topic)
        for lang, answer in answers.items()
    }
    return ParallelQuestion(question_id, by_lang, "", kind)


def cost(donor, question, others=(), angles=None):
    """The cost of the donor's answer for `question` among these questions and `others`; infinite where a rule forbids it."""
    questions = list({item.id: item for item in (question, donor, *others)}.values())
    position = [item.id for item in questions].index(donor.id)
    langs = sorted({lang for item in questions for lang in item.by_lang})
    tables = [answer_table(questions, lang) for lang in langs]
    answer_key = right_answers(translation for item in questions for translation in item.by_lang.values())
    # With draws of 0, nothing random is added.
    costs = PairCosts(questions, tables, Asked(questions, angles), np.zeros(len(questions), dtype=np.uint64))
    rated = costs.rate(np.array([0]), np.array([position]))
    if not len(rated.cost):
        return FORBIDDEN
    for table in tables:
        if table.lang in question.by_lang:
            (text,) = table.options(np.array([0]), np.array([position])).tolist()
            if not all(OptionRulesOfLanguage(questions, table, answer_key).allowed(0, [text])):
                return FORBIDDEN
    return float(rated.cost[0])


def question(answer="Rome", **fields):
    """The question of most tests. Its text is unlike the donor's: the right answers of equal texts count for both."""
    return parallel("question", answer, text="Which city?", **fields)


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
        (parallel("d", "12.5", kind="date"), question("1939", kind="date"), FORBIDDEN),  # "#" and "Y"
        (parallel("d", "12.5"), question("1939"), 3.0),  # "#" and "Y", as parts of names
        (parallel("d", "52", kind="number"), question("2922", kind="number"), FORBIDDEN),
        (parallel("d", "340 miles"), question("17 seconds"), 0.1054),  # both "#a"; ln(10/9)
        (parallel("d", "340 miles"), question("seconds 17"), 3.1054),  # "#a" and "a#"
        # Of one writing, and of the same length: kana beside Chinese characters, but not Latin letters.
        (parallel("d", {"ja": "パリ"}), question({"ja": "東京"}), 4.0),
        (parallel("d", {"ja": "京都"}), question({"ja": "東京"}), 0.0),
        (parallel("d", {"ja": "UN"}), question({"ja": "東京"}), FORBIDDEN),
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


@pytest.mark.parametrize("similarity", [1.0, 0.9, 0.5, 0.3, 0.22, 0.2, 0.0])
def test_cost_of_what_is_asked_by_hand(similarity):
    # Rows of length 1 at an angle: their product is the cosine.
    donor, of = parallel("d", "Oslo"), question()
    other_kind = RELATED_WEIGHT if similarity > 0.21 else STRANGER_WEIGHT
    expected = SIMILARITY_WEIGHT * (1 - similarity) + (0 if similarity >= ALIKE else other_kind)
    assert cost(donor, of, angles={"d": math.acos(similarity), "question": 0.0}) == pytest.approx(expected, abs=1e-3)


def test_a_stranger_costs_more_than_a_fitting_answer_that_is_lent_at_the_highest_price():
    assert STRANGER_WEIGHT > HIGHEST_PRICE
    # and more than a fitting one that is unlike in everything else but the format of numbers.
    assert math.log(MAX_LENGTH_RATIO) + TOPIC_WEIGHT + PASSAGE_WEIGHT + FORM_WEIGHT + RANDOM_WEIGHT < STRANGER_WEIGHT


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
    value = cost(*pair)
    assert value == FORBIDDEN or 0 <= value <= HIGHEST_COST + 1e-3


def allowed_cost(donor, question, others=()):
    value = cost(donor, question, others)
    assert value < FORBIDDEN
    return value


def with_fields(original, **fields):
    """The same question with other fields in every language."""
    by_lang = {lang: Question(**{**vars(translation), **fields}) for lang, translation in original.by_lang.items()}
    return ParallelQuestion(original.id, by_lang, original.given_type, original.form)


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
        return cost(donor, ParallelQuestion(question.id, by_lang, question.given_type, question.form))

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
        ParallelQuestion(member.id, {lang: member.by_lang[lang] for lang in order}, member.given_type, member.form)
        for member in pair
    ]
    assert cost(*reordered) == pytest.approx(cost(*pair))


@given(pairs(langs=("en",)))
def test_languages_of_the_same_texts_cost_as_one_of_them(pair):
    doubled = [
        ParallelQuestion(
            member.id, {lang: with_lang(member.by_lang["en"], lang) for lang in ("en", "id")}, member.given_type, member.form
        )
        for member in pair
    ]
    assert cost(*doubled) == pytest.approx(cost(*pair))


def with_lang(question, lang):
    return Question(**{**vars(question), "lang": lang})


@settings(max_examples=20)
@given(st.lists(pairs(), min_size=2, max_size=5))
def test_many_pairs_at_once_cost_what_each_costs_alone(drawn):
    # Different ids, some answers and texts that are the same.
    numbered = [renamed(member, f"{number}{member.id}") for number, pair in enumerate(drawn) for member in pair]
    tables = [answer_table(numbered, lang) for lang in LANGUAGE_CODES]
    draws = np.arange(len(numbered), dtype=np.uint64)
    costs = PairCosts(numbered, tables, Asked(numbered), draws)
    rows, donors = (part.ravel() for part in np.indices((len(numbered), len(numbered))))
    together = costs.rate(rows, donors)
    alone = [costs.rate(rows[i : i + 1], donors[i : i + 1]) for i in range(len(rows))]
    assert together.cost.tolist() == [value for rated in alone for value in rated.cost]
    assert (together.questions != together.donors).all()


def renamed(original, new_id):
    return ParallelQuestion(new_id, original.by_lang, original.given_type, original.form)


def test_equal_costs_differ_by_less_than_the_random_weight():
    questions = [
        parallel(f"q{n}", f"Name{n:02}x".translate(str.maketrans("0123456789", "abcdefghij")), f"Who {n}?") for n in range(40)
    ]
    draws = np.random.RandomState(0).randint(0, 2**63, 40, dtype=np.uint64)
    costs = PairCosts(questions, [answer_table(questions, "en")], Asked(questions), draws)
    rated = costs.rate(np.zeros(40, dtype=np.intp), np.arange(40))
    assert len(set(rated.cost)) > 30
    assert rated.cost.min() >= 0
    assert rated.cost.max() <= RANDOM_WEIGHT


passage_texts = st.text("aB1 ", max_size=20)


@given(st.lists(st.text("aB1 ", min_size=1, max_size=4).filter(str.strip), min_size=1, max_size=6), passage_texts)
def test_an_answer_is_in_a_passage_where_matching_finds_it(answers, passage):
    questions = [parallel(f"q{n}", answer, f"Who {n}?", contexts=passage) for n, answer in enumerate(answers)]
    table = answer_table(questions, "en")
    everyone = np.arange(len(questions))
    lacks = Passages(questions, table).lack(np.zeros(len(questions), dtype=np.intp), table.own[everyone])
    expected = [bool(passage) and not occurs_in_passage(answer, passage, "en") for answer in answers]
    assert lacks.tolist() == expected

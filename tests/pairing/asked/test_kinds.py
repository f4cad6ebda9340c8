import numpy as np
import pytest

from lm_eval_illusion.pairing.asked.answer_traits import answer_traits
from lm_eval_illusion.pairing.asked.kinds import ALIKE, RELATED, AskedKinds, _parse
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question
from tests.pairing.asked_kinds.labels import fits, own_questions


def parallel(*rows):
    """Questions from (id, lang, question, answer)."""
    return group_by_id(Question(name, lang, question, "", answer) for name, lang, question, answer in rows)


def english(*pairs):
    return parallel(*((str(number), "en", question, answer) for number, (question, answer) in enumerate(pairs)))


TRIVIA = english(
    ("Who wrote Hamlet?", "William Shakespeare"),
    ("Which author wrote Faust?", "Goethe"),
    ("Which fruit is pressed to make cider?", "Apple"),
    ("Name the fruit that wine is made from.", "Grape"),
    ("Which city is the capital of Norway?", "Oslo"),
    ("Where was Mozart born?", "Salzburg"),
    ("Which river flows through Paris?", "Seine"),
    ("Which painter cut off his ear?", "Vincent van Gogh"),
)


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        (0, 1, True),  # Who, which author.
        (2, 3, True),  # Which fruit, name the fruit.
        (4, 5, True),  # Which city, where.
        (5, 6, True),  # Where, which river.
        (4, 6, False),  # A city and a river.
        (0, 2, False),
        (1, 7, False),  # An author and a painter.
        (0, 7, True),  # Who, which painter.
    ],
)
def test_asked_alike(first, second, alike):
    kinds = AskedKinds(TRIVIA)
    assert kinds.asked_alike(TRIVIA[first], TRIVIA[second]) is alike
    assert kinds.asked_alike(TRIVIA[second], TRIVIA[first]) is alike


@pytest.mark.parametrize(
    ("question", "related", "stranger"),
    [
        ("Which insect makes honey?", "Which bird can't fly?", "Which river is the longest?"),
        ("Which gas fills balloons?", "Which metal is liquid?", "Which film has a shark?"),
        ("Which track has a rap?", "Which film has a shark?", "Which metal is liquid?"),
        ("Which bomber carried it?", "Which device measures it?", "Which author made Poirot?"),
        ("Which particle has no charge?", "Which metal is liquid?", "Which city is the oldest?"),
    ],
)
def test_related_kinds_are_not_alike_and_nearer_than_others(question, related, stranger):
    """Where there are too few insects, a bird is a better option than a river; where there are enough, it is none."""
    one, near, far = english((question, "Xa"), (related, "Yb"), (stranger, "Zc"))
    kinds = AskedKinds([one, near, far])
    assert RELATED <= kinds.similarity(one, [near])[0] < ALIKE
    assert kinds.similarity(one, [far])[0] < RELATED


def test_similarity_is_the_product_of_the_features():
    kinds = AskedKinds(TRIVIA)
    features = kinds.features("en").toarray()
    assert kinds.similarity(TRIVIA[0], TRIVIA) == pytest.approx(features @ features[0], abs=1e-6)
    lengths = np.linalg.norm(features, axis=1)
    assert (lengths <= 1 + 1e-6).all()
    assert (lengths > ALIKE).all()


def test_similarity_is_the_mean_over_the_languages_of_the_question():
    questions = parallel(
        ("a", "en", "Which fruit is red?", "Apple"),
        ("a", "de", "Wer ist das?", "Apfel"),
        ("b", "en", "Which fruit is yellow?", "Lemon"),
        ("b", "de", "Welche Farbe hat es?", "Gelb"),
        ("c", "en", "Which fruit is green?", "Lime"),
    )
    kinds = AskedKinds(questions)
    first, second, third = questions
    expected = [
        sum(float((kinds.features(lang)[0] @ kinds.features(lang)[row].T).toarray()[0, 0]) for lang in ("de", "en")) / 2
        for row in (1, 2)
    ]
    assert kinds.similarity(first, [second, third]) == pytest.approx(expected, abs=1e-6)
    assert kinds.features("de")[2].nnz == 0


def test_equal_questions_have_equal_features_in_any_order():
    forward, backward = AskedKinds(TRIVIA), AskedKinds(TRIVIA[::-1])
    assert forward.similarity(TRIVIA[1], TRIVIA) == pytest.approx(backward.similarity(TRIVIA[1], TRIVIA), abs=1e-6)


@pytest.mark.parametrize("lang", ["en", "de", "ru", "zh", "ar", "hi"])
def test_the_three_most_similar_questions_ask_for_the_same_kind(lang):
    """At least 84 % of them do, by labels that were given without a look at the code: asked_kinds/README.md."""
    rows = own_questions(lang)
    questions = parallel(*((row.id, row.lang, row.question, row.answer) for row in rows))
    features = AskedKinds(questions).features(lang)
    similarity = (features @ features.T).toarray()
    np.fill_diagonal(similarity, -1)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :3]
    same = [
        fits(frozenset({rows[row].kind}), frozenset({rows[other].kind}))
        for row, others in enumerate(nearest)
        for other in others
    ]
    assert np.mean(same) >= 0.84


def test_the_traits_of_an_answer_keep_their_order():
    # As a set they would have another order in each process, and with it similarities other last bits and large files other options.
    question = TRIVIA[0]
    answer = question.by_lang["en"].answer
    assert list(_parse(question, "en").traits) == list(dict.fromkeys([f"form {question.form}", *answer_traits(answer, "en")]))

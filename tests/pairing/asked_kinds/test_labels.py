import re
from collections import Counter

from tests.pairing.asked_kinds.labels import fits, judged, own_questions, shared_kinds

LANGUAGES = ["en", "de", "ru", "zh", "ar", "hi"]
SCRIPTS = {"en": "[A-Za-z]", "de": "[A-Za-z]", "ru": "[Ѐ-ӿ]", "zh": "[一-鿿]", "ar": "[؀-ۿ]", "hi": "[ऀ-ॿ]"}


def test_own_questions_are_300_ids_in_six_languages_over_25_kinds():
    questions = own_questions()
    by_language = Counter(question.lang for question in questions)
    kinds = {question.id: question.kind for question in questions}
    assert list(by_language.items()) == [(lang, 300) for lang in LANGUAGES]
    assert sorted(Counter(kinds.values()).values()) == [12] * 25
    # An id has the same kind in each language.
    assert {(question.id, question.kind) for question in questions} == set(kinds.items())


def test_own_answers_are_short_not_in_the_question_and_differ_within_a_kind():
    questions = own_questions()
    for question in questions:
        assert re.search(SCRIPTS[question.lang], question.question), question
        # "C" and its names in other scripts are one or two characters that stand in many words.
        if question.answer not in ("C", "सी"):
            assert question.answer.casefold() not in question.question.casefold(), question
        assert len(question.answer.split()) <= 6, question
    assert len({(question.lang, question.question) for question in questions}) == 1800
    assert len({(question.lang, question.kind, question.answer.casefold()) for question in questions}) == 1800


def test_shared_kinds_label_each_id_once():
    kinds = shared_kinds()
    # 200 ids of XQuAD and 1,712 of TyDi QA.
    assert Counter(name.split("-")[0] for name in kinds) == {"xquad": 200, "tydiqa": 1712}
    assert {len(of_one) for of_one in kinds.values()} == {1, 2}
    assert kinds["xquad-56beb7953aeaaa14008c92ab"] == {"team"}  # "Who lost to the Broncos ...?"


def test_fits():
    place, city, country = frozenset({"place"}), frozenset({"city"}), frozenset({"country"})
    assert fits(place, city)
    assert fits(place, country)
    # "Which city" does not accept "in the north of Jordan", nor a country.
    assert not fits(city, place)
    assert not fits(city, country)
    assert fits(city, frozenset({"place", "city"}))
    assert fits(frozenset({"writer"}), frozenset({"painter"}))
    assert not fits(frozenset({"writer"}), frozenset({"god"}))
    assert not fits(frozenset({"other"}), frozenset({"other"}))


def test_judged_before_is_100_items_of_five_languages():
    items = judged("judged_before.tsv")
    assert Counter((item.source, item.lang) for item in items) == {
        ("xquad", "en"): 20,
        ("xquad", "de"): 20,
        ("xquad", "zh"): 20,
        ("tydiqa", "ar"): 20,
        ("tydiqa", "ru"): 20,
    }
    assert all(re.fullmatch("[yn]{3}", item.verdicts) and item.id in shared_kinds() for item in items)
    # The figures in README.md: 31 of 100 items with three fitting options, 147 of 300 options.
    assert sum(item.verdicts == "yyy" for item in items) == 31
    assert sum(item.verdicts.count("y") for item in items) == 147


def test_judged_after_is_100_items_of_the_same_languages():
    before, after = judged("judged_before.tsv"), judged("judged_after.tsv")
    assert Counter((item.source, item.lang) for item in after) == Counter((item.source, item.lang) for item in before)
    assert sum(item.verdicts == "yyy" for item in after) == 47
    assert sum(item.verdicts.count("y") for item in after) == 178


def test_judged_latest_has_the_same_items_but_one_and_the_counts_of_the_readme():
    after, latest = judged("judged_after.tsv"), judged("judged_latest.tsv")
    assert {item[:3] for item in latest} < {item[:3] for item in after}
    counts = {
        source: (len(of_it), sum(item.verdicts == "yyy" for item in of_it), sum(item.verdicts.count("y") for item in of_it))
        for source in ("xquad", "tydiqa")
        for of_it in [[item for item in latest if item.source == source]]
    }
    assert counts == {"xquad": (60, 18, 86), "tydiqa": (39, 33, 104)}

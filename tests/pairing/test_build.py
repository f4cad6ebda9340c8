"""Real items: enough pair, no rule is broken, nothing in the options alone gives the answer away. Rules are written anew here."""

from __future__ import annotations

import json
import random
import re
import time
import unicodedata
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.pairing.answer_types import is_written_in_latin
from lm_eval_illusion.pairing.build import pair
from lm_eval_illusion.pairing.hub_datasets import TYDIQA_LANGUAGES, XQUAD_LANGUAGES
from lm_eval_illusion.pairing.question_file import read_questions
from lm_eval_illusion.pairing.questions import Question

DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = {"mqa_illusion_xquad": DATA / "xquad.jsonl", "mqa_illusion_tydiqa": DATA / "tydiqa_goldp_dev.jsonl"}

NOT_LATIN = {lang for lang in (*XQUAD_LANGUAGES, *TYDIQA_LANGUAGES.values()) if not is_written_in_latin(lang)}

needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")
both = pytest.mark.parametrize("family", FILES)


@cache
def paired(family):
    return pair(read_questions(FILES[family]).questions, family)


@needs_data
@pytest.mark.slow
@both
def test_at_least_95_in_100_pair(family):
    asked = Counter(question.lang for question in read_questions(FILES[family]).questions)
    items = paired(family).items
    assert items.keys() == asked.keys()
    assert all(len(items[lang]) >= 0.95 * asked[lang] for lang in asked)


@needs_data
@pytest.mark.slow
@both
def test_no_item_breaks_a_rule(family):
    known = defaultdict(set)
    for question in read_questions(FILES[family]).questions:
        known[question.lang, normalise(question.question, question.lang)] |= {question.answer, *question.aliases}
    for items in paired(family).items.values():
        for item in items:
            lang = item["lang"]

            def bare(text, lang=lang):
                return normalise(text, lang).replace(" ", "")

            assert len(set(item["choices"])) == 4
            assert item["choices"][item["gold"]] == item["answer"]
            wrong = [choice for place, choice in enumerate(item["choices"]) if place != item["gold"]]
            right = {item["answer"], *item["aliases"], *known[lang, normalise(item["question"], lang)]}
            for choice in wrong:
                assert bare(choice) not in bare(item["question"])
                assert script(choice, lang) == script(item["answer"], lang)
                assert 1 / 4 <= len(choice) / len(item["answer"]) <= 4
                for other in [*right, *(other for other in wrong if other is not choice)]:
                    assert bare(choice) not in bare(other)
                    assert not bare(other) or bare(other) not in bare(choice)


@needs_data
@pytest.mark.slow
@both
def test_options_are_in_the_language(family):
    """In a language of another script an option is wholly Latin only beside an answer that is: as the data have it, or in English."""
    said = defaultdict(set)
    for question in read_questions(FILES[family]).questions:
        said[question.lang].add(words(question.answer))
    for lang, items in paired(family).items.items():
        for item in items:
            for choice in item["choices"]:
                if lang in NOT_LATIN and scripts(choice) == {"LATIN"}:
                    assert scripts(item["answer"]) == {"LATIN"}
                    assert words(choice) in said[lang] | said["en"]
                else:
                    assert words(choice) in said[lang]


def words(text):
    """Without numbers, which may have been changed, and the endings that follow them in English."""
    return re.sub(r"\d+(st|nd|rd|th)?", "", text)


def scripts(text):
    return {unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()}


def script(text, lang):
    """Of most letters; Latin ones in a language of another script count where there are no others."""
    names = Counter(unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
    if lang in NOT_LATIN and set(names) != {"LATIN"}:
        names.pop("LATIN", None)
    return max(sorted(names), key=names.__getitem__, default="")


@needs_data
@pytest.mark.slow
@both
def test_places_are_balanced_and_parallel(family):
    by_id = defaultdict(set)
    for items in paired(family).items.values():
        places = Counter(item["gold"] for item in items)
        assert max(places.values()) - min(places[place] for place in range(4)) <= 1
        for item in items:
            by_id[item["id"]].add(item["gold"])
    assert all(len(places) == 1 for places in by_id.values())


@needs_data
@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_order_of_languages():
    questions = [
        question for question in read_questions(FILES["mqa_illusion_xquad"]).questions if question.lang in ("en", "zh")
    ]
    first = pair(questions, "x", seed=3)
    assert json.dumps(first.items) == json.dumps(pair(questions, "x", seed=3).items)
    assert json.dumps(first.items) != json.dumps(pair(questions, "x", seed=4).items)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("limit", [60, 120])
def test_the_length_tells_nothing_among_the_items_that_a_limit_leaves(limit):
    for rule in (max, min):
        of_language = []
        for items in pair(read_questions(FILES["mqa_illusion_xquad"]).questions, "y", limit=limit).items.values():
            assert len(items) == limit
            lengths = [[len(choice) for choice in item["choices"]] for item in items]
            hits = [(of[item["gold"]] == rule(of)) / of.count(rule(of)) for of, item in zip(lengths, items, strict=True)]
            of_language.append(sum(hits) / limit)
        assert sum(of_language) / len(of_language) == pytest.approx(0.25, abs=0.04)


@needs_data
@pytest.mark.slow
def test_gaps_in_the_translations_cost_few_items():
    drawn = random.Random(1)
    questions = [q for q in read_questions(FILES["mqa_illusion_xquad"]).questions if q.lang in ("en", "de", "ru", "zh")]
    questions = [question for question in questions if drawn.random() > 0.03]
    whole, first = pair(questions, "x"), pair(questions, "x", limit=50)
    assert len(whole.held_out) <= 4
    assert all(len(items) == 50 for items in first.items.values())
    for items in (*whole.items.values(), *first.items.values()):
        places = Counter(item["gold"] for item in items)
        assert max(places.values()) - min(places[place] for place in range(4)) <= 2


@pytest.mark.parametrize("answers", ["Ada Bo Cy Di", "Yes No " * 20, "Ada Bo Cy " * 20])
def test_too_few_answers_say_how_many_questions_are_needed(answers):
    questions = [Question(str(n), "en", f"Who is number {n}?", "", name) for n, name in enumerate(answers.split())]
    (reason,) = set(pair(questions, "x").dropped.values())
    assert reason.startswith("fewer than three other answers of type name: give at least 5 questions a language")


def seconds_to_pair(count):
    """Of processor time, the least of three."""
    questions = [Question(str(n), "en", f"Is {n} odd?", "", "yes no".split()[n % 2]) for n in range(count)]
    times = []
    for _ in range(3):
        before = time.process_time()
        assert not pair(questions, "x").items
        times.append(time.process_time() - before)
    return min(times)


def test_many_questions_of_few_answers_are_given_up_at_once():
    # Four times the questions; looking at all pairs of them takes 16 times as long, at all triples 64 times.
    assert seconds_to_pair(600) < 30 * max(0.02, seconds_to_pair(150))


def test_given_options_are_used():
    wrong = ["Rome", "Oslo", "Kyiv"]
    questions = [
        Question(str(n), "en", f"What is capital number {n}?", "", f"City {n}x", choices=(f"City {n}x", *wrong))
        for n in range(8)
    ]
    items = pair(questions, "x").items["en"]
    assert len(items) == 7
    assert all(sorted(set(item["choices"]) - {item["answer"]}) == sorted(wrong) for item in items)
    assert Counter(item["gold"] for item in items).most_common(1)[0][1] == 2

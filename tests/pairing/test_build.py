"""Items from real questions: enough of them, no rule broken, and no answer revealed by the options alone.

The rules are written here a second time, independently of the code.
"""

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

from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.pairing import pair
from lm_eval_illusion.pairing.answer_types import is_written_in_latin
from lm_eval_illusion.pairing.hub_datasets import TYDIQA_LANGUAGES, XQUAD_LANGUAGES
from lm_eval_illusion.pairing.reading.question_file import read_questions
from lm_eval_illusion.pairing.reading.questions import Question

DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = {"mqa_illusion_xquad": DATA / "xquad.jsonl", "mqa_illusion_tydiqa": DATA / "tydiqa_goldp_dev.jsonl"}

NOT_LATIN = {lang for lang in (*XQUAD_LANGUAGES, *TYDIQA_LANGUAGES.values()) if not is_written_in_latin(lang)}

needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")
both_families = pytest.mark.parametrize("family", FILES)


@cache
def paired(family):
    return pair(read_questions(FILES[family]).questions, family)


@needs_data
@pytest.mark.slow
@both_families
def test_at_least_95_in_100_questions_become_items(family):
    counts = Counter(question.lang for question in read_questions(FILES[family]).questions)
    items = paired(family).items
    assert items.keys() == counts.keys()
    assert all(len(items[lang]) >= 0.95 * counts[lang] for lang in counts)


@needs_data
@pytest.mark.slow
@both_families
def test_no_item_breaks_a_rule(family):
    right_answers = defaultdict(set)
    for question in read_questions(FILES[family]).questions:
        right_answers[question.lang, normalise(question.question, question.lang)] |= {question.answer, *question.aliases}
    for items in paired(family).items.values():
        for item in items:
            lang = item["lang"]

            def compact(text, lang=lang):
                return normalise(text, lang).replace(" ", "")

            assert len(set(item["choices"])) == 4
            assert item["choices"][item["gold"]] == item["answer"]
            wrong = [choice for index, choice in enumerate(item["choices"]) if index != item["gold"]]
            right = {item["answer"], *item["aliases"], *right_answers[lang, normalise(item["question"], lang)]}
            for choice in wrong:
                assert compact(choice) not in compact(item["question"])
                assert script(choice, lang) == script(item["answer"], lang)
                assert 1 / 4 <= len(choice) / len(item["answer"]) <= 4
                for other in [*right, *(other for other in wrong if other is not choice)]:
                    assert compact(choice) not in compact(other)
                    assert not compact(other) or compact(other) not in compact(choice)


@needs_data
@pytest.mark.slow
@both_families
def test_options_are_in_the_language(family):
    """In a language of another script, an option has only Latin letters if the answer has, and comes from the data or from English."""
    texts = defaultdict(set)
    for question in read_questions(FILES[family]).questions:
        texts[question.lang].add(words(question.answer))
    for lang, items in paired(family).items.items():
        for item in items:
            for choice in item["choices"]:
                if lang in NOT_LATIN and scripts(choice) == {"LATIN"}:
                    assert scripts(item["answer"]) == {"LATIN"}
                    assert words(choice) in texts[lang] | texts["en"]
                else:
                    assert words(choice) in texts[lang]


def words(text):
    """The text without numbers, which may be changed, and without the endings of English ordinals."""
    return re.sub(r"\d+(st|nd|rd|th)?", "", text)


def scripts(text):
    return {unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()}


def script(text, lang):
    """The script of most letters. In a language of another script, Latin letters count only where there are no others."""
    names = Counter(unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
    if lang in NOT_LATIN and set(names) != {"LATIN"}:
        names.pop("LATIN", None)
    return max(sorted(names), key=names.__getitem__, default="")


@needs_data
@pytest.mark.slow
@both_families
def test_gold_positions_are_balanced_and_parallel(family):
    positions_by_id = defaultdict(set)
    for items in paired(family).items.values():
        assert position_spread(items) <= 1
        for item in items:
            positions_by_id[item["id"]].add(item["gold"])
    assert all(len(positions) == 1 for positions in positions_by_id.values())


def position_spread(items):
    """The difference between the most and the least used position of the answer."""
    counts = Counter(item["gold"] for item in items)
    return max(counts.values()) - min(counts[position] for position in range(4))


@needs_data
@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_order_of_the_questions():
    questions = [
        question for question in read_questions(FILES["mqa_illusion_xquad"]).questions if question.lang in ("en", "zh")
    ]
    first = pair(questions, "x", seed=3)
    assert json.dumps(first.items) == json.dumps(pair(questions, "x", seed=3).items)
    assert json.dumps(first.items) == json.dumps(pair(questions[::-1], "x", seed=3).items)
    assert json.dumps(first.items) != json.dumps(pair(questions, "x", seed=4).items)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("limit", [60, 120])
def test_the_length_reveals_nothing_among_the_items_below_a_limit(limit):
    for rule in (max, min):
        hit_rates = []
        for items in pair(read_questions(FILES["mqa_illusion_xquad"]).questions, "y", limit=limit).items.values():
            assert len(items) == limit
            hit_rates.append(sum(hit_by_length(item, rule) for item in items) / limit)
        assert sum(hit_rates) / len(hit_rates) == pytest.approx(0.25, abs=0.04)


def hit_by_length(item, rule):
    """1 if the answer has the greatest (rule `max`) or least length of the options, 1/k in a tie of k options, else 0."""
    lengths = [len(choice) for choice in item["choices"]]
    return (lengths[item["gold"]] == rule(lengths)) / lengths.count(rule(lengths))


@needs_data
@pytest.mark.slow
def test_gaps_in_the_translations_cost_few_items():
    rng = random.Random(1)
    questions = [q for q in read_questions(FILES["mqa_illusion_xquad"]).questions if q.lang in ("en", "de", "ru", "zh")]
    questions = [question for question in questions if rng.random() > 0.03]
    complete, limited = pair(questions, "x"), pair(questions, "x", limit=50)
    assert len(complete.held_out) <= 4
    assert all(len(items) == 50 for items in limited.items.values())
    for items in (*complete.items.values(), *limited.items.values()):
        assert position_spread(items) <= 2


@pytest.mark.parametrize("answers", ["Ada Bo Cy Di", "Yes No " * 20, "Ada Bo Cy " * 20])
def test_too_few_answers_say_how_many_questions_are_needed(answers):
    questions = [Question(str(n), "en", f"Who is number {n}?", "", name) for n, name in enumerate(answers.split())]
    (reason,) = set(pair(questions, "x").dropped.values())
    assert reason.startswith("fewer than three other answers of type name: give at least 5 questions a language")


def seconds_to_pair(count):
    """The processor time of a pairing, the least of three."""
    questions = [Question(str(n), "en", f"Is {n} odd?", "", "yes no".split()[n % 2]) for n in range(count)]
    times = []
    for _ in range(3):
        before = time.process_time()
        assert not pair(questions, "x").items
        times.append(time.process_time() - before)
    return min(times)


def test_many_questions_with_few_answers_are_dropped_quickly():
    # Four times the questions: comparing all pairs takes 16 times as long, all triples 64 times.
    assert seconds_to_pair(600) < 30 * max(0.02, seconds_to_pair(150))


def test_options_of_the_source_are_used():
    wrong = ["Rome", "Oslo", "Kyiv"]
    questions = [
        Question(str(n), "en", f"What is capital number {n}?", "", f"City {n}x", choices=(f"City {n}x", *wrong))
        for n in range(8)
    ]
    items = pair(questions, "x").items["en"]
    assert len(items) == 7
    assert all(sorted(set(item["choices"]) - {item["answer"]}) == sorted(wrong) for item in items)
    assert Counter(item["gold"] for item in items).most_common(1)[0][1] == 2

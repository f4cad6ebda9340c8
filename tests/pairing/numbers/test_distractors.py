"""Which number of an answer is changed, and the rank of the true value among the options."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from lm_eval_illusion.pairing.numbers.distractors import NumberDistractors
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, group_by_id
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.surface_cues import count_characters
from tests.pairing.shared_questions import DATA, shared_questions


def options_of(*questions):
    parallel = [ParallelQuestion(question.id, {question.lang: question}, "", "number") for question in questions]
    numbers = NumberDistractors(parallel, right_answers(questions))
    characters = count_characters(question.answers for question in parallel)
    chosen = numbers.options([question.id for question in questions], characters, random.Random(0))
    return {one_id: [option[questions[0].lang] for option in options] for one_id, options in chosen.items()}


@pytest.mark.parametrize(("alias", "stays"), [("2 July", "1992"), ("1992", "2 July")])
def test_if_an_alias_is_one_of_two_numbers_that_number_is_changed(alias, stays):
    answer = "2 July 1992"
    options = options_of(Question("a", "en", "When?", "", answer, (alias,)))["a"]
    assert len(options) == 3
    assert all(stays in option and alias not in option for option in options)


def test_the_true_value_has_every_rank_equally_often():
    questions = [Question(f"{n}", "en", f"How many in {n}?", "", str(300 + 7 * n)) for n in range(40)]
    options = options_of(*questions)
    ranks = Counter(sum(int(option) < int(question.answer) for option in options[question.id]) for question in questions)
    assert max(ranks.values()) - min(ranks[rank] for rank in range(4)) <= 1


def test_numbers_of_the_passage_are_preferred():
    question = Question("a", "en", "How many?", "There are 41 ducks, 52 geese and 63 swans.", "52", ())
    assert {"41", "63"} <= set(options_of(question)["a"])


def made(kind, count=420):
    """Questions with random answers of one kind, the same on every machine."""
    rng = random.Random(kind)
    return [Question(f"{n}", *ANSWERS[kind](rng, n)) for n in range(count)]


def asked(lang, question, answer):
    return lang, question, "", answer


ANSWERS = {
    "years": lambda rng, n: asked("en", f"When was house {n}x built?", str(int(rng.triangular(1500, 2015, 1960)))),
    "small": lambda rng, n: asked("de", f"Wie viele sind in Kiste {n}x?", str(rng.randrange(2, 30))),
    "lengths": lambda rng, n: asked("ru", f"Сколько в реке {n}x?", f"{int(10 ** rng.uniform(0.7, 3.5))} км"),
    "round": lambda rng, n: asked("en", f"How many live in {n}x?", str(rng.randrange(1, 99) * 10 ** rng.randrange(1, 4))),
    "arabic": lambda rng, n: asked(
        "ar", f"كم عدد {n}x؟", str(rng.randrange(10, 900)).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    ),
    "words": lambda rng, n: asked("en", f"How many seats has car {n}x?", rng.choice("three four five six seven eight".split())),
}
WORDS = {word: value for value, word in enumerate("zero one two three four five six seven eight nine".split())}


def value_of(text):
    return WORDS[text] if text in WORDS else int("".join(filter(str.isdecimal, text)))


def nearest_to(target, values):
    return {value: -abs(value - target) for value in values}


GUESSERS = {
    "nearest to the mean": lambda v: nearest_to(sum(v) / 4, v),
    "nearest to the median": lambda v: nearest_to((sorted(v)[1] + sorted(v)[2]) / 2, v),
    "nearest to the middle": lambda v: nearest_to((min(v) + max(v)) / 2, v),
    "farthest from the mean": lambda v: {value: abs(value - sum(v) / 4) for value in v},
    "smallest": lambda v: {value: -value for value in v},
    "greatest": lambda v: {value: value for value in v},
    "second": lambda v: {value: value == sorted(v)[1] for value in v},
    "third": lambda v: {value: value == sorted(v)[2] for value in v},
    "roundest": lambda v: {value: len(str(value)) - len(str(value).rstrip("0")) for value in v},
    "most neighbours": lambda v: {value: -sum(abs(value - other) for other in v) for value in v},
    "closest pair": lambda v: {value: -sorted(abs(value - other) for other in v)[1] for value in v},
    "alone": lambda v: {value: sorted(abs(value - other) for other in v)[1] for value in v},
    "even": lambda v: {value: value % 2 == 0 for value in v},
    "odd": lambda v: {value: value % 2 for value in v},
    "last digit low": lambda v: {value: -(value % 10) for value in v},
    "last digit high": lambda v: {value: value % 10 for value in v},
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_no_guesser_beats_chance(kind):
    # 29 % is what the best of these may reach; before the cues were evened out, the mean found 37 % of the years.
    questions = made(kind)
    options = options_of(*questions)
    assert len(options) >= 400
    hits = Counter()
    for question in questions:
        values = [value_of(question.answer), *(value_of(option) for option in options[question.id])]
        assert len(set(values)) == 4
        for name, scores_of in GUESSERS.items():
            scores = scores_of(values)
            best = [value for value in values if scores[value] == max(scores.values())]
            hits[name] += (values[0] in best) / len(best)
    shares = {name: hits[name] / len(questions) for name in GUESSERS}
    assert max(shares.values()) <= 0.29, shares
    assert shares["nearest to the mean"] >= 0.21


def test_a_unit_stays_whatever_the_type_is_called():
    texts = {"a": "605 feet", "b": "$3 million", "c": "12 %", "d": "3.5 hours"}
    questions = [Question(key, "en", f"What is {key}x?", "", text, answer_type="numerical") for key, text in texts.items()]
    numbers = NumberDistractors(group_by_id(questions), right_answers(questions))
    characters = count_characters({"en": text} for text in texts.values())
    chosen = numbers.options(list(texts), characters, random.Random(0))
    assert chosen.keys() == texts.keys()
    for key, text in texts.items():
        shape = re.sub(r"\d", "#", text)
        assert {re.sub(r"\d", "#", option["en"]) for option in chosen[key]} == {shape}


@pytest.mark.parametrize("answer", ["40 Drums", "Apollo 11", "Windows 95", "Fahrenheit 451", "Louis XIV", "The 39 Steps"])
def test_a_name_with_a_number_is_not_changed(answer):
    questions = [Question("a", "en", "Which one is it?", "", answer, answer_type="numerical")]
    assert not NumberDistractors(group_by_id(questions), right_answers(questions)).ids


def test_no_number_of_the_question_and_no_year_beside_a_count_is_an_option():
    question = Question("a", "en", "How many of the 3 rivers and seven lakes in 15 lands?", "", "5")
    assert not {"3", "7"} & set(options_of(question)["a"])
    question = Question("a", "en", "How many people?", "In 2011 and 1990, 2813 people and 2790 cows lived there.", "2813")
    assert {"2790"} <= set(options_of(question)["a"])
    assert not {"2011", "1990"} & set(options_of(question)["a"])


def test_the_values_of_one_question_do_not_contain_each_other():
    # восемнадцать contains семнадцать.
    question = Question("a", "ru", "Сколько?", "", "пятнадцать")
    for seed in range(5):
        parallel = group_by_id([question])
        numbers = NumberDistractors(parallel, right_answers([question]))
        chosen = numbers.options(["a"], count_characters(q.answers for q in parallel), random.Random(seed))["a"]
        words = [option["ru"] for option in chosen]
        assert not any(one in other for one in words for other in words if one != other)


def repeated(kind, count=500):
    """Questions of which several have the same answer, as years and small counts in real files."""
    rng = random.Random(kind)
    answers = {
        "counts": lambda: rng.choice("2 2 2 3 3 3 4 4 5 5 6 7 8 9 10 11 12 15 20 25".split()),
        "years": lambda: rng.choice("1912 1939 1945 1950 1963 1969 1975 1980 1989 1991 1994 1998 2001 2004 2008 2010".split()),
        "both": lambda: str(min(60, int(rng.paretovariate(1)) + 2) if rng.random() < 0.4 else int(rng.triangular(1880, 2020))),
    }
    return [Question(f"{n}", "en", f"What is {n}x?", "", answers[kind]()) for n in range(count)]


def shares_by_use(fours, times):
    """The shares of questions whose answer, the first of four, is the most and the least used option; a tie is a guess."""
    found = []
    for sign in (1, -1):
        uses = [[sign * times[option] for option in four] for four in fours]
        found.append(sum((use[0] == max(use)) / use.count(max(use)) for use in uses) / len(fours))
    return found


@pytest.mark.parametrize("kind", ["counts", "years", "both"])
def test_how_often_the_file_has_a_number_tells_nothing(kind):
    """Most often 0.35 to 0.8 before: near values that no question has as its answer stood beside answers of several questions."""
    questions = repeated(kind)
    options = options_of(*questions)
    fours = [[question.answer, *options[question.id]] for question in questions if question.id in options]
    assert len(fours) >= 490
    times = Counter(option for four in fours for option in four)
    assert shares_by_use(fours, times) == pytest.approx([0.25, 0.25], abs=0.03)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")
@pytest.mark.parametrize("family", ["mqa_illusion_xquad", "mqa_illusion_tydiqa"])
def test_how_often_real_files_have_a_number_tells_nothing(family, paired):
    """Most often 0.35 in Swahili and 0.33 in Korean before, least often 0.18 in both; XQuAD 0.33 and 0.20. A use is one in the file."""
    questions = shared_questions(family)
    ids = NumberDistractors(group_by_id(questions), right_answers(questions)).ids
    found = {}
    for lang, items in paired(family).items.items():
        times = Counter(option for item in items for option in item["choices"])
        numbers = [item for item in items if item["id"] in ids]
        fours = [[item["answer"], *(option for option in item["choices"] if option != item["answer"])] for item in numbers]
        found[lang] = shares_by_use(fours, times)
        if len(numbers) >= 40:
            assert found[lang] == pytest.approx([0.25, 0.25], abs=0.03), lang
    # XQuAD has 39 in each language: one is 0.026.
    means = [sum(shares) / len(found) for shares in zip(*found.values(), strict=True)]
    assert means == pytest.approx([0.25, 0.25], abs=0.02)

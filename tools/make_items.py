"""Write the embedded items: `python tools/make_items.py [FOLDER]` rebuilds tasks/mqa_illusion byte for byte.

Of each relation some facts are evaluated and the rest held out. Distractors are other items' answers of the same relation, the same
in every language. An answer that is gold g times is a distractor 3g times, as near as the rules allow: whoever picks options by their
look, without the question, is right in one of four.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from cldr_facts import Fact, cldr_facts, plain, reveals
from question_templates import EMBEDDED_LANGUAGES, QUESTION_TEMPLATES

SEED = 20260617
EVALUATED = {"city_country": 96, "country_currency": 32, "country_language": 34, "language_script": 38}
HELD_OUT = {"city_country": 36, "country_currency": 6, "country_language": 6, "language_script": 8}
ATTEMPTS = 1000
SOURCE = "CLDR 47 (Babel 2.18.0)"
LICENSE = "Unicode-3.0"
FOLDER = Path(__file__).parents[1] / "tasks" / "mqa_illusion"


def main(folder: Path) -> None:
    """Choose, pair and write the items of all languages."""
    evaluated: list[tuple[Fact, list[Fact]]] = []
    held_out: list[Fact] = []
    facts = cldr_facts()
    for relation in QUESTION_TEMPLATES:
        rng = random.Random(f"{SEED} {relation}")
        chosen, rest = _split([fact for fact in facts if fact.relation == relation], relation, rng)
        evaluated += _paired(chosen, rng)
        held_out += rest
    rng = random.Random(SEED)
    rng.shuffle(evaluated)
    gold_positions = [position % 4 for position in range(len(evaluated))]
    rng.shuffle(gold_positions)
    shots = [_shot(fact, distractors, held_out, rng) for fact, distractors in evaluated]
    for lang in EMBEDDED_LANGUAGES:
        asked = [
            _item(fact, distractors, gold, shot, lang)
            for (fact, distractors), gold, shot in zip(evaluated, gold_positions, shots, strict=True)
        ]
        _write(folder / "items" / f"{lang}.jsonl", asked)
        _write(folder / "held_out" / f"{lang}.jsonl", [_fact(fact, lang) for fact in held_out])


def _split(facts: list[Fact], relation: str, rng: random.Random) -> tuple[list[Fact], list[Fact]]:
    """Evaluated and held-out facts; an answer is gold in at most a quarter of a relation's items, a country once."""
    if relation == "city_country":
        most = 1  # the first city of a country is its best known one: the order stays
    else:
        most = EVALUATED[relation] // 4
        rng.shuffle(facts)
    times_gold: Counter[str] = Counter()
    candidates, surplus = [], []
    for fact in facts:
        times_gold[fact.answer_code] += 1
        (candidates if times_gold[fact.answer_code] <= most else surplus).append(fact)
    rng.shuffle(candidates)
    rng.shuffle(surplus)
    chosen, rest = candidates[: EVALUATED[relation]], candidates[EVALUATED[relation] :] + surplus
    if len(chosen) < EVALUATED[relation] or len(rest) < HELD_OUT[relation]:
        raise SystemExit(f"{relation}: {len(facts)} facts are too few for {EVALUATED[relation]} + {HELD_OUT[relation]}")
    return chosen, rest[: HELD_OUT[relation]]


def _paired(facts: list[Fact], rng: random.Random) -> list[tuple[Fact, list[Fact]]]:
    """Each fact with three distractors, every answer a distractor three times as often as it is gold."""
    for _ in range(ATTEMPTS):
        paired = _attempt(facts, rng)
        if paired and _unevenness(paired) == 0:
            return paired
    raise SystemExit(f"{facts[0].relation}: no even choice of distractors in {ATTEMPTS} attempts")


def _attempt(facts: list[Fact], rng: random.Random) -> list[tuple[Fact, list[Fact]]]:
    by_answer = {fact.answer_code: fact for fact in facts}
    left = {answer: 3 * sum(fact.answer_code == answer for fact in facts) for answer in by_answer}
    paired = []
    for fact in rng.sample(facts, len(facts)):
        others = [other for other in by_answer.values() if other.answer_code != fact.answer_code]
        noise = {other.answer_code: rng.random() for other in others}
        others.sort(key=lambda o: -left[o.answer_code] - 0.9 * (o.region == fact.region) + 0.5 * noise[o.answer_code])
        distractors: list[Fact] = []
        for other in others:
            if len(distractors) < 3 and _may_stand_beside(other, [fact, *distractors]):
                distractors.append(other)
        if len(distractors) < 3:
            return []
        for other in distractors:
            left[other.answer_code] -= 1
        paired.append((fact, distractors))
    return sorted(paired, key=lambda pair: pair[0].code)


def _unevenness(paired: list[tuple[Fact, list[Fact]]]) -> int:
    gold = Counter(fact.answer_code for fact, _ in paired)
    shown = Counter(other.answer_code for _, distractors in paired for other in distractors)
    return sum(abs(shown[answer] - 3 * gold[answer]) for answer in gold)


def _may_stand_beside(other: Fact, options: list[Fact]) -> bool:
    """Whether in no language the option equals, contains or is contained in another, or is revealed by the question."""
    fact = options[0]
    for lang in EMBEDDED_LANGUAGES:
        subject = fact.names[lang][0]
        answers = [plain(name) for option in options for name in (option.names[lang][1], *option.names[lang][2])]
        mine = [plain(name) for name in (other.names[lang][1], *other.names[lang][2])]
        if any(a in b or b in a for a in answers for b in mine) or reveals(subject, other.names[lang][1], lang):
            return False
    return True


def _shot(fact: Fact, distractors: list[Fact], held_out: list[Fact], rng: random.Random) -> Fact:
    """A held-out fact whose answer is none of the item's options in any language; of the same relation where there is one."""
    options = [fact, *distractors]
    silent = [other for other in held_out if not any(_answers_alike(other, option) for option in options)]
    return rng.choice([other for other in silent if other.relation == fact.relation] or silent)


def _answers_alike(one: Fact, other: Fact) -> bool:
    return any(one.names[lang][1] == other.names[lang][1] for lang in EMBEDDED_LANGUAGES)


def _item(fact: Fact, distractors: list[Fact], gold: int, shot: Fact, lang: str) -> dict[str, Any]:
    choices = [other.names[lang][1] for other in distractors]
    choices.insert(gold, fact.names[lang][1])
    example = {"question": _question(shot, lang), "answer": shot.names[lang][1]}
    return {**_fact(fact, lang), "choices": choices, "gold": gold, "shot": example}


def _fact(fact: Fact, lang: str) -> dict[str, Any]:
    _, answer, aliases = fact.names[lang]
    return {
        "id": f"{fact.relation}-{fact.code}",
        "lang": lang,
        "question": _question(fact, lang),
        "context": "",
        "answer": answer,
        "aliases": aliases,
        "answer_type": fact.relation,
        "source": SOURCE,
        "license": LICENSE,
    }


def _question(fact: Fact, lang: str) -> str:
    return QUESTION_TEMPLATES[fact.relation][lang].format(name=fact.names[lang][0])


def _write(path: Path, items: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    path.write_text(lines, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)

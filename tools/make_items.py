"""Write the embedded items: `python tools/make_items.py [FOLDER]` rebuilds tasks/mqa_illusion byte for byte.

Some facts of each relation are evaluated and the others held out. A distractor is the answer of another item of the same relation, the same
in every language. An answer that is gold g times is a distractor 3g times, so that guessing from the options alone is right for 25 %.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cldr_facts import CldrFact, cldr_facts, plain, reveals
from question_templates import EMBEDDED_LANGUAGES, QUESTION_TEMPLATES

from lm_eval_illusion.items import Fact, Item, Shot

SEED = 20260617
EVALUATED = {"city_country": 96, "country_currency": 32, "country_language": 34, "language_script": 38}
HELD_OUT = {"city_country": 36, "country_currency": 6, "country_language": 6, "language_script": 8}
ATTEMPTS = 1000
SOURCE = "CLDR 47 (Babel 2.18.0)"
LICENSE = "Unicode-3.0"
FOLDER = Path(__file__).parents[1] / "tasks" / "mqa_illusion"


def main(folder: Path) -> None:
    """Choose facts and distractors, and write the items and held-out facts of all languages."""
    evaluated: list[tuple[CldrFact, list[CldrFact]]] = []
    held_out: list[CldrFact] = []
    facts = cldr_facts()
    for relation in QUESTION_TEMPLATES:
        rng = random.Random(f"{SEED} {relation}")
        chosen, rest = _split([fact for fact in facts if fact.relation == relation], relation, rng)
        evaluated += _with_distractors(chosen, rng)
        held_out += rest
    rng = random.Random(SEED)
    rng.shuffle(evaluated)
    gold_positions = [position % 4 for position in range(len(evaluated))]
    rng.shuffle(gold_positions)
    shots = [_shot(fact, distractors, held_out, rng) for fact, distractors in evaluated]
    for lang in EMBEDDED_LANGUAGES:
        items = [
            _item(fact, distractors, gold, shot, lang)
            for (fact, distractors), gold, shot in zip(evaluated, gold_positions, shots, strict=True)
        ]
        _write(folder / "items" / f"{lang}.jsonl", items)
        _write(folder / "held_out" / f"{lang}.jsonl", [_fact(fact, lang) for fact in held_out])


def _split(facts: list[CldrFact], relation: str, rng: random.Random) -> tuple[list[CldrFact], list[CldrFact]]:
    """Return the evaluated and the held-out facts. An answer is gold in at most 25 % of the items of a relation, a country only once."""
    if relation == "city_country":
        max_gold = 1  # The facts stay in order: the first city of a country is its best known one.
    else:
        max_gold = EVALUATED[relation] // 4
        rng.shuffle(facts)
    times_gold: Counter[str] = Counter()
    candidates: list[CldrFact] = []
    surplus: list[CldrFact] = []
    for fact in facts:
        times_gold[fact.answer_code] += 1
        (candidates if times_gold[fact.answer_code] <= max_gold else surplus).append(fact)
    rng.shuffle(candidates)
    rng.shuffle(surplus)
    chosen, rest = candidates[: EVALUATED[relation]], candidates[EVALUATED[relation] :] + surplus
    if len(chosen) < EVALUATED[relation] or len(rest) < HELD_OUT[relation]:
        raise SystemExit(f"{relation}: {len(facts)} facts are too few for {EVALUATED[relation]} + {HELD_OUT[relation]}")
    return chosen, rest[: HELD_OUT[relation]]


def _with_distractors(facts: list[CldrFact], rng: random.Random) -> list[tuple[CldrFact, list[CldrFact]]]:
    """Return each fact with three distractors. Every answer is a distractor three times as often as it is gold."""
    for _ in range(ATTEMPTS):
        chosen = _try_distractors(facts, rng)
        if chosen and _imbalance(chosen) == 0:
            return chosen
    raise SystemExit(f"{facts[0].relation}: no balanced choice of distractors in {ATTEMPTS} attempts")


def _try_distractors(facts: list[CldrFact], rng: random.Random) -> list[tuple[CldrFact, list[CldrFact]]]:
    """Choose distractors fact by fact in random order, the answers with most uses left first. Return [] if one gets too few."""
    by_answer = {fact.answer_code: fact for fact in facts}
    uses_left = {answer: 3 * sum(fact.answer_code == answer for fact in facts) for answer in by_answer}
    chosen = []
    for fact in rng.sample(facts, len(facts)):
        others = [other for other in by_answer.values() if other.answer_code != fact.answer_code]
        noise = {other.answer_code: rng.random() for other in others}
        others.sort(key=lambda o: -uses_left[o.answer_code] - 0.9 * (o.region == fact.region) + 0.5 * noise[o.answer_code])
        distractors: list[CldrFact] = []
        for other in others:
            if len(distractors) < 3 and _is_valid_distractor(other, [fact, *distractors]):
                distractors.append(other)
        if len(distractors) < 3:
            return []
        for other in distractors:
            uses_left[other.answer_code] -= 1
        chosen.append((fact, distractors))
    return sorted(chosen, key=lambda pair: pair[0].code)


def _imbalance(chosen: list[tuple[CldrFact, list[CldrFact]]]) -> int:
    """Return the sum over the answers of |uses as a distractor - 3 x uses as gold|; 0: balanced."""
    gold = Counter(fact.answer_code for fact, _ in chosen)
    uses = Counter(other.answer_code for _, distractors in chosen for other in distractors)
    return sum(abs(uses[answer] - 3 * gold[answer]) for answer in gold)


def _is_valid_distractor(other: CldrFact, options: list[CldrFact]) -> bool:
    """Return whether in no language an answer equals, contains or is contained in another option, or is revealed by the question.

    `options`: the fact itself, then the distractors chosen so far.
    """
    fact = options[0]
    for lang in EMBEDDED_LANGUAGES:
        subject = fact.names[lang][0]
        answers = [plain(name) for option in options for name in (option.names[lang][1], *option.names[lang][2])]
        own = [plain(name) for name in (other.names[lang][1], *other.names[lang][2])]
        if any(a in b or b in a for a in answers for b in own) or reveals(subject, other.names[lang][1], lang):
            return False
    return True


def _shot(fact: CldrFact, distractors: list[CldrFact], held_out: list[CldrFact], rng: random.Random) -> CldrFact:
    """Return a random held-out fact whose answer is no option of the item in any language, of the same relation if there is one."""
    options = [fact, *distractors]
    allowed = [other for other in held_out if not any(_have_equal_answers(other, option) for option in options)]
    return rng.choice([other for other in allowed if other.relation == fact.relation] or allowed)


def _have_equal_answers(first: CldrFact, second: CldrFact) -> bool:
    return any(first.names[lang][1] == second.names[lang][1] for lang in EMBEDDED_LANGUAGES)


def _item(fact: CldrFact, distractors: list[CldrFact], gold: int, shot: CldrFact, lang: str) -> Item:
    choices = [other.names[lang][1] for other in distractors]
    choices.insert(gold, fact.names[lang][1])
    example: Shot = {"question": _question(shot, lang), "answer": shot.names[lang][1]}
    return {**_fact(fact, lang), "choices": choices, "gold": gold, "shot": example}


def _fact(fact: CldrFact, lang: str) -> Fact:
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


def _question(fact: CldrFact, lang: str) -> str:
    return QUESTION_TEMPLATES[fact.relation][lang].format(name=fact.names[lang][0])


def _write(path: Path, items: Sequence[Fact]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    path.write_text(lines, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)

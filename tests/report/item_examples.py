"""Simulated items and the results of variants on them: the data of the item browser."""

from __future__ import annotations

import random

from lm_eval_illusion.failures import FAILURE_MODES

QUESTIONS = {
    "en": ("What is the capital of {}?", ("France", "Japan", "Egypt", "Kenya"), ("Paris", "Tokyo", "Cairo", "Nairobi")),
    "ar": ("ما هي عاصمة {}؟", ("فرنسا", "اليابان", "مصر", "كينيا"), ("باريس", "طوكيو", "القاهرة", "نيروبي")),
    "zh": ("{}的首都是哪里？", ("法国", "日本", "埃及", "肯尼亚"), ("巴黎", "东京", "开罗", "内罗毕")),
    "th": ("เมืองหลวงของ{}คืออะไร", ("ฝรั่งเศส", "ญี่ปุ่น", "อียิปต์", "เคนยา"), ("ปารีส", "โตเกียว", "ไคโร", "ไนโรบี")),
}
VARIANTS = (
    ("dense", "none", None),
    ("wanda-0.5", "wanda", 0.5),
    ("wanda-0.7", "wanda", 0.7),
    ("magnitude-0.6", "magnitude", 0.6),
)
HARM = {"none": 0.0, "wanda": 0.7, "sparsegpt": 0.6, "magnitude": 1.1}
RANKS = {"1": 1, "2": 2, "3-5": 5, "6-10": 10, "11-100": 100, ">100": 10**9}
STRATEGIES = ("beam", "sample", "oneshot", "any", "candidates")
TRANSITIONS = ("retained", "induced_recognition_only", "lost")


def make_browser_data(add_suffix, base_models, variants, families, languages, items):
    """Return items of every family and language, and a row for each item and variant of every base model."""
    rng = random.Random(5)
    simulated = [_item(add_suffix, family, language, i) for family in families for language in languages for i in range(items)]
    browser = {"items": simulated, "rows": [], "left_out": 0, "judges": [add_suffix("org/judge (prompt 1)")]}
    for base_model in base_models:
        dense = {}
        for variant in variants:
            for number, item in enumerate(simulated):
                row = _outcome(rng, add_suffix, number, item, base_model, variant, dense)
                browser["rows"].append(row)
                if variant[1] == "none":
                    dense[number] = row
    return browser


def _item(add_suffix, family, language, i):
    question, names, answers = QUESTIONS.get(language, QUESTIONS["en"])
    return {
        "family": add_suffix(family),
        "language": language,
        "id": add_suffix(f"P36-{i:03d}"),
        "answer_type": add_suffix("place" if i % 3 else "name"),
        "question": add_suffix(question.format(names[i % 4]) + (f" ({i})" if i > 3 else "")),
        "context": add_suffix("") if i % 2 and not add_suffix("") else add_suffix(f"{answers[i % 4]} – {names[i % 4]}. " * 12),
        "options": [add_suffix(answer) for answer in answers],
        "gold": i % 4,
        "answer": add_suffix(answers[i % 4]),
        "aliases": [add_suffix(answers[i % 4].upper())] if i % 5 == 0 else [],
    }


def _outcome(rng, add_suffix, number, item, base_model, variant, dense):
    name, pruner, sparsity = variant
    harm = HARM[pruner] * (sparsity or 0) ** 2 * 2
    dense_row = dense.get(number)
    produced = rng.random() < (
        0.78 if dense_row is None else 0.97 - harm if dense_row["cell"] in ("both", "production_only") else 0.05
    )
    recognised = rng.random() < (0.9 if produced else 0.75 - harm / 4)
    cell = {(1, 1): "both", (1, 0): "recognition_only", (0, 1): "production_only", (0, 0): "neither"}[recognised, produced]
    rank = 1 if produced else rng.choice((2, 2, 3, 4, 6, 9, 14, 60, 400))
    top = item["gold"] if recognised else (item["gold"] + 1) % 4
    wrong, right = item["options"][(item["gold"] + 2) % 4], item["answer"]
    recovery_outputs = {
        view: right if produced or rng.random() < 1.2 / rank else wrong for view in ("oneshot", "beam", "sample")
    }
    transition = None
    if dense_row is not None:
        known = dense_row["cell"] in ("both", "production_only")
        transition = TRANSITIONS[0 if produced else 1 if recognised else 2] if known else "not known"
    rule = (("equal", "words", "inflected") if produced else ("not_said", "denied", "other_name"))[(number + len(name)) % 3]
    return {
        "item": number,
        "base_model": add_suffix(base_model),
        "variant": add_suffix(name),
        "cell": cell,
        "failure": None if produced else FAILURE_MODES[(number + len(name)) % len(FAILURE_MODES)],
        "rule": rule,
        "rules": {"gen": rule, "oneshot": "words"},
        "transition": transition,
        "judged": [("agreed", "rules_only" if produced else "judge_only", "unclear", "agreed", None)[(number + len(name)) % 5]],
        "scores": [round(-8 + 6 * (choice == top) - rng.random(), 3) for choice in range(4)],
        "gold_rank": rank,
        "outputs": {
            "gen": [right if produced else wrong],
            "beam": [recovery_outputs["beam"], wrong, add_suffix("42")],
            "sample": [recovery_outputs["sample"], wrong],
            "oneshot": [recovery_outputs["oneshot"]],
            "candidates": [right],
        },
    }

"""Simulated items and the results of variants on them: the data of the item browser."""

from __future__ import annotations

import random

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
FATES = ("retained", "induced_recognition_only", "lost")


def made_browser(say, base_models, variants, families, languages, items):
    """Return items of every family and language, and a row for each item and variant of every base model."""
    chance = random.Random(5)
    made = [_item(say, family, language, i) for family in families for language in languages for i in range(items)]
    browser = {"items": made, "rows": [], "left_out": 0}
    for base_model in base_models:
        dense = {}
        for variant in variants:
            for number, item in enumerate(made):
                row = _outcome(chance, say, number, item, base_model, variant, dense)
                browser["rows"].append(row)
                if variant[1] == "none":
                    dense[number] = row
    return browser


def _item(say, family, language, i):
    question, places, answers = QUESTIONS.get(language, QUESTIONS["en"])
    return {
        "family": say(family),
        "language": language,
        "id": say(f"P36-{i:03d}"),
        "answer_type": say("place" if i % 3 else "name"),
        "question": say(question.format(places[i % 4]) + (f" ({i})" if i > 3 else "")),
        "context": say("") if i % 2 and not say("") else say(f"{answers[i % 4]} – {places[i % 4]}. " * 12),
        "options": [say(answer) for answer in answers],
        "gold": i % 4,
        "answer": say(answers[i % 4]),
        "aliases": [say(answers[i % 4].upper())] if i % 5 == 0 else [],
    }


def _outcome(chance, say, number, item, base_model, variant, dense):
    name, pruner, sparsity = variant
    harm = HARM[pruner] * (sparsity or 0) ** 2 * 2
    was = dense.get(number)
    produced = chance.random() < (0.78 if was is None else 0.97 - harm if was["cell"] in ("both", "production_only") else 0.05)
    recognised = chance.random() < (0.9 if produced else 0.75 - harm / 4)
    cell = {(1, 1): "both", (1, 0): "recognition_only", (0, 1): "production_only", (0, 0): "neither"}[recognised, produced]
    rank = 1 if produced else chance.choice((2, 2, 3, 4, 6, 9, 14, 60, 400))
    top = item["gold"] if recognised else (item["gold"] + 1) % 4
    wrong, right = item["options"][(item["gold"] + 2) % 4], item["answer"]
    back = {view: right if produced or chance.random() < 1.2 / rank else wrong for view in ("oneshot", "beam", "sample")}
    fate = None
    if was is not None:
        known = was["cell"] in ("both", "production_only")
        fate = FATES[0 if produced else 1 if recognised else 2] if known else "not known"
    return {
        "item": number,
        "base_model": say(base_model),
        "variant": say(name),
        "cell": cell,
        "transition": fate,
        "scores": [round(-8 + 6 * (place == top) - chance.random(), 3) for place in range(4)],
        "gold_rank": rank,
        "outputs": {
            "gen": [right if produced else wrong],
            "beam": [back["beam"], wrong, say("42")],
            "sample": [back["sample"], wrong],
            "oneshot": [back["oneshot"]],
            "candidates": [right],
        },
    }

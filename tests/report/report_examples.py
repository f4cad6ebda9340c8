"""Reports from simulated items, as the plain dictionaries of report.json, and their browser data."""

from __future__ import annotations

from collections import Counter
from statistics import median

import msgspec

from lm_eval_illusion.analysis.calibration_language import by_calibration_language
from lm_eval_illusion.analysis.leaderboard import leaderboard
from lm_eval_illusion.analysis.records import Report, Row, VariantEntry, read_report_json
from lm_eval_illusion.failures import FAILURE_MODES
from tests.report.item_examples import RANKS, STRATEGIES, TRANSITIONS, VARIANTS, make_browser_data


def make_report(
    base_models=("Qwen/Qwen3-8B",),
    variants=VARIANTS,
    families=("mqa_illusion",),
    languages=("ar", "en", "th", "zh"),
    items=25,
    with_dense=True,
    strange="",
    judged=False,
):
    """Return a report.json, to change in a test and then to read with `record`, and its browser data.

    `strange` is appended to every string that comes from data, models or users. `judged`: with the verdicts of a judge, as always where
    strings are strange.
    """
    add_suffix = (lambda text: text + strange) if strange else (lambda text: text)
    variants = [variant for variant in variants if with_dense or variant[1] != "none"]
    browser = make_browser_data(add_suffix, base_models, variants, families, languages, items)
    if not judged and not strange:
        del browser["judges"]
        for row in browser["rows"]:
            del row["judged"]
    return _report(add_suffix, base_models, variants, browser, with_dense), browser


CALIBRATED = (
    ("dense", "none", None),
    ("wanda-0.6", "wanda", 0.6),
    ("wanda-0.6,cal=en", "wanda", 0.6),
    ("wanda-0.6,cal=zh", "wanda", 0.6),
)


def calibrated(**options):
    """Return the same for variants that differ in their calibration language."""
    report, browser = make_report(variants=CALIBRATED, **options)
    for entry in report["variants"]:
        for code in ("en", "zh"):
            if f"cal={code}" in entry["variant"]:
                entry["calibration_language"] = code
    read = record(report)
    report["calibration_languages"] = msgspec.to_builtins(by_calibration_language(read.rows, read.variants))
    return report, browser


def record(plain) -> Report:
    """Return the record of a report.json."""
    return read_report_json(plain)


def _report(add_suffix, base_models, variants, browser, with_dense):
    variant_entries = [
        {
            "base_model": add_suffix(base_model),
            "variant": add_suffix(name),
            "pruner": add_suffix(pruner) if pruner != "none" else "none",
            "sparsity_requested": sparsity,
            "sparsity_measured": (sparsity or 0) - 0.002 if sparsity else 0.0,
            "bits_measured": 16.0,
            "owl_lambda": None,
            "owl_m": None,
            "mask_structure": "0:0",
            "calibration_language": "all" if pruner != "none" else None,
            "calibration_samples": 128 if pruner != "none" else None,
            "calibration_length": 256 if pruner != "none" else None,
            "pruning_seed": 0 if pruner != "none" else None,
            "runs": [add_suffix(f"results_{name}.json")],
        }
        for base_model in base_models
        for name, pruner, sparsity in variants
    ]
    groups = {}
    for row in browser["rows"]:
        item = browser["items"][row["item"]]
        for language, answer_type in (("all", None), (item["language"], None), ("all", item["answer_type"])):
            key = (row["base_model"], row["variant"], item["family"], language, answer_type)
            groups.setdefault(key, []).append(row)
    dense = {}
    if with_dense:
        dense = {(row["base_model"], row["item"]): row for row in browser["rows"] if row["transition"] is None}
    names = ("base_model", "variant", "family", "language", "answer_type")
    made_rows = [{**dict(zip(names, key, strict=True)), **_numbers(browser, rows, dense)} for key, rows in groups.items()]
    rows = [{k: v for k, v in row.items() if k != "answer_type"} for row in made_rows if row["answer_type"] is None]
    return {
        "schema": 1,
        "recognition_metric": "acc",
        "production_metric": "match",
        "variants": variant_entries,
        "rows": rows,
        "answer_type_rows": [row for row in made_rows if row["answer_type"] is not None],
        "leaderboard": _leaderboard(rows, variant_entries),
        "calibration_languages": [],
        "noise": _noise(add_suffix, rows) if with_dense else None,
    }


def rate(hits, n):
    """Return a share with Wilson's interval."""
    if not n:
        return {"value": None, "ci": None}
    p, z = hits / n, 1.96
    middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return {"value": p, "ci": [max((middle - half) / (1 + z * z / n), 0), min((middle + half) / (1 + z * z / n), 1)]}


def difference(value, n):
    return {"value": value, "ci": [value - 1.6 / n**0.5, value + 1.6 / n**0.5]}


def _hit(browser, row, strategy):
    answer = browser["items"][row["item"]]["answer"]
    if strategy == "any":
        return any(_hit(browser, row, name) for name in STRATEGIES[:3])
    return answer in row["outputs"][strategy]


def bucket(rank):
    return next(name for name, most in RANKS.items() if rank <= most)


def _ranks(rows):
    ranks = sorted(row["gold_rank"] for row in rows)
    histogram = Counter(map(bucket, ranks))
    return {
        "n": len(ranks),
        "median": median(ranks) if ranks else None,
        "p90": ranks[int(0.9 * (len(ranks) - 1))] if ranks else None,
        "share_at_most_10": sum(rank <= 10 for rank in ranks) / len(ranks) if ranks else None,
        "histogram": {name: histogram[name] for name in RANKS},
    }


def _numbers(browser, rows, dense):
    n, cells = len(rows), Counter(row["cell"] for row in rows)
    errors = [row for row in rows if row["cell"] == "recognition_only"]
    recognised, produced = cells["both"] + cells["recognition_only"], cells["both"] + cells["production_only"]
    hits = {name: sum(_hit(browser, row, name) for row in errors) for name in STRATEGIES}
    by_rank = {name: [row for row in errors if bucket(row["gold_rank"]) == name] for name in RANKS}
    demoted = sum(row["gold_rank"] <= 10 or _hit(browser, row, "any") for row in errors)
    exact = sum(row["rule"] == "equal" for row in rows)
    share = {name: value for name, value in _ranks(errors).items() if name not in ("n", "histogram")}
    return {
        "n": n,
        "invalid": 0,
        "cells": {name: cells[name] for name in ("both", "recognition_only", "production_only", "neither")},
        "recognition_accuracy": rate(recognised, n),
        "production_accuracy": rate(produced, n),
        "illusion_gap": difference((recognised - produced) / n, n),
        "recognition_only_rate": rate(len(errors), n),
        "recognition_only_share": rate(len(errors), recognised),
        "recovery": {name: {"n": len(errors), "recovered": hits[name], **rate(hits[name], len(errors))} for name in STRATEGIES},
        "recovery_by_rank": [
            {
                "ranks": name,
                "n": len(part),
                "recovered": (recovered := sum(_hit(browser, r, "any") for r in part)),
                **rate(recovered, len(part)),
            }
            for name, part in by_rank.items()
        ],
        "gold_rank": share,
        "demoted": rate(demoted, len(errors)),
        "erased": rate(len(errors) - demoted, len(errors)),
        "candidates_without_gold": rate(0, len(errors)),
        "question_blind": rate(round(0.27 * n), n),
        "in_passage": None,
        "failure_modes": {
            mode: {"n": (k := sum(row["failure"] == mode for row in rows)), **rate(k, n)} for mode in FAILURE_MODES
        },
        "judges": [_agreement(name, rows) for name in browser.get("judges", [])],
        "exact_match": rate(exact, n),
        "beyond_exact": difference((produced - exact) / n, n),
        "match_rules": {
            part: dict(Counter(row["rule"] for row in rows if (row["cell"] in ("both", "production_only")) == is_produced))
            for part, is_produced in (("found", True), ("rejected", False))
        },
        "vs_dense": _vs_dense(rows, dense) if dense and rows[0]["transition"] is not None else None,
    }


def _agreement(judge, rows):
    """The numbers of a judge by what it says in each row beside the rules."""
    by_rules = {True: Counter(), False: Counter()}
    for row in rows:
        by_rules[row["cell"] in ("both", "production_only")][row["judged"][0]] += 1
    both, rules_only = by_rules[True]["agreed"], by_rules[True]["rules_only"]
    judge_only, neither = by_rules[False]["judge_only"], by_rules[False]["agreed"]
    judged = both + rules_only + judge_only + neither
    return {
        "judge": judge,
        "prompt_version": 1,
        "judged": judged,
        "empty": 0,
        "unclear": by_rules[True]["unclear"] + by_rules[False]["unclear"],
        "outdated": 0,
        "unjudged": by_rules[True][None] + by_rules[False][None],
        "both": both,
        "rules_only": rules_only,
        "judge_only": judge_only,
        "neither": neither,
        "production": rate(both + judge_only, judged),
        "production_by_rules": rate(both + rules_only, judged),
        "agreement": rate(both + neither, judged),
        "kappa": {"value": 0.5, "ci": [0.4, 0.6]},
    }


def _vs_dense(rows, dense):
    n, transitions = len(rows), Counter(row["transition"] for row in rows)
    before = [dense[row["base_model"], row["item"]] for row in rows]
    known = [(dense_row, row) for dense_row, row in zip(before, rows, strict=True) if row["transition"] != "not known"]
    flips = {}
    for measure, cells in (("production", ("both", "production_only")), ("recognition", ("both", "recognition_only"))):
        dense_hits, hits = [row["cell"] in cells for row in before], [row["cell"] in cells for row in rows]
        flips[measure] = (
            sum(a and not b for a, b in zip(dense_hits, hits, strict=True)),
            sum(b and not a for a, b in zip(dense_hits, hits, strict=True)),
        )
    change = {name: (gained - fell) / n for name, (fell, gained) in flips.items()}
    return {
        "n": n,
        "known": len(known),
        **{name: transitions[name] for name in TRANSITIONS},
        **{f"{name.split('_')[0]}_rate": rate(transitions[name], len(known)) for name in TRANSITIONS},
        **{
            f"mcnemar_{name}": {"dense_only": fell, "pruned_only": gained, "p": 0.0004, "p_holm": 0.0016}
            for name, (fell, gained) in flips.items()
        },
        **{f"{name}_change": difference(value, n) for name, value in change.items()},
        "gap_change": difference(change["recognition"] - change["production"], n),
        "smallest_effect": {"production": 0.06, "recognition": None},
        "gold_rank": {"dense": _ranks([dense_row for dense_row, _ in known]), "pruned": _ranks([row for _, row in known])},
        "logprob_drop": {"n": len(known), "median": 1.25, "mean": {"value": 1.4, "ci": [1.2, 1.6]}},
        "clears_noise": {"production": True, "recognition": False, "gap": None},
        "kl": {"value": 0.214, "ci": [0.18, 0.25]},
        "top1_agreement": rate(round(0.8 * n), n),
        "kl_by_transition": {
            name: {"value": 0.1 * number, "ci": None}
            for number, name in enumerate(("retained", "induced_recognition_only", "lost"))
        },
        "induced_by_kl": _thirds(transitions, len(known)),
    }


def _thirds(transitions, known):
    """The induced errors of the known items, most of them in the last third."""
    if known < 3:
        return []
    size, induced = known // 3, transitions["induced_recognition_only"]
    hits = [min(size, round(share * induced)) for share in (0.1, 0.3, 0.6)]
    bounds = [(0.001, 0.02), (0.02, 0.3), (0.3, 2.5)]
    return [
        {"low": low, "high": high, "n": size, "induced": hit, **rate(hit, size)}
        for hit, (low, high) in zip(hits, bounds, strict=True)
    ]


def _leaderboard(rows, variants):
    entries = leaderboard(msgspec.convert(rows, list[Row]), msgspec.convert(variants, list[VariantEntry]))
    return msgspec.to_builtins(entries)


def _noise(add_suffix, rows):
    flips = {"first_only": 3, "second_only": 2, "flips": rate(5, 100)}
    gap = {"flips": rate(6, 100)}
    dense_rows = [row for row in rows if row["vs_dense"] is None]
    names = ("base_model", "family", "language", "n")
    noise_rows = [
        {**{name: row[name] for name in names}, "production": flips, "recognition": flips, "gap": gap} for row in dense_rows
    ]
    return {
        "runs": [add_suffix("batch-1.json"), add_suffix("batch-8.json")],
        "rows": [{**noise_row, "gap_change": difference(0.004, 400)} for noise_row in noise_rows],
    }

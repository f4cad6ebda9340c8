"""Which rule decides, and production by exact match, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lm_eval_illusion.analysis.crosstab import cross_tabulate, tabulate
from lm_eval_illusion.analysis.gate import failures, read_condition
from lm_eval_illusion.analysis.match_rules import match_rules, mentions_not_affirmed
from lm_eval_illusion.analysis.records import MatchRules, Rate, read_report_json
from tests.outcome_examples import DENSE, outcomes

# Of 8 items 5 are produced, 2 of them exactly.
LETTERS = "bbprbpnn"
RULES = ["equal", "words", "inflected", "denied", "words", "equal", "not_said", "denied"]


def judged(**fields):
    return [
        replace(one, match_rule=rule, exact_match=rule == "equal", match_version=2, **fields)
        for one, rule in zip(outcomes(LETTERS), RULES, strict=True)
    ]


def test_the_counts_are_of_all_items_and_the_most_frequent_rule_is_first():
    rules = match_rules(judged())
    assert list(rules.found.items()) == [("equal", 2), ("words", 2), ("inflected", 1)]
    assert list(rules.rejected.items()) == [("denied", 2), ("not_said", 1)]
    assert mentions_not_affirmed(rules) == {"denied": 2}


def test_rows_by_language():
    both = [*judged(language="en"), *judged(language="fi")[:3]]
    rows = {row.language: row for row in tabulate(both).rows}
    assert rows["fi"].match_rules == MatchRules({"equal": 1, "inflected": 1, "words": 1}, {})
    assert rows["all"].match_rules.found == {"equal": 3, "words": 3, "inflected": 2}
    row = rows["en"]
    # Wilson, 2 of 8: 0.0715 and 0.5907.
    assert row.exact_match.value == 2 / 8
    assert row.exact_match.ci == pytest.approx((0.0715, 0.5907), abs=1e-4)
    assert row.beyond_exact.value == pytest.approx(row.production_accuracy.value - row.exact_match.value) == 3 / 8
    low, high = row.beyond_exact.ci
    assert 0 <= low < 3 / 8 < high < 1


def test_rows_of_older_files_have_no_numbers():
    older = [replace(one, match_rule=None, exact_match=None, match_version=1) for one in judged()]
    for examples in (older, outcomes("br")):
        row = tabulate(examples).rows[0]
        assert row.match_rules is None
        assert row.exact_match == row.beyond_exact == Rate(None, None)
    # One item without them is enough.
    assert match_rules([*judged(), *outcomes("b")]) is None


def test_report_json_holds_them():
    plain = cross_tabulate(judged())
    assert plain["rules_version"] == 2
    assert plain["rows"][0]["match_rules"]["rejected"] == {"denied": 2, "not_said": 1}
    assert read_report_json(plain).rows[0].match_rules == match_rules(judged())
    # A report of an earlier version has none of these fields.
    del plain["rules_version"]
    for row in plain["rows"]:
        for name in ("match_rules", "exact_match", "beyond_exact"):
            del row[name]
    read = read_report_json(plain)
    assert (read.rules_version, read.rows[0].match_rules, read.rows[0].exact_match) == (None, None, Rate(None, None))


def test_a_condition_on_what_the_rules_add():
    report = tabulate([*judged(), *judged(variant=DENSE)])
    (line,) = failures([read_condition("beyond_exact > 0.3 at wanda-0.6")], report)
    assert line.startswith("beyond_exact is 0.375 at wanda-0.6")
    assert failures([read_condition("exact_match < 0.2 at wanda-0.6")], report) == []

"""The tables of options in pairing.txt, and the items that it shows in full."""

from __future__ import annotations

from rich.cells import cell_len

from lm_eval_illusion.pairing.summary.option_quality import OptionQuality
from lm_eval_illusion.pairing.summary.option_text import examples, options_line, options_section
from lm_eval_illusion.pairing.summary.surface_rules import RULES, RuleScore
from tests.pairing.summary.test_surface_rules import item


def quality(items=60, asked_alike=None, hits=15.0, in_passage=None, tried=None):
    tried = items if tried is None else tried
    rules = {**dict.fromkeys(RULES, RuleScore(hits, tried)), "nearest mean": RuleScore(0, 0)}
    return OptionQuality(items, tried, asked_alike, 1.25, in_passage, rules)


def test_the_line_for_the_terminal_weighs_languages_by_their_items():
    found = {"en": quality(30, 1.0, hits=7.5), "fi": quality(90, 0.6, hits=22.5), "sw": quality(60, hits=30)}
    line = options_line(found)
    # 30 + 54 of 120 items. In sw, whose kinds are not known, each rule finds half of the answers.
    assert line.startswith(
        "Options: 70 % of the items have three wrong options of the asked kind; rules of surface that score other"
    )
    assert "longest (1), shortest (1)" in line
    assert (
        options_line({"sw": quality(60)})
        == "Options: rules of surface that score other than by chance (in how many languages): none."
    )


def test_a_row_for_each_language_and_marks_outside_of_chance():
    lines = options_section({"en": quality(60, 0.95, 23.0, 0.125), "x" * 35: quality(20_000, 0.5, 2_500.0, tried=10_000)})
    text = "\n".join(lines)
    assert any(line.split() == ["en", "60", "95", "%", "1.2", "12", "%"] for line in lines)
    assert any(line.split() == ["en", "15-37", *["38*"] * 5, "-", *["38*"] * 2] for line in lines)
    assert any(line.split()[1:] == ["24-26", *["25"] * 5, "-", *["25"] * 2] for line in lines)
    assert "7 of 14 scores are marked; about 1 would be by chance" in " ".join(text.split())
    assert "tried on 10,000 items of a language" in " ".join(text.split())
    # The explanation names the columns as their headings do.
    assert all(f" {column}: " in " ".join(text.split()) for column in ("Asked kind", "Length ratio", "In passage"))
    assert max(map(cell_len, lines)) <= 100
    assert options_section({}) == []


def test_only_what_holds_for_all_items_is_100_percent():
    kinds = {share: options_line({"en": quality(1_000, share, 250)}).split()[1] for share in (1.0, 0.999, 0.946, 0.0)}
    assert kinds == {1.0: "100", 0.999: "99", 0.946: "95", 0.0: "0"}


def test_items_are_shown_in_full_and_of_different_types():
    items = [{**item(["a", "b", "c", "d"], gold=1), "id": f"q{n}", "answer_type": kind} for n, kind in enumerate("xxyz")]
    items[0] |= {"aliases": ["B", "bee"], "context": "A passage. " * 100, "question": "Which letter? " * 10}
    lines = examples(items)
    shown = [line.strip() for line in lines if line.startswith("  q")]
    assert shown == ["q0", "q2", "q3"]
    assert lines[:1] == ["The first items in en, each of another type of answer where there are any:"]
    text = " ".join(" ".join(lines).split())
    assert text.count("Which letter?") == 10
    assert "A. a B. b <- the answer C. c D. d also right: B, bee" in text
    assert text.count("A passage.") == 27  # 300 characters
    assert max(map(cell_len, lines)) <= 100


def test_items_of_one_type_are_the_first_three():
    items = [{**item(["a", "b", "c", "d"]), "id": f"q{n}"} for n in range(9)]
    assert [line.strip() for line in examples(items) if line.startswith("  q")] == ["q0", "q1", "q2"]
    assert [line.strip() for line in examples(items[:2]) if line.startswith("  q")] == ["q0", "q1"]

"""The figures: well-formed SVG, escaped names, the same bytes each time, left out where there is no data."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

import lm_eval_illusion.report.figures
from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.report import html
from lm_eval_illusion.report.figures import FIGURES, NARROW, WIDE, Figure, Section, figures, svg
from lm_eval_illusion.report.figures.sparsity import separated_heights, widest_free
from lm_eval_illusion.report.figures.svg import Drawing, cut, width_of, wrapped
from lm_eval_illusion.report.files import report_texts
from lm_eval_illusion.report.format import percent, points
from tests.report.report_examples import calibrated, make_report, record

SVG = "{http://www.w3.org/2000/svg}"
MANY = {"base_models": ("Qwen/Qwen3-8B", "mistralai/Mistral-7B"), "families": ("mqa_illusion", "xquad"), "items": 8}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("options", [{}, MANY], ids=["one", "many"])
def test_every_figure_is_complete(options, narrow):
    drawn = figures(record(calibrated(**options)[0]), narrow)
    assert list(drawn) == [figure.name for figure in FIGURES]
    for name, text in drawn.items():
        root = ElementTree.fromstring(text)
        assert root.find(f"{SVG}title").text
        assert root.find(f"{SVG}desc").text
        assert re.search(r"\bn = [\d,]+", text), name
        assert "%" in text
        assert "nan" not in text
        width, height = (float(value) for value in root.get("viewBox").split()[2:])
        assert width == (NARROW if narrow else WIDE)
        for mark in root.iter(f"{SVG}rect"):
            if mark.get("x") is not None:
                assert -0.1 <= float(mark.get("x")) <= float(mark.get("x")) + float(mark.get("width")) <= width + 0.1
                assert 0 <= float(mark.get("y")) <= height


@pytest.mark.parametrize("narrow", [False, True])
def test_the_size_of_the_widest_gap_is_whole_also_at_the_axis(narrow):
    """Before, that of the dense model began left of the picture; it is the widest where the setup is not valid."""
    plain, _ = make_report(items=20)
    for row in plain["rows"]:
        is_dense = row["variant"] == "dense"
        for name, value in (("recognition_accuracy", 0.9), ("production_accuracy", 0.1 if is_dense else 0.7)):
            row[name]["value"] = value
    root = ElementTree.fromstring(figures(record(plain), narrow)["recognition_and_production"])
    (label,) = [text for text in root.iter(f"{SVG}text") if "".join(text.itertext()).startswith("gap ")]
    assert "".join(label.itertext()) == "gap 80.0"
    width = 1.1 * width_of("gap 80.0")
    left = float(label.get("x")) - (width if label.get("text-anchor") == "end" else 0)
    assert 0 <= left <= left + width <= (NARROW if narrow else WIDE)


def test_ids_are_unique_in_a_page():
    report = record(calibrated(**MANY)[0])
    texts = [*figures(report).values(), *figures(report, narrow=True).values()]
    ids = [element.get("id") for text in texts for element in ElementTree.fromstring(text).iter() if element.get("id")]
    assert len(ids) == len(set(ids)) == 2 * len(texts)


def test_the_same_report_gives_the_same_bytes():
    assert figures(record(make_report()[0])) == figures(record(make_report()[0]))


def test_a_figure_without_data_is_left_out():
    assert figures(tabulate([])) == {}
    dense_only = figures(record(make_report(variants=(("dense", "none", None),))[0]))
    assert list(dense_only) == ["languages", "recovery", "failure_modes", "recovery_by_rank"]
    no_dense = figures(record(make_report(with_dense=False)[0]))
    assert "recognition_and_production" in no_dense
    assert "transition" not in no_dense
    assert "gold_rank" not in no_dense


def test_calibration_languages_are_drawn_only_where_they_differ():
    assert "calibration_languages" not in figures(record(make_report()[0]))
    report, _ = calibrated(languages=("en", "zh"))
    (table,) = report["calibration_languages"]
    drawn = figures(record(report))["calibration_languages"]
    for code in ("English (en)", "Chinese (zh)", "all languages"):
        assert code in drawn
    for entry in table["cells"]:
        for text in (points(entry["production_change"]["value"], 0), percent(entry["induced_rate"]["value"], 0)):
            assert f">{text}</text>" in drawn.replace("</title>", ">")
    # Each is a separate line over sparsity.
    assert all(f">wanda{name}<" in figures(record(report))["recognition_and_production"] for name in (" cal=en", " cal=zh"))
    # An undefined entry is a dash; a pair of languages without an entry is marked as not evaluated.
    table["cells"][0]["induced_rate"] = {"value": None, "ci": None}
    assert "not evaluated" not in figures(record(report))["calibration_languages"]
    del table["cells"][1]
    assert "not evaluated" in figures(record(report))["calibration_languages"]


def test_a_variant_of_unknown_sparsity_is_in_the_other_figures():
    report, _ = make_report()
    for entry in report["variants"][1:]:
        entry |= {"sparsity_requested": None, "sparsity_measured": None}
    drawn = figures(record(report))
    assert "recognition_and_production" not in drawn
    assert "wanda-0.7" in drawn["transition"]


def test_a_quantised_variant_has_no_sparsity():
    report, _ = make_report()
    for entry in report["variants"][1:]:
        # Rounding makes zeros too.
        entry |= {"sparsity_requested": None, "sparsity_measured": 0.1, "bits_measured": 4.0}
    assert "recognition_and_production" not in figures(record(report))
    for entry in report["variants"][1:]:
        entry["sparsity_requested"] = 0.5
    assert "recognition_and_production" in figures(record(report))


def test_an_undefined_rate_is_a_dash():
    report, _ = make_report(items=6)
    for row in report["rows"]:
        row["recovery"]["beam"] = {"n": 0, "recovered": 0, "value": None, "ci": None}
        row["recovery_by_rank"][0] |= {"n": 0, "recovered": 0, "value": None, "ci": None}
        row["vs_dense"] = None
    report["rows"][0]["recovery"]["beam"] = {"n": 4, "recovered": 0, "value": 0.0, "ci": [0.0, 0.49]}
    assert "–" in figures(record(report))["recovery"]
    assert "–" in figures(record(report))["recovery_by_rank"]


def draw_count(report, width):
    """Draw a figure of another module: the number of rows."""
    drawing = Drawing("New title", f"n = {len(report.rows)}", "A new figure.", width)
    drawing.text((0, drawing.y), "new mark", "label")
    return drawing


@pytest.mark.parametrize("in_new_section", [True, False])
def test_a_new_figure_is_a_file_and_on_the_page(monkeypatch, in_new_section):
    new = Section("new-id", "New link", "New heading", Markup("A <b>new</b> explanation."), (("new term", "New meaning."),))
    section = new if in_new_section else next(figure.section for figure in FIGURES if figure.name == "languages")
    for module in (lm_eval_illusion.report.figures, html):
        monkeypatch.setattr(module, "FIGURES", (*FIGURES, Figure("new", draw_count, section)))
    plain, browser = make_report(items=6)
    texts = report_texts(record(plain), [], browser)
    assert "new mark" in texts["figures/new.svg"]
    page = texts["report.html"]
    assert page.count(">new mark</text>") == 2
    start = page.index(f'<section class="beside" id="{section.name}">')
    text = page[start : page.index("</section>", start)]
    assert "new mark" in text
    assert f"<h2>{section.heading}</h2>" in text
    assert f"<p>{section.explanation}</p>" in text
    assert ("<dt>new term</dt><dd>New meaning.</dd>" in text) == in_new_section
    assert page.count(f'<a href="#{section.name}">{section.link}</a>') == 1


def test_a_new_figure_without_data_has_no_section(monkeypatch):
    for module in (lm_eval_illusion.report.figures, html):
        monkeypatch.setattr(
            module, "FIGURES", (Figure("new", lambda report, width: None, Section("new", "New", "New heading")),)
        )
    plain, browser = make_report(items=6)
    texts = report_texts(record(plain), [], browser)
    assert "figures/new.svg" not in texts
    assert "New heading" not in texts["report.html"]
    assert 'href="#new"' not in texts["report.html"]


STRANGE = '"><script>alert(1)</script>{{ 7*7 }}{% x %}&amp;\x00\x1b\ud800]]>'


@pytest.mark.parametrize("narrow", [False, True])
def test_names_stay_text(narrow):
    for text in figures(record(calibrated(items=6, strange=STRANGE)[0]), narrow).values():
        root = ElementTree.fromstring(text)
        assert {element.tag for element in root.iter()} <= {
            f"{SVG}{tag}" for tag in ("svg", "g", "title", "desc", "rect", "text", "line", "polyline", "polygon")
        }
        assert "alert(1)" in "".join(root.itertext())
        text.encode("utf-8")


def test_widths():
    assert width_of("中文") > width_of("ab")
    assert cut("magnitude-0.6", 40).endswith("…")
    assert cut("ab", 40) == "ab"
    assert " ".join(wrapped("one two three four", 60)) == "one two three four"
    assert len(wrapped("one two three four", 60)) > 1
    assert wrapped("one n = 3", 60) == ["one", "n = 3"]


def test_labels_do_not_overlap():
    positions = separated_heights([10, 11, 12, 100], 15, 100)
    assert positions == [10, 25, 40, 100]
    assert separated_heights([98, 99, 100], 15, 100) == [70, 85, 100]
    assert widest_free(0, 100, [10, 20, 150]) == 60


def test_cutting_looks_at_no_character_beyond_the_width(monkeypatch):
    """A name of 10,000 characters took 10 s a figure: it was measured again for each character that was cut off."""
    looked_at = []
    monkeypatch.setattr(svg, "_is_wide", lambda character: looked_at.append(character) or False)
    assert cut("x" * 10_000, 100) == "x" * 13 + "…"  # 14 characters of 6.72 px are 94.08, 15 are 100.8
    assert len(looked_at) == 15


@pytest.mark.parametrize("text", ["", "a", "abc", "wanda-0.6", "中文字", "a中b文", "…" * 5])
def test_as_much_of_a_text_as_fits_stays(text):
    for width in range(0, 80):
        whole = width_of(text) <= width
        fitting = [start for start in range(len(text)) if width_of(text[:start] + "…") <= width]
        assert cut(text, width) == (text if whole else text[: max(fitting, default=0)] + "…")


@pytest.mark.parametrize("sparsity", [1e9, -1.0, float("nan"), float("inf")])
def test_a_sparsity_that_is_no_share_is_not_drawn(sparsity):
    """An axis up to 1e9 would have ten thousand million ticks."""
    report, _ = make_report(items=4)
    report["variants"][1]["sparsity_measured"] = sparsity
    text = figures(record(report))["recognition_and_production"]
    assert "wanda-0.7" in text
    assert "wanda-0.5" not in text


def test_characters_that_xml_cannot_hold_are_escaped_and_overrides_too():
    for text in figures(record(calibrated(items=4, strange="\x00\x1b\ufffe\uffff\ud800\u202e")[0])).values():
        whole = "".join(ElementTree.fromstring(text).itertext())
        assert r"\x00\x1b\ufffe\uffff\ud800\u202e" in whole
        assert "\u202e" not in whole

"""report.html: a single file that loads nothing, in which every string stays text."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser

import pytest

from lm_eval_illusion.report.html import html_report
from tests.report.report_examples import make_report, record

STRANGE = '"><img src=x onerror=alert(1)></script><script>alert(1)</script>{{ 7*7 }}{% raw %}<!--\u2028'


class Tags(HTMLParser):
    """The tags of a page with their attributes, its ids, and the text of its script elements."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts, self.text = [], {}, []
        self._script = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._script = dict(attrs).get("id", "code")

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def page():
    report, browser = make_report()
    return html_report(record(report), ["A caveat."], browser)


def test_the_page_has_every_section(page):
    tags = Tags(page)
    for word in ("A caveat.", "Leaderboard", "Statistics against the dense model", "Noise floor", "Provenance", "acc", "match"):
        assert word in tags.words
    ids = [attributes["id"] for _, attributes in tags.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"summary", "transition", "languages", "recovery", "ranks", "leaderboard", "statistics", "noise", "items"} <= set(
        ids
    )


def test_nothing_is_loaded_from_elsewhere(page):
    for tag, attributes in Tags(page).tags:
        assert tag not in ("iframe", "object", "embed", "img", "base")
        for name in ("src", "href", "action", "srcset", "data"):
            assert attributes.get(name, "#").startswith(("#", "data:,"))
    policy = next(attributes["content"] for _, attributes in Tags(page).tags if attributes.get("http-equiv"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search(r"@import|url\(", page)


def test_the_same_report_gives_the_same_bytes(page):
    report, browser = make_report()
    assert html_report(record(report), ["A caveat."], browser) == page


def test_the_page_contains_the_items(page):
    _, browser = make_report()
    packed = Tags(page).scripts["packed-items"]
    assert json.loads(gzip.decompress(base64.b64decode(packed))) == browser


def test_no_string_becomes_markup(page):
    report, browser = make_report(items=8, strange=STRANGE)
    plain = make_report(items=8, judged=True)
    strange = Tags(html_report(record(report), [f"note {STRANGE}"], browser))
    expected = Tags(html_report(record(plain[0]), ["note"], plain[1]))

    def shape(tags):
        return [(tag, sorted(attributes)) for tag, attributes in tags.tags if tag not in ("title", "text")]

    # Long names wrap differently in figures, so the number of text elements differs; nothing else may.
    assert shape(strange) == shape(expected)
    assert not any(name.startswith("on") for _, attributes in strange.tags for name in attributes)
    assert "{{ 7*7 }}" in strange.words
    assert strange.scripts["code"] == expected.scripts["code"]
    start = strange.scripts["start"]
    assert not set("<>&\u2028\u2029") & set(start)
    assert json.loads(start)["variant"][1].endswith(STRANGE)


def test_a_lone_surrogate_does_not_break_the_file():
    report, browser = make_report(items=4, strange="\ud800\x00")
    html_report(record(report), ["\ud800"], browser).encode("utf-8")


def test_undefined_values_are_a_dash():
    report, browser = make_report(items=4)
    for row in report["rows"]:
        row["demoted"] = row["erased"] = {"value": None, "ci": None}
    report["leaderboard"][0]["sparsity_measured"] = None
    page = html_report(record(report), [], browser)
    assert 'data-order="">–' in page
    assert "None" not in Tags(page).words
    assert "nan" not in Tags(page).words.lower().split()


@pytest.mark.parametrize(
    "options",
    [{"with_dense": False}, {"variants": (("dense", "none", None),)}, {"items": 0}],
    ids=["no dense", "dense only", "empty"],
)
def test_sections_without_data_are_left_out(options):
    report, browser = make_report(**options)
    page = html_report(record(report), [], browser)
    assert "Statistics against the dense model" not in page
    assert ("<h2>Items</h2>" in page) == bool(browser["rows"])


def test_the_number_of_omitted_rows_is_shown():
    report, browser = make_report(items=4)
    assert "1,234 more rows were left out" in html_report(record(report), [], {**browser, "left_out": 1234})


def test_an_item_of_another_task_lacks_fields():
    report, browser = make_report(items=4)
    for item in browser["items"]:
        item |= {"language": "und", "aliases": None, "answer_type": None, "context": None, "gold": None}
    assert '"und": "no language"' in html_report(record(report), [], browser)


def test_overrides_in_names_are_escaped_and_text_of_items_is_not_changed():
    report, browser = make_report(items=4, strange="\u202e\x1b\ud800")
    tags = Tags(html_report(record(report), ["note \u2066"], browser))
    assert r"dense\u202e\x1b\ud800" in tags.words
    assert r"note \u2066" in tags.words
    # What is left in the page is the text of the items, in a script element.
    assert not {"\u202e", "\u2066", "\x1b", "\ud800"} & set(tags.words)
    assert json.loads(gzip.decompress(base64.b64decode(tags.scripts["packed-items"]))) == browser


def test_long_names_are_short_in_the_items_and_still_the_names_of_the_filter():
    report, browser = make_report(items=3, strange="x" * 5_000)
    tags = Tags(html_report(record(report), [], browser))
    packed = json.loads(gzip.decompress(base64.b64decode(tags.scripts["packed-items"])))
    start = json.loads(tags.scripts["start"])
    names = {(row["base_model"], row["variant"]) for row in packed["rows"]}
    assert len(names) == 4
    assert max(map(len, (name for pair in names for name in pair))) == 200
    assert tuple(start["variant"]) in names
    assert {item["family"] for item in packed["items"]} == set(start["families"])

"""report.html in headless Chromium: item browser, sortable tables, and no request to anywhere."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lm_eval_illusion.matching.rule_names import RULES
from lm_eval_illusion.report.html import html_report
from tests.report.report_examples import make_report, record

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
# Without the background-networking flags Chromium itself looks up hosts, and the network log is no longer the page's.
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars"
).split()
INJECTED = '"><img src=x onerror=alert(1)></script><script>alert(1)</script>{{ 7*7 }}'
MANY_VARIANTS = [("dense", "none", None)] + [(f"wanda-{n / 20}", "wanda", n / 20) for n in range(6, 15)]
SORT_HALF_A_MILLION = """
const words = Array.from({length: 500000}, (_, n) => String((n * 7919) % 500009));
const before = performance.now();
words.sort();
return performance.now() - before;
"""
# The texts that the edges of their figure cut, in a font as wide as any.
CUT_TEXTS = """
const cut = [];
for (const svg of document.querySelectorAll('svg.figure')) {
    if (!svg.clientWidth) continue;
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll('text')) {
        const box = text.getBoundingClientRect();
        if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5) cut.push(text.textContent);
    }
}
return cut;
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM.exists() and DRIVER.exists()), reason="chromium and chromium-driver are not installed"),
]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


class Page:
    """A report opened in Chromium."""

    def __init__(self, driver, path, width=1280, scheme="light", fragment=""):
        self.driver, self.url = driver, path.as_uri() + fragment
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        driver.get("about:blank")
        for log in ("browser", "performance"):
            driver.get_log(log)
        driver.get(self.url)
        self.wait("return performance.getEntriesByName('filter').length > 0")

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, seconds=30):
        end = time.monotonic() + seconds
        while not self.js(script):
            assert time.monotonic() < end, f"never came true: {script}"
            time.sleep(0.02)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def choose(self, facet, words):
        """Choose an option by its text, as a reader does."""
        from selenium.webdriver.support.select import Select

        Select(self.find(f"#by-{facet}")).select_by_visible_text(words)

    def search(self, words):
        # The filter runs a moment after the last letter: wait for that run, not for one after an earlier letter.
        self.js("search.value = ''; search.addEventListener('input', () => { window.typed = performance.now(); })")
        self.find("#search").send_keys(words)
        self.wait("return performance.getEntriesByName('filter').at(-1).startTime > window.typed")

    def show_all(self):
        self.find(".filters button").click()

    def count(self):
        status = self.find("#status").text
        return 0 if status.startswith("None") else int(status.split()[0].replace(",", ""))

    def requests(self):
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    report, browser = make_report(families=("mqa_illusion", "xquad"), items=20, judged=True)
    path = tmp_path_factory.mktemp("plain") / "report.html"
    path.write_text(html_report(record(report), ["A caveat."], browser), encoding="utf-8")
    return path, report, browser


@pytest.fixture
def page(chromium, plain):
    return Page(chromium, plain[0])


def test_nothing_is_requested_and_nothing_fails(page, plain):
    page.find(".row").click()
    page.search("cairo")
    assert {url for url in page.requests() if not url.startswith("data:")} == {plain[0].as_uri()}
    assert page.driver.get_log("browser") == []
    assert page.js("return performance.getEntriesByType('resource').length") == 0


def test_the_first_filter_shows_the_errors_of_the_worst_variant(page, plain):
    worst = page.find("h1").text.split(" of ")[0]
    errors = [row for row in plain[2]["rows"] if row["variant"] == worst and row["cell"] == "recognition_only"]
    assert page.count() == len(errors)


@pytest.mark.parametrize(
    ("facet", "words", "fits"),
    [
        ("cell", "production-only", lambda row, item: row["cell"] == "production_only"),
        ("transition", "induced", lambda row, item: row["transition"] == "induced_recognition_only"),
        ("failure", "other language", lambda row, item: row["failure"] == "other_language"),
        ("judge-0", "right by the judge, wrong by the rules", lambda row, item: row["judged"] == ["judge_only"]),
        ("judge-0", "no clear verdict", lambda row, item: row["judged"] == ["unclear"]),
        ("rule", "other name", lambda row, item: row["rule"] == "other_name"),
        ("language", "Arabic (ar)", lambda row, item: item["language"] == "ar"),
        ("family", "xquad", lambda row, item: item["family"] == "xquad"),
        ("variant", "wanda-0.7", lambda row, item: row["variant"] == "wanda-0.7"),
    ],
)
def test_filters(page, plain, facet, words, fits):
    _, _, browser = plain
    page.show_all()
    assert page.count() == len(browser["rows"])
    page.choose(facet, words)
    assert page.count() == sum(fits(row, browser["items"][row["item"]]) for row in browser["rows"])


@pytest.mark.parametrize("words", ["cAIRO", "القاهرة", "开罗", "P36-007", "capital kenya", "ไคโร"])
def test_search(page, plain, words):
    _, _, browser = plain
    page.show_all()
    page.search(words)

    def text(row):
        item = browser["items"][row["item"]]
        texts = [output for outputs in row["outputs"].values() for output in outputs]
        parts = [item["id"], item["question"], item["answer"], item["context"], *item["aliases"], *item["options"], *texts]
        return "\n".join(parts).lower()

    found = [row for row in browser["rows"] if all(word in text(row) for word in words.lower().split())]
    assert 0 < page.count() == len(found)


def test_a_search_without_a_match(page):
    page.search("Atlantis")
    assert page.find("#status").text.startswith("None of")
    assert not page.find("#pager").is_displayed()


def test_paging(page, plain):
    page.show_all()
    pages = -(-len(plain[2]["rows"]) // 25)
    first = page.find("#rows").text
    assert page.find("#page").text == f"page 1 of {pages}"
    assert not page.find("#previous-page").is_enabled()
    page.find("#next-page").click()
    assert page.find("#page").text == f"page 2 of {pages}"
    assert page.find("#rows").text != first
    page.find("#last-page").click()
    assert not page.find("#next-page").is_enabled()
    assert page.js("return document.querySelectorAll('.row').length") == (len(plain[2]["rows"]) - 1) % 25 + 1
    page.find("#first-page").click()
    assert page.find("#rows").text == first


def test_an_item_opens_with_every_variant(page, plain):
    _, _, browser = plain
    page.show_all()
    page.choose("language", "Arabic (ar)")
    row = page.find(".row")
    row.click()
    assert row.get_attribute("aria-expanded") == "true"
    opened = page.find(".opened")
    heads = [head.text.split("\n")[0] for head in opened.find_elements("css selector", "thead th")][1:]
    assert heads == ["dense", "wanda-0.5", "wanda-0.7", "magnitude-0.6"]
    item = next(item for item in browser["items"] if item["language"] == "ar")
    item_rows = [row for row in browser["rows"] if browser["items"][row["item"]] is item]
    for words in (item["question"], *item["options"], "gold", "top", "greedy", "beams", "samples", "one-shot"):
        assert words in opened.text
    for text in (output for row in item_rows for outputs in row["outputs"].values() for output in outputs):
        assert text in opened.text
    tags = [tag.text for tag in opened.find_elements("css selector", ".outputs .tag")]
    # Beside the greedy answer the rule of each variant; in the example data that of the one-shot answer is always the same.
    assert tags == [row["rule"].replace("_", " ") for row in item_rows] + ["words"] * len(item_rows)
    titles = [tag.get_attribute("title") for tag in opened.find_elements("css selector", ".outputs .tag")]
    meanings = [RULES[row["rule"]] for row in item_rows] + [RULES["words"]] * len(item_rows)
    assert titles == [f"the matching rule that decided: {meaning}" for meaning in meanings]
    assert page.js("return getComputedStyle(document.querySelector('.opened .question')).direction") == "rtl"
    assert opened.find_element("css selector", ".question").get_attribute("lang") == "ar"
    assert not opened.find_element("css selector", ".passage").is_displayed()
    opened.find_element("css selector", "summary").click()
    assert opened.find_element("css selector", ".passage").is_displayed()
    row.click()
    assert not page.driver.find_elements("css selector", ".opened")


def test_an_address_opens_an_item(page, chromium, plain):
    page.find(".row").click()
    address = page.find(".opened a").get_attribute("href")
    question = page.find(".opened .question").text
    chromium.get("about:blank")
    linked = Page(chromium, plain[0], fragment="#" + address.split("#")[1])
    assert linked.find(".opened .question").text == question


def column_texts(page, index):
    return page.js(
        "return [...document.querySelectorAll('#leaderboard tbody tr')].map(row => row.cells[arguments[0]].firstChild.textContent.trim())",
        index,
    )


def test_sorting_by_click_and_by_keyboard(page, plain):
    from selenium.webdriver.common.keys import Keys

    heads = page.driver.find_elements("css selector", "#leaderboard thead tr:last-child th")
    names = [head.text.strip() for head in heads]
    produced, variant = names.index("production"), names.index("variant")
    heads[produced].find_element("css selector", "button").click()
    assert heads[produced].get_attribute("aria-sort") == "descending"
    shares = [float(text.split()[0]) for text in column_texts(page, produced)]
    assert shares == sorted(shares, reverse=True)
    heads[produced].find_element("css selector", "button").send_keys(Keys.ENTER)
    assert heads[produced].get_attribute("aria-sort") == "ascending"
    assert [float(text.split()[0]) for text in column_texts(page, produced)] == shares[::-1]
    heads[variant].find_element("css selector", "button").send_keys(Keys.SPACE)
    assert heads[produced].get_attribute("aria-sort") is None
    assert column_texts(page, variant) == sorted(column_texts(page, variant))


def test_undefined_entries_sort_last(page):
    page.js("document.querySelector('#leaderboard tbody tr').cells[4].dataset.order = ''")
    button = page.driver.find_elements("css selector", "#leaderboard thead tr:last-child th button")[4]
    for _ in range(2):
        button.click()
        assert page.js("return document.querySelector('#leaderboard tbody tr:last-child').cells[4].dataset.order") == ""


def test_injected_strings_stay_text(chromium, tmp_path):
    from selenium.common.exceptions import NoAlertPresentException

    report, browser = make_report(items=8, strange=INJECTED)
    path = tmp_path / "report.html"
    path.write_text(html_report(record(report), [INJECTED], browser), encoding="utf-8")
    page = Page(chromium, path)
    page.show_all()
    page.find(".row").click()
    page.choose("variant", f"wanda-0.7{INJECTED}")
    page.search("onerror=alert")
    page.find(".row").click()
    with pytest.raises(NoAlertPresentException):
        _ = chromium.switch_to.alert
    assert INJECTED in page.find("h1").text
    assert INJECTED in page.find(".opened").text
    assert page.js("return document.querySelectorAll('img').length") == 0
    # The policy would have stopped an injected handler or script, and logged it here.
    assert chromium.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_page_fits_its_window(chromium, plain, tmp_path, width, scheme):
    page = Page(chromium, plain[0], width, scheme)
    page.find(".row").click()
    assert page.js("return document.documentElement.scrollWidth") == width
    ground = page.js("return getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 22, 27)")
    visible = page.js("return [...document.querySelectorAll('svg.figure')].filter(svg => svg.clientWidth).length")
    assert visible == 8
    assert page.js(CUT_TEXTS) == []
    assert page.driver.save_screenshot(str(tmp_path / f"{width}-{scheme}.png"))


@pytest.mark.parametrize("width", [1280, 360])
def test_a_long_name_of_a_variant_does_not_widen_the_page(chromium, tmp_path, width):
    report, browser = make_report(items=8)
    # As `make real` names its variants: without a blank, at which a line could break.
    text = json.dumps([report, browser])
    for name in ("wanda-0.5", "wanda-0.7", "magnitude-0.6"):
        text = text.replace(f'"{name}"', f'"Q4_1+{name},text=embedded,cal=en,samples=64,length=128"')
    report, browser = json.loads(text)
    path = tmp_path / "report.html"
    path.write_text(html_report(record(report), [], browser), encoding="utf-8")
    page = Page(chromium, path, width)
    # The first filter shows the errors of the worst variant.
    assert "length=128" in page.find(".row .about").text
    assert page.js("return document.documentElement.scrollWidth") <= width


def test_fifty_thousand_rows_stay_usable(chromium, tmp_path):
    report, browser = make_report(variants=MANY_VARIANTS, items=1250)
    assert len(browser["rows"]) == 50_000
    path = tmp_path / "report.html"
    path.write_text(html_report(record(report), [], browser), encoding="utf-8")
    page = Page(chromium, path)
    page.show_all()
    page.choose("cell", "recognition-only")
    page.choose("language", "Thai (th)")
    page.show_all()
    for words in ("cairo", "القاهرة", "nothing of the sort", "capital p36-01"):
        page.search(words)
    times = page.js("return performance.getEntriesByName('filter').map(entry => entry.duration)")
    assert len(times) >= 8
    # A ratio within one page, not milliseconds; the slowest run may have met a busy machine.
    assert sorted(times)[-2] < page.js(SORT_HALF_A_MILLION)


def test_an_item_of_another_task_opens(chromium, tmp_path):
    """Items of other tasks have no language, aliases, options or gold."""
    report, browser = make_report(items=4)
    for item in browser["items"]:
        item |= {"language": "und", "aliases": None, "answer_type": None, "context": None, "gold": None, "options": []}
    for row in browser["rows"]:
        row |= {"scores": [], "gold_rank": None, "outputs": {"gen": [" "], "another view": ["42"]}}
    path = tmp_path / "report.html"
    path.write_text(html_report(record(report), [], browser), encoding="utf-8")
    page = Page(chromium, path)
    page.show_all()
    page.find(".row").click()
    assert "another view" in page.find(".opened").text
    assert "(nothing)" in page.find(".opened").text
    assert "null" not in page.find("#items").text
    assert chromium.get_log("browser") == []


def damaged(tmp_path, change_page=lambda page: page, change_data=lambda browser: None):
    """Write a report with changed items or a changed page; return its path."""
    report, browser = make_report(items=3)
    change_data(browser)
    path = tmp_path / "report.html"
    path.write_text(change_page(html_report(record(report), [], browser)), encoding="utf-8")
    return path


def open_page(chromium, path):
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get(path.as_uri())


def wait_for(chromium, script):
    end = time.monotonic() + 30
    while not chromium.execute_script(script):
        assert time.monotonic() < end, chromium.find_element("css selector", "#status").text
        time.sleep(0.02)


MALFORMED = [
    ("options", None),
    ("options", "yes"),
    ("options", [{"text": "yes"}]),
    ("aliases", 3),
    ("question", {"a": 1}),
    ("id", None),
    ("context", ["x"]),
]


def test_a_malformed_item_does_not_hide_the_others(chromium, tmp_path):
    def change(browser):
        for item, (field, value) in zip(browser["items"], MALFORMED, strict=False):
            item[field] = value
        browser["items"][len(MALFORMED)] = None
        for row, (field, value) in zip(
            browser["rows"][8:], [("outputs", None), ("scores", "x"), ("item", 10**6)], strict=False
        ):
            row[field] = value

    page = Page(chromium, damaged(tmp_path, change_data=change))
    page.show_all()
    # 12 items of 4 variants; 8 items and their 32 answers are gone, and 3 answers of the first variant to other items.
    assert page.count() == 12 * 4 - 32 - 3
    assert page.find("#malformed").is_displayed()
    assert page.find("#malformed").text == "8 malformed items and 35 answers are not shown."
    page.find(".row").click()
    assert page.find(".opened").is_displayed()
    assert chromium.get_log("browser") == []


@pytest.mark.parametrize(
    "content",
    ["%%%", "", "AAAA", "H4sIAAAAAAAC/wMAAAAAAAAAAAA=", "bnVsbA=="],
    ids=["base64", "empty", "gzip", "no JSON", "text"],
)
def test_damaged_items_are_a_visible_message(chromium, tmp_path, content):
    def change(page):
        start = page.index('id="packed-items">') + len('id="packed-items">')
        return page[:start] + content + page[page.index("</script>", start) :]

    open_page(chromium, damaged(tmp_path, change))
    wait_for(chromium, "return document.querySelector('#status').textContent.includes('damaged')")
    status = chromium.find_element("css selector", "#status")
    assert status.is_displayed()
    assert "Write the report again" in status.text


def test_a_browser_that_cannot_unpack_says_so(chromium, tmp_path):
    removed = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": "delete window.DecompressionStream"})
    try:
        open_page(chromium, damaged(tmp_path))
        wait_for(chromium, "return document.querySelector('#status').textContent.includes('no DecompressionStream')")
        assert chromium.find_element("css selector", "#status").is_displayed()
    finally:
        chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", removed)


def test_overrides_in_names_are_escaped_in_the_items_too(chromium, tmp_path):
    report, browser = make_report(items=3, strange="\u202eevil\ud800")
    path = tmp_path / "report.html"
    path.write_text(html_report(record(report), [], browser), encoding="utf-8")
    page = Page(chromium, path)
    page.show_all()
    page.find(".row").click()
    assert r"dense\u{202e}evil" in page.find(".opened th[scope=col]:nth-of-type(2)").text
    assert r"dense\u{202e}evil" in page.find(".row .about").text
    # A half character in an id has no address; the item opens nevertheless.
    assert page.find(".opened a").get_attribute("href").endswith("%EF%BF%BD")
    assert chromium.get_log("browser") == []

"""Write reports with hostile names in every format and read them by other parsers: `python -m benchmarks.fuzz_report [--cases 300]`.

Every name of a report (model, variant, family, language, answer type, metric, results file) is drawn from a seed: markup of Markdown and
HTML, formulas, terminal sequences, any character of Unicode, unpaired surrogates, 10,000 characters. A format is wrong if its parser
(json, csv, xml.etree, html.parser, markdown-it, pyarrow) fails, if it does not give the name or its documented escape back, if the name
has become markup, or if a character stands in it that a terminal obeys. The exit code is 1 if there is a traceback, a case of more than
10 s, or a wrong format.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import dataclasses
import gzip
import io
import json
import random
import sys
import tempfile
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
from markdown_it import MarkdownIt
from pyarrow import parquet

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.records import Report
from lm_eval_illusion.escaping import for_csv, for_utf8
from lm_eval_illusion.report.files import write_report
from lm_eval_illusion.report.shown import shown_report
from lm_eval_illusion.report.terminal import FORMATS, print_report
from lm_eval_illusion.results.outcomes import Outcome
from lm_eval_illusion.results.variants import Variant

MOST_SECONDS = 10
PLACES = ("model", "dense", "first", "second", "family", "language", "type", "metric", "run")
PIECES = (
    *"`*_~[]()<>!#&|\\$-+=.:/@;,'\" \t\r\n\x00\x07\x1b\x7f\x9b\u202e\u2066\u2028\u200b\ud800\udfff\ufffe\ufeff",
    *(
        "![x](http://e)",
        "[a](javascript:alert(1))",
        "http://e.com",
        "www.e.com",
        "a@b.co",
        "\r# h",
        "```",
        "</script><script>",
        "]]>",
    ),
    *(
        "<img src=x onerror=alert(1)>",
        "&lt;",
        "{{ 7*7 }}",
        "{% x %}",
        "<!--",
        "=HYPERLINK(1)",
        "@SUM(1)",
        "\x1b]52;c;AA==\x07",
        "[^1]: x",
    ),
    *(
        "---",
        "| a |",
        "wanda-0.6",
        "mqa_illusion",
        "العربية",
        "中文",
        "ไทย",
        "🇫🇮",
        "e\u0301",
        "__proto__",
        "constructor",
        "../x",
        "=1;=2",
    ),
)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NO_MARKUP = {
    "link_open",
    "image",
    "html_inline",
    "html_block",
    "fence",
    "code_block",
    "em_open",
    "s_open",
    "hr",
    "softbreak",
    "hardbreak",
}


class Tags(HTMLParser):
    """The tags of a page with the names of their attributes, and the text of its scripts by id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[tuple[str, ...]] = Counter()
        self.scripts: dict[str, str] = {}
        self._script: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count a tag."""
        # Texts of a figure wrap, and titles follow them, by the length of a name.
        if tag not in ("text", "title"):
            self.tags[(tag, *(name for name, _ in attrs))] += 1
        self._script = dict(attrs).get("id") if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a script."""
        self._script = None

    def handle_data(self, data: str) -> None:
        """Keep the text of a script."""
        if self._script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data


def plain_outcomes() -> list[Outcome]:
    """Return outcomes of a dense model and two variants that differ in their calibration language; every name is one of PLACES."""
    shared: dict[str, Any] = {"base_model": "model", "mask_structure": "0:0", "beams_are_top1": False, "sparsity_measured": 0.5}
    pruned = shared | {"pruner": "wanda", "sparsity_requested": 0.5, "calibration_source": "run"}
    variants = [
        Variant(variant="dense", pruner="none", identity="d", sparsity_requested=None, **shared),
        Variant(variant="first", identity="1", calibration_language="en", **pruned),
        Variant(variant="second", identity="2", calibration_language="fi", **pruned),
    ]
    return [
        Outcome(
            variant=variant,
            run="run",
            family="family",
            language="language",
            id=f"i{item}",
            recognised=True,
            invalid=False,
            produced=item >= number,
            gold_rank=2.0,
            recovered={"beam": item == 0},
            answer_type="type",
        )
        for number, variant in enumerate(variants)
        for item in range(3)
    ]


def renamed(plain: Any, names: dict[str, str]) -> Any:
    """Return plain data in which every text that is a key of `names` is replaced."""
    if isinstance(plain, str):
        return names.get(plain, plain)
    if isinstance(plain, dict):
        return {key: renamed(value, names) for key, value in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [renamed(value, names) for value in plain]
    return plain


def renamed_outcome(outcome: Outcome, names: dict[str, str]) -> Outcome:
    """Return an outcome in which every text that is a key of `names` is replaced, in its variant as well."""
    variant = dataclasses.replace(outcome.variant, **renamed(text_fields(outcome.variant), names))
    return dataclasses.replace(outcome, variant=variant, **renamed(text_fields(outcome), names))


def text_fields(record: Any) -> dict[str, str]:
    """Return the fields of a dataclass that are texts."""
    return {field.name: value for field in dataclasses.fields(record) if isinstance(value := getattr(record, field.name), str)}


def draw_names(rng: random.Random) -> dict[str, str]:
    """Return a hostile name for each place; no two are equal."""
    names: dict[str, str] = {}
    for place in PLACES:
        while place not in names or names[place] in [names[other] for other in names if other != place]:
            kind = rng.random()
            if kind < 0.75:
                name = "".join(rng.choices(PIECES, k=rng.randint(1, 8)))
            elif kind < 0.9:
                name = "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randint(1, 12)))
            else:
                name = "".join(rng.choices(PIECES, k=4)) + "x" * 10_000 + str(rng.random())
            names[place] = name
    return names


def browser_of(names: dict[str, str]) -> dict[str, Any]:
    """Return data of the item browser with these names in each of its texts."""
    text = names["first"]
    item = dict.fromkeys(("question", "context", "answer"), text) | {"options": [text], "aliases": [text], "gold": 0}
    item |= {"family": names["family"], "language": names["language"], "id": text, "answer_type": names["type"]}
    row = {"item": 0, "base_model": names["model"], "variant": names["first"], "cell": "both", "transition": None}
    return {"items": [item], "rows": [row | {"scores": [0.5], "gold_rank": 1, "outputs": {"gen": [text]}}], "left_out": 0}


def faults(report: Report, outcomes: list[Outcome], names: dict[str, str], expected: Tags, out: Path) -> Iterator[str]:
    """Write the report and yield what is wrong in a format."""
    notes, browser = [f"note {names['first']}"], browser_of(names)
    write_report(report, notes, outcomes, browser, out)
    texts = {
        path.name: path.read_text(encoding="utf-8")
        for path in out.rglob("*")
        if path.suffix in (".html", ".json", ".md", ".csv", ".svg")
    }
    for form in FORMATS:
        for encoding in ("ascii", "utf-8"):
            with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding, newline="\n")) as stream:
                print_report(report, notes, form)
                stream.flush()
                texts[f"printed {form} {encoding}"] = stream.buffer.getvalue().decode(encoding)
    for name, text in texts.items():
        unsafe = {c for c in set(text) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - set("\n\u200c\u200d")
        if unsafe and name != "report.html":
            yield f"{name}: {unsafe!r}"
    yield from read_back(report, names, browser, texts, expected)
    table = parquet.read_table(out / "outcomes.parquet").to_pylist()
    found = {(row["base_model"], row["variant"], row["family"], row["answer_type"], row["run"]) for row in table}
    shared = [names["family"], names["type"], names["run"]]
    if found != {tuple(map(for_utf8, (names["model"], names[v], *shared))) for v in ("dense", "first", "second")}:
        yield "outcomes.parquet: other names"


def read_back(
    report: Report, names: dict[str, str], browser: dict[str, Any], texts: dict[str, str], expected: Tags
) -> Iterator[str]:
    """Yield what another parser finds wrong in the texts of the report's files and in what was printed."""
    plain = utf16(msgspec.to_builtins(report))
    for name in ("report.json", "printed json ascii", "printed json utf-8"):
        read = utf16(json.loads(texts[name]))
        if any(read[part] != plain[part] for part in ("variants", "leaderboard", "noise", "recognition_metric")):
            yield f"{name}: other names"
    for name in ("leaderboard.csv", "calibration_languages.csv", "printed csv utf-8"):
        rows = list(csv.DictReader(io.StringIO(texts[name], newline="")))
        if {row["base_model"] for row in rows} != {for_csv(names["model"])} or not {row["variant"] for row in rows} <= {
            for_csv(names[v]) for v in ("dense", "first", "second")
        }:
            yield f"{name}: other names"
    shown = shown_report(report)
    tokens = [inner for token in MARKDOWN.parse(texts["report.md"]) for inner in (token, *(token.children or ()))]
    if kinds := {token.type for token in tokens} & NO_MARKUP:
        yield f"report.md: {kinds}"
    cells = {"".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"}
    if missing := {entry.variant for entry in shown.variants} - cells:
        yield f"report.md lacks {missing}"
    for name, text in texts.items():
        if name.endswith(".svg"):
            ElementTree.fromstring(text)
    tags = Tags(texts["report.html"])
    if tags.tags != expected.tags and expected.tags:
        yield f"report.html: other tags: {tags.tags - expected.tags} {expected.tags - tags.tags}"
    packed = json.loads(gzip.decompress(base64.b64decode(tags.scripts["packed-items"])))
    if utf16(packed["items"][0]["question"]) != utf16(browser["items"][0]["question"]) or not isinstance(
        json.loads(tags.scripts["start"]), dict
    ):
        yield "report.html: other items"


def utf16(plain: Any) -> Any:
    """Return plain data with bytes for texts: two halves that follow each other are one character in JSON."""
    if isinstance(plain, str):
        return plain.encode("utf-16", "surrogatepass")
    if isinstance(plain, dict):
        return {key: utf16(value) for key, value in plain.items()}
    return [utf16(value) for value in plain] if isinstance(plain, (list, tuple)) else plain


def fuzz(cases: int, seed: int) -> Counter[str]:
    """Return how many cases there were, and how many of them had a traceback, took too long, or had a wrong format."""
    outcomes = plain_outcomes()
    plain = msgspec.to_builtins(tabulate(outcomes, "metric"))
    counts: Counter[str] = Counter(cases=cases, tracebacks=0, hangs=0, wrong=0)
    expected: Tags | None = None
    for case in range(-1, cases):
        # The first report, with ordinary names, shows which tags a page has.
        names = {place: place for place in PLACES} if expected is None else draw_names(random.Random(f"{seed} {case}"))
        report = msgspec.convert(renamed(plain, names), Report)
        changed = [renamed_outcome(outcome, names) for outcome in outcomes]
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                wrong = list(faults(report, changed, names, expected or Tags(""), Path(folder) / "out"))
                if expected is None:
                    expected = Tags((Path(folder) / "out" / "report.html").read_text(encoding="utf-8"))
            except Exception:
                traceback.print_exc()
                wrong = []
                counts["tracebacks"] += 1
        counts["hangs"] += time.monotonic() - started > MOST_SECONDS
        counts["wrong"] += bool(wrong)
        for fault in wrong:
            print(f"case {case}: {ascii(fault)[:1000]}", file=sys.stderr)
    return counts


def main(argv: list[str] | None = None) -> int:
    """Run the cases and print the counts; return 1 if there is a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    counts = fuzz(arguments.cases, arguments.seed)
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return int(any(count for name, count in counts.items() if name != "cases"))


if __name__ == "__main__":
    sys.exit(main())

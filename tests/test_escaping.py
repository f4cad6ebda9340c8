"""Foreign text in each format: shown, never obeyed. Markdown and JSON are read back by other people's parsers."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lm_eval_illusion.escaping import (
    for_csv,
    for_json,
    for_markdown,
    for_terminal,
    for_utf8,
    for_xml,
    in_encoding,
    markdown_block,
    markdown_code,
    shortened,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]52;c;ZXZpbA==\x07", r"\x1b]52;c;ZXZpbA==\x07"),
        ("\x9b2J", r"\x9b2J"),  # C1: CSI in one character
        ("a\r\nb\tc\x7f", r"a\r\nb\tc\x7f"),
        ("\u202eexe.txt", r"\u202eexe.txt"),
        ("\u2066x\u2069\u200f", r"\u2066x\u2069\u200f"),
        ("\ud800", r"\ud800"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        ("\U000e0041", r"\U000e0041"),  # a tag character
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert for_terminal(text) == shown


@pytest.mark.parametrize(
    "text", ["wanda-0.6", "C:\\models", "ภาษาไทย", "می\u200cخواهم", "العربية", "हिन्दी क्\u200dष", "日本語", "🇫🇮", "e\u0301"]
)
def test_every_script_stays_as_it_is(text):
    assert for_terminal(text) == text


@given(st.text())
def test_no_control_character_is_left_and_the_text_is_one_line(text):
    shown = for_terminal(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    assert for_terminal(shown) == shown


MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKUP = (
    "![x](u)", "[a](http://e)", "http://e.com", "www.e.com", "a@b.co", "http://www.", "@u", "@",
    "\r# h", "# ", " #", "- ", "1. ", "---", "===", "```", "~~~",
    "<b>", "&amp;", "|", "$x$", "_a_", "__b__", "a_b", "*c*", "[^1]", "[^1]: x", "[x]: http://e", "[ ] ", "[!NOTE]", "`", "> ", "    ",
    "\\", "x", "\u202e", "\u3000",
)  # fmt: skip
NAMES = st.one_of(
    st.lists(st.sampled_from(MARKUP), max_size=6).map("".join),
    st.text(st.one_of(st.sampled_from("`*_~[]()<>!#&|\\$-+=.:/@ 1ax\n\r\t^"), st.characters()), max_size=30),
)
# What a place in a document adds to the types of an inert text, and the document with the name in it.
PLACES = {
    "paragraph": ("{}", set()),
    "heading": ("## {}", {"heading_open", "heading_close"}),
    "middle": ("the {} of", set()),
    "quote": ("> {}", {"blockquote_open", "blockquote_close"}),
    "list": ("- {}", {"bullet_list_open", "list_item_open", "list_item_close", "bullet_list_close"}),
    "table": (
        "| h |\n| --- |\n| {} |",
        {f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")},
    ),
}
INERT = {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "code_inline"}


def tokens_of(document):
    """Every token of the document, as markdown-it reads it."""
    for token in MARKDOWN.parse(document):
        yield token
        yield from token.children or []


def text_of(document):
    return "".join(token.content for token in tokens_of(document) if token.type in ("text", "text_special", "code_inline"))


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=60, deadline=None)
@given(name=NAMES)
def test_a_name_in_markdown_is_that_text_and_nothing_else(place, name):
    if not name:
        return
    document, more = PLACES[place]
    rendered = document.format(for_markdown(name))
    assert {token.type for token in tokens_of(rendered)} <= INERT | more
    before, after = {"middle": ("the ", " of"), "table": ("h", "")}.get(place, ("", ""))
    assert text_of(rendered) == before + for_terminal(name) + after


@pytest.mark.parametrize(
    "name", ["mqa_illusion", "wanda-0.6", "Qwen/Qwen3-8B", "wanda-2:4,cal=en,seed=1", "R&D", "50.0 [15.0, 85.0]", "a#1", "x!"]
)
def test_ordinary_names_are_readable_in_raw_markdown(name):
    assert for_markdown(name) == name


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("http://evil.com", "http`://`evil.com"),
        ("see www.evil.com", "see `www.`evil.com"),
        ("a@b.com", "a`@`b.com"),
        # One code span, because two would share a run of backticks.
        ("http://www.e.com/@u", "http`://www.`e.com/`@`u"),
        ("@www.e.com", "`@www.`e.com"),
        ("[x](u)", r"[x\](u)"),
        ("- x", r"\- x"),
        ("12. x", r"12\. x"),
        ("# x", r"\# x"),
        ("__init__", r"\_\_init\_\_"),
        ("a|b", r"a\|b"),
        ("$x$ <b> &lt;", r"\$x\$ &lt;b&gt; &amp;lt;"),
    ],
)
def test_markdown_by_hand(name, raw):
    assert for_markdown(name) == raw


@settings(max_examples=60, deadline=None)
@given(NAMES)
def test_code_in_markdown_is_that_text(text):
    codes = [token.content for token in tokens_of(f"a {markdown_code(text)} b") if token.type == "code_inline"]
    if text.strip():
        assert codes == [for_terminal(text)]
    block, *rest = MARKDOWN.parse(f"{markdown_block(text, 'yaml')}\n\nafter")
    assert (block.type, block.info, len(rest)) == ("fence", "yaml", 3)
    assert block.content.count("\n") == text.count("\n") + 1


@given(st.text())
def test_json_has_the_same_value_and_no_control_character(text):
    raw = for_json(json.dumps({"key": text}, ensure_ascii=False, indent=1))
    assert not {unicodedata.category(character) for character in raw.replace("\n", "")} & {"Cc", "Cs", "Zl", "Zp"}
    # Two halves that follow each other are one character in JSON.
    value = json.loads(raw)["key"]
    assert value.encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-wanda", "'-wanda"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("'=1", "''=1"),
        ("\uff1d1", "'\uff1d1"),
        # No longer a tab or a line break at the start: these six and two characters are text.
        ("\t=1", r"\t=1"),
        ("\r\n=1", r"\r\n=1"),
        ("wanda-0.6", "wanda-0.6"),
        ("'quoted'", "'quoted'"),
        ("", ""),
    ],
)
def test_no_text_of_a_csv_is_a_formula(text, cell):
    assert for_csv(text) == cell


def test_utf8_and_xml_hold_every_text():
    assert for_utf8("a\ud800\x00\u202e") == "a\\ud800\x00\u202e"
    assert for_xml("a\ufffe\x00\ud800") == r"a\ufffe\x00\ud800"


def test_an_encoding_without_our_signs():
    assert in_encoding("−17.2 – ± … é 中", "ascii") == r"-17.2 - +/- ... \xe9 \u4e2d"
    assert in_encoding("±é", "latin-1") == "±é"
    assert in_encoding("−中", "utf-8") == "−中"


def test_a_long_text_keeps_both_ends():
    assert shortened("a" * 10, 10) == "a" * 10
    assert shortened("start" + "x" * 1000 + "end", 30) == "start" + "x" * 14 + "…" + "x" * 7 + "end"
    assert len(shortened("x" * 1000, 30)) == 30

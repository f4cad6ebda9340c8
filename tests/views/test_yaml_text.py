"""Texts in YAML: whatever a name or a code is, each reader of YAML gives the same text back."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.views.yaml_text import yaml_text


class CoreSchema(yaml.SafeLoader):
    """What a reader of YAML 1.2 takes for something else than a text (YAML 1.2.2, section 10.3.2)."""

    yaml_implicit_resolvers: ClassVar[dict] = {}


for tag, pattern in (
    ("null", r"null|Null|NULL|~|"),
    ("bool", r"true|True|TRUE|false|False|FALSE"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
):
    CoreSchema.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), None)

LOADERS = [yaml.SafeLoader, CoreSchema, *filter(None, [getattr(yaml, "CSafeLoader", None)])]


def read_back(text):
    """The text as a value, in a list in brackets, in a block list, in a mapping in braces, and as a key."""
    written = yaml_text(text)
    document = f"value: {written}\nflow: [{written}, {written}]\nblock:\n  - {written}\nmapping: {{a: {written}, b: 1}}\n{written}: key\n"
    return [yaml.load(document, loader) for loader in LOADERS]


WORDS = (
    *(
        "null",
        "Null",
        "NULL",
        "~",
        "no",
        "NO",
        "No",
        "off",
        "on",
        "y",
        "n",
        "Y",
        "yes",
        "true",
        "False",
        "NaN",
        ".nan",
        ".inf",
        "inf",
    ),
    *(
        "1e5",
        "1E5",
        "12",
        "0x1f",
        "0o7",
        "1_000",
        "1:30",
        "2001-01-01",
        "-",
        "-1",
        "+1",
        "_",
        "_1",
        "__",
        "=",
        "<<",
        "e5",
        "",
        " ",
    ),
    *(
        "a b",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "'a'",
        '"a"',
        "a\\b",
        "a\nb",
        "a\tb",
        "[a]",
        "{a}",
    ),
    *(
        "a,b",
        "?",
        "? a",
        "---",
        "...",
        "-a",
        "a-",
        "\u00e9",
        "\u4e2d",
        "\U0001f600",
        "\ufeff",
        "\u2028",
        "\x85",
        "\x7f",
        "\0",
        "\u200b",
    ),
)


@pytest.mark.parametrize("text", WORDS)
def test_words_that_yaml_reads_as_something_else_come_back(text):
    expected = {"value": text, "flow": [text, text], "block": [text], "mapping": {"a": text, "b": 1}, text: "key"}
    assert read_back(text) == [expected] * len(LOADERS)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.text("noyfNULtrue01eE._:-+~x \n#'\"", max_size=6))
def test_any_text_comes_back(text):
    assert [document["mapping"]["a"] for document in read_back(text)] == [text] * len(LOADERS)


@pytest.mark.parametrize("text", ["mqa_illusion_en_mc", "../../views/mc.yaml", "mc", "multiple_choice", "pt-BR", "fi"])
def test_what_needs_no_quotes_has_none(text):
    assert yaml_text(text) == text

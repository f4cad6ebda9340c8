"""YAML as plain data: equal to PyYAML's safe loader on plain texts, an error with its line on all others, and no text takes long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from lm_eval_illusion import plain_yaml
from lm_eval_illusion.plain_yaml import DEEPEST, MOST_VALUES, YamlError, read_yaml

ROOT = Path(__file__).parents[1]


def bomb(entry, levels=12):
    """Nine aliases of nine aliases of ...: 9^12 values in a text of a few hundred characters."""
    return "a0: &a0 {x: 1}\n" + "".join(
        f"a{i}: &a{i} {entry.format(', '.join([f'*a{i - 1}'] * 9))}\n" for i in range(1, levels)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1\nb: [x, 'y', 2.5, true, null, .inf, 0x10, 1:30, 1e3, -1_000]\n",
        "a: &x {k: [1, 2]}\nb: *x\nc: {<<: *x, j: 3}\n",
        # The first of several merged mappings goes first, a key of its own before all of them.
        "a: &a {k: 1, l: 1}\nb: &b {k: 2, l: 2, m: 2}\nc: {m: 3, <<: [*a, *b]}\n",
        "a: |\n  two\n  lines\nb: >-\n  one\n  line\n=: '='\n",
        "äöü: 'Ω'\n",
        # Without the variables these are recipes.
        *(path.read_text(encoding="utf-8").replace("{{", "").replace("}}", "") for path in sorted(ROOT.glob("pruners/*.yaml"))),
    ],
)
def test_plain_texts_are_read_as_by_pyyaml(text, monkeypatch):
    assert read_yaml(text).content == yaml.safe_load(text)
    # Without libyaml, which not every installation has.
    monkeypatch.setattr(plain_yaml, "_loader", lambda: yaml.SafeLoader)
    assert read_yaml(text).content == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: [1\n", 3, "expected ',' or ']'"),
        ("a: 1\n2: 3", 2, "the key '2' is not a text: write it in quotes"),
        ("yes: 3", 1, "the key 'yes' is not a text"),
        ("? [1]\n: 2", 1, "a list or a mapping is a key"),
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' is there twice"),
        ("\na: 2024-13-45", 2, "'2024-13-45' is a date: write a text in quotes"),
        ("a: 2024-01-01", 1, "is a date"),
        ("a: !!python/object/apply:os.system [id]", 1, "tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: !!binary aGk=", 1, "of the tag"),
        ("a: !!set {x}", 1, "neither a mapping nor a list"),
        ("a: !!int x", 1, "'x' is not of the type int"),
        ("a: !!float ''", 1, "'' is not of the type float"),
        ("\na: &a [1, *a]", 2, "the alias .*'a' is inside of what it names"),
        ("a: *b", 1, "undefined alias"),
        ("<<: 1", 1, "<< is not followed by a mapping"),
        (bomb("[{}]"), 7, f"more than {MOST_VALUES:,} values, each alias counted as a copy"),
        (bomb("{{<<: [{}]}}"), 7, f"more than {MOST_VALUES:,} values, each alias counted as a copy"),
        ("a: " + "[" * 100_000, 1, f"more than {DEEPEST} levels"),
        ("- " * 100_000, 1, f"more than {DEEPEST} levels"),
        # Base 60: each digit costs a multiplication of the number so far.
        ("a: " + ":".join(["59"] * 200_000), 1, "the number '59:.* ...' has more than 100 characters"),
        ("a: " + "9" * 100_000, 1, "the number '999.* has more than 100 characters"),
        ('a: "\\0"', 1, "the character NUL"),
        ("a: b\0", 1, "the character NUL"),
        ("a: 1\nb: \ud800", 2, "half a character"),
        ('a: "\\ud800"', 1, "escape code|half a character"),
        ("a\n---\nb", 2, "another document"),
    ],
)
@pytest.mark.parametrize("loader", [None, yaml.SafeLoader])
def test_other_texts_are_an_error_with_its_line_within_a_second(text, line, reason, loader, monkeypatch):
    if loader:
        monkeypatch.setattr(plain_yaml, "_loader", lambda: loader)
    start = time.process_time()
    with pytest.raises(YamlError, match=reason) as caught:
        read_yaml(text)
    assert time.process_time() - start < 1
    # The two parsers count the line of an unfinished list differently.
    assert caught.value.line == line or (loader and "expected" in reason)
    assert len(str(caught.value)) < 200


def test_a_text_of_the_largest_size_takes_seconds_at_most():
    start = time.process_time()
    with pytest.raises(YamlError, match="more than 10,000,000 characters"):
        read_yaml("a" * 10_000_001)
    # A tenth of the values that are allowed.
    content = read_yaml("a: [" + ",".join(["0.5"] * 30_000) + "]").content
    assert content == {"a": [0.5] * 30_000}
    assert time.process_time() - start < 1


def test_the_line_of_a_value():
    document = read_yaml("a: 1\nb:\n  - x\n  - {c: 1,\n     d: 2}\n")
    assert [document.line_of(keys) for keys in ([], ["a"], ["b"], ["b", 0], ["b", 1, "d"], ["b", 1, "none"], ["none"])] == [
        1,
        1,
        2,
        3,
        5,
        4,
        1,
    ]
    assert read_yaml("").line_of(["a"]) == 1

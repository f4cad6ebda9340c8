"""YAML that anybody may have written, as plain data: mappings with texts as keys, lists, texts, numbers, truth values, nulls.

PyYAML's safe loader runs no code, but it accepts text that would cost hours of time or all memory: aliases of aliases, lists in lists in
lists, numbers of a million digits. It also gives dates, sets and whole numbers as keys, and keeps the last of two equal keys. Here all
of that is an error with its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import cause_of
from lm_eval_illusion.escaping import cut

if TYPE_CHECKING:
    import yaml

MOST_CHARACTERS = 10_000_000
MOST_VALUES = 300_000
"""Values in a document, each alias counted as a copy of what it names."""
DEEPEST = 50
"""Levels of mappings and lists inside each other."""
LONGEST_NUMBER = 100
"""Characters of a number. Base 60, in which YAML 1.1 reads 1:30, takes time that grows with the square of the digits."""

_TAG = "tag:yaml.org,2002:"
_TEXTS = (f"{_TAG}str", f"{_TAG}value")
_NUMBERS = (f"{_TAG}null", f"{_TAG}bool", f"{_TAG}int", f"{_TAG}float")


class YamlError(ValueError):
    """A text that is no plain YAML. `line`: from 1; `reason`: what is wrong there, without the line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Document:
    """`content`: plain data, None for an empty text. `root`: PyYAML's node of it, which knows the lines."""

    content: Any
    root: yaml.Node | None

    def line_of(self, keys: Sequence[str | int]) -> int:
        """Return the line, from 1, of the innermost value on the path of `keys` that exists in the text."""
        import yaml

        node = self.root
        line = node.start_mark.line if node else 0
        for part in keys:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(part)]
                if not found:
                    break
                key, node = found[0]
                line = key.start_mark.line
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line
            else:
                break
        return int(line) + 1


def read_yaml(text: str) -> Document:
    """Return the content of a YAML text.

    Raises:
        YamlError: The text is no YAML, holds something other than plain data, or exceeds one of the limits of this module.
    """
    import yaml

    if len(text) > MOST_CHARACTERS:
        raise YamlError(1, f"there are more than {MOST_CHARACTERS:,} characters")
    for number, line in enumerate(text.split("\n"), start=1):
        _refuse_unprintable(line, number)
    try:
        # The events come one by one, before anything is built of them.
        _check_size(yaml.parse(text, Loader=_loader()))
        root = yaml.compose(text, Loader=_loader())
    except YamlError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise YamlError(mark.line + 1 if mark else 1, str(getattr(error, "problem", None) or cause_of(error))) from error
    except Exception as error:  # whatever PyYAML raises on a text comes from the text, such as an escape beyond Unicode
        raise YamlError(1, cause_of(error)) from error
    return Document(None if root is None else _value(root), root)


@cache
def _loader() -> Any:
    """Return PyYAML's safe loader, the one in C if it is there: it is ten times as fast."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _check_size(events: Iterator[yaml.Event]) -> None:
    """Refuse a text with too many values or levels, and an alias inside of what it names."""
    import yaml

    # The values of what each anchor names; None until its end is reached.
    sizes: dict[str, int | None] = {}
    opened: list[tuple[str | None, int]] = []
    total = 0
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 1
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            size = sizes.get(anchor or "", 0)
            if size is None:
                raise YamlError(line, f"the alias *{_shown(str(anchor))} is inside of what it names")
            total += size
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if anchor:
                sizes[anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((anchor, total))
            total += 1
            if len(opened) > DEEPEST:
                raise YamlError(line, f"there are more than {DEEPEST} levels of lists and mappings")
            if anchor:
                sizes[anchor] = None
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = total - before
        if total > MOST_VALUES:
            raise YamlError(line, f"there are more than {MOST_VALUES:,} values, each alias counted as a copy")


def _value(node: yaml.Node) -> Any:
    """Return the plain data of a node. The depth is bounded, so recursion is."""
    import yaml

    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        return [_value(entry) for entry in node.value]
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    raise YamlError(_line(node), f"the tag {_shown(node.tag)} is neither a mapping nor a list")


def _mapping(node: yaml.MappingNode) -> dict[str, Any]:
    import yaml

    content: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if key_node.tag == f"{_TAG}merge":  # <<: *common
            parts = value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
            for part in parts:
                if not isinstance(part, yaml.MappingNode):
                    raise YamlError(_line(part), "<< is not followed by a mapping")
                merged = {**_mapping(part), **merged}
            continue
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlError(_line(key_node), "a list or a mapping is a key: write a text")
        if key_node.tag not in _TEXTS:
            raise YamlError(_line(key_node), f"the key {_shown(key_node.value)} is not a text: write it in quotes")
        key = str(_scalar(key_node))
        if key in content:
            raise YamlError(_line(key_node), f"the key {_shown(key)} is there twice")
        content[key] = _value(value_node)
    return {**merged, **content}


def _scalar(node: yaml.ScalarNode) -> Any:
    from yaml.constructor import SafeConstructor

    if node.tag in _TEXTS:
        _refuse_unprintable(node.value, _line(node))
        return node.value
    if node.tag not in _NUMBERS:
        kind = "a date" if node.tag == f"{_TAG}timestamp" else f"of the tag {_shown(node.tag)}"
        raise YamlError(_line(node), f"{_shown(node.value)} is {kind}: write a text in quotes")
    if len(node.value) > LONGEST_NUMBER:
        raise YamlError(_line(node), f"the number {_shown(node.value)} has more than {LONGEST_NUMBER} characters")
    try:
        return SafeConstructor().construct_object(node)
    except Exception as error:  # whatever PyYAML raises on a scalar comes from it: `!!int x`, `!!float ""`
        raise YamlError(_line(node), f"{_shown(node.value)} is not of the type {node.tag.removeprefix(_TAG)}") from error


def _refuse_unprintable(text: str, line: int) -> None:
    """Refuse what no file name and no UTF-8 text can hold: the character NUL and halves of characters."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text if not character.isascii()):
        raise YamlError(line, f"{_shown(text)} holds the character NUL or half a character")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _shown(text: str) -> str:
    """Return a text of the file for a message: in quotes, with escapes, cut."""
    return repr(cut(text, 60))

"""Markup of an output: Markdown, HTML, LaTeX and control tokens of chat templates. What it shows is read, not how it is written.

Signs around a word (**Oslo**, `Oslo`, $42$) need no rule: normalisation removes them. Here stands what would change words.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

_TRIGGER = re.compile(r"[<&\\~_Ġ$]|\*\*|\]|^\|")
"""What every markup contains: most outputs have none of it."""

_INLINE = "a|abbr|b|bdi|bdo|big|cite|code|em|font|i|ins|kbd|mark|q|small|span|strong|sub|sup|tt|u|var"
_BLOCK = "blockquote|body|br|center|div|h[1-6]|hr|html|img|li|ol|p|pre|table|tbody|td|th|thead|tr|ul"
_ATTRIBUTES = r"(?:\s{1,4}[\w:-]{1,40}\s?=\s?(?:\"[^\"<>]{0,300}\"|'[^'<>]{0,300}'|[^\s\"'<>]{1,300})){0,20}\s?/?"
_END_TOKENS = r"</s>|<eos>|<\|(?:end\w*|im_end|eo[tms]\w*|return)\|>|<end_of_turn>|<｜end▁of▁sentence｜>|\[EOS\]"
_OTHER_TOKENS = r"<s>|<bos>|<pad>|<unk>|<\|[\w-]{1,40}\|>|<start_of_turn>|<｜[\w▁]{1,40}｜>|\[/?INST\]|\[(?:BOS|PAD|CLS|SEP)\]"
_STYLES = "text(?:bf|it|rm|tt|sf|sc|normal)?|math(?:bf|it|rm|tt|sf|bb|cal|frak)|operatorname|emph|underline|boxed|fbox|mbox|displaystyle"
_COMMANDS = {
    "times": "×",
    "cdot": "×",
    "approx": "≈",
    "sim": "~",
    "pi": "π",
    "degree": "°",
    "quad": " ",
    "qquad": " ",
    "left": "",
    "right": "",
    "pm": "±",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "infty": "∞",
    "to": "→",
    "rightarrow": "→",
    "ldots": "…",
    "dots": "…",
    "euro": "€",
    "pounds": "£",
}
_LETTER = "A-Za-zÀ-ɏͰ-ӿ"
_MARKUP = re.compile(
    rf"(?P<end>{_END_TOKENS})"
    rf"|(?P<space>{_OTHER_TOKENS}|(?i:</?(?:{_BLOCK}){_ATTRIBUTES}>)|<!--[^<>]{{0,300}}-->|\\[,;:! ]|Ġ(?=[A-Za-z0-9]))"
    r"|(?P<struck>~~[^~]{1,300}~~|(?i:<(?P<tag>del|strike)>[^<>]{1,300}</(?P=tag)>))"
    rf"|(?P<nothing>(?i:</?(?:{_INLINE}){_ATTRIBUTES}>)|\\(?:{_STYLES})(?![A-Za-z])\s?\{{?"
    # The address of a link, a footnote, bold letters within a word.
    r"|(?<=\])\((?:https?:|www\.|mailto:|[./#])[^()\s]{0,300}\)|(?<=[\w.,!?*_\"”\]])\[\^?\d{1,3}\]"
    rf"|(?<=[{_LETTER}])\*\*(?=[{_LETTER}]))"
    r"|(?P<entity>&(?:[A-Za-z][A-Za-z0-9]{1,12}|\#\d{1,7}|\#[xX][0-9A-Fa-f]{1,6});)"
    r"|\\[dt]?frac\{(?P<top>[^{}]{1,60})\}\{(?P<bottom>[^{}]{1,60})\}"
    r"|(?P<degree>\^\{?\s?\\(?:circ|degree)\b\s?\}?)"
    r"|\^\{(?P<power>[-−+]?\d{1,9})\}"
    # H_2O, H_{2}O; the digits stay.
    r"|(?P<below>(?<=[A-Za-z)}])_(?:\{(?P<index>\d{1,9})\}|(?=\d)))"
    r"|(?P<comma>(?<=\d)\{,\}(?=\d))"
    r"|\\(?P<sign>[%$&#_{}])"
    rf"|\\(?P<command>{'|'.join(_COMMANDS)})(?![A-Za-z])"
)
# The opening sign stands before, the closing one behind the formula without a space: "$20 to $30" are dollars.
_MATH = re.compile(r"(?<![\\$])(\${1,2})(?=\S)([^$]{1,200})(?<=[^\s\\])\1(?![\d$])")
_CELL = re.compile(r"\|")
_VISIBLE = re.compile(r"\w")


class PlainLine(NamedTuple):
    """A line without markup.

    Attributes:
        text: What the markup shows.
        places: For each character of `text` and its end, where it stands in the line as written; empty if they are the same.
    """

    text: str
    places: tuple[int, ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where a non-empty part of the text stands in the line as written."""
        return (self.places[start], self.places[end - 1] + 1) if self.places and end > start else (start, end)


def without_markup(line: str, answers: Sequence[str]) -> PlainLine:
    """Return what the markup of a line shows; the line itself where an answer contains markup (the tag <p>)."""
    if _TRIGGER.search(line) is None or any(map(_MARKUP.search, answers)):
        return PlainLine(line, ())
    written = line
    line = _MATH.sub(_without_dollars, line)
    parts: list[str] = []
    places: list[int] = []
    done = 0
    for found in _MARKUP.finditer(line):
        parts.append(line[done : found.start()])
        places.extend(range(done, found.start()))
        done = found.end()
        if found["end"] and _VISIBLE.search("".join(parts)):
            # What follows is another turn.
            done = len(line)
            break
        shown = _shown(found)
        parts.append(shown)
        places.extend(_places(found, shown))
    parts.append(line[done:])
    places.extend(range(done, len(line)))
    text = "".join(parts)
    if line.startswith("|"):
        # A row of a table: its cells are no alternatives.
        text = _CELL.sub(";", text)
    return PlainLine(written, ()) if text == written else PlainLine(text, (*places, len(line)))


def _without_dollars(formula: re.Match[str]) -> str:
    space = " " * len(formula[1])
    return f"{space}{formula[2]}{space}"


def _shown(found: re.Match[str]) -> str:
    """Return what one piece of markup shows."""
    if found["end"] or found["space"] or found["struck"]:
        return " "
    if found["entity"]:
        return html.unescape(found["entity"])
    if found["top"]:
        return f"{found['top']}/{found['bottom']}"
    if found["power"]:
        return f"^{found['power']}"
    if found["below"]:
        return found["index"] or ""
    if found["command"]:
        return _COMMANDS[found["command"]]
    return "°" if found["degree"] else "," if found["comma"] else found["sign"] or ""


def _places(found: re.Match[str], shown: str) -> list[int]:
    """Return where the shown characters stand: one after the other from where the shown text begins in the markup."""
    start = max(found.start(), found.string.find(shown.lstrip("^"), found.start(), found.end())) if shown else 0
    return [min(start + index, found.end() - 1) for index in range(len(shown))]

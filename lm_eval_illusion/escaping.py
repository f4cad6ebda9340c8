"""Text from other people's files made safe for where it is shown: names, outputs of models and messages may contain anything.

There is one function for each format. `for_terminal` is a part of most of them, because a person may print any of our files on a
terminal. A text without a character that has a meaning in the format stays as it is: `wanda-0.6` and `mqa_illusion` are readable in all.
"""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiner: Persian, the languages of India and emoji are written with them, and they move nothing."""
# Control characters, half characters (surrogates), invisible format characters (bidirectional overrides), line separators.
_UNSAFE_CATEGORIES = ("Cc", "Cs", "Cf", "Zl", "Zp")
_LINE_BREAK_AND_TAB = "\n\t"

_IN_ASCII = str.maketrans({"\u2013": "-", "\u2212": "-", "\u00b1": "+/-", "\u2026": "...", "\u2192": "->", "\u00a0": " "})

_FORMULA = re.compile(r"['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""The start of a text that a spreadsheet takes for a formula; the last four are the full-width forms of the others."""

_MARKDOWN = re.compile(
    r"""
      (?P<escaped> [\\`*|$~] | (?<!\S)\# | \[(?=\^) | \](?=[(\[:]) | \A[-+](?=\s|\Z) | \A[-=](?=[-=\s]*\Z) | \A\[(?=!|[\sx]\](?:\s|\Z)) )
    | (?P<number> \A\d{1,9} (?=[.)](?:\s|\Z)) )
    | (?P<underscores> _+ )
    | (?P<entity> [<>] | &(?=\#?\w+;) | \A\s | \s\Z )
    | (?P<separated> (?: :?// | (?<![^\W_])www\. | @(?=\w) )+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What has a meaning in Markdown as GitHub reads it, at the start of a line or anywhere. `separated`: what makes links by itself."""


def for_terminal(text: str) -> str:
    """Return a text as one line that a terminal shows and does not obey: "\\x1b[2J" stands there as these six characters.

    Control characters (C0, C1), line breaks, bidirectional overrides, invisible characters and unpaired surrogates become Python's
    escapes. All other characters stay, whatever their script.
    """
    if text.isprintable():  # in any script; a joiner is not printable
        return text
    return text.translate({ord(character): _escaped(character) for character in set(text) if _is_unsafe(character)})


def print_for_terminal(text: str) -> None:
    """Print a text as one line of standard output, at once, as `for_terminal` writes it."""
    print(for_terminal(text), flush=True)


def for_json(text: str) -> str:
    """Return JSON text with the unsafe characters of `for_terminal` written as \\u202e; the value that it stands for is the same.

    `json.dumps` alone escapes only C0 controls. The line breaks between the values stay.
    """
    unsafe = [character for character in set(text) if _is_unsafe(character) and character not in _LINE_BREAK_AND_TAB]
    return text.translate({ord(character): _json_escaped(character) for character in unsafe}) if unsafe else text


def for_xml(text: str) -> str:
    """Return a text of which XML can hold each character; its markup is not escaped. As `for_terminal`, and without U+FFFE and U+FFFF."""
    return for_terminal(text).replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")


def for_csv(text: str) -> str:
    """Return the text of a CSV cell that no spreadsheet takes for a formula: "=1+1" gets an apostrophe before it.

    The same where blanks or apostrophes precede the sign; so the removal of one apostrophe always gives back the text. Unsafe characters
    are escaped as by `for_terminal`. Only for text: the number -0.5 must stay a number.
    """
    shown = for_terminal(text)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def for_utf8(text: str) -> str:
    """Return a text that UTF-8 can hold: unpaired surrogates become Python's escapes, all other characters stay."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def for_markdown(text: str) -> str:
    """Return one line of Markdown that shows these very characters: no link, image, heading, list, emphasis, HTML or formula.

    It may stand in a paragraph, a heading, a list or a table, also at the start. Unsafe characters are escaped as by `for_terminal`.

    GitHub makes links of addresses and of @names after it has resolved all escapes, so a backslash does not help. Of these the sign in the
    middle, such as ://, becomes a code span: it divides the address. A bare `host.com` is no link there and stays.
    """
    return _MARKDOWN.sub(_markdown_escaped, for_terminal(text))


def markdown_code(text: str) -> str:
    """Return a code span of Markdown that shows the text, whatever backticks it contains. Unsafe characters as by `for_terminal`."""
    shown = for_terminal(text)
    fence = "`" * (_longest_run_of_backticks(shown) + 1)
    # One blank at each end is removed by the reader of the file. A code span can't be empty.
    padded = f" {shown} " if not shown.strip() or {shown[0], shown[-1]} & set("` ") else shown
    return f"{fence}{padded}{fence}"


def markdown_block(text: str, language: str) -> str:
    """Return a code block of Markdown that shows the lines of the text; its fence is longer than any run of backticks in it.

    Unsafe characters but line breaks and tabs are escaped as by `for_terminal`. `language`: for the colours, such as "yaml".
    """
    lines = "\n".join("\t".join(map(for_terminal, line.split("\t"))) for line in text.split("\n"))
    fence = "`" * max(3, _longest_run_of_backticks(text) + 1)
    return f"{fence}{language}\n{lines}\n{fence}"


def in_encoding(text: str, encoding: str) -> str:
    """Return a text that the encoding of an output can hold: our dashes, signs and ellipses in ASCII, the rest as Python's escapes.

    A text that the encoding can hold stays as it is.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_IN_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text


def cut(text: str, length: int) -> str:
    """Return the text if it has at most `length` characters, else its start with dots after it."""
    return text if len(text) <= length else f"{text[:length]} ..."


def shortened(text: str, length: int) -> str:
    """Return the text if it has at most `length` characters, else its start and its end with an ellipsis between them."""
    if len(text) <= length:
        return text
    end = length // 3
    return f"{text[: length - end - 1]}…{text[len(text) - end :]}"


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE_CATEGORIES and character not in _JOINERS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _json_escaped(character: str) -> str:
    """Return \\u and the number; two for a character beyond U+FFFF, as JSON wants."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _markdown_escaped(match: re.Match[str]) -> str:
    found = match[0]
    if match["escaped"]:
        return f"\\{found}"
    if match["number"]:
        return f"{found}\\"
    if match["underscores"]:
        around = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
        # Between letters or digits, as in mqa_illusion, they begin no emphasis.
        return found if all(side.isalnum() for side in around) else found.replace("_", r"\_")
    if match["separated"]:
        return f"`{found}`"
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(found, f"&#{ord(found)};")


def _longest_run_of_backticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)

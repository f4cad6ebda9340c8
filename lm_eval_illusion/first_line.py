"""The first line of an answer that has visible text. Matching, the end of generation and the filter of the task YAMLs use it.

A chat model often begins with line breaks, a tokenizer or a web page leaves invisible characters. Neither is an answer, and neither
ends one.
"""

from __future__ import annotations

import re
import unicodedata

LINE_ENDS = "\n\v\f\r\x85\u2028\u2029"
"""The characters that end a line in every text: the mandatory breaks of Unicode Standard Annex 14 (BK, CR, LF, NL)."""
_LINE_END = re.compile(f"[{LINE_ENDS}]")

# Characters of category Cf that are printed: the signs that enclose a number or word (Unicode: Prepended_Concatenation_Mark).
_PRINTED_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Letters, marks and symbols that leave no ink: the joiner U+034F, fillers of Hangul, inherent vowels of Khmer, the empty Braille pattern.
_WITHOUT_INK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Variation selectors, and the reserved block of tags.
_SELECTORS = (("\u180b", "\u180f"), ("\ufe00", "\ufe0f"), ("\U000e0000", "\U000e0fff"))


class Answer(str):
    """A generated answer of `pruned-hf`: its text, and how it ended.

    `reached_limit`: it was cut at the token limit, before an end token, a stop string or the end of its line.
    """

    reached_limit: bool

    def __new__(cls, text: object = "", reached_limit: bool = False) -> Answer:
        """Make a text that lm_eval handles as any other. lm_eval turns the target of a task, also a number, into the type of the answer."""
        answer = super().__new__(cls, text)
        answer.reached_limit = reached_limit
        return answer

    def __getnewargs__(self) -> tuple[str, bool]:  # type: ignore[override]
        """Return the arguments of `__new__` for pickle: lm_eval gathers the answers of all processes."""
        return (str(self), self.reached_limit)


def is_visible(character: str) -> bool:
    """Return whether a character leaves ink: no white space, control or format character, variation selector or filler."""
    if character.isspace() or character in _WITHOUT_INK:
        return False
    if any(first <= character <= last for first, last in _SELECTORS):
        return False
    return unicodedata.category(character) not in ("Cc", "Cf") or character in _PRINTED_FORMATS


def line_bounds(text: str) -> tuple[int, int | None]:
    """Return where the first visible character stands, and the line end after it.

    Without a visible character the former is the length of the text. The latter is None where the line goes on to the end of the text:
    a model may still continue it.
    """
    start = next((index for index, character in enumerate(text) if is_visible(character)), len(text))
    end = _LINE_END.search(text, start)
    return start, end.start() if end else None


def first_line(text: str) -> str:
    """Return the first line with visible text, without invisible characters before it and white space after it; "" if there is none."""
    return placed_first_line(text)[0]


def placed_first_line(text: str) -> tuple[str, int]:
    """Return the first line with visible text, as `first_line` does, and the index of its first character in the text."""
    start, end = line_bounds(text)
    return text[start:end].strip(), start

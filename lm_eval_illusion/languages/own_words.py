"""Prompt words that a user gives: for a language that has no file, or in place of those in its file."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages.record import PromptWords

NAMES = ("question", "answer", "context", "options", "colon")
"""The words that a user may give. The delimiter follows from the colon."""
MOST_CHARACTERS = 100
_NEEDED = ("question", "answer")
_WITHOUT_SPACE = "："


def check_words(given: Mapping[str, object]) -> dict[str, str]:
    """Return the words that a user gives, without white space at their ends.

    Raises:
        UserError: A name is unknown, or a word is no text, is empty, too long, has characters that can't be seen, or ends with a colon.
    """
    for name, word in given.items():
        if name not in NAMES:
            raise UserError(f"{name[:MOST_CHARACTERS]!r} is no prompt word: the words are {', '.join(NAMES)}")
        if not isinstance(word, str) or not word.strip():
            raise UserError(f"prompt word {name} is empty or no text: give a word, or leave {name} out")
        if len(word) > MOST_CHARACTERS or not word.isprintable():
            raise UserError(
                f"prompt word {name} {word[:30]!r} is no single line of at most {MOST_CHARACTERS} visible characters"
            )
        if name != "colon" and word.strip().endswith((":", _WITHOUT_SPACE)):
            raise UserError(f"prompt word {name} {word!r} ends with a colon, which the prompt adds: leave it out")
    # A colon may have a space before it, as in French.
    return {name: str(word).rstrip() if name == "colon" else str(word).strip() for name, word in given.items()}


def complete_words(given: Mapping[str, str], in_file: PromptWords | None, lang: str) -> PromptWords:
    """Return the words that a user gives, the others as in the file of the language.

    Without a file, `context` and `options` may be left out: then a passage and the options stand in the prompt without a word before them.

    Args:
        given: Words that passed `check_words`.
        in_file: The words of the language's file, None if it has none.
        lang: The language, for the message.

    Raises:
        UserError: The language has no file, and `question` or `answer` is missing.
    """
    if in_file is None:
        missing = [name for name in _NEEDED if name not in given]
        if missing:
            raise UserError(
                f"language {lang!r} has no prompt words, and {' and '.join(missing)} was not given: give question and answer"
            )
        in_file = PromptWords(question="", answer="", context="", options="")
    words = msgspec.structs.replace(in_file, **given)
    if "colon" not in given:
        return words
    return msgspec.structs.replace(words, delimiter="" if words.colon == _WITHOUT_SPACE else " ")


def as_record(words: object) -> PromptWords:
    """Return the prompt words in a field of an item: all of them, as `pair` writes them.

    Raises:
        UserError: The field is no object with exactly these texts.
    """
    try:
        return msgspec.convert(words, PromptWords)
    except msgspec.ValidationError as error:
        names = ", ".join(PromptWords.__struct_fields__)
        raise UserError(f"prompt_words of an item is no object of texts {names} ({error}): pair the questions again") from error

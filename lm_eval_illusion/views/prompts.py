"""What an item is turned into for each view: the prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval_illusion.languages import words_of

LETTERS = ("A", "B", "C", "D")


def open_prompt(item: Mapping[str, Any]) -> str:
    """`mc`, `gen`, `beam` and `sample` alike: context if there is one, question, and the word for answer."""
    return _asked(item, item["lang"])


def oneshot_prompt(item: Mapping[str, Any]) -> str:
    """The open prompt after the item's fixed example, question and answer."""
    lang = item["lang"]
    shot = item["shot"]
    return f"{_asked(shot, lang)}{words_of(lang).delimiter}{shot['answer']}\n\n{open_prompt(item)}"


def candidates_prompt(item: Mapping[str, Any]) -> str:
    """The open prompt with the four options shown before the answer, unlettered, so that the answer is still to be said."""
    return _with_options(item, item["choices"])


def candidates_without_gold_prompt(item: Mapping[str, Any]) -> str:
    """The same with the three distractors only: a control."""
    return _with_options(item, [choice for place, choice in enumerate(item["choices"]) if place != item["gold"]])


def letters_prompt(item: Mapping[str, Any]) -> str:
    """The question, the options behind the letters A to D, and the word for answer, as leaderboards ask."""
    options = (f"{letter}. {choice}\n" for letter, choice in zip(LETTERS, item["choices"], strict=True))
    return _asked(item, item["lang"], "".join(options))


def blind_prompt(item: Mapping[str, Any]) -> str:
    """The open prompt without context and question: what is left is the word for answer."""
    words = words_of(item["lang"])
    return f"{words.answer}{words.colon}"


def answered(item: Mapping[str, Any]) -> str:
    """An item's open prompt with its answer: one text to train on or to calibrate with."""
    return f"{open_prompt(item)}{words_of(item['lang']).delimiter}{item['answer']}"


def _with_options(item: Mapping[str, Any], choices: Sequence[str]) -> str:
    words = words_of(item["lang"])
    options = "".join(f"- {choice}\n" for choice in choices)
    return _asked(item, item["lang"], f"{words.options}{words.colon}\n{options}")


def _asked(asked: Mapping[str, Any], lang: str, options: str = "") -> str:
    """`asked`: an item, or a shot, which has no language of its own."""
    words = words_of(lang)
    context = f"{words.context}{words.colon}{words.delimiter}{asked['context']}\n" if asked.get("context") else ""
    question = f"{words.question}{words.colon}{words.delimiter}{asked['question']}\n"
    return f"{context}{question}{options}{words.answer}{words.colon}"

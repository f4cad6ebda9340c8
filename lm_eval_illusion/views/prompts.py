"""The prompts of the views: each function returns a prompt for an item, in the item's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lm_eval_illusion.languages import prompt_words

LETTERS = ("A", "B", "C", "D")


class Turn(NamedTuple):
    """A message of a conversation. `role`: `user` or `assistant`."""

    role: str
    content: str


def open_prompt(item: Mapping[str, Any]) -> str:
    """Return the prompt of `mc`, `gen`, `beam` and `sample`: context if there is one, question, and the word for answer."""
    return _prompt(item, item["lang"])


def oneshot_prompt(item: Mapping[str, Any]) -> str:
    """Return the open prompt after the item's fixed example, a question with its answer."""
    lang = item["lang"]
    shot = item["shot"]
    return f"{_prompt(shot, lang)}{prompt_words(lang).delimiter}{shot['answer']}\n\n{open_prompt(item)}"


def oneshot_turns(item: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return the same example and question as turns, for a chat template: the example's question, its bare answer, the question."""
    shot = item["shot"]
    return (
        Turn("user", _prompt(shot, item["lang"])),
        Turn("assistant", shot["answer"]),
        Turn("user", open_prompt(item)),
    )


def candidates_prompt(item: Mapping[str, Any]) -> str:
    """Return the open prompt with the four options before the word for answer, without letters: the model must write the answer."""
    return _with_options(item, item["choices"])


def candidates_without_gold_prompt(item: Mapping[str, Any]) -> str:
    """Return the same prompt with the three distractors only: the control of `candidates`."""
    return _with_options(item, [choice for index, choice in enumerate(item["choices"]) if index != item["gold"]])


def letters_prompt(item: Mapping[str, Any]) -> str:
    """Return the question, the options after the letters A to D, and the word for answer, as in leaderboards."""
    options = (f"{letter}. {choice}\n" for letter, choice in zip(LETTERS, item["choices"], strict=True))
    return _prompt(item, item["lang"], "".join(options))


def blind_prompt(item: Mapping[str, Any]) -> str:
    """Return the open prompt without context and question: only the word for answer."""
    words = prompt_words(item["lang"])
    return f"{words.answer}{words.colon}"


def prompt_with_answer(item: Mapping[str, Any]) -> str:
    """Return an item's open prompt with its answer: one text for training or calibration."""
    return f"{open_prompt(item)}{prompt_words(item['lang']).delimiter}{item['answer']}"


def _with_options(item: Mapping[str, Any], choices: Sequence[str]) -> str:
    words = prompt_words(item["lang"])
    options = "".join(f"- {choice}\n" for choice in choices)
    return _prompt(item, item["lang"], f"{words.options}{words.colon}\n{options}")


def _prompt(question: Mapping[str, Any], lang: str, options: str = "") -> str:
    """Return a prompt up to the word for answer. `question`: an item, or the example of an item, which has no field `lang`."""
    words = prompt_words(lang)
    context_line = f"{words.context}{words.colon}{words.delimiter}{question['context']}\n" if question.get("context") else ""
    question_line = f"{words.question}{words.colon}{words.delimiter}{question['question']}\n"
    return f"{context_line}{question_line}{options}{words.answer}{words.colon}"

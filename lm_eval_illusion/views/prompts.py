"""The prompts of the views: each function returns a prompt for an item, in the item's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lm_eval_illusion.languages import PromptWords, prompt_words
from lm_eval_illusion.languages.own_words import as_record

LETTERS = ("A", "B", "C", "D")


class Turn(NamedTuple):
    """A message of a conversation. `role`: `user` or `assistant`."""

    role: str
    content: str


def open_prompt(item: Mapping[str, Any]) -> str:
    """Return the prompt of `mc`, `gen`, `beam` and `sample`: context if there is one, question, and the word for answer."""
    return _prompt(item, _words_of(item))


def oneshot_prompt(item: Mapping[str, Any]) -> str:
    """Return the open prompt after the item's fixed example, a question with its answer."""
    words = _words_of(item)
    shot = item["shot"]
    return f"{_prompt(shot, words)}{words.delimiter}{shot['answer']}\n\n{_prompt(item, words)}"


def oneshot_turns(item: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return the same example and question as turns, for a chat template: the example's question, its bare answer, the question."""
    shot = item["shot"]
    return (
        Turn("user", _prompt(shot, _words_of(item))),
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
    return _prompt(item, _words_of(item), "".join(options))


def blind_prompt(item: Mapping[str, Any]) -> str:
    """Return the open prompt without context and question: only the word for answer."""
    words = _words_of(item)
    return f"{words.answer}{words.colon}"


def answer_word(item: Mapping[str, Any]) -> str:
    """Return the word for answer with which the prompts of an item end, without its colon."""
    return _words_of(item).answer


def prompt_with_answer(item: Mapping[str, Any]) -> str:
    """Return an item's open prompt with its answer: one text for training or calibration."""
    words = _words_of(item)
    return f"{_prompt(item, words)}{words.delimiter}{item['answer']}"


def _words_of(item: Mapping[str, Any]) -> PromptWords:
    """Return the prompt words that an item carries, or else those of its language."""
    own = item.get("prompt_words")
    return prompt_words(item["lang"]) if own is None else as_record(own)


def _with_options(item: Mapping[str, Any], choices: Sequence[str]) -> str:
    words = _words_of(item)
    heading = f"{words.options}{words.colon}\n" if words.options else ""
    options = "".join(f"- {choice}\n" for choice in choices)
    return _prompt(item, words, f"{heading}{options}")


def _prompt(question: Mapping[str, Any], words: PromptWords, options: str = "") -> str:
    """Return a prompt up to the word for answer. `question`: an item, or the example of an item.

    Words that a user gives may lack those before a passage and before the options.
    """
    context_word = f"{words.context}{words.colon}{words.delimiter}" if words.context else ""
    context_line = f"{context_word}{question['context']}\n" if question.get("context") else ""
    question_line = f"{words.question}{words.colon}{words.delimiter}{question['question']}\n"
    return f"{context_line}{question_line}{options}{words.answer}{words.colon}"

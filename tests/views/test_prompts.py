"""Each prompt, compared with its whole text."""

from __future__ import annotations

from lm_eval_illusion.views.prompts import (
    blind_prompt,
    candidates_prompt,
    candidates_without_gold_prompt,
    letters_prompt,
    oneshot_prompt,
    open_prompt,
)

ITEM = {
    "lang": "en",
    "question": "Where is the Louvre?",
    "context": "",
    "answer": "Paris",
    "choices": ["Lyon", "Paris", "Nice", "Lille"],
    "gold": 1,
    "shot": {"question": "Where is the Prado?", "answer": "Madrid", "context": ""},
}
OPEN_BOOK = {**ITEM, "context": "The Louvre is in Paris.", "shot": {**ITEM["shot"], "context": "Madrid has the Prado."}}


def test_open_prompt():
    assert open_prompt(ITEM) == "Question: Where is the Louvre?\nAnswer:"
    assert open_prompt(OPEN_BOOK) == "Context: The Louvre is in Paris.\nQuestion: Where is the Louvre?\nAnswer:"


def test_no_space_before_a_chinese_answer():
    assert open_prompt({**ITEM, "lang": "zh"}) == "问题：Where is the Louvre?\n答案："


def test_oneshot_prompt():
    assert oneshot_prompt(ITEM) == "Question: Where is the Prado?\nAnswer: Madrid\n\nQuestion: Where is the Louvre?\nAnswer:"
    assert oneshot_prompt(OPEN_BOOK).startswith("Context: Madrid has the Prado.\nQuestion: Where is the Prado?")


def test_candidates_are_shown_without_letters():
    prompt = "Question: Where is the Louvre?\nOptions:\n- Lyon\n- Paris\n- Nice\n- Lille\nAnswer:"
    assert candidates_prompt(ITEM) == prompt
    assert candidates_without_gold_prompt(ITEM) == prompt.replace("- Paris\n", "")


def test_letters_prompt_and_blind_prompt():
    assert letters_prompt(ITEM) == "Question: Where is the Louvre?\nA. Lyon\nB. Paris\nC. Nice\nD. Lille\nAnswer:"
    assert blind_prompt(OPEN_BOOK) == "Answer:"
    assert blind_prompt({**ITEM, "lang": "fr"}) == "Réponse :"

"""What a question asks for, by short lists of question words made here."""

from __future__ import annotations

import msgspec
import pytest

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import Asking
from lm_eval_illusion.pairing.numbers import asked_number
from lm_eval_illusion.pairing.numbers.asked_number import asked_for

LISTS = {
    "en": Asking(
        person=("who", "whose"),
        place=("where",),
        time=("when",),
        quantity=("how many", "how old"),
        manner=("how",),
        which=("which", "what"),
        time_nouns=("year", "century"),
        quantity_nouns=("number", "population"),
        person_nouns=("author",),
    ),
    "de": Asking(person=("we*",), time=("wann",), quantity=("wie viele",)),
    "zh": Asking(person=("谁",), time=("什么时候",), quantity=("多少",), which=("什么",), time_nouns=("年",)),
}


@pytest.fixture(autouse=True)
def short_lists(monkeypatch):
    records = {code: msgspec.structs.replace(language(code), asking=asking) for code, asking in LISTS.items()}
    monkeypatch.setattr(asked_number, "language", lambda code: records.get(code) or language(code))
    clear()
    yield
    clear()


def clear():
    asked_number.asked_for.cache_clear()
    asked_number._pattern.cache_clear()


@pytest.mark.parametrize(
    ("lang", "question", "asked"),
    [
        *[
            ("en", "How many are there?", "quantity"),
            ("en", "HOW OLD is the tree?", "quantity"),
            ("en", "When was it?", "time"),
        ],
        *[("en", "How does it work?", "other"), ("en", "Where is it?", "other"), ("en", "Whose is it?", "other")],
        # The first question word decides, not one in a clause behind it.
        *[("en", "Who ruled when the war began?", "other"), ("en", "When did he who ruled die?", "time")],
        # Beside "which" the nearest noun decides.
        *[("en", "In which year did it end?", "time"), ("en", "What was the population?", "quantity")],
        *[
            ("en", "Which author wrote it in the last year of the war?", "other"),
            ("en", "Which team won in the last long dry year?", ""),
        ],
        *[("en", "Which film was it?", ""), ("en", "Name the film.", ""), ("en", "", "")],
        # Without a question word, a number is asked for rather than a year that is mentioned.
        *[("en", "In that year this number of states joined.", "quantity"), ("en", "The year of the treaty.", "time")],
        *[("de", "Wen wählte man?", "other"), ("de", "Wie viele sind es?", "quantity"), ("de", "Wie geht es?", "")],
        *[
            ("zh", "有多少人？", "quantity"),
            ("zh", "谁是女王？", "other"),
            ("zh", "什么时候？", "time"),
            ("zh", "是什么年？", "time"),
        ],
    ],
)
def test_what_a_question_asks_for(lang, question, asked):
    assert asked_for(question, lang) == asked


def test_a_language_without_lists_says_nothing():
    assert asked_for("Zenbat dira?", "eu") == ""

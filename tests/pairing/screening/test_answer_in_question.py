"""A question states its answer where it has it as a whole word sequence, in any form; a part of a word or of a number is none."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.screening.answer_in_question import states_answer


def states(question, answer, lang="en", aliases=()):
    return states_answer(Question("1", lang, question, "", answer, aliases))


@pytest.mark.parametrize(
    ("lang", "question", "answer"),
    [
        ("en", "What color is the white horse of Napoleon?", "White"),
        ("en", "Which city is New York City the largest city of?", "New York"),
        ("en", "How many people are in a team of 5 people?", "5"),
        ("en", "Which is older, Rome or Oslo?", "Rome"),
        ("en", "who was killed first tupac or biggie?", "Tupac"),
        ("en", "Which river flows through the Nile valley?", "River Nile"),
        ("ru", "Что старше: Москва или Киев?", "Москва"),
        ("ru", "Какой город является столицей Москвы?", "Москва"),
        ("fi", "Missä kaupungissa on Helsingin rautatieasema?", "Helsinki"),
        ("de", "Welches Verfahren wurde 1901 demonstriert?", "1901"),
        ("zh", "谁先出生，莫扎特还是贝多芬？", "莫扎特"),
        ("en", "Who was born first, Mozart or Beethoven?", "Wolfgang Amadeus Mozart"),
    ],
)
def test_the_answer_stands_in_the_question(lang, question, answer):
    assert states(question, answer, lang)


@pytest.mark.parametrize(
    ("lang", "question", "answer"),
    [
        ("en", "Which romance language is spoken in Italy?", "Rome"),
        ("en", "What happened in 1912?", "12"),
        ("en", "Which of the two came first, Rome or Oslo?", "2"),
        ("en", "What are the two parts?", "2"),
        ("de", "Welches ist der erste von zwölf Monaten?", "12"),
        ("en", "Which Stephen King novel has a clown in it?", "It"),
        ("en", "Who recorded My Generation?", "The Who"),
        ("en", "Who recorded My Generation?", "Who"),
        ("en", "Who painted the Mona Lisa?", "Leonardo da Vinci"),
        ("de", "Wer schrieb den Faust?", "Goethe"),
        ("zh", "中国的首都是哪里？", "国"),
        ("en", "What is the capital of Norway?", "?!"),
    ],
)
def test_it_does_not(lang, question, answer):
    assert not states(question, answer, lang)


def test_an_alias_counts_as_well():
    # A model that repeats the question would be judged to produce the answer.
    assert states("What is the real name of Bono?", "Paul Hewson", aliases=("Bono",))
    assert not states("What is the real name of Bono?", "Paul Hewson")


def test_a_surname_counts_only_where_others_are_offered():
    assert not states("What did Mozart compose at the age of five?", "Wolfgang Amadeus Mozart's Minuet")
    # "for" and "York" contain no word for "or".
    assert not states("Who played for Hawk in New York?", "Riley Hawk")
    assert not states("Who was the wife or widow of President Lincoln?", "Mary Todd Lincoln")

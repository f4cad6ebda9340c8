"""Echoes of questions in nine scripts, and answers in full sentences, which repeat most of the question and are no echo."""

from __future__ import annotations

import pytest

from lm_eval_illusion.failures.echo import is_echo

# Language, question, options, echo, answer in a sentence (right or wrong).
QUESTIONS = [
    (
        "en",
        "What is the capital of France?",
        ["Paris", "Rome"],
        "What is the capital of France?",
        "The capital of France is Lyon.",
    ),
    ("de", "In welchem Land liegt die Stadt Lima?", ["Peru"], "In welchem Land liegt Lima?", "Lima liegt in Chile."),
    ("ru", "В какой стране находится город Рим?", ["Италия"], "В какой стране находится Рим?", "Город Рим находится в Польше."),
    (
        "el",
        "Σε ποια χώρα βρίσκεται η πόλη Λίμα;",
        ["Περού"],
        "Η πόλη Λίμα βρίσκεται σε ποια χώρα",
        "Η πόλη Λίμα βρίσκεται στη Χιλή",
    ),
    ("ar", "في أي بلد تقع مدينة باريس؟", ["فرنسا"], "في أي بلد تقع مدينة باريس؟", "تقع مدينة باريس في إيطاليا"),
    ("hi", "नासाउ शहर किस देश में है?", ["बहामास"], "नासाउ शहर किस देश में है?", "नासाउ शहर चिली में है"),
    ("zh", "弗里敦这座城市位于哪个国家？", ["塞拉利昂"], "弗里敦这座城市位于哪个国家？", "弗里敦位于摩洛哥"),
    (
        "ko",
        "다음 도시는 어느 나라에 있습니까: 탈린?",
        ["에스토니아"],
        "다음 도시는 어느 나라에 있습니까",
        "탈린은 핀란드에 있습니다",
    ),
    ("th", "เมืองพอดกอรีตซาอยู่ในประเทศใด", ["มอนเตเนโกร"], "เมืองพอดกอรีตซาอยู่ในประเทศใด", "เมืองพอดกอรีตซาอยู่ในกรีซ"),
    (
        "sw",
        "Mji wa Oslo uko katika nchi gani?",
        ["Norwe"],
        "Mji wa Oslo uko katika nchi gani.",
        "Mji wa Oslo uko katika Uswidi",
    ),
]


@pytest.mark.parametrize(("lang", "question", "options", "echo", "answer"), QUESTIONS)
def test_a_repeated_question_is_an_echo_and_a_sentence_with_an_answer_is_none(lang, question, options, echo, answer):
    assert is_echo(echo, question, options, lang)
    assert not is_echo(answer, question, options, lang)


PASHTO = ("In which script is this language written: Pashto?", ["Arabic", "Latin", "Cyrillic"], "en")


@pytest.mark.parametrize(
    "line",
    [
        # It says nothing that the question does not say, or only a word within that is no name.
        "This language is written in Pashto.",
        "Pashto",
        "This language is usually written in the Pashto script.",
        # The question in other words, and the continuation of a base model in the prompt's format.
        "In which language is this language written: English?",
        "Question: Who wrote Hamlet?",
        "**Question:**",
    ],
)
def test_it_repeats_the_question_in_other_words_or_begins_another_one(line):
    assert is_echo(line, *PASHTO)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "...",
        "Gujarati",
        "This language is written in the Gujarati script.",
        # A new word at the end may be the answer, whatever its case.
        "This language is written in the gujarati",
        "Question: In which script is it written? Answer: Gujarati",
        "Who knows?",
        # A question about something else that shares a few words.
        "In which script did the painter draw his famous notebooks about birds?",
    ],
)
def test_a_word_that_may_be_the_answer_makes_it_no_echo(line):
    assert not is_echo(line, *PASHTO)


def test_an_option_is_an_answer_also_if_the_question_has_it():
    question = "Which is larger, Rome or Lima?"
    assert not is_echo("Rome", question, ["Lima", "Rome"], "en")
    assert is_echo("Rome or Lima", question, ["Lima", "Rome"], "en")
    # Numbers have no other forms: 1995 is not 1996.
    assert not is_echo("1995", "What came after 1996?", ["1997"], "en")

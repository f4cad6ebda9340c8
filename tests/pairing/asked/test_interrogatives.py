from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.asked.interrogatives import AskedFor, asked_for
from lm_eval_illusion.pairing.asked.phrases import CLASSES, THING, WHICH
from lm_eval_illusion.pairing.asked.question_words import question_words

TABLE = Path(__file__).with_name("questions.tsv")
QUESTIONS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
QUIZ = [line.split("\t") for line in TABLE.with_name("quiz.tsv").read_text(encoding="utf-8").splitlines()[1:]]
"""Questions as quizzes of Asia and Africa ask them, with the kind as a reader sees it; a person stands for any kind of person."""
NOT_SEEN = {
    "中国四大发明中用于辨别方向的是哪一个？",  # No noun says the kind; the direction before 的是 belongs to a clause.
    "پایتخت استرالیا کجاست؟",  # Where is the capital: a place.
    "เทพเจ้าแห่งท้องทะเลของกรีกคือองค์ใด",  # The god stands far before its classifier.
}


def asked(question: str, lang: str) -> AskedFor:
    read = question_words(question, lang)
    return asked_for(read.units, lang, states=read.is_statement)


def class_of(found: AskedFor) -> str:
    """The class as the table has it: a noun of no class is a thing."""
    if found.by_noun and found.kind not in CLASSES:
        return found.parent or WHICH
    return WHICH if found.kind in (THING, "") else found.kind


def test_the_class_is_the_one_that_a_reader_sees():
    faults = []
    for lang, question, expected in QUESTIONS:
        found = asked(question, lang)
        if expected not in {class_of(found), found.kind}:
            faults.append(f"{lang}: {question!r} asks for {class_of(found)} ({found.kind}), not for {expected}")
    assert not faults, "\n".join(faults)


def test_the_kind_of_a_quiz_question_is_the_one_that_a_reader_sees():
    wrong, faults = set(), []
    for lang, question, kind in QUIZ:
        found = asked(question, lang)
        kinds = {THING, WHICH} if found.kind in (THING, WHICH) else {found.kind, found.parent}
        if kind not in kinds:
            wrong.add(question)
            faults.append(f"{lang}: {question!r} asks for {found.kind}, not for {kind}")
    assert wrong == {question for _, question, _ in QUIZ} & NOT_SEEN, "\n".join(faults)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Which fruit is used to make cider?", "fruit"),
        ("Cider is made from which fruit?", "fruit"),
        ("Name the fruit that is used to make cider.", "fruit"),
        ("What is the name of the fruit that is used to make cider?", "fruit"),
        ("The fruit is what?", "fruit"),
        ("Which actress played the queen?", "actor"),
        ("Who played the queen?", "person"),
        ("Which programming language has a snake in its logo?", "programming_language"),
        ("What year did the war begin?", "time"),
        ("In which city did the man who wrote Faust die?", "city"),
        ("When the king died, who followed him?", "time"),  # Wrong: "when" begins a clause here. The words can't tell.
        ("What did the queen open in 1981?", "thing"),  # Not a queen.
        ("Why is the sky blue?", "reason"),
        ("How does a diesel engine work?", "manner"),
        ("How many rivers flow into the lake?", "quantity"),
        ("Rivers and lakes", "river"),
        ("", ""),
    ],
)
def test_english(question, kind):
    assert asked(question, "en").kind == kind


@pytest.mark.parametrize(
    ("lang", "question", "kind"),
    [
        # A command: the noun behind it decides, not the relative pronoun and not the nouns of the clause.
        ("en", "Name the film in which an actor plays twins.", "film"),
        ("en", "Name the nation whose flag shows a leaf.", "country"),
        ("en", "Can you name the river where the singer drowned?", "river"),
        (
            "en",
            "Name the Beatle who wrote the song.",
            "person",
        ),  # No noun of the lists behind it: the pronoun says more than nothing.
        ("fr", "Nommez l'organe qui produit l'insuline.", "body_part"),
        ("de", "Nennen Sie das Tier, welches im Wappen der Stadt steht.", "animal"),
        ("es", "Nombra el río que cruza la ciudad.", "river"),
        ("ru", "Назовите государство, на флаге которого лист.", "country"),
        # A statement asks for what stands behind "this".
        ("en", "This English-born comedian, who was also a violinist, is known for short jokes.", "actor"),
        ("en", "The Curiosity rover, which is part of a mission, landed on this planet.", "planet"),
        ("en", "After this battle, which king fled?", "ruler"),  # A question is no statement.
        (
            "en",
            "In what year did this king die",
            "time",
        ),  # An interrogative at the beginning asks, without a question mark, too.
        ("fr", "Cet écrivain est né dans la ville qui brûla.", "writer"),
        ("de", "Der Berg steht in diesem Land.", "country"),
        # Who is: the noun tells which persons, and a goddess is no person.
        ("en", "Who is the Roman goddess of love?", "god"),
        ("en", "Who was the first president?", "politician"),
        ("en", "Who is it that robbed the bank?", "person"),
        ("en", "Who is on the team of the city?", "person"),  # Neither a team nor a city is somebody.
        ("fr", "Qui est le dieu grec de la mer ?", "god"),
        ("de", "Wer war der Komponist der Oper?", "musician"),
        ("el", "Ποιος συγγραφέας έγραψε το έργο;", "writer"),
        # One of those that are listed.
        ("en", "Which of these Tim Burton movies is a musical?", "film"),
        ("en", "Which of the following fictional characters is a bear?", "character"),
        # Behind a name in the genitive.
        ("en", "What was Elvis Presley's first number one single?", "song"),
        # Nouns side by side: the last one says the kind, but a verb is no noun.
        ("en", "Which country singer wrote it?", "musician"),
        ("en", "Which desert animal has two humps?", "animal"),
        ("en", "Which football club plays in red?", "team"),
        ("en", "What would scientists show?", "thing"),
        ("en", "They are members of what world-famous British band?", "band"),  # Not of a world.
        ("en", "This TV star was born in Flint.", "actor"),  # Not a star of the sky.
        # A compound that no list has: its last part says the kind.
        ("de", "Welcher Alpengipfel ist der höchste?", "mountain"),
        ("de", "In welchem Abenteuerbuch wird ein Schatz gesucht?", "book"),
        ("sv", "Vilken konsertpianist spelade där?", "musician"),
        ("fr", "Quel est le plus grand désert du monde ?", "desert"),
        ("pl", "Na jakim instrumencie grał Armstrong?", "instrument"),
        ("pl", "W którym mieście znajduje się zamek?", "city"),
    ],
)
def test_what_people_write(lang, question, kind):
    assert asked(question, lang).kind == kind


def test_a_writer_is_a_person_and_a_fruit_has_no_class():
    assert asked("Which novelist wrote it?", "en").parent == "person"
    assert asked("Which river is it?", "en").parent == "place"
    assert asked("Which fruit is it?", "en").parent == ""
    assert asked("Who is it?", "en").parent == ""


def test_the_units_of_the_phrase_are_given():
    found = asked("In which big city was he born?", "en")
    assert (found.by_noun, found.start, found.end) == (True, 3, 4)


def test_patterns_match_any_letters():
    assert asked("In welcher Landeshauptstadt steht das Schloss?", "de").kind == "city"


def test_a_language_without_a_file_has_no_interrogatives():
    assert asked("Which fruit is it?", "xx") == AskedFor()


@given(st.text(max_size=40), st.sampled_from(["en", "de", "zh", "ja", "th", "ar", "hi"]))
def test_any_text_has_a_kind_within_its_units(question, lang):
    units = question_words(question, lang).units
    found = asked_for(units, lang)
    assert 0 <= found.start <= found.end <= max(len(units), 0)

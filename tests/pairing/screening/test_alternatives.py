"""What a question offers beside its answer is found whole, or not at all."""

from __future__ import annotations

import pytest

from lm_eval_illusion.languages import language, language_codes
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.screening.alternatives import alternatives_in


def offered(question, answer, lang="en", aliases=()):
    """The answer's place marked by None among what is offered, None if nothing is."""
    found = alternatives_in(Question("1", lang, question, "", answer, aliases))
    return None if found is None else [*found.others[: found.before], None, *found.others[found.before :]]


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Which is older, Rome or Oslo?", "Rome", [None, "Oslo"]),
        ("Which is older, Rome or Oslo?", "Oslo", ["Rome", None]),
        ("Who was born first, Wolfgang Mozart or Ludwig van Beethoven?", "Wolfgang Mozart", [None, "Ludwig van Beethoven"]),
        ("Who was born first, Wolfgang Mozart or Ludwig van Beethoven?", "Ludwig van Beethoven", ["Wolfgang Mozart", None]),
        ("Wolfgang Mozart or Ludwig Beethoven, who is older?", "Ludwig Beethoven", ["Wolfgang Mozart", None]),
        ("Is Pluto a planet or a star?", "star", ["planet", None]),
        # The answer has a capital, so the option gets one.
        ("Is Pluto a planet or a star?", "Planet", [None, "Star"]),
        ("Did Messi or Ronaldo win more trophies?", "Messi", [None, "Ronaldo"]),
        ("Did Messi or Ronaldo win more trophies?", "Ronaldo", ["Messi", None]),
        ("Is St. Louis or Chicago larger?", "Chicago", ["St. Louis", None]),
        ("What is the largest: Asia, Africa, Europe, or America?", "Asia", [None, "Africa", "Europe", "America"]),
        ("who was killed first tupac or biggie?", "biggie", ["tupac", None]),
        ("Which film is older, The Lord of the Rings or Harry Potter?", "Harry Potter", ["The Lord of the Rings", None]),
        ("Does a whale have lungs or gills?", "lungs", [None, "gills"]),
        ("Was it made of wood or of metal?", "wood", [None, "metal"]),
        ("Are there 5 or 6 rings?", "5", [None, "6"]),
        ("Is it in 1914 vs. 1939 that it began?", "1914", [None, "1939"]),
    ],
)
def test_alternatives_in_english(question, answer, expected):
    assert offered(question, answer) == expected


needs_asking = pytest.mark.skipif(not language("en").asking.which, reason="needs the words that ask, [asking]")


@needs_asking
@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Which is the fastest, the cheetah, the lion or the horse?", "lion", ["cheetah", None, "horse"]),
        # The answer has its article, so the option gets one.
        ("Who carried more, the son or the father?", "the father", ["the son", None]),
        ("Who carried more, the son or the father?", "The father", ["The son", None]),
        ("Who carried more, the son or the father?", "father", ["son", None]),
        ("Is the sky blue, green or red?", "green", ["blue", None, "red"]),
        ("Which came first, 1914 or 1939?", "1914", [None, "1939"]),
        ("Which drink, coffee or tea, did Washington prefer?", "tea", ["coffee", None]),
    ],
)
def test_the_words_that_ask_are_no_alternative(question, answer, expected):
    assert offered(question, answer) == expected


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What color is the white horse of Napoleon?", "white"),
        ("Which is bigger between Rome and Oslo?", "Rome"),
        ("Was World War I before or after the Titanic?", "before"),
        ("What type of fish is used, or why, in sushi?", "fish"),
        # Two names side by side: where the alternative begins is not clear.
        ("Is the capital of Australia Sydney or Canberra?", "Canberra"),
        # The other one is a part of the answer.
        ("Is it New York City or New York?", "New York City"),
    ],
)
def test_no_alternative_or_none_that_is_clear(question, answer):
    assert offered(question, answer) is None


@pytest.mark.parametrize(
    ("lang", "question", "answer", "expected"),
    [
        ("ar", "أيهما أكبر، القمر أم الشمس؟", "الشمس", ["القمر", None]),
        ("bn", "কোনটি বড়, সূর্য না কি চাঁদ?", "সূর্য", [None, "চাঁদ"]),
        ("cs", "Co je starší, Praha nebo Brno?", "Brno", ["Praha", None]),
        ("da", "Hvad er størst, Oslo eller Bergen?", "Oslo", [None, "Bergen"]),
        ("de", "Ist ein Wal ein Fisch oder ein Säugetier?", "Säugetier", ["Fisch", None]),
        ("el", "Ποιο είναι μεγαλύτερο, η Αθήνα ή η Πάτρα;", "Αθήνα", [None, "Πάτρα"]),
        ("es", "¿Qué es más grande, el Sol o la Luna?", "Sol", [None, "Luna"]),
        ("fa", "کدام بزرگتر است، خورشید یا ماه؟", "خورشید", [None, "ماه"]),
        ("fi", "Kumpi on vanhempi, Helsinki vai Turku?", "Turku", ["Helsinki", None]),
        ("fr", "Pluton est-elle une planète ou une étoile ?", "étoile", ["planète", None]),
        ("he", "מה גדול יותר, השמש או הירח?", "השמש", [None, "הירח"]),
        ("hi", "कौन बड़ा है, सूर्य या चंद्रमा?", "सूर्य", [None, "चंद्रमा"]),
        ("hu", "Melyik nagyobb, Szeged vagy Debrecen?", "Debrecen", ["Szeged", None]),
        ("id", "Mana yang lebih besar, Jakarta atau Bandung?", "Jakarta", [None, "Bandung"]),
        ("it", "Chi è nato prima, Dante o Petrarca?", "Dante", [None, "Petrarca"]),
        ("ja", "どちらが先に生まれましたか、モーツァルトそれともベートーヴェン？", "モーツァルト", [None, "ベートーヴェン"]),
        ("ko", "누가 먼저 태어났나요, 모차르트 또는 베토벤?", "베토벤", ["모차르트", None]),
        ("ms", "Mana lebih besar, Ipoh atau Melaka?", "Melaka", ["Ipoh", None]),
        ("nl", "Wie is ouder, Rembrandt of Vermeer?", "Vermeer", ["Rembrandt", None]),
        ("no", "Hva er størst, Oslo eller Bergen?", "Oslo", [None, "Bergen"]),
        ("pl", "Kto urodził się wcześniej, Mozart czy Beethoven?", "Mozart", [None, "Beethoven"]),
        ("pt", "O que é maior, o Sol ou a Lua?", "Lua", ["Sol", None]),
        ("ro", "Care este mai mare, Cluj sau Iași?", "Cluj", [None, "Iași"]),
        ("ru", "Что тяжелее: железо или золото?", "золото", ["железо", None]),
        ("sv", "Vem är äldst, Strindberg eller Ibsen?", "Ibsen", ["Strindberg", None]),
        ("sw", "Ipi ni kubwa zaidi, Kenya au Uganda?", "Kenya", [None, "Uganda"]),
        ("te", "ఏది పెద్దది, సూర్యుడు లేదా చంద్రుడు?", "సూర్యుడు", [None, "చంద్రుడు"]),
        ("th", "ใครเกิดก่อน โมซาร์ท หรือ เบโธเฟน", "เบโธเฟน", ["โมซาร์ท", None]),
        ("tr", "Hangisi daha büyük, Ay mı yoksa Güneş mi?", "Güneş", ["Ay", None]),
        ("uk", "Хто народився раніше, Пушкін чи Гоголь?", "Гоголь", ["Пушкін", None]),
        ("ur", "کون بڑا ہے، سورج یا چاند؟", "سورج", [None, "چاند"]),
        ("vi", "Ai sinh trước, Mozart hay Beethoven?", "Mozart", [None, "Beethoven"]),
        ("zh", "谁先出生，莫扎特还是贝多芬？", "莫扎特", [None, "贝多芬"]),
    ],
)
def test_alternatives_in_each_language(lang, question, answer, expected):
    assert offered(question, answer, lang) == expected


@pytest.mark.parametrize(("lang", "question", "answer"), [("zh", "莫扎特还是贝多芬先出生？", "莫扎特")])
def test_where_no_spaces_show_the_end_of_an_alternative(lang, question, answer):
    assert offered(question, answer, lang) is None


def test_a_right_answer_is_no_alternative():
    assert offered("Which is a river, the Rhine or the Elbe?", "Rhine", aliases=("Elbe",)) is None


def test_every_language_has_a_word_for_or():
    assert [lang for lang in language_codes() if not language(lang).alternatives.or_words] == []

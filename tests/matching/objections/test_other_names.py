"""A name, word or sign that is part of another one does not count; one that only has a neighbour does. Judged by hand."""

from __future__ import annotations

import time

import pytest

from lm_eval_illusion import matches
from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.text.normalize import normalise

# language, answer, output: the output says another name, for the reason in the heading.
OTHER = [
    # A name of two equal parts, or with an article or a preposition between hyphens.
    ("de", "Baden", "Baden-Baden"),
    ("es", "Mancha", "Castilla-La Mancha"),
    ("fr", "France", "l'Île-de-France"),
    # A surname behind a given name makes a person of it, also where given names may follow a surname.
    ("ru", "Лев", "Лев Толстой"),
    ("uk", "Тарас", "Тарас Шевченко"),
    # A word for a colour or a kind of place, both with a capital letter.
    ("pl", "Góra", "Jelenia Góra"),
    ("ro", "Mare", "Baia Mare"),
    # North Korea, where the word is also the word "answer".
    ("hi", "कोरिया", "उत्तर कोरिया।"),
    ("bn", "কোরিয়া", "উত্তর কোরিয়া"),
    # A word before the name makes another place of it.
    ("en", "Hampshire", "It is New Hampshire."),
    ("en", "Dakota", "south dakota"),
    ("en", "Mexico", "It flows into the Gulf of Mexico."),
    ("es", "Zelanda", "Nueva Zelanda"),
    ("fr", "Zélande", "C'est la Nouvelle Zélande."),
    ("it", "Zelanda", "La Nuova Zelanda."),
    ("de", "Mexiko", "am Golf von Mexiko"),
    ("ru", "Зеландия", "в Новой Зеландия"),
    ("ru", "Корея", "Северная Корея"),
    ("uk", "Корея", "Північна Корея"),
    ("pl", "Zelandia", "Nowa Zelandia"),
    ("el", "Κορέα", "Η Βόρεια Κορέα"),
    ("tr", "Kore", "Kuzey Kore"),
    ("vi", "Hàn", "Nam Hàn"),
    ("ar", "كوريا", "هي كوريا الشمالية"),
    ("he", "קוריאה", "צפון קוריאה"),
    ("hi", "कोरिया", "दक्षिण कोरिया"),
    ("bn", "কোরিয়া", "উত্তর কোরিয়া"),
    ("te", "కొరియా", "ఉత్తర కొరియా"),
    ("zh", "几内亚", "赤道几内亚"),
    ("ja", "ジーランド", "ニュージーランド"),
    # A word behind it.
    ("es", "Corea", "Corea del Norte"),
    ("fr", "Corée", "la Corée du Sud"),
    ("id", "Korea", "Korea Utara"),
    ("sw", "Korea", "Korea Kaskazini"),
    ("fa", "کره", "کره شمالی"),
    ("en", "sodium", "sodium chloride"),
    ("es", "sodio", "bicarbonato de sodio"),
    ("en", "Mexico", "Mexico City"),
    ("es", "México", "Ciudad de México"),
    # Two capitalised words are one name.
    ("en", "Washington", "It is Washington Irving."),
    ("en", "London", "London Bridge"),
    ("fr", "Paris", "C'est Paris Hilton."),
    ("ro", "Alba", "Alba Iulia"),
    # A hyphen joins.
    ("de", "Rheinland", "Rheinland-Pfalz"),
    ("fr", "Clermont", "Clermont-Ferrand"),
    ("ru", "Дели", "Нью-Дели"),
    ("fi", "Suomi", "Väli-Suomi"),
    ("he", "אביב", "תל-אביב"),
    ("hi", "गिनी", "गिनी-बिसाऊ"),
    ("en", "Stratford", "Stratford-upon-Avon"),
    # Signs and digits.
    ("en", "F", "F#"),
    ("en", "C", "The language is C++."),
    ("de", "A", "A+"),
    ("zh", "C", "语言是C++。"),
    ("en", "C", "20 °C"),
    ("en", "CO2", "CO"),
    ("en", "N2", "N2O"),
    ("ro", "H2O", "H2O2"),  # "o" is an article
    ("en", "7", "Seven Sisters"),
    ("en", "Apollo", "Apollo11"),
    ("en", "A", "The grade was A-."),
]
SAME = [
    # "São" is a saint before a name, and "are" before a word.
    ("pt", "leão", "São leões."),
    # A common noun behind a word with the capital letter of the sentence is no name.
    ("ru", "дом", "Новый дом."),
    ("pl", "pies", "Wielki pies."),
    ("tr", "köpek", "Büyük köpek"),
    # The given name follows the surname.
    ("ru", "Пушкин", "Пушкин Александр Сергеевич"),
    # The word for north is also the word "answer": Ajmer is the answer, and Natore.
    ("hi", "अजमेर", "उत्तर अजमेर है, कोटा नहीं।"),
    ("bn", "নাটোর", "উত্তর নাটোর, পাবনা নয়।"),
    ("en", "Einstein", "Albert Einstein"),
    ("en", "Victoria", "Lake Victoria"),
    ("en", "Amazon", "It is the Amazon River."),
    ("en", "Lincoln", "President Lincoln"),
    ("en", "Paris", "Paris France"),
    ("en", "Portland", "Portland Oregon"),
    ("en", "Oslo", "an Oslo-based company"),
    ("en", "Obama", "ex-president Obama"),
    ("en", "US", "the US Army"),
    ("en", "New York", "New York City"),
    ("en", "New York", "in New York"),
    ("en", "Poland", "It lies east of Poland."),
    ("en", "Lima", "Lima I think"),
    ("en", "Elizabeth", "Elizabeth II"),
    ("en", "Chicago", "In Which City Was It? Chicago Of Course Sir"),
    ("en", "C++", "It is C++."),
    ("en", "F#", "F♯"),
    ("en", "A", "A"),
    ("en", "H2O", "H2O."),
    ("en", "5", "5km"),
    ("en", "Hanoi", "Hanoi - the capital"),
    ("de", "Zika", "das Zika-Virus"),
    ("de", "Linz", "Linz liegt in Oberösterreich"),
    ("ro", "show", "show-ul"),
    ("hu", "NATO", "a NATO-ban"),
    ("fi", "Salo", "Salo-niminen"),
    ("id", "kupu", "kupu-kupu"),
    ("id", "buku", "buku-bukunya"),
    ("en", "7", "a seven-sided coin"),
    ("pt", "branco", "As cores são branco e azul."),
    ("es", "Granada", "la ciudad de Granada"),
    ("tr", "Van", "Van Gölü"),
    ("hi", "दिल्ली", "सही उत्तर दिल्ली है"),
    ("bn", "ঢাকা", "সঠিক উত্তর ঢাকা"),
    ("ru", "Москва", "Великая Москва-река — нет, сама Москва"),
    ("fr", "Lyon", "cette ville-là est Lyon"),
    ("zh", "南昌", "江西南昌"),
    ("ja", "ハノイ", "首都・ハノイ"),
]


@pytest.mark.parametrize(("lang", "answer", "output"), OTHER)
def test_a_part_of_another_name_does_not_count(lang, answer, output):
    assert not matches(output, [answer], lang)


@pytest.mark.parametrize(("lang", "answer", "output"), SAME)
def test_a_neighbour_that_makes_no_other_name_leaves_the_answer(lang, answer, output):
    assert matches(output, [answer], lang)


@pytest.mark.parametrize(
    ("lang", "part", "word", "line"),
    [
        ("id", "singa", "singa laut", "Itu singa laut."),
        ("vi", "Đức", "đạo đức", "Đó là đạo đức."),
        ("vi", "gấu", "gấu trúc đỏ", "con gấu trúc đỏ"),
        ("sw", "punda", "punda milia", "Ni punda milia"),
    ],
)
def test_a_part_of_a_word_written_with_spaces_is_another_word(lang, part, word, line):
    assert not matches(line, [part], lang)
    assert matches(line, [word], lang)


def test_an_adjective_behind_a_counter_makes_no_other_name():
    assert matches("一只小松鼠", ["松鼠"], "zh")
    # the red panda
    assert not matches("一只小熊猫", ["熊猫"], "zh")


def test_the_objection_is_named_and_the_place_is_that_of_the_part():
    assert explain("It is New Jersey.", ["Jersey"], "en") == (False, "Jersey", "other_name", (10, 16))


def test_an_alias_that_is_the_longer_name_counts():
    assert matches("It is North Korea.", ["Korea", "North Korea"], "en")


def test_another_mention_that_stands_alone_counts():
    assert matches("New Jersey has its name from Jersey.", ["Jersey"], "en")
    # The second mention stands alone, but the line denies it.
    assert explain("New Jersey is not in Jersey.", ["Jersey"], "en").rule == "denied"


@pytest.mark.parametrize("text", ["C++", "F#", "F♯", "B♭", "A+"])
def test_a_sign_behind_a_letter_is_part_of_the_word(text):
    assert normalise(text, "en") not in ("c", "f", "b", "a")
    assert " " not in normalise(text, "en")


@pytest.mark.parametrize("text", ["a+b", "a + b", "# a b", "a #b"])
def test_a_sign_elsewhere_is_none(text):
    assert normalise(text, "de") == "a b"


@pytest.mark.parametrize(
    ("lang", "answer", "text"),
    [
        ("en", "Jersey", "New Jersey "),
        ("en", "London", "the small London Bridge "),
        ("zh", "罗马", "罗马尼亚"),
        ("de", "Rheinland", "Rheinland-Pfalz "),
    ],
)
def test_ten_thousand_characters_of_other_names_take_less_than_a_second(lang, answer, text):
    matches(text, [answer], lang)
    start = time.process_time()
    assert not matches(text * (10_000 // len(text)), [answer], lang)
    assert time.process_time() - start < 1

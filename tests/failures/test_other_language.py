"""Answers in another script or language, and names, which are written alike in many languages."""

from __future__ import annotations

import pytest

from lm_eval_illusion.failures.other_language import is_other_language

QUESTIONS = {
    "en": ("In which country is the city of Lima?", ["Peru", "Chile"]),
    "de": ("In welchem Land liegt die Stadt Lima?", ["Peru", "Chile"]),
    "es": ("¿En qué país está la ciudad de Roma?", ["Italia", "Chile"]),
    "fi": ("Missä maassa kaupunki nimeltä Rooma sijaitsee?", ["Italia", "Ranska"]),
    "sw": ("Mji wa Oslo uko katika nchi gani?", ["Norwe", "Italia"]),
    "id": ("Di negara mana kota Roma berada?", ["Italia", "Prancis"]),
    "ru": ("В какой стране находится город Рим?", ["Италия", "Чили"]),
    "el": ("Σε ποια χώρα βρίσκεται η πόλη Λίμα;", ["Περού", "Χιλή"]),
    "ar": ("في أي بلد تقع مدينة باريس؟", ["فرنسا", "إيطاليا"]),
    "hi": ("नासाउ शहर किस देश में है?", ["बहामास", "चिली"]),
    "zh": ("弗里敦这座城市位于哪个国家？", ["塞拉利昂", "摩洛哥"]),
    "ja": ("フランスのしゅとはどこですか", ["パリ", "ローマ"]),
    "ko": ("프랑스의 수도는 어디입니까?", ["파리", "로마"]),
    "th": ("เมืองพอดกอรีตซาอยู่ในประเทศใด", ["มอนเตเนโกร", "กรีซ"]),
}


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("ru", "The answer is Italy."),
        ("el", "Chile"),
        ("ar", "Это Франция"),
        # A month is no unit, and a name in capital letters no abbreviation.
        ("ru", "5 May"),
        ("ru", "LONDON"),
        ("hi", "The answer is not here"),
        ("zh", "The answer is: Shanghai."),
        ("th", "答案是意大利"),
        ("en", "答えはチリです"),
        # Words of two letters are whole words in East Asia.
        ("en", "巴黎"),
        ("en", "北京"),
        ("en", "欧元"),
        ("en", "日本"),
        ("en", "서울"),
        ("en", "パリ"),
        ("ru", "美元"),
        ("ar", "欧元。"),
        ("ko", "东京"),
        ("zh", "서울"),
        # A sentence in the item's language around the answer, and the question's words.
        ("en", "The answer is 巴黎"),
        ("en", "Answer: Париж"),
        ("en", "It is 巴黎."),
        ("en", "Lima is in the country 秘鲁"),
        ("de", "Die Stadt Lima liegt in 秘鲁."),
        # The same script: words that are no names.
        ("de", "The city is located in the south of the country."),
        ("es", "You are a helpful assistant, trained by the same person."),
        ("fi", "The following sentence is about a city that lies in the north"),
        ("sw", "I'm here to help with any questions or issues you might have."),
        ("en", "Die Stadt liegt im Süden des Landes und ist sehr alt"),
        ("en", "la ciudad se encuentra en el sur del país"),
    ],
)
def test_another_script_or_language(lang, line):
    assert is_other_language(line, *QUESTIONS[lang], lang)


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        # Names, however many.
        ("en", "São Tomé e Príncipe"),
        ("en", "Rio de Janeiro, Belo Horizonte, São Paulo, Porto Alegre"),
        ("de", "The Great Gatsby"),
        ("fi", "New York City, United States of America"),
        ("sw", "Addis Ababa"),
        # Sentences in the language, which names of another one cross.
        ("de", "Die Stadt heißt auf Englisch New York City und liegt in den Vereinigten Staaten"),
        ("es", "La ciudad de Roma se encuentra en el sur de Francia"),
        ("fi", "Kaupunki sijaitsee maan pohjoisosassa lähellä suurta järveä"),
        ("sw", "Mji huu uko katika nchi ya jirani upande wa kusini"),
        ("id", "Kota itu berada di bagian selatan negara tersebut"),
        ("en", "the city lies in the far north of the country"),
        # Malay is likelier, but not by far: it shares most words.
        ("id", "kota itu ada di negeri jiran"),
        ("ru", "Город находится на севере страны"),
        ("ar", "تقع المدينة في شمال البلاد"),
        ("hi", "यह शहर देश के उत्तर में है"),
        # An answer in the item's script, and the same in another one.
        ("en", "Tokyo (東京)"),
        ("en", "Rio (里约)"),
        ("en", "It is (日本)"),
        ("en", "Tokyo 東京"),
        ("en", "Rio 里约"),
        ("en", "The answer is Tokyo, 東京"),
        ("en", "The Chinese word for the capital is 北京"),
        # Latin names and abbreviations in a sentence, and as an answer; units.
        ("ru", "Это компания Commodore"),
        ("ru", "Его выпустила фирма Apple"),
        ("zh", "NBA"),
        ("zh", "CPU"),
        ("zh", "MP3"),
        ("zh", "它是USB接口"),
        ("ru", "ДНК (DNA)"),
        ("th", "NATO"),
        ("ru", "42 km/h"),
        ("zh", "300 MHz"),
        ("ar", "25 kWh"),
        ("ko", "5 µm"),
        # All scripts of Japanese are its own.
        ("ja", "東京"),
        ("ja", "東京タワー"),
        ("ja", "答えは東京です"),
        ("ja", "ーーー佐々木"),
        ("ko", "서울"),
        # No letters, or too few.
        ("en", "水"),
        ("zh", "1995"),
        ("zh", "42 km"),
        ("ru", "..."),
    ],
)
def test_a_name_or_a_sentence_in_the_language_is_none(lang, line):
    assert not is_other_language(line, *QUESTIONS[lang], lang)


def test_a_name_of_the_passage_or_of_the_options_keeps_its_script():
    question = "Какая компания выпустила этот компьютер?"
    assert is_other_language("Commodore", question, ["Атари"], "ru")
    assert not is_other_language("Commodore", question, ["Атари"], "ru", context="Его выпустила фирма Commodore в 1982 году.")
    assert not is_other_language("Atari", question, ["Commodore"], "ru")


def test_an_answer_is_not_taken_for_one_in_a_language_that_was_not_measured():
    # The model of languages takes this Afrikaans sentence for Afrikaans, which is close to Dutch; Danish is told from Dutch.
    line = "die hoofstad van die land is nie ver van hier af nie en dit is baie mooi"
    assert not is_other_language(line, "Wat is de hoofdstad?", ["A", "B"], "nl")
    assert is_other_language(
        "hovedstaden i landet ligger ikke langt fra havet og er meget smuk", "Wat is de hoofdstad?", ["A", "B"], "nl"
    )


def test_a_language_that_the_model_of_languages_lacks_is_judged_by_script_only():
    question = "Stadt kəwo?"
    assert not is_other_language("the city lies in the far north of the country", question, [], "agq")
    assert is_other_language("город находится на севере", question, [], "agq")

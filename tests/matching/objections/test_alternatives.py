"""A list that leaves the answer open does not give it."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import explain


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        # a phrase says that the list is one of candidates
        ("de", "Saturn", "Infrage kommen Saturn, Uranus und Neptun."),
        ("de", "Neptun", "Infrage kommen Saturn, Uranus und Neptun."),
        ("en", "tin", "The candidates are iron, tin and lead."),
        # first, in the middle and last in the list
        ("en", "Ohio", "Ohio, Iowa, Utah or Idaho"),
        ("en", "Utah", "Ohio, Iowa, Utah or Idaho"),
        ("en", "Idaho", "Ohio, Iowa, Utah or Idaho"),
        ("en", "Handel", "It was composed by either Bach or Handel."),
        ("de", "Graz", "Graz bzw. Linz"),
        ("fr", "Rhône", "La Seine, la Loire ou le Rhône."),
        ("el", "Χανιά", "Χανιά, Ρέθυμνο ή Ηράκλειο"),
        ("ru", "Пермь", "Пермь, Уфа или Самара"),
        ("ar", "دمشق", "دمشق أو بيروت أو عمّان"),
        ("he", "נחושת", "או ברזל או נחושת"),
        ("hi", "पटना", "पटना, गया या भागलपुर"),
        ("ja", "黄河", "長江か黄河のどちらかです。"),
        ("zh", "钠", "可能是锂、钠、钾或铷。"),
        ("th", "โซเดียม", "อาจเป็นลิเทียม โซเดียม หรือโพแทสเซียม"),
        # one word before each of them
        ("fr", "Ravel", "Soit Ravel, soit Debussy."),
        ("it", "giovedì", "Forse mercoledì, forse giovedì."),
        ("ru", "скрипка", "Либо скрипка, либо альт."),
        ("zh", "唐朝", "要么是隋朝，要么是唐朝。"),
        # a slash
        ("en", "zinc", "tin / zinc / lead"),
        # nothing says which of them
        ("en", "Utah", "Ohio, Iowa, Utah, Idaho"),
        ("en", "Paris", "London, Paris, Berlin and Rome"),
        ("fr", "Bénin", "Plusieurs réponses sont possibles : Togo, Bénin, Ghana. Je ne peux pas trancher."),
        ("ko", "나트륨", "리튬, 나트륨, 칼륨 중 하나입니다."),
        # a comma behind the word for maybe
        ("ru", "Кострома", "Может, Кострома, а может, Ярославль."),
        # the words for "may be" and "or" stand behind the candidates
        ("ja", "亜鉛", "亜鉛かもしれないし、錫かもしれません。"),
        ("ko", "여수", "순천이나 여수"),
    ],
)
def test_undecided(lang, answer, output):
    assert explain(output, [answer], lang)[:3] == (False, answer, "alternatives")


@pytest.mark.parametrize(
    ("lang", "answers", "output"),
    [
        # a list with a negator is a correction
        ("de", "Celle", "Nein, nicht Gera, Celle!"),
        ("en", "Oslo", "Of all the options, Oslo is the best."),
        ("en", "Cork", "Cork, Ireland"),
        ("en", "Linz", "Linz, Upper Austria, Austria"),
        # a reply before the answer, a denied name behind it
        ("en", "Graz", "Yes, Graz, Austria."),
        ("ru", "Грац", "Конечно, Грац, а не Линц."),
        ("en", "Perth", "Perth, the capital of Western Australia, lies on the Swan River."),
        # another name for the same
        ("en", "Mark Twain", "Samuel Clemens, also known as Mark Twain."),
        ("de", "Kartoffel", "Die Kartoffel oder, wie man in Österreich sagt, der Erdapfel."),
        ("hi", "मधुमेह", "मधुमेह, या अंग्रेज़ी में डायबिटीज़"),
        ("th", "มันฝรั่ง", "มันฝรั่ง หรือที่ภาษาอังกฤษเรียกว่า potato"),
        ("en", "Myanmar", "Burma (or Myanmar)"),
        ("uk", "Нідерланди|Голландія", "Нідерланди або Голландія."),
        # the answer contains the word
        ("en", "Twelfth Night, or What You Will", 'The play is "Twelfth Night, or What You Will".'),
        ("tr", "Ya istiklal ya ölüm", 'Parola "Ya istiklal ya ölüm" idi.'),
        ("en", "AC/DC", "The band is AC/DC."),
        # the answer is the list
        ("en", "red, white and blue", "The flag is red, white, and blue."),
        # "or" joins something else
        ("en", "Oslo", "Oslo has one or two airports."),
        ("en", "Oslo", "Oslo, a city of half a million or more, is the capital."),
        ("en", "Oslo", "The capital is Oslo, not Bergen or Stockholm."),
        ("en", "Utah", "Utah. Ohio, Iowa or Idaho are others."),
        # か within another word
        ("ja", "東京", "東京から来ました。"),
    ],
)
def test_decided(lang, answers, output):
    assert explain(output, answers.split("|"), lang).matched

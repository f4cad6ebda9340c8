"""Words beside a mention where no spaces separate words. The divisions are those of a native speaker."""

from __future__ import annotations

import time
import unicodedata

import pytest

from lm_eval_illusion import matches
from lm_eval_illusion.languages import FOLDER, language, language_codes
from lm_eval_illusion.matching.text.segmentation import surroundings, word_list

CASES = [
    # language, text, mention, the words around it
    ("zh", "罗马尼亚", "罗马", ("", "", "尼亚", "")),
    ("zh", "江西南昌", "南昌", ("江西", "", "", "")),
    ("zh", "南苏丹", "苏丹", ("南", "", "", "")),
    ("zh", "是由王羲之写的", "王羲之", ("由", "", "", "写")),
    ("zh", "巴布亚新几内亚", "几内亚", ("", "巴布亚新", "", "")),
    ("zh", "在北京，南京", "北京", ("在", "", "", "")),
    ("th", "ม้าลาย", "ม้า", ("", "", "ลาย", "")),
    ("th", "คิดค้นโดยไอน์สไตน์", "ไอน์สไตน์", ("โดย", "", "", "")),
    ("th", "ประเทศไทย", "ไทย", ("ประเทศ", "", "", "")),
]


@pytest.mark.parametrize(("lang", "text", "mention", "expected"), CASES)
def test_words_around_a_mention(lang, text, mention, expected):
    start = text.index(mention)
    assert surroundings(text, start, start + len(mention), lang) == expected


RIGHT = [
    ("zh", "苏州", "江苏省苏州市"),
    ("zh", "巴黎", "法国巴黎"),
    ("zh", "冰岛", "正是冰岛。"),
    ("zh", "爱迪生", "爱迪生先生"),
    ("zh", "达芬奇", "答案是达芬奇"),
    ("th", "ภูเก็ต", "จังหวัดภูเก็ต"),
    ("th", "ช้าง", "เป็นช้างนะจ๊ะ"),
    ("th", "กรุงเทพ", "กรุงเทพมหานคร"),
    ("ja", "札幌", "北海道札幌市"),
    ("ja", "鎌倉", "鎌倉にあるんですよ。"),
]
WRONG = [
    ("zh", "海南", "上海南站"),
    ("zh", "印度", "印度洋"),
    ("zh", "日本", "日本海"),
    ("zh", "中国", "中国共产党"),
    ("zh", "德里", "新德里"),
    ("zh", "西班牙", "西班牙语"),
    ("th", "นก", "นกแก้ว"),
    ("th", "โรม", "โรมาเนีย"),
    ("th", "เกาหลี", "เกาหลีใต้"),
    ("ja", "京都", "東京都"),
    ("ja", "インド", "インドネシア"),
    ("ja", "ドイツ", "ドイツ語"),
    ("ja", "アフリカ", "南アフリカ"),
]


@pytest.mark.parametrize(("lang", "answer", "output"), RIGHT)
def test_a_whole_word_counts(lang, answer, output):
    assert matches(output, [answer], lang)


@pytest.mark.parametrize(("lang", "answer", "output"), WRONG)
def test_a_part_of_a_word_does_not_count(lang, answer, output):
    assert not matches(output, [answer], lang)


def test_each_language_with_a_word_list_has_one():
    with_list = [code for code in language_codes() if language(code).words.word_list]
    assert with_list == ["th", "zh"] == sorted(path.name[:2] for path in FOLDER.glob("*_words.txt.xz"))
    for code, letter in (("th", "THAI CHARACTER"), ("zh", "CJK UNIFIED IDEOGRAPH")):
        words = word_list(code)
        assert len(words) > 50_000
        assert min(map(len, words)) >= 2
        # Words of the language, a line each: no blanks, and hardly any character of another script.
        assert not any(character.isspace() for word in words for character in word)
        others = sum(not unicodedata.name(word[0]).startswith(letter) for word in words)
        assert others < len(words) / 1_000
    assert {"ประเทศ", "ไทย"} <= word_list("th").keys()
    assert {"中国", "北京"} <= word_list("zh").keys()


def test_a_long_line_takes_no_longer_than_its_length():
    text = "中国" * 20_000
    start = time.process_time()
    surroundings(text, 20_000, 20_002, "zh")
    assert time.process_time() - start < 0.5

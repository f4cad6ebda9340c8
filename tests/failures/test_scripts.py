"""The scripts of texts."""

from __future__ import annotations

from lm_eval_illusion.failures.scripts import scripts, scripts_of_item


def test_letters_are_counted_by_script():
    assert scripts("Lima, Лима 12!") == {"LATIN": 4, "CYRILLIC": 4}
    # Full-width letters are those of the script; a vowel sign is a mark, no letter of its own.
    assert scripts("Ｌｉ") == {"LATIN": 2}
    assert scripts("हिन्दी") == {"DEVANAGARI": 3}
    assert scripts("東京タワー")["CJK"] == 2
    assert not scripts("12 – ?")
    # Wide letters are those of East Asia, also of Korean.
    assert scripts("東京タワ, 서울, Lima, Ｌｉ", wide=2) == {"CJK": 4, "KATAKANA": 4, "HANGUL": 4, "LATIN": 6}


def test_an_item_has_the_scripts_of_its_question_and_of_its_options():
    assert scripts_of_item(
        (
            "弗里敦这座城市位于哪个国家？",
            "摩洛哥",
        )
    ) == {"CJK"}
    # Three Latin letters of twenty are a name; an option in another script is an answer that may be given.
    assert scripts_of_item(("Какую валюту использует компания IBM в России",)) == {"CYRILLIC"}
    assert scripts_of_item(
        (
            "Какую фирму купила компания",
            "IBM",
        )
    ) == {"CYRILLIC", "LATIN"}
    # Japanese has three scripts, and few of its letters here are ideographs. Chinese and Korean have one each.
    assert scripts_of_item(("フランスのしゅとはどこですか", "パリ")) >= {"CJK", "HIRAGANA", "KATAKANA"}
    assert scripts_of_item(("东京在哪个国家？",)) == {"CJK"}
    assert scripts_of_item(("프랑스의 수도는?",)) == {"HANGUL"}
    assert (
        scripts_of_item(
            (
                "",
                "12",
            )
        )
        == set()
    )

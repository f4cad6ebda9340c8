"""Years before and after the common era, and in second eras, judged by hand."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import explain, matches


@pytest.mark.parametrize(
    ("lang", "answer", "right", "wrong"),
    [
        ("th", "24 มิถุนายน 2475", "วันที่ ๒๔ มิถุนายน ค.ศ. ๑๙๓๒", "24 มิถุนายน ค.ศ. 2475"),  # 2475 - 543 = 1932
        ("ja", "1964年", "昭和39年", "昭和38年"),  # 1926 + 38 = 1964
        ("ja", "昭和39年10月10日", "1964年10月10日", "1965年10月10日"),
        ("zh", "民国93年3月12日", "2004年3月12日", "1993年3月12日"),
        ("en", "44 BC", "in 44 B.C.", "in AD 44"),
        ("de", "44 v. Chr.", "44 vor Christus", "44 n. Chr."),
        ("ru", "44 год до н. э.", "44 до нашей эры", "44 год н. э."),
        ("zh", "公元前221年", "前221年", "公元221年"),
        ("ja", "紀元前44年", "紀元前44年です", "西暦44年"),
        ("en", "March 15, 44 BC", "15 March 44 BCE", "15 March 44 AD"),
        ("en", "476", "476 AD", "476 BC"),
        ("en", "5th century BC", "in the fifth century BCE", "in the fifth century AD"),
        ("es", "siglo V a. C.", "el siglo V antes de Cristo", "el siglo V d. C."),
        # no acres
        ("it", "44 a.C.", "44 avanti Cristo", "44 d.C."),
        ("es", "476", "476 d. C.", "476 a. C."),
    ],
)
def test_years_of_eras(lang, answer, right, wrong):
    assert matches(right, [answer], lang)
    assert not matches(wrong, [answer], lang)


def test_a_year_before_christ_is_no_answer_of_the_common_era():
    assert explain("in 476 BC", ["476"], "en").rule == "other_era"

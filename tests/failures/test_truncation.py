"""The rule for answers that look cut, in six scripts."""

from __future__ import annotations

import pytest

from lm_eval_illusion.failures.truncation import looks_truncated

CUT = [
    "The city lies in the south of a country that is known for its long coast, its old harbours and the mountains that surround",
    "Город находится на юге страны, которая известна своим длинным побережьем, старыми гаванями и",
    "Η πόλη βρίσκεται στα νότια μιας χώρας που είναι γνωστή για τη μεγάλη της ακτή και τα",
    "تقع المدينة في جنوب بلد معروف بساحله الطويل وموانئه القديمة والجبال التي",
    "यह शहर एक ऐसे देश के दक्षिण में है जो अपने लंबे तट के लिए जाना",
    "这座城市位于一个国家的南部，这个国家以其漫长的海岸线、古老的港口和环绕着的群山而",
    "เมืองนี้ตั้งอยู่ทางใต้ของประเทศที่มีชื่อเสียง",
    # A character whose bytes were cut.
    "이 도시는 긴 해안과 오래된 항구와 산으로 유명한 나라의 남쪽에 있는 도시로서 �",
]


@pytest.mark.parametrize("response", CUT)
def test_a_long_line_without_an_end_looks_cut(response):
    assert looks_truncated(response)
    # With a line end or the end of a sentence it is whole.
    assert not looks_truncated(response + "\nQuestion:")
    assert not looks_truncated(response.rstrip("�") + {"यह": "।", "这座": "。"}.get(response[:2], "."))


@pytest.mark.parametrize("response", ["", "Lima", "Лима", "利马", "x" * 99])
def test_a_short_response_is_whole(response):
    assert not looks_truncated(response)

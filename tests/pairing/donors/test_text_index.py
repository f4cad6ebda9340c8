"""The index of texts against a plain search for each of them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.donors.text_index import TextIndex

words = st.text("ab1", max_size=8)


@given(st.lists(words, max_size=12), st.text("ab1", max_size=30))
def test_the_places_are_those_of_a_plain_search(texts, text):
    index = TextIndex(texts)
    found = sorted(index.places(text))
    expected = sorted(
        (texts.index(other), match.start(), match.start() + len(other))
        for other in set(texts) - {""}
        for match in re.finditer(f"(?={re.escape(other)})", text)
    )
    assert found == expected
    assert index.texts_in(text) == {number for number, _, _ in expected}

"""The sample of items: drawn while the files are read, equal to the one drawn from all ids at once."""

from __future__ import annotations

import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.results.item_texts import ItemTexts


def drawn_at_once(ids, most):
    """The rule: ids in the order of their SHA-256, until the next one would exceed `most`."""
    sample = set()
    counts = Counter(ids)
    for item_id in sorted(counts, key=lambda item_id: hashlib.sha256(item_id.encode()).digest()):
        most -= counts[item_id]
        if most < 0:
            break
        sample.add(item_id)
    return sample


@given(st.lists(st.sampled_from([str(number) for number in range(30)])), st.integers(0, 60))
def test_the_sample_is_the_same_as_if_all_ids_were_known(ids, most):
    texts = ItemTexts(most)
    for item_id in ids:
        assert texts.count_outcome(item_id) == texts.contains(item_id)
    assert {item_id for item_id in ids if texts.contains(item_id)} == drawn_at_once(ids, most)


def test_an_id_may_be_a_lone_surrogate():
    assert ItemTexts(1).count_outcome("\ud800")

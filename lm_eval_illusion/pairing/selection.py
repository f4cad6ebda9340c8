"""Which of the ids that pair are asked, in which languages: the first of each language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lm_eval_illusion.pairing.bundles import Bundle

Selection = dict[str, frozenset[str]]
"""id -> the languages that it is asked in; the ids in the order of the items."""


def first_of_each_language(bundles: Sequence[Bundle], limit: int | None) -> Selection:
    """The first `limit` ids of every language (all, if None), the ids of the most languages first, else in the given order.

    All languages go through the ids in one order, so parallel ids stay parallel; an id of which only some languages have room left is
    asked in those, so that no language goes short because another one is full.
    """
    taken: Counter[str] = Counter()
    selection = {}
    for bundle in sorted(bundles, key=lambda bundle: -len(bundle.languages)):
        with_room = frozenset(lang for lang in bundle.languages if limit is None or taken[lang] < limit)
        if with_room:
            selection[bundle.id] = with_room
            taken.update(with_room)
    return selection

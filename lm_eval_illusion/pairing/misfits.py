"""Numbers beside which only numbers of another format could stand (42 inches, 1.067 m | in AD 80): better left out, if few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lm_eval_illusion.pairing.bundles import Bundle

LEAST_PAIRED = 0.95
"""The share of the questions of each language that is kept, misfits or not."""
WORST_KEPT = 0.5
"""The share of distractors of another format that is borne anyway."""


def drop_misfits(misfits: Mapping[str, float], pairing: Sequence[Bundle], asked: Mapping[str, int]) -> list[str]:
    """The ids to leave out, the worst first.

    `misfits`: id -> share of distractors of another format. `pairing`: all that pair. `asked`: questions of each language.
    """
    by_id = {bundle.id: bundle for bundle in pairing}
    kept = Counter(lang for bundle in pairing for lang in bundle.languages)
    dropped = []
    for one_id in sorted(misfits.keys() & by_id.keys(), key=lambda one_id: (-misfits[one_id], one_id)):
        languages = by_id[one_id].languages
        if misfits[one_id] > WORST_KEPT and all(kept[lang] - 1 >= LEAST_PAIRED * asked[lang] for lang in languages):
            dropped.append(one_id)
            kept.subtract(languages)
    return dropped

"""The note on engines and data types: variants that ran in different ones differ also by how these round logits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from lm_eval_illusion.report.shown import shown_name
from lm_eval_illusion.results import join_truncated
from lm_eval_illusion.results.engines import API
from lm_eval_illusion.results.variants import Variant

MOST_NAMES = 40
"""The largest number of names of variants for an engine; of more, it tells how many there are."""
UNKNOWN_ENGINE = "an unknown engine"
UNKNOWN_DTYPE = "an unknown data type"


def engines_and_dtypes(variants: Iterable[Variant]) -> list[str]:
    """Return a note for each base model whose variants ran in several engines or data types, or in unknown ones of an API.

    `variants`: of each run. A variant whose views ran in two engines counts for both.
    """
    by_model: dict[str, dict[tuple[str, str], set[str]]] = defaultdict(lambda: defaultdict(set))
    for variant in variants:
        way = variant.engine or UNKNOWN_ENGINE, variant.dtype or UNKNOWN_DTYPE
        by_model[variant.base_model][way].add(variant.variant)
    return [note for model, ways in sorted(by_model.items()) for note in _notes(model, ways)]


def _notes(model: str, ways: Mapping[tuple[str, str], set[str]]) -> list[str]:
    names = set().union(*ways.values())
    if len(ways) > 1:
        what = "come from several engines or data types"
    elif len(names) > 1 and all(engine.startswith(API) and dtype == UNKNOWN_DTYPE for engine, dtype in ways):
        what = "may come from several engines or data types, which the server does not state"
    else:
        return []
    listed = ", ".join(
        f"{shown_name(engine)} in {shown_name(dtype)} ({join_truncated(map(shown_name, sorted(variants)), MOST_NAMES)})"
        for (engine, dtype), variants in sorted(ways.items())
    )
    return [f"scores and gold ranks of {shown_name(model)} {what}: {listed}."]

"""outcomes.parquet: the tidy table, one row an item, language and variant, for everybody's own analysis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm_eval_illusion.crosstab import cell_of
from lm_eval_illusion.outcomes import Outcome

STRATEGIES = ("beam", "sample", "oneshot", "candidates")
VARIANT_COLUMNS = (
    *("base_model", "variant", "pruner", "sparsity_requested", "sparsity_measured", "bits_measured", "mask_structure"),
    *("calibration_language", "pruning_seed"),
)
OUTCOME_COLUMNS = (
    *("run", "family", "language", "id", "answer_type", "recognised", "invalid", "produced", "gold_rank", "gold_logprob"),
    *("said_without_gold", "question_blind", "in_passage"),
)


def write_table(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the columns of the variant, of the outcome, its cell, and `recovered_<strategy>`; null where a view did not run."""
    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, list[Any]] = {name: [getattr(o.variant, name) for o in outcomes] for name in VARIANT_COLUMNS}
    columns |= {name: [getattr(o, name) for o in outcomes] for name in OUTCOME_COLUMNS}
    columns["cell"] = [cell_of(outcome) for outcome in outcomes]
    columns |= {f"recovered_{name}": [o.recovered.get(name) for o in outcomes] for name in STRATEGIES}
    parquet.write_table(pa.table(columns), path)

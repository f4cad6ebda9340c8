"""outcomes.parquet: the tidy table, one row an item, language and variant, for everybody's own analysis.

The files of a report, each whole or not there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm_eval_illusion.analysis.calibration_language import calibration_csv
from lm_eval_illusion.analysis.crosstab import cell_of
from lm_eval_illusion.analysis.leaderboard import leaderboard_csv
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.report.figures import figures
from lm_eval_illusion.report.html import html_report
from lm_eval_illusion.report.markdown import markdown_report
from lm_eval_illusion.results.outcomes import RECOVERY_STRATEGIES, Outcome


def write_report(
    report: dict[str, Any], notes: Sequence[str], outcomes: Sequence[Outcome], browser: dict[str, Any], out: Path
) -> list[Path]:
    """Write every file beside its place, then rename them: none is replaced before all are written. Returns their paths.

    Raises:
        UserError: the folder can't be written.
    """
    texts = report_texts(report, notes, browser)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=out) as name:
            unfinished = Path(name)
            for path, text in texts.items():
                (unfinished / path).parent.mkdir(exist_ok=True)
                (unfinished / path).write_text(text, encoding="utf-8", newline="\n")
            write_table(outcomes, unfinished / "outcomes.parquet")
            (out / "figures").mkdir(exist_ok=True)
            for path in (*texts, "outcomes.parquet"):
                (unfinished / path).replace(out / path)
    except OSError as error:
        raise UserError(f"{out} can't be written ({error.strerror or error}): give another --out") from error
    return [out / path for path in (*texts, "outcomes.parquet") if "/" not in path]


def report_texts(report: dict[str, Any], notes: Sequence[str], browser: dict[str, Any]) -> dict[str, str]:
    """Path below the report's folder -> text. `browser`: of `item_browser`."""
    return {
        "report.html": html_report(report, notes, browser),
        # NaN is not JSON: a number that is undefined must have become null before it comes here.
        "report.json": json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "report.md": markdown_report(report, notes),
        "leaderboard.csv": leaderboard_csv(report["leaderboard"]),
        **_calibration_languages(report),
        **{f"figures/{name}.svg": svg for name, svg in figures(report).items()},
    }


def _calibration_languages(report: dict[str, Any]) -> dict[str, str]:
    tables = report["calibration_languages"]
    return {"calibration_languages.csv": calibration_csv(tables)} if tables else {}


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
    columns |= {f"recovered_{name}": [o.recovered.get(name) for o in outcomes] for name in RECOVERY_STRATEGIES}
    parquet.write_table(pa.table(columns), path)

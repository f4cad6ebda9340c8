"""The files of a report: either all are written completely, or none is replaced. outcomes.parquet has a row for each outcome."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from lm_eval_illusion.analysis.crosstab import outcome_class_of
from lm_eval_illusion.analysis.judge_agreement import judges_of
from lm_eval_illusion.analysis.next_token_change import divergence_from_dense
from lm_eval_illusion.analysis.records import Report, read_report_json, report_json
from lm_eval_illusion.errors import UserError, attributed, system_reason
from lm_eval_illusion.escaping import for_json, for_utf8
from lm_eval_illusion.report.csv_files import calibration_csv, leaderboard_csv
from lm_eval_illusion.report.figures import figures
from lm_eval_illusion.report.html import html_report
from lm_eval_illusion.report.markdown import markdown_report
from lm_eval_illusion.report.own_files import FIGURES_FOLDER, replace_files
from lm_eval_illusion.results.outcomes import RECOVERY_STRATEGIES, Outcome
from lm_eval_illusion.results.variants import Variant

if TYPE_CHECKING:
    from pyarrow import DataType, Table


PARQUET = "outcomes.parquet"


@dataclass(frozen=True)
class Written:
    """`files`: of the report, the figures excepted. `kept`: the new names of files that had such a name and may be the user's."""

    files: list[Path]
    kept: list[Path]


def write_report(
    report: Report, notes: Sequence[str], outcomes: Sequence[Outcome], browser: dict[str, Any], out: Path
) -> Written:
    """Write the report below the folder `out` and return the paths of its files.

    Every file is written into a temporary folder first and then renamed: after an error, the files of an earlier report are unchanged.
    Files that only the earlier report has are removed, and files of the user are kept under another name (`own_files`).

    Raises:
        UserError: The folder can't be written, or a number is too large for the table of outcomes.
    """
    texts = report_texts(report, notes, browser)
    table = outcome_table(outcomes)
    try:
        is_new = not out.exists()
        try:
            out.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UserError(f"{out} can't be written to (it is no folder): give another --out") from error
        try:
            with tempfile.TemporaryDirectory(prefix=".report-", dir=out, ignore_cleanup_errors=True) as name:
                unfinished = Path(name)
                for path, text in texts.items():
                    (unfinished / path).parent.mkdir(exist_ok=True)
                    (unfinished / path).write_text(text, encoding="utf-8", newline="\n")
                _write_table(table, unfinished / PARQUET)
                kept = replace_files(unfinished, [*texts, PARQUET], out)
        except BaseException:
            if is_new:
                with contextlib.suppress(OSError):
                    out.rmdir()
            raise
    except UserError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise UserError(f"{out} can't be written ({system_reason(error, 200)}): give another --out") from error
    return Written([out / path for path in (*texts, PARQUET) if "/" not in path], kept)


def report_texts(report: Report, notes: Sequence[str], browser: dict[str, Any]) -> dict[str, str]:
    """Return the text of each file by its path below the report's folder. `browser`: of `item_browser`."""
    texts = {
        "report.html": html_report(report, notes, browser),
        "report.json": report_json_text(report),
        "report.md": markdown_report(report, notes),
        "leaderboard.csv": leaderboard_csv(report),
    }
    if report.calibration_languages:
        texts["calibration_languages.csv"] = calibration_csv(report)
    return texts | {f"{FIGURES_FOLDER}/{name}.svg": svg for name, svg in figures(report).items()}


def report_json_text(report: Report, is_ascii: bool = False) -> str:
    """Return the text of report.json. It has no character that a terminal would obey; `is_ascii`: no character beyond ASCII.

    Raises:
        ValueError: A number is NaN or infinite. JSON has neither; an undefined number must be None.
    """
    return for_json(json.dumps(report_json(report), indent=2, ensure_ascii=is_ascii, allow_nan=False)) + "\n"


def read_report(out: Path) -> Report:
    """Return the numbers of the report in the folder `out`."""
    return read_report_json(json.loads((out / "report.json").read_text(encoding="utf-8")))


NOT_IN_TABLE = ("variant", "recovered", "next_tokens", "verdicts")
"""The fields of an outcome that have several columns, or none."""
OUTCOME_FIELDS = tuple(field.name for field in fields(Outcome) if field.name not in NOT_IN_TABLE)
DIVERGENCE = "kl"
"""The column of the divergence from the dense model."""


def write_outcomes(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the table of `outcome_table` as a Parquet file.

    Raises:
        UserError: A number is too large for the table.
        OSError: The file can't be written.
    """
    _write_table(outcome_table(outcomes), path)


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """Return a table with a row for each outcome.

    Its columns are the fields of the variant and of the outcome, the outcome class (`cell`), `recovered_<strategy>`, and the divergence
    from the dense model (`kl`); null where a view did not run. Each judge has a column with its verdicts, `judge: <name>`. The type of a
    column is that of its field, whatever the values are, so that tables of several reports fit together.
    UTF-8 has no unpaired surrogates: in a text they are escaped.

    Raises:
        UserError: A number is too large for its column.
    """
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [getattr(o.variant, name) for o in outcomes] for name in Variant.column_names()}
    columns |= {name: [getattr(o, name) for o in outcomes] for name in OUTCOME_FIELDS}
    columns["cell"] = [outcome_class_of(outcome) for outcome in outcomes]
    columns |= {f"recovered_{name}": [o.recovered.get(name) for o in outcomes] for name in RECOVERY_STRATEGIES}
    columns[DIVERGENCE] = divergence_from_dense(outcomes)
    # Only where there are verdicts: their columns are named by the judges.
    for judge in judges_of(outcomes):
        columns[f"judge: {for_utf8(judge.name)}"] = [o.verdicts.get(judge) for o in outcomes]
    types = get_type_hints(Outcome) | get_type_hints(Variant)  # `variant` is the name in the table, not the record
    types[DIVERGENCE] = float
    schema = pa.schema(
        [(name, _arrow_type(types.get(name, bool if name.startswith("recovered_") else str))) for name in columns]
    )
    texts = {name for name in columns if schema.field(name).type == pa.string()}
    columns = {
        name: [v if v is None else for_utf8(v) for v in values] if name in texts else values for name, values in columns.items()
    }
    with attributed(
        "the table of outcomes can't be made", "a results file has a number that no 64-bit column holds; correct it there"
    ):
        return pa.table(columns, schema)


def _write_table(table: Table, path: Path) -> None:
    from pyarrow import parquet

    # An open file, because pyarrow encodes a path as UTF-8, and the name of a folder may have other bytes.
    with path.open("wb") as file:
        parquet.write_table(table, file)


def _arrow_type(field_type: Any) -> DataType:
    """Return the type of a column for the type of a field: str, bool, int or float, each possibly or None."""
    import pyarrow as pa

    arrow = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    (kind,) = {*(get_args(field_type) or (field_type,))} - {type(None)}
    return arrow[kind]

"""The names of a report as people see them: of a bounded length, without characters that move or hide other text.

Terminal, Markdown, page and figures show these. report.json, the CSV files and outcomes.parquet have the whole names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from lm_eval_illusion.analysis.records import Report
from lm_eval_illusion.escaping import for_terminal, shortened

MOST_CHARACTERS = 200
"""The longest name that is shown in full."""
MOST_OF_A_SENTENCE = 2_000
"""The longest sentence, such as a caveat that names many variants."""


def shown_name(name: str) -> str:
    """Return a name safe for a terminal and of at most MOST_CHARACTERS characters; of a longer one the start and the end."""
    return shortened(for_terminal(name), MOST_CHARACTERS)


def shown_sentence(sentence: str) -> str:
    """Return a sentence with names in it, safe for a terminal and of at most MOST_OF_A_SENTENCE characters."""
    return shortened(for_terminal(sentence), MOST_OF_A_SENTENCE)


def shown_report(report: Report) -> Report:
    """Return the report with every text in it as it is shown. Two texts that are different stay different.

    A report without long or unsafe texts is returned as it is.
    """
    changed = changed_names(_texts(report), shown_name)
    return msgspec.convert(_replaced(msgspec.to_builtins(report), changed), Report) if changed else report


def changed_names(names: Iterable[str], show: Callable[[str], str]) -> dict[str, str]:
    """Return the names that `show` changes with what it returns; a number follows where two names would become equal."""
    # In alphabetical order, so that the numbers depend on the names alone.
    originals = sorted(set(names))
    changed = {name: shown for name in originals if (shown := show(name)) != name}
    taken = {name for name in originals if name not in changed}
    uses: Counter[str] = Counter()
    for name, shown in changed.items():
        unused = shown
        while unused in taken:
            uses[shown] += 1
            unused = f"{shown} ({uses[shown] + 1})"
        taken.add(unused)
        changed[name] = unused
    return changed


def _texts(report: Report) -> Iterator[str]:
    """Yield every text of the report's records: their fields, and the lists of texts among these."""
    noise = (report.noise, *report.noise.rows) if report.noise else ()
    cells = chain.from_iterable(table.cells for table in report.calibration_languages)
    judges = chain.from_iterable(row.judges for row in (*report.rows, *report.answer_type_rows))
    tables = (
        report.variants,
        report.rows,
        report.answer_type_rows,
        judges,
        report.leaderboard,
        report.calibration_languages,
        cells,
        noise,
    )
    for record in chain((report,), *tables):
        for name in record.__struct_fields__:
            value = getattr(record, name)
            if isinstance(value, str):
                yield value
            elif isinstance(value, list):
                yield from (text for text in value if isinstance(text, str))


def _replaced(plain: Any, changed: Mapping[str, str]) -> Any:
    """Return plain lists and dictionaries with these texts replaced; keys stay."""
    if isinstance(plain, str):
        return changed.get(plain, plain)
    if isinstance(plain, dict):
        return {key: _replaced(value, changed) for key, value in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [_replaced(value, changed) for value in plain]
    return plain

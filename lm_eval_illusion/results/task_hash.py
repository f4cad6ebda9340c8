"""lm_eval's hash over the rows of a task: whether a samples file has the rows that its run wrote, in their order.

lm_eval writes to each row the SHA-256 of its document, prompt and target, and to the results file the SHA-256 of these hashes one after
another (`task_hashes`, in lm_eval/loggers/evaluation_tracker.py). The model's answers and the metrics are not in it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from lm_eval_illusion.errors import UserError


class TaskHash:
    """The hash over the rows that were added. Rows of earlier versions of lm_eval have no hashes; such a file is not checked."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._hashed = 0
        self._unhashed = 0

    def add(self, doc: str | None, prompt: str | None, target: str | None) -> None:
        """Add the hashes of the next row, None for one that it lacks."""
        if doc is None or prompt is None or target is None:
            self._unhashed += 1
            return
        self._hashed += 1
        self._digest.update((doc + prompt + target).encode("utf-8", "surrogatepass"))

    def check(self, samples_file: Path, results_file: Path, stated: str) -> None:
        """Compare with the hash that the results file states, "" if it states none.

        Raises:
            UserError: The rows are not those of the run.
        """
        if not re.fullmatch("[0-9a-f]{64}", stated) or not self._hashed:
            return
        if self._unhashed or self._digest.hexdigest() != stated:
            raise UserError(
                f"{samples_file} does not have the rows of its run (their hash is not that of task_hashes in {results_file.name}): rows"
                " were changed, removed or moved, run it again"
            )

"""The check that all runs of a base model that are compared had the same weights and tokenizer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.base_content import SHOWN, BaseContent
from lm_eval_illusion.results.messages import join_truncated
from lm_eval_illusion.results.runs import Run, TaskFile


def check_same_base(files: Iterable[TaskFile]) -> None:
    """Check that all runs of a base model had the same weights and tokenizer, as far as they state them.

    Raises:
        UserError: Two of them differ; the message names both files and identities.
    """
    seen: dict[str, dict[BaseContent, TaskFile]] = defaultdict(dict)
    for file in files:
        content = file.variant.base_content
        others = seen[content.other_model or file.variant.base_model]
        for other in others.values():
            _refuse_dense_beside_quantised(other, file)
        if content in others:
            continue
        for known, other in others.items():
            if (difference := known.difference(content)) is not None:
                what, first, second = difference
                raise UserError(
                    f"{other.results_file} and {file.results_file} ran {file.variant.base_model} with different content ({what} {first}"
                    f" and {second}): it changed between the runs, so run both again from the same, or report them one at a time"
                )
        others[content] = file


def _refuse_dense_beside_quantised(first: TaskFile, second: TaskFile) -> None:
    """Refuse a run that counts as dense where another one states that the model itself is quantised: stock backends do not say so."""
    for dense, quantised in ((first, second), (second, first)):
        scheme = quantised.variant.base_content.scheme
        if scheme and dense.variant.is_dense and dense.variant.base_content.scheme is None:
            raise UserError(
                f"{dense.results_file} counts {dense.variant.base_model} as dense, but {quantised.results_file} states that it is quantised"
                f" ({scheme}): evaluate the dense model, or report them one at a time"
            )


def unchecked_bases(runs: Sequence[Run]) -> list[str]:
    """Return a note for each base model with several variants of which some do not state the content of their base model."""
    by_model: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_model[run.variant.base_content.other_model or run.variant.base_model].append(run)
    return [note for model, group in by_model.items() if (note := _unchecked(model, group))]


def _unchecked(model: str, runs: Sequence[Run]) -> str | None:
    silent = sorted({run.results_file.name for run in runs if not run.variant.base_content.is_known})
    if not silent or len({run.variant.key for run in runs}) < 2:
        return None
    commits = sorted({run.variant.base_content.commit or "" for run in runs} - {""})
    if len(commits) == 1 and all(run.variant.base_content.commit for run in runs):
        return None
    differ = f"; they state the commits {', '.join(commit[:SHOWN] for commit in commits)}" if len(commits) > 1 else ""
    return (
        f"it could not be checked that all runs of {model} had the same weights and tokenizer: {join_truncated(silent)}"
        f" {'do' if len(silent) > 1 else 'does'} not state them{differ}."
    )

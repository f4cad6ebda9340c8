"""Prompts that do not fit into the model's window. They are cut as by lm_eval, and one line says so."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from lm_eval_illusion.progress import report_warning

logger = logging.getLogger(__name__)


def warn_of_cut_prompts(sequences: Iterable[tuple[Sequence[int], int]], room: int, remedy: str) -> None:
    """Log one line if a prompt and what is to stand after it have more than `room` tokens.

    `sequences`: the tokens of a prompt, and how many stand after it. A prompt counts once. `remedy`: how to give it room.
    """
    cut = {tuple(prompt) for prompt, others in sequences if len(prompt) + others > room}
    if cut:
        warning = (
            f"{len(cut)} prompts are cut to fit into the window ({room} tokens; the longest prompt has {max(map(len, cut))}): the model"
            f" does not read all of them, such as the beginning of a passage; {remedy}"
        )
        logger.warning(warning)
        report_warning(warning)

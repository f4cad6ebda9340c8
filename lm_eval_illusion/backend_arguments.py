"""What goes for the arguments of every engine that runs a pruned checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lm_eval_illusion.arguments import PRUNING_ARGUMENTS, nearest
from lm_eval_illusion.errors import UserError


def refuse_unknown(arguments: Iterable[str], allowed: Sequence[str], whose: str) -> None:
    """Every argument must be known: lm_eval hands on what it does not know, and a slip of the pen would go unseen, or be seen late.

    `allowed`: besides the pruning arguments. `whose`: what else takes arguments, in words.

    Raises:
        UserError: names the nearest one.
    """
    known = [*PRUNING_ARGUMENTS, *allowed]
    for name in arguments:
        if name not in known:
            raise UserError(
                f"argument {name!r} is unknown{nearest(name, known) or ':'}"
                f" pruning takes {', '.join(PRUNING_ARGUMENTS)}; every argument of {whose} is taken too"
            )


def refuse_doubled(arguments: Iterable[str], of_flags: dict[str, Any] | None) -> None:
    """lm_eval hands on --batch_size, --max_batch_size and --device beside the model's arguments, and its command has defaults for them.

    Raises:
        UserError: an argument is among both.
    """
    doubled = [name for name in arguments if (of_flags or {}).get(name) is not None]
    if doubled:
        raise UserError(
            f"{doubled[0]} stands among the model's arguments and is given by lm_eval, too: give it by --{doubled[0]} alone"
        )


def check_with_pruning(arguments: dict[str, Any], not_with_pruning: Sequence[str]) -> None:
    """Some of an engine's arguments name another model than the pruned checkpoint.

    Raises:
        UserError: one of them is given.
    """
    given = [name for name in not_with_pruning if arguments.get(name)]
    if given:
        raise UserError(
            f"{given[0]}={arguments[given[0]]} can't be combined with pruning: merge it into a folder first, or pruner=none"
        )

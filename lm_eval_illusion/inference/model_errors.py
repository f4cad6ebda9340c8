"""Errors of a model's own code, as one line for the user."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.inference.trials import trial_tokens

PACKAGE = Path(__file__).parent.parent
HFLM_FILE = "lm_eval/models/huggingface.py"
# The first file of a traceback below a call of a model or of its method `generate`.
MODEL_CALLS = ("torch/nn/modules/module.py", "torch/utils/_contextlib.py", "transformers/generation/utils.py")


@contextmanager
def model_errors(model: Any) -> Iterator[None]:
    """Turn an error raised by the model's own code into a `UserError`; errors of this package and of a full memory stay as they are.

    Some classes of transformers need a package that is missing, or fail with some configurations or without a cache. The cause is for
    the user to see, the traceback is not.

    Raises:
        UserError: The model's code failed within the `with` statement. The message names the model's class and the cause.
    """
    try:
        yield
    except (UserError, torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:
        if _is_ours(error):
            raise
        raise UserError(
            f"{type(model).__name__} can't be run ({type(error).__name__}: {one_line(error, 300)}):"
            " this is an error of the model's own code; check its configuration and the packages that it needs, or use another model"
        ) from error


def _is_ours(error: Exception) -> bool:
    """Return whether the last thing that this package or lm_eval called was not the model, so that the mistake is theirs."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    last = max(index for index, file in enumerate(files) if Path(file).is_relative_to(PACKAGE) or Path(file).match(HFLM_FILE))
    called = files[last + 1 : last + 2]
    return not any(Path(file).match(end) for file in called for end in MODEL_CALLS)


def check_runs(model: Any, device: torch.device) -> int:
    """Run the model on three tokens, and return for how many tokens it gives logits. The caller sets inference mode and autocast.

    Raises:
        UserError: The model's code failed, or gives something else than logits [1, 3, vocabulary]. The message names the model's class.
    """
    with model_errors(model):
        output = model(torch.tensor([trial_tokens(model, 3, 0)], device=device))
    logits = getattr(output, "logits", None)
    if not isinstance(logits, torch.Tensor) or not logits.is_floating_point() or logits.ndim != 3 or logits.shape[:2] != (1, 3):
        found = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise UserError(
            f"{type(model).__name__} can't be run (for 3 tokens its logits are {found}, not [1, 3, vocabulary]): use another model"
        )
    return logits.shape[2]

"""An ordinary dense-format Hugging Face folder: written, and seen to load whole, so that any engine loads the model that was made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def save_ordinary(model: PreTrainedModel, tokenizer: Any, folder: Path) -> None:
    """Write the folder.

    Raises:
        OSError: the folder can't be written.
        UserError: what is written is not all of the model, or more than it.
    """
    from safetensors import SafetensorError

    try:
        # llmcompressor puts a save_pretrained of its own on the instance, which adds its recipe and format; this is the class's.
        type(model).save_pretrained(model, folder)
        tokenizer.save_pretrained(folder)
    except SafetensorError as error:  # how safetensors says that the disk is full
        raise OSError(str(error)) from error
    _check_whole(type(model), folder)


def _check_whole(kind: type[PreTrainedModel], folder: Path) -> None:
    """Load names and shapes without the numbers: transformers fills what is missing with random ones and says so in a warning only."""
    try:
        _, info = kind.from_pretrained(folder, device_map="meta", output_loading_info=True)
        wrong = [(what, sorted(map(str, info[f"{what}_keys"]))) for what in ("missing", "unexpected", "mismatched")]
    except RuntimeError as error:
        wrong = [("mismatched", [one_line(error, 300)])]
    for what, names in wrong:
        if names:
            raise UserError(
                f"the pruned {kind.__name__} would not load whole from an ordinary checkpoint: {len(names)} tensors {what}, e.g."
                f" {names[0]}, so nothing is stored; leave out of the recipe what adds tensors, or take another model (llmcompressor"
                " takes the experts of some apart)"
            )

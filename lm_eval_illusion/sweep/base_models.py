"""The base models of a study, checked before the first cell runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import shown
from lm_eval_illusion.pruning.base_identity import ModelFiles
from lm_eval_illusion.pruning.gguf_checkpoint import is_gguf, refuse_unnamed_file
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.quantized_checkpoint import refuse_quantized
from lm_eval_illusion.sweep.contents import NOT_FOUND
from lm_eval_illusion.sweep.grid import Cell
from lm_eval_illusion.sweep.model_size import hub_answers


def refuse_absent_models(cells: Sequence[Cell]) -> None:
    """Refuse a sweep of which no model is here while the hub does not answer: each cell would fail after a minute.

    `cells`: with the contents of their inputs.

    Raises:
        UserError: That is so; the message names the models.
    """
    absent = {cell.base_model for cell in cells if cell.request.inputs.get(f"model {cell.base_model}") == NOT_FOUND}
    if cells and absent == {cell.base_model for cell in cells} and not hub_answers():
        raise UserError(
            f"the hub does not answer, and none of the models is a folder or in its cache ({shown(', '.join(sorted(absent)))}): go online,"
            " or give local folders by --pretrained"
        )


def refuse_unnamed_files(cells: Sequence[Cell]) -> None:
    """Refuse a model whose folder has no weights but GGUF files, none of which the study names.

    Raises:
        UserError: There is a cell of such a model; the message names the folder and its files.
    """
    arguments = [cell.request.model_args for cell in cells if not names_gguf(cell.request.model_args)]
    for pretrained, subfolder in dict.fromkeys((str(it["pretrained"]), str(it.get("subfolder") or "")) for it in arguments):
        refuse_unnamed_file(BaseModel(pretrained, subfolder=subfolder))


def refuse_quantized_models(cells: Sequence[Cell]) -> None:
    """Refuse to prune a local folder that holds a quantised checkpoint; the cell of a model on the hub refuses it itself.

    GGUF files are dequantised, and then pruned.

    Raises:
        UserError: There is a cell that would; the message names the model.
    """
    pruned = [
        arguments
        for arguments in (cell.request.model_args for cell in cells)
        if str(arguments.get("pruner", "wanda")) != "none" and not names_gguf(arguments)
    ]
    for pretrained in dict.fromkeys(str(arguments["pretrained"]) for arguments in pruned):
        files = ModelFiles(pretrained)
        if files.is_local:
            refuse_quantized(files)


def names_gguf(arguments: Mapping[str, Any]) -> bool:
    """Return whether the model of these model arguments is a GGUF file."""
    file = arguments.get("gguf_file")
    return is_gguf(BaseModel(str(arguments["pretrained"]), gguf_file=None if file is None else str(file)))

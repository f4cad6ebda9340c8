"""The base models of a study, checked before the first cell runs."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.pruning.base_identity import ModelFiles
from lm_eval_illusion.pruning.quantized_checkpoint import refuse_quantized
from lm_eval_illusion.sweep.grid import Cell


def refuse_quantized_models(cells: Sequence[Cell]) -> None:
    """Refuse to prune a local folder that holds a quantised checkpoint; the cell of a model on the hub refuses it itself.

    Raises:
        UserError: There is a cell that would; the message names the model.
    """
    pruned = [cell.request.model_args for cell in cells if str(cell.request.model_args.get("pruner", "wanda")) != "none"]
    for pretrained in dict.fromkeys(str(arguments["pretrained"]) for arguments in pruned):
        files = ModelFiles(pretrained)
        if files.is_local:
            refuse_quantized(files)

"""The transformer blocks of a model, whatever its architecture calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sparsity import prunable_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def layers_of_blocks(model: PreTrainedModel) -> dict[str, list[str]]:
    """The prunable layers of each block, by the block's name, in the order of the model.

    The blocks are the list of as many modules as the configuration has hidden layers; of several the one with the most parameters.

    Raises:
        UserError: there is no such list.
    """
    from torch.nn import ModuleList

    count = model.config.get_text_config().num_hidden_layers
    lists = {name: module for name, module in model.named_modules() if isinstance(module, ModuleList) and len(module) == count}
    if not lists:
        raise UserError(f"{type(model).__name__} has no list of {count} blocks that OWL could tell apart: give pruner=wanda")
    blocks = max(lists, key=lambda name: sum(weight.numel() for weight in lists[name].parameters()))
    prunable = [name for name, _ in prunable_weights(model)]
    # With the dot: layers.1 is no beginning of layers.10.
    of_block = {
        f"{blocks}.{number}": [name for name in prunable if name.startswith(f"{blocks}.{number}.")] for number in range(count)
    }
    return {block: layers for block, layers in of_block.items() if layers}

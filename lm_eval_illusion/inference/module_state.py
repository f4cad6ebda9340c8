"""Models that store the state of a sequence in their modules instead of the cache."""

from __future__ import annotations

import logging
from typing import Any

import torch

from lm_eval_illusion.inference.trials import trial_tokens

logger = logging.getLogger(__name__)


def can_use_cache(model: Any, device: torch.device) -> bool:
    """Return whether all that `generate` must carry from token to token is in the cache; if not, with a warning in the log.

    Beam search reorders the cache, but not a state in the modules, and a prompt of one token would continue the state of the sequence
    before it (RecurrentGemma). Without the cache the model computes each token from the whole sequence. The caller sets inference mode
    and autocast.
    """
    states = []
    for seed in range(2):
        model(torch.tensor([trial_tokens(model, 3, seed)], device=device), use_cache=True)
        states.append(_tensors_of_modules(model))
    if all(torch.equal(state, states[1].get(name, state)) for name, state in states[0].items()):
        return True
    logger.warning(
        "%s stores the state of a sequence in its modules: answers are generated without the cache, which takes longer",
        type(model).__name__,
    )
    return False


def _tensors_of_modules(model: torch.nn.Module) -> dict[tuple[str, str], torch.Tensor]:
    """Return copies of all tensors that are plain attributes, neither parameters nor buffers: (module, attribute) -> tensor."""
    return {
        (path, name): value.clone()
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, torch.Tensor)
    }

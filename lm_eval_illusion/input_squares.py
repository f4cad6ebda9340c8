"""A llmcompressor modifier that changes nothing: it sums the squares of what goes into each linear layer, block after block."""

from __future__ import annotations

from typing import Any

import torch
from compressed_tensors.utils import match_named_modules
from llmcompressor.core import Event, State
from llmcompressor.modifiers import Modifier
from pydantic import PrivateAttr


class InputSquaresModifier(Modifier):  # type: ignore[misc]  # llmcompressor is untyped
    """`squares`, once it has run: by layer, [inputs], the sums over all calibration tokens; a layer that saw none is not there."""

    requires_calibration_data: bool = True

    _squares: dict[str, torch.Tensor] = PrivateAttr(default_factory=dict)

    @property
    def squares(self) -> dict[str, torch.Tensor]:
        """In float64 on the CPU."""
        return self._squares

    def on_initialize(self, state: State, **_: Any) -> bool:
        """Nothing to prepare."""
        return True

    def on_calibration_start(self, state: State, event: Event, **_: Any) -> None:
        """Look at every linear layer."""
        for name, module in match_named_modules(state.model, ["Linear"]):
            self.register_hook(module, self._hook(name), "forward")

    def on_calibration_end(self, state: State, event: Event, **_: Any) -> None:
        """Look no more."""
        self.remove_hooks()

    def _hook(self, name: str) -> Any:
        def add(_: torch.nn.Module, arguments: tuple[torch.Tensor, ...], __: Any) -> None:
            tokens = arguments[0].detach().reshape(-1, arguments[0].shape[-1]).float()
            squares = tokens.pow(2).sum(dim=0).cpu().double()
            self._squares[name] = self._squares.get(name, 0) + squares

        return add

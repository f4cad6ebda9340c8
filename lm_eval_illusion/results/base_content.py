"""What a run states about the content of its base model."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN = 12
"""Hexadecimal digits of a hash in messages."""


@dataclass(frozen=True, slots=True)
class BaseContent:
    """The content of a base model as a run states it; None where it does not.

    `weights`, `tokenizer`: SHA-256, as in `config.illusion.base_identity`. `commit`: on the hub. `place`: requested revision and
    subfolder, such as `main` or `v2/onnx`. `is_comparable`: False for a model that `report --dense` compares with another on purpose.
    """

    weights: str | None = None
    tokenizer: str | None = None
    commit: str | None = None
    place: str | None = None
    is_comparable: bool = True

    @property
    def is_known(self) -> bool:
        """Whether weights and tokenizer are stated by content."""
        return self.weights is not None and self.tokenizer is not None

    def difference(self, other: BaseContent) -> tuple[str, str, str] | None:
        """Return what differs and both values; None if nothing that both state does. A place counts only where weights are not stated."""
        for what in ("weights", "tokenizer"):
            ours, theirs = getattr(self, what), getattr(other, what)
            if ours and theirs and ours != theirs:
                return what, ours[:SHOWN], theirs[:SHOWN]
        has_weights = bool(self.weights and other.weights)
        if not has_weights and self.place and other.place and self.place != other.place:
            return "revision", self.place, other.place
        return None

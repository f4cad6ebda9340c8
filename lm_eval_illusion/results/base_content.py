"""What a run states about the content of its base model."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN = 12
"""Hexadecimal digits of a hash in messages."""
NOT_QUANTISED = ""
"""The `scheme` of a model that is not quantised by its own statement."""


@dataclass(frozen=True, slots=True)
class BaseContent:
    """The content of a base model as a run states it; None where it does not.

    `weights`, `tokenizer`: SHA-256, as in `config.illusion.base_identity`. `commit`: on the hub. `revision`, `subfolder`:
    as requested, `main` and "" by default. `scheme`: of a checkpoint that is quantised itself, such as `w4a16`, or of the file behind a
    server; `NOT_QUANTISED` where a server states a data type. `other_model`: the model's own name where `report --dense` compares it with
    another one on purpose, or the name of a GGUF file among several of one model; it is compared with runs of its own only.
    """

    weights: str | None = None
    tokenizer: str | None = None
    commit: str | None = None
    revision: str | None = None
    subfolder: str | None = None
    scheme: str | None = None
    other_model: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether weights and tokenizer are stated by content."""
        return self.weights is not None and self.tokenizer is not None

    def difference(self, other: BaseContent) -> tuple[str, str, str] | None:
        """Return what differs and both values; None if nothing that both state does.

        Revision and subfolder count only where weights are not stated; two revisions may be one commit.
        """
        for what in ("weights", "tokenizer"):
            ours, theirs = getattr(self, what), getattr(other, what)
            if ours and theirs and ours != theirs:
                return what, ours[:SHOWN], theirs[:SHOWN]
        if self.weights and other.weights:
            return None
        if self.revision and other.revision and self.revision != other.revision and not self._is_commit_of(other):
            return "revision", self.revision, other.revision
        if self.subfolder is not None and other.subfolder is not None and self.subfolder != other.subfolder:
            return "subfolder", self.subfolder or "none", other.subfolder or "none"
        return None

    def _is_commit_of(self, other: BaseContent) -> bool:
        return self.commit is not None and self.commit == other.commit

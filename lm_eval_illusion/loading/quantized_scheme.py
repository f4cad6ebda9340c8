"""How a checkpoint is quantised: groups of layers with the bits of their weights, and which group a layer belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class WeightGroup:
    """Layers whose weights have `bits` bits, None if unknown. `targets`: names, classes, or regular expressions after `re:`."""

    targets: tuple[str, ...]
    bits: float | None


@dataclass(frozen=True)
class QuantizedScheme:
    """How a checkpoint is quantised.

    `name`: of the variant, such as `w4a16`, `fp8-dynamic`, `gptq-int4`. `method`: `quant_method`. `groups`: the first that matches a layer
    holds. `ignored`: layers that keep the bits of their dtype, as in `WeightGroup.targets`.
    """

    name: str
    method: str
    groups: tuple[WeightGroup, ...]
    ignored: tuple[str, ...] = ()

    def covers(self, layer: str, kind: str) -> WeightGroup | None:
        """Return the group that a layer belongs to, None for one that is not quantised. `kind`: its class, such as Linear."""
        if any(_matches(pattern, layer, kind) for pattern in self.ignored):
            return None
        return next((group for group in self.groups if any(_matches(target, layer, kind) for target in group.targets)), None)

    @property
    def bits(self) -> float | None:
        """The bits of every quantised weight; None if they differ or are unknown."""
        found = {group.bits for group in self.groups}
        return found.pop() if len(found) == 1 else None


def _matches(pattern: str, layer: str, kind: str) -> bool:
    """Return whether a layer is meant: by its class, its name, the end of its name, a module that contains it, or an expression.

    compressed-tensors and transformers both match an expression from the start of the name; only transformers writes them without `re:`.
    """
    if pattern.startswith("re:"):
        return re.match(pattern[3:], layer) is not None
    if pattern == kind or layer == pattern or layer.endswith(f".{pattern}") or layer.startswith(f"{pattern}."):
        return True
    if "*" not in pattern:
        return False
    # A wildcard, such as *lm_head* of Model Optimizer, need not be a valid expression.
    return fnmatchcase(layer, pattern) or (not pattern.startswith("*") and re.match(pattern, layer) is not None)

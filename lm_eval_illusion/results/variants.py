"""The variant: a base model, dense or compressed in one way."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TypeAlias

from lm_eval_illusion.results.base_content import BaseContent
from lm_eval_illusion.results.servers import Server

_NOT_A_COLUMN = {"column": False}
DENSE_METHOD = "none"
"""The `pruner` of the dense model."""
DENSE_NAME = "dense"
"""The short name of the dense model, unless a GGUF file stands for it."""
EMBEDDED_TEXT = "embedded"
"""The `calibration_source` of the text in this package."""
Settings: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values of settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A base model, dense or compressed in one way.

    The fields up to `dtype` are the columns of a table of variants, in this order: see `column_names`.

    `variant`: its short name, unique within a base model, such as `dense`, `wanda-0.6` or `peft-french`. `pruner`: the method, `none` for
    the dense model. `sparsity_requested`, `sparsity_measured`: share of the weights of the linear layers that are zero, from 0 to 1.
    `bits_measured`: mean bits per weight of the linear layers, those of the data type if it is not quantised. `mask_structure`: `2:4`
    for two of four, `0:0` for none. `owl_lambda`, `owl_m`: settings of OWL. `calibration_source` (`embedded`, a file or a hub dataset),
    `calibration_language`, `calibration_samples` of `calibration_length` tokens each, `pruning_seed`: what it was calibrated with; None for
    the dense model. `dtype`: the data type that scores and gold ranks were computed in, such as `bfloat16`. Numbers and `dtype` are also
    None where they were not measured or are not known.

    `identity`: the key of the checkpoint, or the revision of the base model, and the content of an adapter; it distinguishes two variants
    of the same name. `settings`: what the arguments say of a quantisation or an adapter beside its name. `base_content`: the content of
    the base model as the run states it, which is no part of the variant.
    `server`: the server that the model is behind, None if the run loaded it itself. `engine`: what ran it, such as `hf` or `vllm`; None
    if it is not known. `beams_are_top1`: the backend returned only its best beam, so that the strategy `beam` counts only this one.
    """

    base_model: str
    variant: str
    pruner: str
    sparsity_requested: float | None
    sparsity_measured: float | None
    bits_measured: float | None = None
    mask_structure: str
    owl_lambda: float | None = None
    owl_m: float | None = None
    calibration_source: str | None = None
    calibration_language: str | None = None
    calibration_samples: int | None = None
    calibration_length: int | None = None
    pruning_seed: int | None = None
    dtype: str | None = None
    identity: str = field(metadata=_NOT_A_COLUMN)
    settings: Settings = field(default=(), compare=False, metadata=_NOT_A_COLUMN)
    base_content: BaseContent = field(default=BaseContent(), compare=False, metadata=_NOT_A_COLUMN)
    server: Server | None = field(default=None, metadata=_NOT_A_COLUMN)
    engine: str | None = field(default=None, compare=False, metadata=_NOT_A_COLUMN)
    beams_are_top1: bool = field(metadata=_NOT_A_COLUMN)

    @property
    def is_dense(self) -> bool:
        """Whether this is the base model as it is: the variant with `pruner` `none`."""
        return self.pruner == DENSE_METHOD

    @property
    def named_server(self) -> Server | None:
        """The server that knows the base model by its name; None for a model at hand, and for a checkpoint of a known base model."""
        return None if self.server is None or self.server.serves_checkpoint else self.server

    @property
    def key(self) -> tuple[str, str]:
        """Base model and short name, which identify a variant in a report."""
        return self.base_model, self.variant

    @property
    def sort_key(self) -> tuple[bool, str, float, str]:
        """Order of the variants of a base model: dense first, then by method, sparsity and name."""
        return not self.is_dense, self.pruner, self.sparsity_requested or 0.0, self.variant

    @classmethod
    def column_names(cls) -> tuple[str, ...]:
        """Return the names of the fields that tables, report.json and Parquet show, in their order."""
        return tuple(entry.name for entry in fields(cls) if entry.metadata.get("column", True))

    def columns(self) -> dict[str, str | float | None]:
        """Return the values of `column_names` by name."""
        return {name: getattr(self, name) for name in self.column_names()}

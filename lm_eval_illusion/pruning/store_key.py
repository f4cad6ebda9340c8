"""What the key of a pruned checkpoint is made from. Requests for the same weights give the same key, however they are spelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product

from lm_eval_illusion.pruning.base_identity import base_identity
from lm_eval_illusion.pruning.calibration import text_identity
from lm_eval_illusion.pruning.earlier_keys import Identity
from lm_eval_illusion.pruning.hf_checkpoint import DTYPES, BaseModel, base_revision, plain_dtype, tokenizer_revision
from lm_eval_illusion.pruning.loaded_dtype import AUTO, loaded_dtype
from lm_eval_illusion.pruning.manifest import CheckpointIdentity
from lm_eval_illusion.pruning.recipes import recipe_template
from lm_eval_illusion.pruning.settings import PruningSettings


def checkpoint_identity(base: BaseModel, settings: PruningSettings, texts: list[str], content: str) -> CheckpointIdentity:
    """Return what determines a checkpoint. `texts`: of the calibration. `content`: hash of the base model, or its commit.

    Raises:
        UserError: A file of the model, the tokenizer or the recipe can't be read.
    """
    return CheckpointIdentity(
        base_revision=content,
        dtype=loaded_dtype(base),
        tokenizer=_other_tokenizer(base),
        recipe=recipe_template(settings.pruner),
        sparsity=settings.sparsity,
        mask_structure=settings.mask_structure,
        owl=(settings.owl_lambda, settings.owl_m),
        calibration=text_identity(texts, settings),
        calibration_samples=settings.calibration_samples,
        calibration_length=settings.calibration_length,
        pruning_seed=settings.pruning_seed,
    )


def earlier_identities(base: BaseModel, identity: CheckpointIdentity) -> Iterator[Identity]:
    """Yield the identities of the first key scheme that this checkpoint may have, without the versions.

    In that scheme a dtype was as it was spelled, a tokenizer that was named was never the model's own, and a GGUF file was known by its
    dequantised folder.
    """
    names = [name for name in DTYPES if name != AUTO and plain_dtype(name) == identity.dtype]
    dtypes = [identity.dtype, *names, *(f"torch.{name}" for name in names)]
    if loaded_dtype(base._replace(dtype=AUTO)) == identity.dtype:
        dtypes.append(AUTO)
    tokenizers = {identity.tokenizer, tokenizer_revision(base)}
    content = base_revision(*base.files)
    for dtype, tokenizer in product(dict.fromkeys(dtypes), tokenizers):
        yield asdict(replace(identity, base_revision=content, dtype=dtype, tokenizer=tokenizer))


def _other_tokenizer(base: BaseModel) -> str | None:
    """Return the identity of a tokenizer that is not the model's own; None if it is, or has the same content."""
    revision = tokenizer_revision(base)
    if revision is None:
        return None
    # A model on the hub is known by its commit, and so is its tokenizer.
    own = base_identity(base.files).tokenizer if base.files.is_local else base_revision(*base.files)
    return None if revision == own else revision

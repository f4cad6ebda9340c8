"""The rotary embedding that a GGUF file states, as transformers' `rope_parameters`: transformers' own conversion leaves its scaling out.

The formulas of both sides are the same: ggml's `ggml_rope_yarn` and `ggml_rope_yarn_corr_dims` in ggml.c, and transformers'
modeling_rope_utils. What has no exact counterpart is refused, since a model without its scaling gives wrong numbers at every position.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.base_identity import shown

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

FACTORS = "rope_freqs.weight"
"""The tensor with one divisor for each frequency, as in Llama 3.1."""
_REMEDY = "give the Hugging Face folder of the model"
# Those of every published Llama 3.1 to 3.3; only the factor differs. Whether they give the file's divisors is checked.
_LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
# Entries of `rope.scaling` that change nothing here, or only with another value than this one.
_WITHOUT_EFFECT = {"yarn_ext_factor": 1.0, "yarn_attn_factor": 1.0, "yarn_log_multiplier": 0.0}
_READ = ("type", "factor", "original_context_length", "attn_factor", "yarn_beta_fast", "yarn_beta_slow", "finetuned")


def set_rope(config: PreTrainedConfig, metadata: Mapping[str, Any], factors: Tensor | None, label: str) -> None:
    """Set `config.rope_parameters` to the scaling that a file states.

    Args:
        config: As transformers made it of the file, without the scaling.
        metadata: Of the file.
        factors: The tensor `FACTORS`: one divisor for each frequency.
        label: The file's name for messages.

    Raises:
        UserError: The scaling is of a type, or has a number, that transformers' formula does not have.
    """
    base = metadata.get(f"{metadata.get('general.architecture')}.rope.freq_base", 1.0)
    if isinstance(base, bool) or not isinstance(base, (int, float)) or not (base > 0 and math.isfinite(base)):
        raise UserError(f"{label} states rope.freq_base {shown(str(base))}, which is no positive number: {_REMEDY}")
    scaling = _stated_scaling(metadata, label)
    if factors is not None and not bool((factors == 1).all()):
        if scaling is not None:
            raise UserError(
                f"{label} scales its rotary embedding twice (rope.scaling and {FACTORS}), which is not supported: {_REMEDY}"
            )
        scaling = _llama3(config, factors, label)
    if scaling is None:
        return
    plain = getattr(config, "rope_parameters", None)
    if not isinstance(plain, dict) or plain.get("rope_type") != "default":
        raise UserError(
            f"{label} scales its rotary embedding ({scaling['rope_type']}), which is not supported for {type(config).__name__}: {_REMEDY}"
        )
    config.rope_parameters = {**plain, **scaling}


def refuse_other_rotary_size(model: PreTrainedModel, metadata: Mapping[str, Any], label: str) -> None:
    """Refuse a file that rotates another number of each head's dimensions than the model that transformers made of it.

    Raises:
        UserError: That is so.
    """
    stated = metadata.get(f"{metadata.get('general.architecture')}.rope.dimension_count")
    used = {2 * buffer.numel() for name, buffer in model.named_buffers() if name.endswith("inv_freq")}
    if stated is not None and used and stated not in used:
        raise UserError(
            f"{label} rotates {str(stated)[:20]} dimensions of each head (rope.dimension_count), and transformers'"
            f" {type(model).__name__} rotates {', '.join(map(str, sorted(used)))}: {_REMEDY}"
        )


def _stated_scaling(metadata: Mapping[str, Any], label: str) -> dict[str, Any] | None:
    """Return the parameters of the metadata's scaling; None if there is none."""
    prefix = f"{metadata.get('general.architecture')}.rope."
    stated = {
        key.removeprefix(f"{prefix}scaling."): value for key, value in metadata.items() if key.startswith(f"{prefix}scaling.")
    }
    # The older key; llama.cpp reads it where there is no factor.
    if "factor" not in stated and f"{prefix}scale_linear" in metadata:
        stated["factor"] = metadata[f"{prefix}scale_linear"]
    # A factor without a type is linear, and a factor of 0 is none, as in llama.cpp.
    kind = stated.get("type", "linear")
    factor = _number(stated, "factor", 0.0, label) or 1.0
    if kind == "none" or (kind == "linear" and factor == 1):
        return None
    if kind not in ("linear", "yarn"):
        raise _unsupported(label, "type", kind)
    for name, value in stated.items():
        if name not in _READ and value != _WITHOUT_EFFECT.get(name):
            raise _unsupported(label, name, value)
    if factor < 1 or (kind == "yarn" and "factor" not in stated):
        raise _unsupported(label, "factor", stated.get("factor"))
    if kind == "linear":
        return {"rope_type": "linear", "factor": factor}
    window = stated.get("original_context_length", metadata.get(f"{prefix.removesuffix('rope.')}context_length"))
    if type(window) is not int or window < 1:
        raise _unsupported(label, "original_context_length", window)
    return {
        "rope_type": "yarn",
        "factor": factor,
        "original_max_position_embeddings": window,
        "attention_factor": _number(stated, "attn_factor", 1.0, label) * (1 + 0.1 * math.log(factor)),
        "beta_fast": _number(stated, "yarn_beta_fast", 32.0, label),
        "beta_slow": _number(stated, "yarn_beta_slow", 1.0, label),
    }


def _llama3(config: PreTrainedConfig, factors: Tensor, label: str) -> dict[str, Any]:
    """Return the parameters of Llama 3.1's scaling, if they give exactly these divisors.

    Raises:
        UserError: They do not.
    """
    import torch

    factor = float(factors.max())
    theta = (getattr(config, "rope_parameters", None) or {}).get("rope_theta")
    if isinstance(theta, (int, float)):
        lengths = 2 * math.pi * theta ** (torch.arange(factors.numel(), dtype=torch.float64) / factors.numel())
        low, high, window = (float(number) for number in _LLAMA3.values())
        # Frequencies of short waves are kept, those of long waves divided, and those between are in between (Llama 3.1's formula).
        share = ((window / lengths - low) / (high - low)).clamp(0, 1)
        expected = 1 / ((1 - share) / factor + share)
        if torch.allclose(factors.double(), expected, rtol=1e-4):
            return {"rope_type": "llama3", "factor": factor, **_LLAMA3}
    raise UserError(f"{label} has factors of the rotary embedding ({FACTORS}) that are not those of Llama 3.1: {_REMEDY}")


def _number(stated: Mapping[str, Any], name: str, default: float, label: str) -> float:
    value = stated.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise _unsupported(label, name, value)
    return float(value)


def _unsupported(label: str, name: str, value: Any) -> UserError:
    return UserError(
        f"{label} scales its rotary embedding by rope.scaling.{name} {shown(str(value))!r}, which is not supported"
        f" (linear, or yarn with a factor of at least 1): {_REMEDY}"
    )

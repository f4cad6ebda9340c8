"""The dtype in which a base model is loaded, however it is spelled: a checkpoint's key depends on what is loaded, not on its name.

The rule for "auto" is that of transformers 5 (`modeling_utils._get_dtype`): what the configuration of the loaded class states, else what
the index states, else that of the first weight with floating point.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lm_eval_illusion.pruning.base_identity import ModelFiles, read_object, weight_paths
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, load_config, loading_errors, plain_dtype

AUTO = "auto"
_OF_SAFETENSORS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def loaded_dtype(base: BaseModel) -> str:
    """Return the name of the dtype in which `load_model` loads a model, such as "float32".

    "auto" stays where only the weights of a model on the hub state it: a checkpoint of the store is found without these.

    Raises:
        UserError: `base.dtype` is "auto", and the model's files can't be read.
    """
    name = plain_dtype(base.dtype)
    if name != AUTO:
        return name
    stated = _stated_dtype(load_config(base))
    if stated is None and base.files.is_local:
        with loading_errors(base.pretrained):
            stated = _dtype_of_weights(base.files)
    return AUTO if stated is None else plain_dtype(stated)


def _stated_dtype(config: Any) -> Any:
    """Return the dtype that the configuration states of the class that `AutoModelForCausalLM` makes; None if it states none."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    text_config = getattr(config, "sub_configs", {}).get("text_config")
    if text_config is not None and type(config) in MODEL_FOR_CAUSAL_LM_MAPPING:
        # Of some multimodal models, the class is that of the language model alone, with its own part of the configuration.
        found = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
        model_class = found[0] if isinstance(found, (list, tuple)) else found
        if getattr(model_class, "config_class", None) == text_config:
            config = config.get_text_config()
    stated = getattr(config, "dtype", None)
    return stated.get("") if isinstance(stated, dict) else stated


def _dtype_of_weights(files: ModelFiles) -> str | None:
    paths = weight_paths(files)
    index = next((path for path in paths if path.name.endswith(".index.json")), None)
    if index is not None:
        metadata = read_object(files, index.name).get("metadata")
        if isinstance(metadata, dict) and isinstance(metadata.get("dtype"), str):
            return str(metadata["dtype"])
    first = next((path for path in paths if path.suffix != ".json"), None)
    return None if first is None else _first_dtype(first)


def _first_dtype(path: Path) -> str | None:
    """Return the dtype of the first weight of a file that has 16 bits or more of floating point; None if there is no such weight."""
    if path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, framework="pt") as weights:
            found = (_OF_SAFETENSORS.get(weights.get_slice(name).get_dtype()) for name in weights.keys())  # noqa: SIM118
            return next((name for name in found if name is not None), None)
    import torch

    weights = torch.load(path, map_location="meta", weights_only=True)
    dtypes = (tensor.dtype for tensor in weights.values() if isinstance(tensor, torch.Tensor) and tensor.is_floating_point())
    return next((str(dtype) for dtype in dtypes if dtype.itemsize >= 2), None)

"""The scheme of a checkpoint by its files: config.json, or the file that the quantisation tool itself writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lm_eval_illusion.errors import attributed
from lm_eval_illusion.loading.quantized_config import quantization_of, read_scheme
from lm_eval_illusion.loading.quantized_scheme import QuantizedScheme

REMEDY = "check its config.json"
# Files of quantisation tools that do not write into config.json -> the method where the file does not name it.
_OWN_FILES = {"quantize_config.json": "gptq", "quant_config.json": "awq", "hf_quant_config.json": "modelopt"}


def scheme_of_files(read_object: Callable[[str], Mapping[str, Any]], name: str) -> QuantizedScheme | None:
    """Return how a checkpoint is quantised or compressed; None for an ordinary one.

    `read_object`: name of a file -> its JSON object, empty if there is no such file. `name`: of the model, for the message.

    Raises:
        UserError: The scheme can't be read, or `read_object` raises it.
    """
    config = read_object("config.json")
    # Each tool writes its own fields, of any types.
    with attributed(f"the quantisation of {name} can't be read", REMEDY):
        quantization = quantization_of(config)
        if quantization is not None:
            return read_scheme(quantization)
        for file, method in _OWN_FILES.items():
            content = read_object(file)
            if content:
                return read_scheme({"quant_method": method, **content.get("quantization", content)})
    return None

"""The scheme of a checkpoint by its files."""

from __future__ import annotations

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.quantized_files import scheme_of_files

GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128}


def name_of(**files):
    found = scheme_of_files(lambda name: files.get(name.removesuffix(".json"), {}), "m")
    return found and (found.name, found.method)


def test_config_json_goes_before_the_file_of_the_tool():
    assert name_of() is None
    assert name_of(config={"model_type": "llama"}) is None
    assert name_of(config={"quantization_config": GPTQ}, quantize_config={"bits": 8}) == ("gptq-int4", "gptq")
    assert name_of(config={}, quantize_config={"bits": 8}) == ("gptq-int8", "gptq")
    assert name_of(quant_config={"w_bit": 4, "q_group_size": 128}) == ("awq-int4", "awq")
    assert name_of(hf_quant_config={"quantization": {"quant_algo": "NVFP4"}}) == ("nvfp4", "modelopt")


def test_a_scheme_that_can_not_be_read_is_one_line():
    with pytest.raises(UserError, match="the quantisation of m can't be read"):
        name_of(config={"quantization_config": {"quant_method": "gptq", "dynamic": [1]}})

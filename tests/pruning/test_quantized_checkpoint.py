"""Checkpoints that another tool quantised: their scheme, the refusal to prune them, and the bits of their layers."""

from __future__ import annotations

import json
import shutil

import pytest

from lm_eval_illusion import prune
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.quantized_config import read_scheme
from lm_eval_illusion.pruning import quantized_checkpoint
from lm_eval_illusion.pruning.base_identity import ModelFiles
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.quantized_checkpoint import bits_of_scheme, checkpoint_scheme
from tests.tiny_models import save_tiny


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    return save_tiny("llama", tmp_path_factory.mktemp("models") / "dense")


@pytest.fixture
def configured(dense, tmp_path):
    """Return a function that makes a copy of the dense model with something added to its config.json."""

    def make(**entries):
        folder = shutil.copytree(dense, tmp_path / "model")
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **entries}))
        return folder

    return make


GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128}


def test_an_ordinary_checkpoint_has_no_scheme(dense):
    assert checkpoint_scheme(ModelFiles(str(dense))) is None
    assert checkpoint_scheme(ModelFiles("embedded")) is None


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("quantize_config.json", {"bits": 4, "group_size": 128, "desc_act": False}, "gptq-int4"),
        ("quant_config.json", {"zero_point": True, "q_group_size": 128, "w_bit": 4}, "awq-int4"),
        ("hf_quant_config.json", {"producer": {"name": "x"}, "quantization": {"quant_algo": "FP8"}}, "fp8"),
    ],
)
def test_a_scheme_in_a_file_of_the_tool(configured, name, content, expected):
    folder = configured()
    (folder / name).write_text(json.dumps(content))
    assert checkpoint_scheme(ModelFiles(str(folder))).name == expected


@pytest.mark.parametrize(
    ("quantization", "named"),
    [
        (GPTQ, r"gptq-int4, gptq"),
        ({"quant_method": "fp8", "activation_scheme": "dynamic"}, r"fp8-dynamic, fp8"),
        ({"quant_method": "compressed-tensors", "sparsity_config": {"format": "sparse-24-bitmask"}}, r"sparse-2:4, compressed"),
    ],
)
def test_pruning_a_quantised_checkpoint_is_refused_before_any_work(configured, tmp_path, quantization, named):
    folder = configured(quantization_config=quantization)
    store = tmp_path / "store"
    with pytest.raises(UserError, match=rf"model is already quantised or compressed \({named}.*pruner=none") as caught:
        prune(str(folder), "magnitude", 0.5, store=str(store))
    assert "\n" not in str(caught.value)
    assert not store.exists()


def test_the_part_of_the_language_model_is_read(configured):
    folder = configured(text_config={"quantization_config": GPTQ})
    assert checkpoint_scheme(ModelFiles(str(folder))).name == "gptq-int4"


def test_a_damaged_configuration_is_one_line(configured):
    folder = configured()
    (folder / "config.json").write_text("[]")
    with pytest.raises(UserError, match=r"config.json holds no JSON object"):
        checkpoint_scheme(ModelFiles(str(folder)))


def test_layers_that_are_left_out_keep_the_bits_of_their_dtype(dense):
    base = BaseModel(str(dense), dtype="bfloat16")
    bits = bits_of_scheme(base, read_scheme({**GPTQ, "modules_to_not_convert": ["down_proj"]}))
    assert len(bits.of_layer) == 14
    assert {name.rpartition(".")[2] for name, value in bits.of_layer.items() if value == 16} == {"down_proj"}
    # Of a block's 57,600 weights 12,800 are down_proj's: q, o 80 x 80; k, v 40 x 80; gate, up, down 160 x 80.
    assert bits.mean == pytest.approx((44_800 * 4 + 12_800 * 16) / 57_600)


def test_bits_that_are_not_stated_are_unknown(dense, configured):
    assert bits_of_scheme(BaseModel(str(dense)), read_scheme({"quant_method": "aqlm"})) is None
    unknown_class = configured(model_type="no_such_model", quantization_config=GPTQ)
    assert bits_of_scheme(BaseModel(str(unknown_class)), read_scheme(GPTQ)) is None


@pytest.mark.parametrize(
    "quantization", [{"quant_method": "compressed-tensors", "config_groups": 1}, {"quant_method": "gptq", "dynamic": [3]}]
)
def test_a_configuration_of_wrong_types_is_one_line(configured, quantization):
    with pytest.raises(UserError, match=r"the quantisation of .* can't be read \("):
        checkpoint_scheme(ModelFiles(str(configured(quantization_config=quantization))))


@pytest.mark.parametrize(("pattern", "message"), [("re:(.+)+x$", "takes more than 0.1 s"), ("re:(", "missing \\)")])
def test_a_pattern_that_never_ends_or_is_none_is_one_line(dense, monkeypatch, pattern, message):
    monkeypatch.setattr(quantized_checkpoint, "MOST_SECONDS", 0.1)
    scheme = read_scheme({**GPTQ, "modules_to_not_convert": [pattern]})
    with pytest.raises(UserError, match=rf"the quantisation of .* can't be read .*{message}"):
        bits_of_scheme(BaseModel(str(dense)), scheme)

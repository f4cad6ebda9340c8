"""Whatever the libraries raise about a model's files is one line, and no code of a folder is run unless it is trusted."""

from __future__ import annotations

import json
import os
import pickle

import pytest
import torch
from safetensors.torch import load_file
from transformers import GenerationConfig

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, load_model, load_tokenizer, loading_errors, save_checkpoint
from tests.quantised_checkpoints import save_adapter
from tests.tiny_models import make_tiny_model, make_tiny_tokenizer


class PanicException(BaseException):
    """As the tokenizers library raises it: no Exception."""


@pytest.mark.parametrize(
    "error", [KeyError, ZeroDivisionError, RecursionError, AssertionError, MemoryError, pickle.UnpicklingError, PanicException]
)
def test_an_error_of_any_type_is_one_line(error):
    with pytest.raises(UserError, match=r"^a/b can't be loaded \(.*\): ") as caught, loading_errors("a/b"):
        raise error("no\nsuch " + "x" * 10_000)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_no_error_of_the_model(error):
    with pytest.raises(error), loading_errors("a/b"):
        raise error


class Runs:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, canary):
        self.canary = str(canary)

    def __reduce__(self):
        return os.mkdir, (self.canary,)


# The ways by which weights are loaded: a model, the file that its configuration names, an adapter, a delta.
@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))], ids=["zip", "plain"])
@pytest.mark.parametrize("place", ["model", "index", "peft", "delta", "prune"])
def test_a_pickle_is_never_run(source, folder, tmp_path, write, place):
    canary = tmp_path / "canary"
    value = {"model.norm.weight": Runs(canary)}
    arguments = {"pruner": "none"}
    if place == "peft":
        adapter = save_adapter(source, tmp_path / "adapter")
        (adapter / "adapter_model.safetensors").unlink()
        write(value, adapter / "adapter_model.bin")
        arguments["peft"] = str(adapter)
    else:
        names = list(load_file(folder / "model.safetensors"))
        (folder / "model.safetensors").unlink()
        write(value, folder / ("part.bin" if place == "index" else "pytorch_model.bin"))
        if place == "index":
            index = {"metadata": {}, "weight_map": dict.fromkeys(names, "part.bin")}
            (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    if place == "delta":
        arguments["delta"] = str(folder)
    if place == "prune":
        arguments = {"pruner": "magnitude", "sparsity": 0.5, "store": str(tmp_path / "store")}
    with pytest.raises(UserError, match=r"a file is damaged, or holds other things than tensors.*nothing of it was run"):
        PrunedHFLM(str(source if place in ("peft", "delta") else folder), device="cpu", **arguments)
    assert not canary.exists()
    # The canary works: what is refused would have run.
    pickle.loads(pickle.dumps(Runs(canary)))
    assert canary.exists()


def test_code_of_a_folder_is_run_only_where_it_is_trusted(folder, tmp_path):
    canary = tmp_path / "canary"
    (folder / "own.py").write_text(
        f"import os\nos.makedirs({str(canary)!r}, exist_ok=True)\n"
        "from transformers import LlamaConfig\nclass Own(LlamaConfig):\n    model_type = 'own'\n"
    )
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}))
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text((folder / "own.py").read_text())
    for trust in (None, False, "False"):
        with pytest.raises(UserError, match="code of its own, which is run only with trust_remote_code=True"):
            PrunedHFLM(str(folder), pruner="none", device="cpu", trust_remote_code=trust)
    with pytest.raises(UserError, match="trust_remote_code=True"):
        load_model(BaseModel(str(folder)))
    assert not canary.exists()
    with pytest.raises(UserError):  # it is trusted, but brings no class for the model
        load_model(BaseModel(str(folder), trust_remote_code=True))
    assert canary.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", '{"a":' * 50_000 + "1" + "}" * 50_000),
        ("tokenizer.json", "[]"),
        ("tokenizer.json", '{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": [["x"]]}}'),
        ("tokenizer_config.json", '{"tokenizer_class": ["x"]}'),
        ("tokenizer_config.json", '{"bos_token": 3}'),
    ],
)
def test_a_damaged_tokenizer_is_one_line(folder, name, content):
    (folder / name).write_text(content)
    with pytest.raises(UserError) as caught:
        load_tokenizer(BaseModel(str(folder)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[:-1],
        lambda data: b"\xff" * 8 + data[8:],
        lambda data: data[:8] + b"[" + data[9:],
    ],
)
def test_damaged_safetensors_are_one_line(folder, change):
    path = folder / "model.safetensors"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError, match=r"can't be loaded \(SafetensorError"):
        load_model(BaseModel(str(folder)))


@pytest.mark.parametrize(
    "fields",
    [
        {"num_attention_heads": 0},
        {"num_key_value_heads": 0},
        {"hidden_size": "x"},
        {"hidden_size": -1},
        {"model_type": ["llama"]},
        {"model_type": "nonsense"},
        {"architectures": [1]},
        {"rope_parameters": {"rope_type": "yarn"}},
        {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": 1}},
        {"quantization_config": {"quant_method": "nonsense"}},
        {"hidden_act": "\x1b[2J"},
        {"pad_token_id": 10**9},
    ],
)
def test_a_configuration_of_wrong_values_is_one_line(folder, fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    with pytest.raises(UserError) as caught:
        PrunedHFLM(str(folder), pruner="none", device="cpu")
    assert "\n" not in str(caught.value)


# The first is that of Vicuna and Llama 2, the last that of the first Llama. transformers loads each with a warning, and writes none.
@pytest.mark.parametrize(
    "settings",
    [
        {
            "_from_model_config": True,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "max_length": 4096,
            "pad_token_id": 2,
            "temperature": 0.9,
            "top_p": 0.6,
            "transformers_version": "4.31.0",
        },
        {"eos_token_id": [1, 5], "do_sample": False, "temperature": 0.6, "top_p": 0.9},
        {"eos_token_id": 7, "temperature": 0},
        {"eos_token_id": 1, "top_k": "x", "output_attentions": True, "of_another_version": {"a": [1]}},
        {"eos_token_id": 1, "pad_token_id": -1},
    ],
)
def test_a_checkpoint_has_the_generation_settings_of_its_base_model(folder, tmp_path, settings):
    (folder / "generation_config.json").write_text(json.dumps(settings))
    model = load_model(BaseModel(str(folder)))
    with pytest.raises(ValueError, match="GenerationConfig is invalid"):
        model.generation_config.save_pretrained(tmp_path)
    save_checkpoint(model, load_tokenizer(BaseModel(str(folder))), tmp_path / "saved")
    before, after, kept = (
        found.to_json_string(use_diff=False)
        for found in (
            GenerationConfig.from_pretrained(folder),
            GenerationConfig.from_pretrained(tmp_path / "saved"),
            model.generation_config,
        )
    )
    assert after == before == kept
    stored = json.loads((tmp_path / "saved" / "generation_config.json").read_text())
    assert {name: stored.get(name) for name in ("eos_token_id", "pad_token_id", "temperature", "top_p")} == {
        name: settings.get(name) for name in ("eos_token_id", "pad_token_id", "temperature", "top_p")
    }


def test_a_model_whose_generation_settings_transformers_does_not_write_is_pruned(folder):
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 5], "temperature": 0.9, "top_p": 0.6}))
    model = PrunedHFLM(str(folder), pruner="magnitude", sparsity=0.5, store="off", device="cpu")
    assert model.model.generation_config.eos_token_id == [1, 5]


def test_settings_that_cannot_be_written_are_one_line(tmp_path):
    model = make_tiny_model("llama")
    model.generation_config.top_p = object()
    with pytest.raises(UserError, match=r"the pruned LlamaForCausalLM can't be saved .*so nothing is stored"):
        save_checkpoint(model, make_tiny_tokenizer(), tmp_path)

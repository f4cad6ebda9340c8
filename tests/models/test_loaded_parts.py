"""The device that is asked for is the one that is used, and an adapter is applied completely or refused."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.models.loaded_parts import check_device
from tests.quantised_checkpoints import save_adapter
from tests.tiny_models import save_tiny


@pytest.fixture
def folders(tmp_path):
    source = save_tiny("llama", tmp_path / "model")
    return source, save_adapter(source, tmp_path / "adapter")


# HFLM takes "cuda" or "cpu" without a word where it does not know the name: "cpu:0" would run on a GPU.
@pytest.mark.parametrize("device", ["nonsense", "", "cpu:0", "cuda:99", "cuda:", "\x1b[2J", 3, []])
def test_an_unknown_device_is_refused(folders, device):
    with pytest.raises(UserError, match=r"^device .*(is unknown|is not there)"):
        PrunedHFLM(str(folders[0]), pruner="none", device=device)
    assert check_device("cpu") == "cpu"


def test_the_default_of_lm_evals_command_is_the_cpu_where_there_is_no_gpu(monkeypatch):
    # `lm_eval --model pruned-hf` passes device=cuda:0 if nobody named a device.
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert check_device("cuda:0") == "cpu"
    with pytest.raises(UserError, match=r"device 'cuda:1' is not there, PyTorch sees 0 GPUs: give --device cpu$"):
        check_device("cuda:1")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert check_device("cuda:0") == "cuda:0"
    assert check_device("cuda:1") == "cuda:1"
    with pytest.raises(UserError, match=r"give --device cpu, or a GPU from cuda:0 to cuda:1$"):
        check_device("cuda:2")


@pytest.mark.parametrize("dtype", ["nonsense", "", "int8", "nn", 7])
def test_an_unknown_dtype_is_refused(folders, dtype):
    with pytest.raises(UserError, match=r"^dtype .* is unknown: give auto"):
        PrunedHFLM(str(folders[0]), pruner="none", device="cpu", dtype=dtype)


@pytest.mark.parametrize("trust", ["no", "yes please", 3, []])
def test_trust_that_is_neither_true_nor_false_is_refused(folders, trust):
    # Python takes every text but the empty one for true.
    with pytest.raises(UserError, match=r"trust_remote_code .* is neither True nor False"):
        PrunedHFLM(str(folders[0]), pruner="none", device="cpu", trust_remote_code=trust)


def load(folders):
    return PrunedHFLM(str(folders[0]), pruner="none", device="cpu", peft=str(folders[1]))


def change_tensors(adapter, change):
    path = adapter / "adapter_model.safetensors"
    tensors = load_file(path)
    save_file(change(tensors), path)


def test_an_adapter_without_one_of_its_tensors_is_refused(folders):
    change_tensors(folders[1], lambda tensors: {name: tensor for name, tensor in tensors.items() if ".1." not in name})
    with pytest.raises(
        UserError, match=r"peft .* can't be loaded \(tensors are missing in its files: 2, such as .*layers\.1\."
    ):
        load(folders)


def test_an_adapter_with_a_tensor_that_has_no_place_is_refused(folders):
    change_tensors(
        folders[1], lambda tensors: {**tensors, **{name.replace("q_proj", "v_proj"): torch.ones(4, 80) for name in tensors}}
    )
    with pytest.raises(UserError, match=r"tensors have no place in the model: 4, such as .*v_proj"):
        load(folders)


def test_a_configuration_of_an_adapter_for_fewer_layers_is_refused(folders):
    path = folders[1] / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "layers_to_transform": [0]}))
    with pytest.raises(UserError, match=r"tensors have no place in the model: 2, such as .*layers\.1\."):
        load(folders)

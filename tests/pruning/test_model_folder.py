"""A model folder is refused in one line before a library opens a file that blocks, names another folder, or asks for absurd numbers."""

from __future__ import annotations

import json
import os

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.models.pruned import resolve_checkpoint
from lm_eval_illusion.pruning.base_identity import MOST_JSON_BYTES, ModelFiles
from lm_eval_illusion.pruning.model_folder import MOST_LAYERS, check_files
from tests.quantised_checkpoints import save_adapter


def change(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_a_folder_as_transformers_writes_it_passes(source):
    check_files(ModelFiles(str(source)))


# Each of these would block for ever, or deliver without end, when it is opened.
@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "generation_config.json", "extra.bin"]
)
@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a FIFO"), (lambda path: path.symlink_to("/dev/zero"), "a device")])
def test_a_special_file_is_refused_unopened(folder, name, make, kind):
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    with pytest.raises(UserError, match=rf"{name} can't be read \(it is {kind}\)"):
        check_files(ModelFiles(str(folder)))


def test_a_loop_of_links_and_a_folder_in_place_of_a_file_are_refused(folder):
    (folder / "added_tokens.json").symlink_to(folder / "added_tokens.json")
    with pytest.raises(UserError, match=r"added_tokens\.json can't be read \(Too many levels"):
        check_files(ModelFiles(str(folder)))
    (folder / "added_tokens.json").unlink()
    (folder / "added_tokens.json").mkdir()
    with pytest.raises(UserError, match="it is a folder"):
        check_files(ModelFiles(str(folder)))


def test_the_fifo_of_an_adapter_or_a_tokenizer_is_refused_through_the_model_class(folder, source, tmp_path):
    adapter = save_adapter(source, tmp_path / "adapter")
    (adapter / "adapter_model.safetensors").unlink()
    os.mkfifo(adapter / "adapter_model.safetensors")
    with pytest.raises(UserError, match="it is a FIFO"):
        PrunedHFLM(str(source), pruner="none", device="cpu", peft=str(adapter))
    (folder / "tokenizer.json").unlink()
    os.mkfifo(folder / "tokenizer.json")
    with pytest.raises(UserError, match="it is a FIFO"):
        PrunedHFLM(str(source), pruner="none", device="cpu", tokenizer=str(folder))


def test_a_configuration_of_a_gigabyte_is_not_read(folder):
    with (folder / "config.json").open("ab") as file:
        file.truncate(1 << 30)  # no blocks on the disk
    with pytest.raises(UserError, match=rf"config\.json can't be read \(it has more than {MOST_JSON_BYTES:,} bytes\)"):
        check_files(ModelFiles(str(folder)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "config.json is nested too deep"),
        ("[]", "config.json holds no JSON object"),
        ("", "config.json is not JSON"),
        ('{"num_hidden_layers": 1%s}' % ("0" * 30), f"num_hidden_layers 10* is no number of layers, at most {MOST_LAYERS}"),
        ('{"n_layer": -2}', "n_layer -2 is no number of layers"),
        ('{"num_layers": NaN}', "num_layers nan is no number of layers"),
        ('{"text_config": {"num_hidden_layers": 1e9}}', "num_hidden_layers 1000000000.0 is no number of layers"),
        ('{"transformers_weights": "../../x.safetensors"}', r"'../../x\.safetensors' is not within its folder"),
    ],
)
def test_a_hostile_configuration_is_one_line(folder, content, message):
    (folder / "config.json").write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        resolve_checkpoint(str(folder), {"pruner": "none"}, ())
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("weight_map", "message"),
    [
        ({"a": "../outside.safetensors"}, r"'../outside\.safetensors' is not within its folder"),
        ({"a": "/etc/passwd"}, "'/etc/passwd' is not within its folder"),
        ({"a": "part/fifo.safetensors"}, r"names part/fifo\.safetensors, which is no regular file"),
        ({"a": 3}, '"weight_map"'),
        ([], '"weight_map"'),
    ],
)
def test_an_index_names_files_of_its_folder_only(folder, weight_map, message):
    (folder / "part").mkdir()
    os.mkfifo(folder / "part" / "fifo.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(UserError, match=message):
        check_files(ModelFiles(str(folder)))


# transformers leaves out a generation configuration that it can't read, and with it the tokens that end an answer.
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"eos_token_id": [1', "is not JSON"),
        (b'\xef\xbb\xbf{"eos_token_id": 1}', "byte order mark"),
        (b'{"eos_token_id": "</s>"}', "eos_token_id </s> is neither"),
        (b'{"eos_token_id": [1, true]}', "eos_token_id .* is neither"),
    ],
)
def test_a_generation_configuration_that_would_be_left_out_is_refused(folder, content, message):
    (folder / "generation_config.json").write_bytes(content)
    with pytest.raises(UserError, match=message):
        check_files(ModelFiles(str(folder)))


@pytest.mark.parametrize("subfolder", ["..", "../..", "/etc", "a/../../b"])
def test_a_subfolder_is_within_the_folder(source, subfolder):
    with pytest.raises(UserError, match=r"subfolder .* is not within its folder"):
        check_files(ModelFiles(str(source), subfolder=subfolder))
    check_files(ModelFiles(str(source.parent), subfolder="model"))


@pytest.mark.parametrize(
    "arguments", [{"peft": "a" * 10_000}, {"delta": "a" * 10_000}, {"tokenizer": "a" * 10_000}, {"peft": "~nobody/x"}]
)
def test_names_that_are_no_paths_are_one_short_line(source, monkeypatch, arguments):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError) as caught:
        resolve_checkpoint(str(source), {"pruner": "none", **arguments}, ())
    assert len(str(caught.value)) < 900


@pytest.mark.parametrize("pretrained", ["a" * 10_000, "\0", "a/b/c/d"])
def test_a_model_that_is_nowhere_is_one_short_line(monkeypatch, pretrained):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError) as caught:
        resolve_checkpoint(pretrained, {"pruner": "none"}, ())
    assert len(str(caught.value)) < 900

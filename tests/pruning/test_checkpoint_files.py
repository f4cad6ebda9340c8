"""What a checkpoint may hold: plain names of data files, no links, no pickles, no code that the user does not trust."""

from __future__ import annotations

import json
import os
import stat

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.checkpoint_files import (
    EntryError,
    code_reference,
    fault_of_name,
    new_files,
    remove_code_references,
    set_permissions,
    walk,
)


@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "model.safetensors", "model-00001-of-00002.safetensors", "model.safetensors.index.json"),
        *("merges.txt", "tokenizer.model", "bpe.codes", "source.spm", "prophetnet.tokenizer", "chat_template.jinja"),
        *("additional_chat_templates/tool use.jinja", "qwen.tiktoken", "語彙.txt"),
    ],
)
def test_weights_configurations_and_vocabularies_are_files_of_a_checkpoint(name):
    assert fault_of_name(name, allows_code=False) is None


@pytest.mark.parametrize(
    "name",
    [
        *("pytorch_model.bin", "model.pt", "weights.pkl", "training_args.bin", "a.so", "a.pyc", "Makefile", "config", ".json"),
        *("adapter_config.json", "adapter_model.safetensors", "sub/adapter_config.json"),
    ],
)
@pytest.mark.parametrize("allows_code", [False, True])
def test_pickles_adapters_and_unknown_files_never_are(name, allows_code):
    assert fault_of_name(name, allows_code=allows_code) == f"{name} is no file of a checkpoint"


def test_python_code_is_a_file_of_a_checkpoint_only_if_the_user_trusts_it():
    assert fault_of_name("modeling.py", allows_code=True) is None
    assert (
        fault_of_name("modeling.py", allows_code=False)
        == "modeling.py is no file of a checkpoint (trust_remote_code was not given)"
    )


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../config.json",
            "a/../../config.json",
            "/etc/config.json",
            "",
            ".",
            "./config.json",
            "a//config.json",
            "config.json/",
        ),
        *("..\\config.json", "C:config.json", "a\0.json", "a\n.json", "\x1b[2J.json", "\udcff.json", "\u202e.json", "x" * 300),
    ],
)
def test_a_name_is_a_plain_relative_path(name):
    fault = fault_of_name(name, allows_code=True)
    assert fault is not None
    assert fault.endswith("is no relative path within the folder")
    assert fault.isprintable()
    assert len(fault) < 1100


def test_everything_below_a_folder_is_seen_without_following_links(tmp_path):
    (tmp_path / "entry" / "sub" / "empty").mkdir(parents=True)
    (tmp_path / "entry" / "sub" / "a.json").touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b.json").touch()
    (tmp_path / "entry" / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(tmp_path / "entry" / "fifo")
    assert {name for name, _ in walk(tmp_path / "entry")} == {"sub", "sub/empty", "sub/a.json", "link", "fifo"}


def test_the_files_of_a_new_checkpoint_are_listed_and_anything_else_is_refused(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.json", "a.safetensors", "sub/c.jinja"):
        (tmp_path / name).touch()
    assert list(new_files(tmp_path, allows_code=False)) == ["a.safetensors", "b.json", "sub/c.jinja"]
    (tmp_path / "code.py").touch()
    assert "code.py" in new_files(tmp_path, allows_code=True)
    with pytest.raises(EntryError, match=r"code\.py is no file of a checkpoint"):
        new_files(tmp_path, allows_code=False)
    (tmp_path / "code.py").unlink()
    (tmp_path / "d.json").symlink_to(tmp_path / "b.json")
    with pytest.raises(EntryError, match=r"d\.json is a symbolic link"):
        new_files(tmp_path, allows_code=False)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o644, 0o755), (0o640, 0o750), (0o600, 0o700), (0o444, 0o555)])
def test_all_files_get_one_mode_and_folders_can_be_entered_by_whoever_reads(tmp_path, file_mode, folder_mode):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.json").touch(mode=0o600)
    (tmp_path / "sub" / "b.json").touch(mode=0o755)
    set_permissions(tmp_path, file_mode)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.json", "sub", "sub/b.json")}
    assert modes == {"a.json": file_mode, "sub": folder_mode, "sub/b.json": file_mode}


def test_references_to_code_are_found_and_removed(tmp_path):
    content = {"model_type": "llama", "auto_map": {"AutoModel": "evil.Model"}, "name": "é"}
    (tmp_path / "config.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "generation_config.json").write_text("[]")
    names = ["generation_config.json", "config.json"]
    assert code_reference(tmp_path, iter(names)) == "config.json"
    remove_code_references(tmp_path)
    assert code_reference(tmp_path, iter(names)) is None
    del content["auto_map"]
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8")) == content


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_a_configuration_that_is_no_json_is_one_line(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json is not JSON \(.*\): check that it is a complete model folder"):
        code_reference(tmp_path, iter(["config.json"]))

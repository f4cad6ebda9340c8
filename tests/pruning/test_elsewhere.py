"""A checkpoint that this environment can't make: the command for another one fills the store, and so does its Python as a child."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.arguments import HF_NOT_WITH_PRUNING
from lm_eval_illusion.models.pruned import resolve_checkpoint
from lm_eval_illusion.pruning import elsewhere, export
from lm_eval_illusion.pruning.elsewhere import prune_arguments, quoted
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.recipes import recipe_template
from lm_eval_illusion.pruning.settings import read_settings
from tests.gguf_files import write_gguf
from tests.prepared_process import run_command

SMALL = {"calibration_samples": "8", "calibration_length": "64"}
ODD = "a folder  with 'quotes' & more"


def resolved(model, store, **arguments):
    return resolve_checkpoint(str(model), {"store": str(store), **arguments}, HF_NOT_WITH_PRUNING)


def words(command):
    """The words of a command, as a shell reads them."""
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


def command_in(error):
    """The command that a message names; the message is shown as one line."""
    error.show()
    (command,) = re.findall(r"run `(.*)`, or set LM_EVAL_ILLUSION_PRUNER to its python", str(error))
    return command


@pytest.mark.parametrize("case", ["text and tokenizer", "gguf", "recipe"])
def test_the_command_of_the_error_fills_the_store(source, tmp_path, monkeypatch, capsys, case):
    """The user has copied it to another terminal, with another working folder."""
    here, there = tmp_path / ODD, tmp_path / "there"
    here.mkdir()
    there.mkdir()
    shutil.copytree(source, here / "model")
    shutil.copytree(source, here / "tokenizer")
    config = here / "tokenizer" / "tokenizer_config.json"
    config.write_text(config.read_text() + "\n")
    (here / "text.txt").write_text("Which town? Bern. " * 99)
    (here / "-mine.yaml").write_text(recipe_template("magnitude") + "# mine\n")
    write_gguf(here / "part" / "tiny.Q8_0.gguf", "Q8_0")
    asked = {
        "text and tokenizer": (
            "model",
            {"pruner": "Wanda", "sparsity": ".5", "calibration": "text.txt", "tokenizer": "tokenizer", "dtype": "bfloat16"},
        ),
        "gguf": (".", {"pruner": "magnitude", "subfolder": "part", "gguf_file": "tiny.Q8_0.gguf"}),
        "recipe": ("model/", {"pruner": "./-mine.yaml", "sparsity": "0.25"}),
    }
    model, arguments = asked[case]
    arguments = {**arguments, **(SMALL if case.startswith("text") else {})}
    monkeypatch.chdir(here)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "llmcompressor", None)
        with pytest.raises(UserError) as raised:
            resolved(model, "store", **arguments)
        command = command_in(raised.value)
    # Before it there may be the progress of a dequantisation.
    assert capsys.readouterr().err.splitlines()[-1].startswith("lm-eval-illusion: error: store ")
    assert "is not in it, and it can't be made here (llmcompressor is not installed)" in str(raised.value)
    program, *rest = words(command)
    assert program == "lm-eval-illusion"
    monkeypatch.chdir(there)
    assert main(rest) == 0
    assert "in the store: " in capsys.readouterr().out
    monkeypatch.chdir(here)
    monkeypatch.setitem(sys.modules, "llmcompressor", None)
    found = resolved(model, "store", **arguments)
    assert found.manifest.sparsity_measured == pytest.approx(float(arguments.get("sparsity", 0.6)), abs=0.01)
    assert found.manifest.versions["llmcompressor"]


@pytest.mark.parametrize(
    "text", ["a", "two  blanks", "it's", '$(rm) `x` "y" \\', "line\nbreak\ttab", "\x1b[2J", "é 東", "\udcff", "‮"]
)
def test_a_word_survives_the_message_and_the_shell(text):
    error = UserError(f"run `x {quoted(text)}`, or set LM_EVAL_ILLUSION_PRUNER to its python")
    # What a terminal shows is what the user copies.
    shown = " ".join(error.args[0].split())
    assert words(re.findall("`x (.*)`, or", shown)[0]) == [text]
    assert shown.isprintable()


REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "sparsity": st.sampled_from([0, 0.5, "0.25"]),
        "calibration": st.sampled_from(["embedded", "hub:allenai/c4:en", "hub:some/set:a:b:c"]),
        "calibration_samples": st.integers(1, 200),
        "calibration_length": st.integers(8, 4096),
        "pruning_seed": st.integers(0, 9),
    },
)


@given(
    st.sampled_from(["wanda", "sparsegpt", "owl", "magnitude", "gptq", "rtn"]),
    REQUESTS,
    st.sampled_from(["embedded", "-name", "org/model"]),
    st.sampled_from(["auto", "torch.bfloat16", "half"]),
    st.booleans(),
    st.sampled_from([None, True, False]),
)
@settings(max_examples=40)
def test_the_arguments_are_read_as_the_request(pruner, request_, pretrained, dtype, trusts, use_safetensors):
    if pruner == "owl":
        request_ = {**request_, "owl_lambda": "0.05", "sparsity": 0.5}
    if pruner in ("gptq", "rtn"):
        request_ = {name: value for name, value in request_.items() if name != "sparsity"}
    asked = read_settings(pruner, pretrained=pretrained, store="/some store", **request_)
    base = BaseModel(
        pretrained, "v1", dtype, trusts, tokenizer="org/tokenizer", tokenizer_revision="v2", use_safetensors=use_safetensors
    )
    got = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "store_command", lambda *arguments: got.append(arguments) or 0)
        assert main(["prune", *prune_arguments(base, asked)]) == 0
    ((read_base, read),) = got
    assert read_base == base._replace(dtype={"torch.bfloat16": "bfloat16", "half": "float16"}.get(dtype, dtype))
    # The name of a variant states what was given, the key what is used.
    assert dataclasses.replace(read, is_length_given=asked.is_length_given) == asked


def test_a_store_that_is_off_or_read_only_is_told(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "llmcompressor", None)
    with pytest.raises(
        UserError, match="with store=off no other environment can make it: leave store out, or give store=FOLDER"
    ):
        resolved(source, "off", pruner="magnitude")
    store = tmp_path / "store"
    with pytest.raises(UserError, match=r"is not in it, .* run `lm-eval-illusion prune --pretrained "):
        resolved(source, store, pruner="magnitude")
    # It was only looked for.
    assert not store.exists()


def test_a_damaged_checkpoint_is_told_with_the_command(source, tmp_path, monkeypatch):
    store = tmp_path / "store"
    entry = Path(resolved(source, store, pruner="magnitude").path)
    (entry / "config.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "llmcompressor", None)
    with pytest.raises(
        UserError, match=r"magnitude-0\.6 of .* is corrupt \(config\.json is not the file that was written\)"
    ) as raised:
        resolved(source, store, pruner="magnitude")
    assert "run `lm-eval-illusion prune" in str(raised.value)
    # It is set aside by the environment that can make it again.
    assert entry.is_dir()


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def bare(path, **modules):
    """A Python without our package and its dependencies; `modules`: name and text of some that it has."""
    places = path.with_suffix(".modules")
    for name, text in modules.items():
        file = places.joinpath(*name.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return script(path, f"PYTHONPATH='{places}' exec {sys.executable} -S \"$@\"")


OURS = {"lm_eval_illusion.__init__": "", "lm_eval_illusion.pruning.__init__": "", "llmcompressor": ""}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: str(path), r"can't be run \(No such file or directory\)"),
        (lambda path: str(path.parent), r"can't be run \(Permission denied\)"),
        (lambda path: path.write_text("") or str(path), r"can't be run \(Permission denied\)"),
        (lambda path: script(path, "echo Hello"), r"is no Python that works \("),
        (lambda path: script(path, "echo broken >&2; exit 3"), r"is no Python that works \(broken\)"),
        (lambda path: bare(path), "has no lm-eval-illusion"),
        (lambda path: bare(path, **{name: OURS[name] for name in list(OURS)[:2]}), "has no llmcompressor"),
        (lambda path: bare(path, **OURS), "has another version of lm-eval-illusion"),
        (
            lambda path: bare(path, **OURS, **{"lm_eval_illusion.pruning.elsewhere": "STORE_FORMAT = [1]"}),
            r"has another version of lm-eval-illusion, .*\(format of the store \[1\], not \[",
        ),
    ],
)
def test_a_pruner_that_can_not_prune_is_one_line(source, tmp_path, monkeypatch, make, message):
    # -c puts the working folder among the places of modules: what is there must not be run.
    (tmp_path / "json.py").write_text("raise SystemExit('this file was run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LM_EVAL_ILLUSION_PRUNER", make(tmp_path / "python"))
    with pytest.raises(UserError, match=rf"LM_EVAL_ILLUSION_PRUNER=.*{message}") as raised:
        resolved(source, tmp_path / "store", pruner="magnitude")
    assert "\n" not in str(raised.value)


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Let children of our command be forked from a prepared process; return the list of their results."""
    done = []

    def run(command, *, env, **options):
        if "timeout" in options:
            found = {"package": True, "llmcompressor": True, "format": elsewhere.STORE_FORMAT}
            return subprocess.CompletedProcess(command, 0, json.dumps(found).encode(), b"")
        assert "LM_EVAL_ILLUSION_PRUNER" not in env
        done.append(run_command(command[3:], environment=env))
        return done[-1]

    monkeypatch.setenv("LM_EVAL_ILLUSION_PRUNER", "/other/python")
    monkeypatch.setattr(elsewhere.subprocess, "run", run)
    return done


def test_the_pruner_fills_the_store_once(source, tmp_path, monkeypatch, child):
    monkeypatch.setitem(sys.modules, "llmcompressor", None)
    ask = partial(resolved, source, tmp_path / "store", pruner="magnitude", sparsity=0.5)
    assert ask().manifest.sparsity_measured == pytest.approx(0.5, abs=0.005)
    assert ask().path == ask().path
    assert [result.returncode for result in child] == [0]


def test_an_error_of_the_pruner_is_told_in_one_line(source, tmp_path, monkeypatch, child):
    broken = shutil.copytree(source, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(
        UserError, match=r"pruning by /other/python ended with code 2: its message is above; .* run `lm-eval-il"
    ):
        resolved(broken, tmp_path / "store", pruner="magnitude", dtype="float32")
    assert child[0].stderr.count("lm-eval-illusion: error: ") == 1


def test_a_pruner_that_makes_something_else_is_told(source, tmp_path, monkeypatch, child):
    monkeypatch.setattr("lm_eval_illusion.pruning.prune.prune_elsewhere", lambda *_: None)
    with pytest.raises(UserError, match="made another checkpoint than was asked for: install the same version"):
        resolved(source, tmp_path / "store", pruner="magnitude")

"""Every command of the README runs, in its order, from one empty folder; every Python line does what its comment says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS
from tests.models.vllm_stand_in import with_stub
from tests.tiny_models import save_tiny

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
FEW = ["--limit", "1"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


def few_items(command: str) -> list[str]:
    """The command as it stands, on one item a language; the stand-in for vLLM, which is slow, in one language."""
    if "pruned-vllm" in command:
        command = command.replace("mqa_illusion_core", "mqa_illusion_en_mc,mqa_illusion_en_gen,mqa_illusion_en_sample")
    program, *arguments = shlex.split(command)
    return [str(BIN / program), *arguments, *(FEW if program == "lm_eval" else [])]


def test_no_command_is_left_out():
    assert {command.split()[0] for command in COMMANDS} == {"make", "lm_eval", "lm-eval-illusion"}


@pytest.mark.slow
def test_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    save_tiny("llama", tmp_path / "my-model")
    for command in COMMANDS:
        if command.startswith("make"):
            continue  # below
        if "--engine ray" in command and find_spec("ray") is None:
            continue  # an extra; CI has it
        # vLLM needs a GPU: a stand-in is run in its place.
        environment = with_stub() if "pruned-vllm" in command else None
        done = subprocess.run(few_items(command), capture_output=True, text=True, env=environment)
        # A random model may well fail a gate: that is an answer, too.
        allowed = (0, 3) if "--fail-if" in command else (0,)
        assert done.returncode in allowed, done.stderr[-2000:]
    assert (tmp_path / "report" / "report.json").is_file()
    namespace: dict = {}
    for line in blocks("python")[0].splitlines():
        exec(line, namespace)
    assert (namespace["checkpoint"] / "config.json").is_file()
    assert {row["variant"] for row in namespace["report"]["rows"]} == {"dense", "sparsegpt-0.5"}


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_targets_do_what_they_say(target):
    # Not run here: one runs these very tests, test_demo.py runs what the other does.
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"demo": "lm-eval-illusion demo", "test": "pytest"}[target] in done.stdout


def test_every_pruning_argument_is_explained():
    assert [row for row in re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE) if row in PRUNING_ARGUMENTS] == list(
        PRUNING_ARGUMENTS
    )


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target

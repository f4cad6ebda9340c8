"""Pruning in another environment, where this one has no llmcompressor: the command for it, or its Python as a child process."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError, one_line, system_reason
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.pruning.gguf_checkpoint import DEQUANTISATION, is_gguf
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, plain_dtype
from lm_eval_illusion.pruning.hub_text import HUB, read_dataset
from lm_eval_illusion.pruning.manifest import KEY_SCHEME, PRUNING_ALGORITHM
from lm_eval_illusion.pruning.recipes import is_recipe_file
from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, PruningSettings, read_settings

VARIABLE = "LM_EVAL_ILLUSION_PRUNER"
"""The environment variable that names the Python of an environment with llmcompressor."""
PROBE_SECONDS = 120
"""A disk in a network can take long to start Python."""
STORE_FORMAT = [KEY_SCHEME, PRUNING_ALGORITHM, DEQUANTISATION]
"""Two environments share a store only if these are the same in both: otherwise one makes what the other does not find."""
# The working folder, of which anybody may have made the content, is no place of modules. `-P` does that only from Python 3.11 on.
_NOT_HERE = "import sys; sys.path = [entry for entry in sys.path if entry]\n"
_PROBE = """
import importlib.util, json
found = {"package": importlib.util.find_spec("lm_eval_illusion") is not None}
found["llmcompressor"] = importlib.util.find_spec("llmcompressor") is not None
if found["package"]:
    try:
        from lm_eval_illusion.pruning.elsewhere import STORE_FORMAT
        found["format"] = STORE_FORMAT
    except ImportError:
        pass
print(json.dumps(found))
"""
_PRUNE = "from lm_eval_illusion.cli import main; sys.exit(main())"
_AS_THEY_ARE = [
    name for name in PRUNING_ARGUMENTS if name not in ("pruner", "sparsity", "calibration", "calibration_length", "store")
]
_PLAIN = re.compile(r"[^\s\x00-\x1f\x7f]+(?: [^\s\x00-\x1f\x7f]+)*")
"""A text that a message of one line repeats as it is: no control characters, single blanks."""


def prune_arguments(base: BaseModel, settings: PruningSettings) -> list[str]:
    """Return the arguments of `lm-eval-illusion prune` that fill the store with this checkpoint, whatever the working folder is."""
    default = read_settings(settings.pruner, pretrained=base.pretrained)
    calibration = settings.calibration
    given: dict[str, Any] = {
        "pretrained": _pretrained(base),
        "gguf_file": base.gguf_file and os.path.join(base.subfolder, base.gguf_file),
        "revision": None if base.revision == "main" else base.revision,
        "dtype": None if plain_dtype(base.dtype) == "auto" else plain_dtype(base.dtype),
        "tokenizer": base.tokenizer and _absolute(base.tokenizer),
        "tokenizer_revision": base.tokenizer_revision,
        "use_safetensors": None if base.use_safetensors is None else str(base.use_safetensors).lower(),
        "pruner": os.path.abspath(Path(settings.pruner).expanduser()) if is_recipe_file(settings.pruner) else settings.pruner,
        # Also the default sparsity, which a person expects to see.
        "sparsity": settings.sparsity,
        **{name: value for name in _AS_THEY_ARE if (value := getattr(settings, name)) != getattr(default, name)},
        "calibration": None if calibration == default.calibration else _calibration(calibration),
        # One that is not given may be the window of the model.
        "calibration_length": settings.calibration_length if settings.is_length_given else None,
        "store": os.path.abspath(Path(settings.store).expanduser()),
    }
    # --name=value: a value may begin with a hyphen.
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
    return [*flags, *(["--trust-remote-code"] if base.trust_remote_code else [])]


def prune_command(base: BaseModel, settings: PruningSettings) -> str:
    """Return the command that fills the store with this checkpoint, as text for a shell, in one line."""
    words = []
    for argument in prune_arguments(base, settings):
        flag, equals, value = argument.partition("=")
        words.append(flag if not equals else f"{flag}={quoted(value)}" if value.startswith("-") else f"{flag} {quoted(value)}")
    return " ".join(["lm-eval-illusion", "prune", *words])


def quoted(text: str) -> str:
    """Return a text as one word of a shell (bash, zsh), which stays the same where a message shows it in one line."""
    if _PLAIN.fullmatch(text) and text.isprintable():
        return shlex.quote(text)
    # Bytes: a path may have some that are no UTF-8.
    return "$'" + "".join(_in_quotes(byte) for byte in text.encode("utf-8", "surrogateescape")) + "'"


def _in_quotes(byte: int) -> str:
    character = chr(byte)
    return character if (character.isascii() and character.isalnum()) or character in "/._-+=:,@%" else f"\\x{byte:02x}"


def impossible_here(base: BaseModel, settings: PruningSettings, label: str, fault: str, reason: str) -> UserError:
    """Return the error for a checkpoint that is not in the store and can't be made here.

    `label`: the checkpoint in words. `fault`: why that of the store can't be used, as in "is not in it". `reason`: why it can't be made.
    """
    if settings.store == "off":
        return UserError(
            f"{label} can't be made here ({reason}), and with store=off no other environment can make it: leave store out, or give"
            " store=FOLDER, which an environment with llmcompressor fills"
        )
    return UserError(
        f"store {settings.store}: the checkpoint {label} {fault}, and it can't be made here ({reason}): in an environment with"
        f" llmcompressor, run `{prune_command(base, settings)}`, or set {VARIABLE} to its python and run this again"
    )


def pruning_python() -> str | None:
    """Return the Python of another environment that is to prune; None if none is named."""
    return os.environ.get(VARIABLE, "").strip() or None


def prune_elsewhere(python: str, base: BaseModel, settings: PruningSettings) -> None:
    """Let another Python put a checkpoint into the store. Its progress and its errors go to standard error.

    Raises:
        UserError: It is no Python with this package and llmcompressor, its package has another format of the store, or pruning failed.
    """
    environment = _environment()
    check_python(python)
    command = [python, "-c", _NOT_HERE + _PRUNE, "prune", *prune_arguments(base, settings)]
    # Standard output is that of this program. 2: its own standard error, also where Python's object for it was replaced.
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, env=environment, check=False)
    if done.returncode:
        raise UserError(
            f"{VARIABLE}: pruning by {python} ended with code {done.returncode}: its message is above; to see all of it, run"
            f" `{prune_command(base, settings)}` there"
        )


def other_checkpoint(python: str) -> UserError:
    """Return the error for a child that ended well, but made no checkpoint that is found under the key of the request."""
    return UserError(
        f"{VARIABLE}: {python} made another checkpoint than was asked for: install the same version of lm-eval-illusion in both"
        " environments, and give both the same files"
    )


def _environment() -> dict[str, str]:
    """Return the environment of the other Python, which is to prune by itself."""
    return {name: value for name, value in os.environ.items() if name != VARIABLE}


def check_python(python: str) -> None:
    """Check that a Python has this package, with the same format of the store, and llmcompressor.

    Raises:
        UserError: It does not.
    """
    remedy = "give the path of a Python with lm-eval-illusion and llmcompressor, or unset it"
    problem = f"{VARIABLE}={python}"
    try:
        done = subprocess.run(
            [python, "-c", _NOT_HERE + _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(),
            timeout=PROBE_SECONDS,
            check=False,
        )
        found = json.loads(done.stdout)
        package, format_ = found["package"], found.get("format")
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{problem} does not answer within {PROBE_SECONDS} s: {remedy}") from error
    except OSError as error:
        raise UserError(f"{problem} can't be run ({system_reason(error)}): {remedy}") from error
    except (ValueError, KeyError, TypeError) as error:
        last = cut(done.stderr.decode(errors="replace").strip().rpartition("\n")[2], 200)
        raise UserError(f"{problem} is no Python that works ({last or one_line(error, 100)}): {remedy}") from error
    if not package:
        raise UserError(
            f"{problem} has no lm-eval-illusion: run `{quoted(python)} -m pip install` with this package, or unset it"
        )
    if not found["llmcompressor"]:
        raise UserError(f"{problem} has no llmcompressor: {remedy}")
    if format_ != STORE_FORMAT:
        raise UserError(
            f"{problem} has another version of lm-eval-illusion, whose checkpoints are not found here (format of the store {format_},"
            f" not {STORE_FORMAT}): install the same version in both environments"
        )


def _pretrained(base: BaseModel) -> str:
    if base.pretrained == EMBEDDED:
        return EMBEDDED
    if is_gguf(base) and base.gguf_file is None:
        return os.path.abspath(Path(base.pretrained).expanduser())
    return os.path.abspath(base.files.path) if base.files.is_local else base.pretrained


def _calibration(calibration: str) -> str:
    if calibration == EMBEDDED:
        return calibration
    if not calibration.startswith(HUB):
        return os.path.abspath(Path(calibration).expanduser())
    if not read_dataset(calibration).is_local:
        return calibration
    dataset, colon, rest = calibration.removeprefix(HUB).partition(":")
    return f"{HUB}{os.path.abspath(dataset)}{colon}{rest}"


def _absolute(name: str) -> str:
    """Return the whole path of a local folder; the name of a model on the hub as it is."""
    return os.path.abspath(name) if os.path.exists(name) else name

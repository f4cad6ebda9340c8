"""Names of variants that differ only in settings which their names leave out, such as two settings of bitsandbytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lm_eval_illusion.loading.quantized_config import variant_word
from lm_eval_illusion.results.variants import Settings, Variant

_PREFIXES = ("bnb_4bit_", "llm_int8_")
"""What bitsandbytes puts before the names of its settings."""


def named_by_settings(variants: Sequence[Variant]) -> list[Variant]:
    """Return the variants; those of one name that are not the same get the settings in which they differ: `bnb-nf4,use_double_quant=true`.

    One without such a setting keeps its name. So do variants that differ in something else, such as an adapter that was changed.
    """
    settings: dict[tuple[str, str], dict[str, Settings]] = defaultdict(dict)
    for variant in variants:
        settings[variant.key].setdefault(variant.identity, variant.settings)
    words = {key: _words(of_name) for key, of_name in settings.items() if len(of_name) > 1}
    return [
        replace(variant, variant=",".join([variant.variant, *words[variant.key][variant.identity]]))
        if variant.key in words
        else variant
        for variant in variants
    ]


def _words(of_name: Mapping[str, Settings]) -> dict[str, list[str]]:
    """Return for each identity its settings that are not those of all, as words of a name."""
    common = set.intersection(*map(set, of_name.values()))
    return {identity: list(_differing(settings, common)) for identity, settings in of_name.items()}


def _differing(settings: Settings, common: set[tuple[str, str]]) -> Iterable[str]:
    for name, value in settings:
        if (name, value) not in common:
            for prefix in _PREFIXES:
                name = name.removeprefix(prefix)
            yield f"{variant_word(name)}={variant_word(value)}"

"""Measure the benchmark illusion: what a pruned language model still recognises but can no longer say.

Public: `matches`, `load_outcomes`, `cross_tabulate`, `prune`. They are imported when they are asked for: this module is imported at every
start of Python, by the hook that lets plain lm_eval find us.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lm_eval_illusion.analysis.crosstab import cross_tabulate
    from lm_eval_illusion.matching import matches
    from lm_eval_illusion.pruning.prune import prune
    from lm_eval_illusion.results.join_views import load_outcomes

__all__ = ["cross_tabulate", "load_outcomes", "matches", "prune"]

_HOMES = {
    "cross_tabulate": "analysis.crosstab",
    "load_outcomes": "results.join_views",
    "matches": "matching",
    "prune": "pruning.prune",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("lm-eval-illusion")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

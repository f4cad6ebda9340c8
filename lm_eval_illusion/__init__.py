"""Measure the benchmark illusion: answers that a compressed language model still recognises but no longer produces.

The public functions are `matches`, `explain`, `load_outcomes`, `cross_tabulate` and `prune`. They are imported at their first use: the
hook that adds us to plain lm_eval imports this module at every start of Python.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lm_eval_illusion.analysis.crosstab import cross_tabulate
    from lm_eval_illusion.matching import explain, matches
    from lm_eval_illusion.pruning.prune import prune
    from lm_eval_illusion.results.join_views import load_outcomes

__all__ = ["cross_tabulate", "explain", "load_outcomes", "matches", "prune"]

_MODULES = {
    "cross_tabulate": "analysis.crosstab",
    "explain": "matching",
    "load_outcomes": "results.join_views",
    "matches": "matching",
    "prune": "pruning.prune",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("lm-eval-illusion")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

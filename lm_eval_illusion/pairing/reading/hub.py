"""Data sets of the Hugging Face hub, or local folders that are laid out like one: `hub:NAME[:CONFIG[:SPLIT]]`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError, cause_of
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.rows import Rows, SourceRow, named

HUB = "hub:"
HUB_TIMEOUT_SECONDS = 5
SPLITS = ("validation", "test", "train")
"""Which split is taken if none is named. `test` comes second: many data sets keep its answers secret."""


def is_hub_source(source: str) -> bool:
    """Return whether a source is a data set of the hub rather than a file."""
    return source.startswith(HUB)


def hub_rows(source: str) -> Rows:
    """Yield the rows of `hub:NAME[:CONFIG[:SPLIT]]`; no code of the data set is run.

    Raises:
        UserError: The name is blank, or the data set, its config or its split can't be loaded. The message names those that there are.
    """
    name, config, split, *more = [part.strip() for part in f"{source.removeprefix(HUB)}:::".split(":")]
    if not name or any(more) or "\0" in source:
        raise UserError(f"{shown(source)} names no data set: give hub:NAME, hub:NAME:CONFIG or hub:NAME:CONFIG:SPLIT")
    splits = load_splits(name, config)
    if not split:
        split = next((known for known in SPLITS if known in splits), next(iter(splits), ""))
    if split not in splits:
        raise UserError(
            f"{HUB}{name} has no split {shown(split)}: give {_configured(name, config)}:SPLIT with {named(list(splits))}"
        )
    rows = splits[split]
    for number, row in enumerate(rows.to_list(), 1):
        yield SourceRow(f"row {number} of {_configured(name, config)}:{split}", f"row-{number}", row)


def load_splits(name: str, config: str = "") -> dict[str, Any]:
    """Return split -> `datasets.Dataset`, from the hub, or from the cache if the hub can't be reached.

    Raises:
        UserError: The data set or the config can't be loaded.
    """
    loaded = _loaded(name, lambda: _load_dataset(name, config or None), config)
    return dict(loaded) if isinstance(loaded, dict) else {"train": loaded}


def load_split(name: str, config: str, split: str, remedy: str) -> Sequence[Any]:
    """Return one split of a data set.

    Raises:
        UserError: It can't be loaded; the message ends with `remedy`.
    """
    rows: Sequence[Any] = _loaded(name, lambda: _load_dataset(name, config, split=split), "", remedy)
    return rows


def _load_dataset(*args: Any, **options: Any) -> Any:
    from datasets import load_dataset

    return load_dataset(*args, **options)


def _loaded(name: str, load: Callable[[], Any], config: str, remedy: str = "") -> Any:
    is_local = Path(name).exists()
    is_reached = is_local or is_on_hub(name)
    try:
        with contextlib.nullcontext() if is_reached else offline():
            return load()
    except Exception as error:  # of datasets, the hub's client, Arrow and the network, by version and by content
        configs = [] if remedy else _configs(name, is_reached)
        # With one config and none named, something else is wrong.
        if configs and config not in configs and (config or len(configs) > 1):
            what = f"no config {shown(config)}" if config else "several configs"
            raise UserError(f"{HUB}{name} has {what}: give {HUB}{name}:CONFIG with one of {named(configs)}") from error
        reason = cause_of(error, 200) if is_reached else type(error).__name__
        raise UserError(
            f"{name} can't be loaded from the Hugging Face hub ({reason}): "
            f"{remedy or 'check the name, go online, log in if it is gated, or give a file'}"
        ) from error


def _configs(name: str, is_reached: bool) -> list[str]:
    from datasets import get_dataset_config_names

    try:
        with contextlib.nullcontext() if is_reached else offline():
            return list(get_dataset_config_names(name))
    except Exception:  # The first error tells what matters.
        return []


def _configured(name: str, config: str) -> str:
    return f"{HUB}{name}:{config}"


@lru_cache(maxsize=8)  # XQuAD loads its data set once for each of twelve languages.
def is_on_hub(name: str) -> bool:
    """Return whether the hub answers. Without this check `load_dataset` retries for half a minute and prints a warning at each try."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(name, timeout=HUB_TIMEOUT_SECONDS)
    except Exception:  # Of requests, httpx or the hub's client, by version; load_dataset reports what matters.
        return False
    return True


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Let `datasets` load from its cache only."""
    from datasets import config

    previous, config.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = previous

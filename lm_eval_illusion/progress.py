"""What an evaluation is at: shown as lm_eval's bars, or told to whoever watches, such as a sweep that shows many cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from lm_eval_illusion.views import view_of_task


class ProgressEvent(NamedTuple):
    """`doing`: what is done now; `views`: that it is done for, tasks that are not ours by their names; `done` of `total` requests."""

    doing: str
    views: tuple[str, ...] = ()
    done: int = 0
    total: int = 0

    def __str__(self) -> str:
        what = " ".join((self.doing, ", ".join(self.views))).strip()
        return f"{what} {self.done}/{self.total}" if self.total else what


ProgressListener = Callable[[ProgressEvent], None]
# Of a context, not of the process: what is evaluated elsewhere in it keeps its bars.
_WATCHER: ContextVar[ProgressListener | None] = ContextVar("watcher", default=None)
_VIEWS: ContextVar[tuple[str, ...]] = ContextVar("views", default=())


@contextmanager
def watched(watcher: ProgressListener) -> Iterator[None]:
    """Tell `watcher` each step within the block; our model shows no bars there."""
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


@contextmanager
def asking(tasks: Iterable[str | None]) -> Iterator[None]:
    """Within the block, steps are for the views of these tasks."""
    token = _VIEWS.set(tuple(dict.fromkeys(view_of(task) for task in tasks if task)))
    try:
        yield
    finally:
        _VIEWS.reset(token)


def view_of(task: str) -> str:
    """`mqa_illusion_fi_gen` -> `gen`; a task that is not one of ours by its whole name."""
    view = view_of_task(task)
    return view.name if view else task


def step(doing: str) -> None:
    """Tell the watcher, if there is one, what is done now."""
    watcher = _WATCHER.get()
    if watcher is not None:
        watcher(ProgressEvent(doing, _VIEWS.get()))


@contextmanager
def progress(doing: str, total: int, description: str, disable: bool) -> Iterator[Callable[[int], Any]]:
    """A function that counts finished requests: for the watcher, or, where nobody watches, on a bar with that description."""
    watcher, done = _WATCHER.get(), 0
    if watcher is None:
        from tqdm import tqdm

        with tqdm(total=total, disable=disable, desc=description) as bar:
            yield bar.update
        return

    def count(more: int) -> None:
        nonlocal done
        done += more
        watcher(ProgressEvent(doing, _VIEWS.get(), done, total))

    count(0)
    yield count

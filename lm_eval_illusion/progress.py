"""Progress of evaluations: events from the running code, a listener that receives them, and the display that shows them.

Without a listener, an evaluation shows lm_eval's progress bars. A sweep or the demo sets a listener and shows one live display for many
runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from lm_eval_illusion.escaping import for_terminal, shortened
from lm_eval_illusion.views import form_of_task

MOST_CHARACTERS = 300
"""The longest name or reason that a line of progress shows; the log file has the rest."""


class ProgressEvent(NamedTuple):
    """The current step of an evaluation.

    Attributes:
        doing: The step: "loading", "pruning", "scoring", "answering" or "judging".
        views: The views whose requests the step processes; a task that is not ours is named in full.
        done: Finished requests.
        total: All requests of the step; 0 if the step has no count.
        warning: What the user must know about the run, one sentence; "" in any other event.
    """

    doing: str
    views: tuple[str, ...] = ()
    done: int = 0
    total: int = 0
    warning: str = ""

    def __str__(self) -> str:
        # The count comes before the views: a narrow terminal cuts the end of the line.
        count = f" {self.done}/{self.total}" if self.total else ""
        views = f" ({', '.join(self.views)})" if self.views else ""
        return f"{self.doing}{count}{views}"


ProgressListener = Callable[[ProgressEvent], None]
# Context variables, not globals: evaluations in other threads or contexts of the process keep their own bars.
_LISTENER: ContextVar[ProgressListener | None] = ContextVar("listener", default=None)
_VIEWS: ContextVar[tuple[str, ...]] = ContextVar("views", default=())


@contextmanager
def notify(listener: ProgressListener) -> Iterator[None]:
    """Send every event within the `with` statement to `listener`; our model shows no progress bars there."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def for_tasks(tasks: Iterable[str | None]) -> Iterator[None]:
    """Name the views of these tasks in every event within the `with` statement."""
    token = _VIEWS.set(tuple(dict.fromkeys(view_of(task) for task in tasks if task)))
    try:
        yield
    finally:
        _VIEWS.reset(token)


def view_of(task: str) -> str:
    """Return the view of a task: `mqa_illusion_fi_gen` -> `gen`. The name of any other task is returned as it is."""
    form = form_of_task(task)
    return form.name if form else task


def report_step(doing: str) -> None:
    """Send an event without a count to the listener, if there is one."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(ProgressEvent(doing, _VIEWS.get()))


def report_warning(warning: str) -> None:
    """Send an event with a warning to the listener, if there is one. The caller also logs it: a run alone has no listener."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(ProgressEvent("loading", _VIEWS.get(), warning=warning))


@contextmanager
def progress(doing: str, total: int, description: str, disable: bool) -> Iterator[Callable[[int], Any]]:
    """Yield a function that takes the number of requests finished since its last call.

    It sends events to the listener. Without a listener it moves a tqdm bar labelled `description`; `disable` hides that bar.
    """
    listener, done = _LISTENER.get(), 0
    if listener is None:
        from tqdm import tqdm

        with tqdm(total=total, disable=disable, desc=description) as bar:
            yield bar.update
        return

    def count(more: int) -> None:
        nonlocal done
        done += more
        listener(ProgressEvent(doing, _VIEWS.get(), done, total))

    count(0)
    yield count


@contextmanager
def step_bar(disable: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Show the steps of a long computation on standard error.

    Yields:
        A function (step, done, total) that shows a bar for the step; the bar of the step before disappears. `total` 0: not known.
    """
    from tqdm import tqdm

    with tqdm(disable=disable, leave=False) as bar:

        def show(step: str, done: int, total: int) -> None:
            if not disable and bar.desc != f"{step}: ":
                bar.reset(total or None)
                bar.set_description(step, refresh=False)
            bar.update(done - bar.n)

        yield show


def is_terminal() -> bool:
    """Return whether standard error, where bars are shown, is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


class RunFinished(NamedTuple):
    """The end of one run among several: a cell of a sweep, a variant of the demo.

    Attributes:
        number: Position of the run, from 1.
        total: Number of runs.
        name: Name of the run.
        state: "done", or why it failed.
        seconds: Duration; None for a run that is not done.
        remaining: Estimated seconds until the last run ends; None if no run is done yet.
    """

    number: int
    total: int
    name: str
    state: str
    seconds: float | None
    remaining: float | None


def warn_on_stderr(warning: str) -> None:
    """Show a warning where no display is in the way."""
    print(f"lm-eval-illusion: {for_terminal(warning)}", file=sys.stderr, flush=True)


class ProgressDisplay(NamedTuple):
    """Functions that show several runs.

    `ended` shows a run that ended; `at` shows the current event of each run in progress, by name; `warn` shows a warning.
    """

    ended: Callable[[RunFinished], None]
    at: Callable[[Mapping[str, ProgressEvent]], None]
    warn: Callable[[str], None] = warn_on_stderr


@contextmanager
def progress_display(runs: int, console: Any = None) -> Iterator[ProgressDisplay]:
    """Show the progress of `runs` runs: a live bar on a terminal, elsewhere one line when a run ends.

    `console` is rich's; the default writes to standard output.
    """
    from rich.console import Console

    # This stream object, not the name sys.stdout: an engine may redirect standard output while its runs work.
    console = console or Console(file=sys.stdout)
    if console.is_terminal:
        with _live_bar(runs, console) as display:
            yield display
    else:
        yield ProgressDisplay(
            lambda run: print(finished_line(run) + _remaining_text(run.remaining, ", "), file=console.file, flush=True), _ignore
        )


def seconds_left(to_run: int, done: int, elapsed: float, earlier: Sequence[float]) -> float | None:
    """Estimate how long `to_run` runs take.

    Args:
        to_run: Number of runs that have not ended.
        done: Number of runs that this process finished.
        elapsed: Seconds from the start of the first of these runs to the end of the last, in parallel or not.
        earlier: Durations in seconds of runs that an earlier process finished; used while `done` is 0.

    Returns:
        Seconds; None without a finished run.
    """
    if done:
        return elapsed / done * to_run
    return sum(earlier) / len(earlier) * to_run if earlier else None


def duration_in_words(seconds: float | None) -> str:
    """Return a duration in words: 'about 40 s', 'about 7 min', 'about 3.5 h'; '' for None."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 100 * 60 else f"about {seconds / 3600:.1f} h"


def finished_line(run: RunFinished) -> str:
    """Return the line for a finished run: '[1/5] dense: done (12 s)'. Name and state may come from files: they are made safe."""
    seconds = f" ({run.seconds:.0f} s)" if run.seconds is not None else ""
    name, state = (shortened(for_terminal(text), MOST_CHARACTERS) for text in (run.name, run.state))
    return f"[{run.number}/{run.total}] {name}: {state}{seconds}"


def _remaining_text(seconds: float | None, separator: str = "") -> str:
    return f"{separator}{duration_in_words(seconds)} left" if seconds else ""


def _ignore(_: Mapping[str, ProgressEvent]) -> None:
    """Show nothing between the ends of two runs."""


@contextmanager
def _live_bar(runs: int, console: Any) -> Iterator[ProgressDisplay]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    ends_at: float | None = None

    class TimeLeft(ProgressColumn):
        """The estimated remaining time, updated at every refresh of the display; at least one second is shown."""

        def render(self, task: Task) -> Text:
            return Text("" if ends_at is None else _remaining_text(max(1.0, ends_at - time.monotonic())))

    # With `expand` and one column with a ratio, a long text is cut and the other columns keep their widths.
    columns = (
        MofNCompleteColumn(),
        BarColumn(bar_width=20),
        TimeLeft(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[now]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
    )
    # rich must not capture standard error: the output of a run goes to its log file.
    with Progress(*columns, console=console, expand=True, redirect_stdout=False, redirect_stderr=False) as bars:
        bar = bars.add_task("", total=runs, now="")

        def ended(run: RunFinished) -> None:
            nonlocal ends_at
            ends_at = time.monotonic() + run.remaining if run.remaining else None
            bars.console.print(finished_line(run), markup=False, highlight=False)
            bars.update(bar, advance=1)

        def at(events: Mapping[str, ProgressEvent]) -> None:
            bars.update(bar, now="; ".join(for_terminal(f"{name}: {event}") for name, event in events.items()))

        def warn(warning: str) -> None:
            # Above the bar, which a line on standard error would break.
            bars.console.print(for_terminal(warning), markup=False, highlight=False, soft_wrap=True)

        yield ProgressDisplay(ended, at, warn)

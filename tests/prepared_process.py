"""Commands in processes that start in milliseconds: forked from one that has imported lm_eval, torch and llmcompressor.

A new Python process needs 5 to 8 s of CPU time for these imports. The processes here behave like new ones: they have their own
arguments, environment, working folder, standard streams and exit code, and can be killed. Tests of the start itself (entry points, the
import hook, the cost of an import) start Python as a user does.
"""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, NamedTuple

from tests.mounts import Mount, mount_in_this_process

# Imported once, before the first fork. Ray is not among them: it must not be forked.
PRELOADED = [
    "lm_eval.__main__",
    "lm_eval.evaluator",
    "lm_eval.models.huggingface",
    "lm_eval.tasks",
    "llmcompressor",
    "lm_eval_illusion.cli",
    "lm_eval_illusion.demo",
    "lm_eval_illusion.models.hf",
    "lm_eval_illusion.pruning.prune",
    "lm_eval_illusion.report.command",
    "lm_eval_illusion.sweep.command",
    "statsmodels.stats.proportion",
    "tests.quick_environment",
    "transformers.models.llama.modeling_llama",
    "tests.warm_start",
]

# The module search path at the start of this process. A test may add a stand-in to sys.path, which a new process must not inherit.
MODULE_PATHS = list(sys.path)


class RunningCommand:
    """A command that was started, with the methods of `subprocess.Popen` that the tests need."""

    def __init__(self, process: Any, streams: Path):
        self.pid: int = process.pid
        self._process, self._streams = process, streams

    @property
    def returncode(self) -> int | None:
        """The exit code; -n after signal n; None while the command runs."""
        code: int | None = self._process.exitcode
        return code

    def poll(self) -> int | None:
        """Return the exit code, None while the command runs."""
        return self.returncode

    def kill(self) -> None:
        """Send SIGKILL and wait until the process has ended."""
        self._process.kill()
        self._process.join()

    def communicate(self) -> tuple[str, str]:
        """Wait for the end; return what was written to standard output and to standard error."""
        self._process.join()
        written = [(self._streams / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
        shutil.rmtree(self._streams)
        return written[0], written[1]


class _Start(NamedTuple):
    """The initial state of a process: streams, working folder, environment, module search path and mount."""

    streams: Path
    folder: str
    environment: dict[str, str]
    module_paths: list[str]
    mount: Mount | None


def start_function(
    function: Callable[..., int | None],
    *arguments: Any,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    mount: Mount | None = None,
) -> RunningCommand:
    """Call an importable function in a separate process; its result is the exit code (None: 0).

    Args:
        function: Found by its module and name in the new process.
        arguments: Pickled for it.
        environment: All variables of the process. Default: those of this process.
        folder: Its working folder. Default: the working folder of this process.
        mount: A file system that only this process sees.
    """
    streams = Path(tempfile.mkdtemp(prefix="command-"))
    begin = _Start(
        streams, str(folder or Path.cwd()), dict(os.environ if environment is None else environment), MODULE_PATHS, mount
    )
    # A daemon: a test that fails leaves no process behind.
    process = _context().Process(target=_call, args=(begin, function, arguments), daemon=True)
    process.start()
    return RunningCommand(process, streams)


def start_command(arguments: Sequence[str], **options: Any) -> RunningCommand:
    """Start `lm-eval-illusion` with these arguments; `options` as of `start_function`."""
    return start_function(_lm_eval_illusion, list(arguments), **options)


def run_command(arguments: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `lm-eval-illusion` with these arguments to its end; `options` as of `start_function`."""
    return _completed(start_command(arguments, **options), ["lm-eval-illusion", *arguments])


def run_lm_eval(arguments: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run lm_eval's own command with these arguments to its end; `options` as of `start_function`.

    It indexes our tasks and those of --include_path, but not its own thousands, which takes 12 s; test_plugin.py has the whole command.
    """
    return _completed(start_function(_lm_eval, list(arguments), **options), ["lm_eval", *arguments])


def wait_until(condition: Callable[[], Any], process: RunningCommand | subprocess.Popen[str], seconds: float = 300) -> None:
    """Return as soon as the condition holds; fail if the process ends or the time is over before that."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{condition} does not hold after {seconds} s"
        time.sleep(0.001)


def _completed(running: RunningCommand, command: list[str]) -> subprocess.CompletedProcess[str]:
    out, errors = running.communicate()
    code = running.returncode
    assert code is not None
    return subprocess.CompletedProcess(command, code, out, errors)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)  # without effect once it runs
    return context


def _lm_eval_illusion(arguments: list[str]) -> int:
    from lm_eval_illusion.cli import main

    sys.argv = ["lm-eval-illusion", *arguments]
    return main()


def _lm_eval(arguments: list[str]) -> None:
    from lm_eval.__main__ import cli_evaluate
    from lm_eval.tasks import _index

    build, its_own = _index.TaskIndex.build, Path(_index.__file__).parent
    _index.TaskIndex.build = staticmethod(
        lambda paths, **options: build([path for path in paths if path != its_own], **options)
    )
    sys.argv = ["lm_eval", *arguments]
    cli_evaluate()


def _end_as_a_new_process(_: Any) -> None:
    """Let a forked process call at its end the functions that it registered with `atexit`, and only these."""
    atexit._clear()
    multiprocessing.util.Finalize(None, atexit._run_exitfuncs, exitpriority=0)


def _call(begin: _Start, function: Callable[..., int | None], arguments: Sequence[Any]) -> None:
    """Set up the new process (this runs in it), call the function, and exit with its result."""
    from torch.utils import collect_env

    from lm_eval_illusion.sweep import worker

    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        stream = os.open(begin.streams / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(stream, descriptor)
        os.close(stream)
    os.environ.clear()
    os.environ.update(begin.environment)
    tempfile.tempdir = None  # TMPDIR may be another one
    python_path = [path for path in begin.environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [*python_path, *begin.module_paths]
    if begin.mount is not None:
        mount_in_this_process(begin.mount)
    os.chdir(begin.folder)
    # A sweep starts a process of its own, which may be forked from this one for the same reason: it has imported everything.
    multiprocessing.current_process().daemon = False
    worker.CONTEXT = multiprocessing.get_context("fork")
    multiprocessing.util.register_after_fork(worker, _end_as_a_new_process)
    # lm_eval lets torch run `pip list` to record the environment of each run: 0.4 s per sweep cell, and no test needs it.
    collect_env.get_pip_packages = lambda *_: ("pip", "")
    try:
        sys.exit(function(*arguments))
    finally:
        # multiprocessing ends its processes without calling the functions registered with `atexit`.
        atexit._run_exitfuncs()

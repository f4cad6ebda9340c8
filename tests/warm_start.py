"""The last import of the process from which commands are forked: what each of them would otherwise do again.

Each command imports our parsers and the tables of lm_eval's output, and reads the words of English. A collection of garbage would write
to the pages of all preloaded objects, and so copy them, which takes longer than many a command. torch removes its operators at the end
of a process, one by one, though all its memory is about to be freed.
"""

from __future__ import annotations

import gc
import weakref

import pytablewriter  # noqa: F401

from lm_eval_illusion import matching
from lm_eval_illusion.cli import demo, execution, judge, pair, prune, report, rescore, run, sweep  # noqa: F401
from lm_eval_illusion.report import terminal  # noqa: F401

matching.matches("Paris", ["Paris"], "en")

for finalizer in list(weakref.finalize._registry):
    finalizer.atexit = False

gc.collect()
gc.freeze()

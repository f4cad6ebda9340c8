"""A user's mistake: one line, exit code 2, no traceback, wherever it is raised."""

from __future__ import annotations

import subprocess
import sys

from lm_eval_illusion.errors import UserError


def test_it_is_a_value_error_for_callers_from_python():
    assert isinstance(UserError("x"), ValueError)


def test_uncaught_it_ends_with_code_2_and_no_traceback():
    code = "from lm_eval_illusion.errors import UserError; e = UserError('sparsity 2\\nis wrong'); e.show(); e.show(); raise e"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "lm-eval-illusion: error: sparsity 2 is wrong\n"

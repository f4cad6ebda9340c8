"""A mistake of the user gives one line, exit code 2 and no traceback, wherever it is raised."""

from __future__ import annotations

import subprocess
import sys

from lm_eval_illusion.errors import UserError, one_line


def test_a_user_error_is_a_value_error_for_callers_from_python():
    assert isinstance(UserError("x"), ValueError)


def test_an_uncaught_user_error_ends_with_code_2_and_no_traceback():
    code = "from lm_eval_illusion.errors import UserError; e = UserError('sparsity 2\\nis wrong'); e.show(); e.show(); raise e"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "lm-eval-illusion: error: sparsity 2 is wrong\n"


def test_one_line_of_another_librarys_message():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError("abcdef"), 3) == "abc ..."
    assert one_line(ValueError("abc"), 3) == "abc"
    assert one_line(ValueError()) == "ValueError"

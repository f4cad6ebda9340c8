"""A mistake of the user gives one line, exit code 2 and no traceback, wherever it is raised."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lm_eval_illusion.errors import MOST_CHARACTERS, UserError, attributed, cause_of, one_line, system_reason


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


def test_the_reason_of_the_system_is_without_the_path():
    assert system_reason(PermissionError(13, "Permission denied", "/a/b")) == "Permission denied"
    assert system_reason(OSError("no\nspace")) == "no space"  # without a number there is no `strerror`
    assert system_reason(OSError()) == "OSError"
    assert system_reason(ValueError("embedded null byte"), 8) == "embedded ..."


def test_a_cause_has_the_type_because_some_messages_say_nothing_alone():
    assert cause_of(KeyError("q_proj")) == "KeyError: 'q_proj'"
    assert cause_of(RecursionError()) == "RecursionError"
    assert cause_of(ValueError("abcdef"), 3) == "ValueError: abc ..."


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("division by zero"), RecursionError("deep"), MemoryError(), StopIteration(3)]
)
def test_an_exception_of_any_type_is_attributed_to_the_input(error):
    with pytest.raises(UserError) as raised, attributed("my.yaml can't be filled in", "correct it"):
        raise error
    assert str(raised.value) == f"my.yaml can't be filled in ({cause_of(error)}): correct it"
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [UserError("ours"), KeyboardInterrupt(), SystemExit(3)])
def test_our_own_message_and_the_end_of_the_process_pass(error):
    with pytest.raises(type(error)) as raised, attributed("problem", "remedy"):
        raise error
    assert raised.value is error


def test_a_message_is_safe_for_a_terminal(capsys):
    UserError("no file \x1b]52;c;ZXZpbA==\x07\u202e.yaml\nnext").show()
    assert capsys.readouterr().err == r"lm-eval-illusion: error: no file \x1b]52;c;ZXZpbA==\x07\u202e.yaml next" + "\n"


def test_a_long_message_keeps_its_end_which_is_the_remedy(capsys):
    UserError(f"{'x' * 100_000} is no name: give one").show()
    shown = capsys.readouterr().err
    assert len(shown) < MOST_CHARACTERS + 100
    assert shown.endswith(" is no name: give one\n")


def test_details_are_lines_below_the_message(capsys):
    error = UserError("3 rows\nare wrong", ["line 1: \x1b[2J", "line 2"])
    assert str(error).splitlines()[2:] == ["line 1: \x1b[2J", "line 2"]
    error.show()
    assert capsys.readouterr().err.splitlines() == [
        "lm-eval-illusion: error: 3 rows are wrong",
        "  line 1: \\x1b[2J",
        "  line 2",
    ]

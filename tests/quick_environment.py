"""Import this before lm_eval evaluates: its results files then hold no list of the installed packages.

lm_eval starts pip and ten other programs in each evaluation to describe the machine, which takes more time than the evaluation of a tiny
model. Commands that a test starts as a new Python still do so.
"""

from __future__ import annotations

from torch.utils import collect_env

collect_env.get_pretty_env_info = lambda: "not described in tests"

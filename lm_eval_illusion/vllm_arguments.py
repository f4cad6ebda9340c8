"""The arguments of lm_eval's `vllm` model and of vLLM's engine that `pruned-vllm` takes, too, and what it can't do."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.backend_arguments import refuse_unknown
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.named_tasks import read_named, tasks_of_view
from lm_eval_illusion.refusals import is_lm_eval

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

# Taken and thrown away by lm_eval's class, with a warning.
THROWN_AWAY = ("device", "swap_space")
NOT_WITH_PRUNING = ("lora_local_path",)
NO_BEAMS = "vLLM's sampling has no beam search: ask the groups without it, e.g. mqa_illusion_core, or take --model pruned-hf"


def check_names(arguments: dict[str, Any]) -> None:
    """Every argument must be known to us, to lm_eval's class or to vLLM's engine, which would say so only after the pruning.

    Raises:
        UserError: names the nearest one.
    """
    from lm_eval.models.vllm_causallms import VLLM
    from vllm import LLM
    from vllm.engine.arg_utils import EngineArgs

    if "model" in arguments:
        raise UserError(
            f"model={arguments['model']} is vLLM's name for the checkpoint to run: give pretrained={arguments['model']}"
        )
    takes = [name for made in (VLLM, LLM) for name in inspect.signature(made.__init__).parameters]
    takes += [field.name for field in dataclasses.fields(EngineArgs)]
    allowed = [name for name in takes if name not in ("self", "kwargs", "model")]
    refuse_unknown(arguments, [*allowed, *THROWN_AWAY], "lm_eval's vllm model and of vLLM's engine")


def refuse_thinking(arguments: dict[str, Any]) -> None:
    """A view's answer has 64 tokens: a thought would fill them, and lm_eval's class scores no choices of a model that thinks.

    Raises:
        UserError: `enable_thinking` is true.
    """
    if arguments.get("enable_thinking"):
        raise UserError(
            f"enable_thinking={arguments['enable_thinking']} can't be used with pruned-vllm, which gives no room for thoughts:"
            " leave it out (the template is told not to think), or take --model pruned-hf"
        )


def refuse_beam_tasks(argv: Sequence[str]) -> None:
    """Refuse a command that names tasks of the view `beam`, before anything is pruned or loaded.

    Raises:
        UserError: `argv` (as `sys.argv`) is an lm_eval command that names one or a group with one.
    """
    beams = tasks_of_view(read_named(argv[1:]), "beam") if is_lm_eval(argv) else []
    if beams:
        raise UserError(f"{beams[0]} can't be run with pruned-vllm: {NO_BEAMS}")


def refuse_beam_requests(requests: Sequence[Instance]) -> None:
    """The same where no command said so: from Python, or of tasks that are not ours.

    Raises:
        UserError: names the task.
    """
    for request in requests:
        if request.args[1].get("num_beams", 1) != 1:
            raise UserError(f"{request.task_name} asks for {request.args[1]['num_beams']} beams: {NO_BEAMS}")

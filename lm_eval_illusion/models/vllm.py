"""`pruned-vllm`: lm_eval's vLLM model on a pruned checkpoint. Importing this needs vLLM.

Samples from vLLM: the clones of one request made different from each other, and the same in every run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lm_eval.api.instance import Instance

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.inference.scoring import ScoredContinuation
from lm_eval_illusion.memory import free_accelerator
from lm_eval_illusion.models.arguments import (
    VLLM_NOT_WITH_PRUNING,
    check_vllm_names,
    refuse_beam_requests,
    refuse_beam_tasks,
    refuse_thinking,
)
from lm_eval_illusion.models.command_checks import refuse_changed_settings
from lm_eval_illusion.models.pruned import PrunedModel, resolve_checkpoint, show_user_errors
from lm_eval_illusion.plugin import VLLM_MODEL_NAME

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance


def seeded(requests: Sequence[Instance]) -> list[Instance]:
    """The requests, each that samples with a seed of its own: by its prompt and, among the clones of one, by its number.

    lm_eval hands on the same object `repeats` times. A request that names a seed keeps it.
    """
    numbers: Counter[int] = Counter()
    asked = []
    for request in requests:
        prompt, settings = request.args
        asked.append(replace(request, arguments=(prompt, sampling_settings(settings, prompt, numbers[id(request)]))))
        numbers[id(request)] += 1
    return asked


def sampling_settings(settings: Mapping[str, Any], prompt: str, sample: int) -> dict[str, Any]:
    """lm_eval's generation settings for vLLM: with the sample's seed where they sample, and with `top_k` as every version takes it."""
    from lm_eval_illusion.inference.sampling import seed_of

    samples = settings.get("do_sample") is not False and float(settings.get("temperature") or 0) > 0
    # Older versions of vLLM refuse 0; all take -1 for no limit.
    top_k = {"top_k": -1} if settings.get("top_k") == 0 else {}
    return {**({"seed": seed_of(prompt, sample)} if samples else {}), **settings, **top_k}


try:
    from lm_eval.models.vllm_causallms import VLLM
except ImportError as error:
    needs_vllm = UserError(
        f"--model {VLLM_MODEL_NAME} needs vLLM, which can't be imported ({error}):"
        " install it with pip install 'lm-eval[vllm]', or take --model pruned-hf"
    )
    needs_vllm.show()
    raise needs_vllm from error


class PrunedVLLM(PrunedModel, VLLM):  # type: ignore[misc]
    """lm_eval's VLLM of a pruned checkpoint.

    Scores and greedy answers are vLLM's. Each of the k samples of a prompt is asked with a seed of its own, made of prompt and number: they
    differ from each other, and neither the batch nor the order is part of a seed. That vLLM then says the same again it promises only
    for one version on one kind of hardware, and not at all for logits, which depend on the batch in their last digits (its page on
    reproducibility): a sample can change where two tokens run that close. They are other samples than pruned-hf's. There are no
    beams, and no thoughts.
    """

    model_name = VLLM_MODEL_NAME

    def __init__(self, pretrained: str = EMBEDDED, **arguments: Any) -> None:
        """Prune `pretrained` (a folder, a name on the hub, or `embedded`) as the pruning arguments say, or load it from the store.

        All other arguments are those of lm_eval's VLLM and, as with it, of vLLM's engine.

        Raises:
            UserError: an argument is unknown, ill-formed, or goes ill with pruning; vLLM can't start.
        """
        check_vllm_names(arguments)
        refuse_thinking(arguments)
        # Left to itself a template lets a model think that can, and its 64 tokens are gone before it answers.
        arguments["enable_thinking"] = False
        self.checkpoint = resolve_checkpoint(str(pretrained), arguments, VLLM_NOT_WITH_PRUNING)
        free_accelerator()
        with _starting(self.checkpoint.path):
            super().__init__(pretrained=self.checkpoint.path, **arguments)

    @classmethod
    def refuse_command(cls, argv: Sequence[str]) -> None:
        """Tasks of the view `beam`, besides what no model of ours can do.

        Raises:
            UserError: names the flag or the task.
        """
        super().refuse_command(argv)
        refuse_beam_tasks(argv)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """The answers in the order of the requests. The k clones of a request that samples get k samples."""
        show_user_errors(lambda: refuse_changed_settings(requests))
        show_user_errors(lambda: refuse_beam_requests(requests))
        answers: list[str] = super().generate_until(seeded(requests), disable_tqdm)
        return answers

    @staticmethod
    def _parse_logprobs(tokens: list[int], outputs: Any, ctxlen: int) -> ScoredContinuation:
        """As lm_eval's, with the rank of the continuation's first token, which vLLM gives for each token of a prompt."""
        score, is_greedy = VLLM._parse_logprobs(tokens, outputs, ctxlen)
        first = (outputs.prompt_logprobs[ctxlen] or {}).get(tokens[ctxlen])
        return ScoredContinuation(score, is_greedy, _rank(first))


def _rank(logprob: Any) -> int | None:
    """vLLM's rank, which counts the tokens that are no less likely: of equals each has the last place, with pruned-hf the first."""
    rank = getattr(logprob, "rank", None)
    return int(rank) if rank is not None and rank >= 1 and math.isfinite(logprob.logprob) else None


@contextmanager
def _starting(checkpoint: str) -> Iterator[None]:
    """One line in place of the traceback through vLLM's processes; what it logged stands above it."""
    try:
        yield
    except Exception as error:
        reason = one_line(error)
        raise UserError(
            f"vLLM can't start on {checkpoint} ({reason}): its own log may say more; are the arguments right, is there a GPU with room?"
        ) from error

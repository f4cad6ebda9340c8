"""`pruned-vllm`: lm_eval's vLLM model on a pruned checkpoint, with seeded samples. Importing this module needs vLLM."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import Any

from lm_eval.api.instance import Instance

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.inference.answer_start import blank_tokens
from lm_eval_illusion.inference.sampling import seed_of
from lm_eval_illusion.inference.scoring import ScoredContinuation, likeliest
from lm_eval_illusion.memory import free_accelerator
from lm_eval_illusion.models.arguments import (
    VLLM_NOT_WITH_PRUNING,
    check_vllm_names,
    refuse_beam_requests,
    refuse_beam_tasks,
    refuse_thinking,
)
from lm_eval_illusion.models.command_checks import line_settings, refuse_changed_settings, view_of_request
from lm_eval_illusion.models.pruned import PrunedModel, resolve_checkpoint, show_user_errors
from lm_eval_illusion.models.top_tokens import RankedToken, TokenList, batches_of_lists, list_length, mid_rank
from lm_eval_illusion.plugin import VLLM_MODEL_NAME

try:
    from lm_eval.models.vllm_causallms import VLLM
    from vllm import SamplingParams
except ImportError as error:
    needs_vllm = UserError(
        f"--model {VLLM_MODEL_NAME} needs vLLM, which can't be imported ({error}):"
        " install it with pip install 'lm-eval[vllm]', or take --model pruned-hf"
    )
    needs_vllm.show()
    raise needs_vllm from error


class _Scored(ScoredContinuation):
    """The score of a continuation, without the rank of its first visible token.

    `first_token`: that token with vLLM's rank; None where its log-probability is not finite. `tokens`: all that vLLM got.
    """

    first_token: RankedToken | None
    tokens: tuple[int, ...]


class PrunedVLLM(PrunedModel, VLLM):  # type: ignore[misc]
    """lm_eval's VLLM of a pruned checkpoint.

    Scores and greedy answers are vLLM's. Each of the k samples of a prompt has its own seed, made from the prompt and the number of the
    sample: samples differ, and no seed depends on batch or order. vLLM promises equal outputs for equal seeds only within one version on
    one kind of hardware, and not for logits, whose last digits depend on the batch (its documentation, "Reproducibility"): a sample can
    change where two tokens are that close. Samples differ from those of pruned-hf. Beam search and thoughts are refused.

    Gold ranks are mid-ranks, as those of pruned-hf, counted over vLLM's float32 log-probabilities. vLLM's own rank does not show ties,
    so the likeliest tokens before the gold token are asked for, down to that token: one more request for each item of the view `mc`,
    whose prompt vLLM has in its cache. Where the list begins at the end of the prompt, its first tokens are `top_tokens`. A gold choice
    whose first token also has the end of the prompt (`answer_continuations`) has no rank.
    """

    model_name = VLLM_MODEL_NAME

    def __init__(self, pretrained: str = EMBEDDED, **arguments: Any) -> None:
        """Prune `pretrained` (a folder, a name on the hub, or `embedded`) as the pruning arguments say, or load it from the store.

        All other arguments are those of lm_eval's VLLM, which also accepts those of vLLM's engine.

        Raises:
            UserError: An argument is unknown, has a wrong value, or can't be combined with pruning; vLLM can't start.
        """
        check_vllm_names(arguments)
        refuse_thinking(arguments)
        # By default a chat template lets a reasoning model think, which uses up the answer's 64 tokens.
        arguments["enable_thinking"] = False
        self.checkpoint = resolve_checkpoint(str(pretrained), arguments, VLLM_NOT_WITH_PRUNING)
        _allow_long_lists(arguments)
        free_accelerator()
        with _start_errors(self.checkpoint.path):
            super().__init__(pretrained=self.checkpoint.path, **arguments)

    def measured(self) -> dict[str, Any]:
        """Return the engine's dtype, which vLLM chooses itself unless `dtype` is given; with data parallelism no engine is reachable."""
        engine = getattr(getattr(self, "model", None), "llm_engine", None)
        dtype = getattr(getattr(engine, "model_config", None), "dtype", None)
        return {} if dtype is None else {"dtype": str(dtype).removeprefix("torch.")}

    @classmethod
    def refuse_command(cls, argv: Sequence[str]) -> None:
        """Refuse flags that no model of ours can serve, and tasks with beam search.

        Raises:
            UserError: There is such a flag or task; the message names it.
        """
        super().refuse_command(argv)
        refuse_beam_tasks(argv)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Score as lm_eval's VLLM does; the score of the gold choice also has the rank of its first visible token."""
        self.warn_of_unused_template(requests)
        scores: list[_Scored] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        golds = [
            score.first_token if _needs_rank(request) and not self._is_merged(request, score) else None
            for request, score in zip(requests, scores, strict=True)
        ]
        lists = self._lists({gold for gold in golds if gold is not None})
        return [self._ranked(request, score, gold, lists) for request, score, gold in zip(requests, scores, golds, strict=True)]

    def _ranked(
        self, request: Instance, score: _Scored, gold: RankedToken | None, lists: Mapping[RankedToken, TokenList]
    ) -> ScoredContinuation:
        """Return the score with what the list of the likeliest tokens tells, if there is one."""
        if gold is None:
            return ScoredContinuation(*score, None, score.first_token_logprob, score.answer_logprob)
        found = lists[gold]
        prompt = self.tok_encode(request.args[0])
        # vLLM gets a long prompt without its start.
        at_end_of_prompt = tuple(prompt[-len(gold.context) :]) == gold.context
        return ScoredContinuation(
            *score, found.rank, score.first_token_logprob, score.answer_logprob, found.top if at_end_of_prompt else None
        )

    def _is_merged(self, request: Instance, score: _Scored) -> bool:
        """Return whether the first token of a choice has characters of the prompt, too, or of the choice's middle."""
        prompt, answer = request.args
        whole = tuple(self.tok_encode(prompt + answer))
        given = score.tokens
        return bool(prompt) and whole[-len(given) :] != given

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return the answers in the order of the requests; k repeats of a sampled request get k samples.

        Raises:
            UserError: A request of our views has other decoding settings than its view, or needs beam search.
        """
        show_user_errors(lambda: refuse_changed_settings(requests))
        show_user_errors(lambda: refuse_beam_requests(requests))
        self.warn_of_unused_template(requests)
        answers: list[str] = super().generate_until(seeded_requests(requests), disable_tqdm)
        return answers

    def _lists(self, tokens: set[RankedToken]) -> dict[RankedToken, TokenList]:
        """Return the mid-rank of each token, None where vLLM gives numbers that are not finite, and the likeliest tokens in its place."""
        vocabulary: int = self._config.get_text_config().vocab_size
        lengths = {token: list_length(token, vocabulary) for token in tokens}
        lists = self._read_lists(lengths, vocabulary)
        # Rare: the other forward pass gave the token a much lower rank, or more ties than fit into the list.
        whole = {token: vocabulary for token, found in lists.items() if found.rank is None and lengths[token] < vocabulary}
        return lists | self._read_lists(whole, vocabulary)

    def _read_lists(self, lengths: Mapping[RankedToken, int], vocabulary: int) -> dict[RankedToken, TokenList]:
        """Ask for a list of the likeliest tokens after each context, of the given length, and return what they tell."""
        lists: dict[RankedToken, TokenList] = {}
        for batch in batches_of_lists(list(lengths), lengths):
            settings = [
                SamplingParams(temperature=0, max_tokens=1, logprobs=lengths[token], detokenize=False) for token in batch
            ]
            outputs = self._model_generate([list(token.context) for token in batch], generate=True, sampling_params=settings)
            for token, output in zip(batch, outputs, strict=True):
                logprobs = {other: entry.logprob for other, entry in output.outputs[0].logprobs[0].items()}
                lists[token] = TokenList(mid_rank(logprobs, token.token, vocabulary), likeliest(logprobs, logprobs.values()))
        return lists

    def _parse_logprobs(self, tokens: list[int], outputs: Any, ctxlen: int) -> _Scored:
        """Parse as lm_eval does, and keep the continuation's first visible token with its context and vLLM's rank of it."""
        loglikelihood, is_greedy = VLLM._parse_logprobs(tokens, outputs, ctxlen)
        start = ctxlen + blank_tokens(tokens[ctxlen:], lambda ids: str(self.tokenizer.decode(ids)))
        entries = [(outputs.prompt_logprobs[place] or {}).get(tokens[place]) for place in range(start, len(tokens))]
        logprobs = [math.nan if entry is None else float(getattr(entry, "logprob", entry)) for entry in entries]
        scored = _Scored(loglikelihood, is_greedy, None, logprobs[0], sum(logprobs))
        rank = _rank(entries[0])
        scored.tokens = tuple(tokens)
        scored.first_token = RankedToken(tuple(tokens[:start]), tokens[start], rank) if rank is not None else None
        return scored


def seeded_requests(requests: Sequence[Instance]) -> list[Instance]:
    """Copy the requests with vLLM's settings; every sampled one gets its own seed, made from the prompt and the repeat's number.

    lm_eval repeats a request by putting the same object several times in a row.
    """
    seeded = []
    for _, repeats in groupby(requests, key=id):
        for sample, request in enumerate(repeats):
            prompt, settings = request.args[0], line_settings(request) or request.args[1]
            seeded.append(replace(request, arguments=(prompt, vllm_settings(settings, prompt, sample))))
    return seeded


def vllm_settings(settings: Mapping[str, Any], prompt: str, sample: int) -> dict[str, Any]:
    """Return lm_eval's generation settings for vLLM: with a seed if they sample without one, and `top_k` in the form of all versions."""
    samples = settings.get("do_sample") is not False and float(settings.get("temperature") or 0) > 0
    # Older versions of vLLM refuse 0; all take -1 for no limit.
    top_k = {"top_k": -1} if settings.get("top_k") == 0 else {}
    return {**({"seed": seed_of(prompt, sample)} if samples else {}), **settings, **top_k}


def _needs_rank(request: Instance) -> bool:
    """Return whether the report reads the rank of this continuation: the gold choice of the view that gives gold scores."""
    view = view_of_request(request)
    return view is not None and view.gives_gold_scores and request.idx == request.doc["gold"]


def _rank(logprob: Any) -> int | None:
    """Return vLLM's rank of a token: 1 for the first of its list, else the number of tokens that are as likely or likelier."""
    rank = getattr(logprob, "rank", None)
    return int(rank) if rank is not None and rank >= 1 and math.isfinite(logprob.logprob) else None


def _allow_long_lists(arguments: dict[str, Any]) -> None:
    """Let vLLM return lists of any number of tokens; by default it refuses more than 20.

    Raises:
        UserError: The arguments limit the lists.
    """
    limit = arguments.setdefault("max_logprobs", -1)
    if limit != -1:
        raise UserError(f"max_logprobs {limit} would hide gold ranks beyond {limit}: leave it out")


@contextmanager
def _start_errors(checkpoint: str) -> Iterator[None]:
    """Turn an error during vLLM's start into a `UserError` of one line, without a traceback of several processes."""
    try:
        yield
    except Exception as error:
        reason = one_line(error)
        raise UserError(
            f"vLLM can't start on {checkpoint} ({reason}): its own log may say more; are the arguments right, is there a GPU with enough"
            " free memory?"
        ) from error

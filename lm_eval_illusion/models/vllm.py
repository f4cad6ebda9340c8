"""`pruned-vllm`: lm_eval's vLLM model on a pruned checkpoint, with seeded samples and beams. Importing this module needs vLLM."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from itertools import chain
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.utils import maybe_truncate

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.first_line import Answer
from lm_eval_illusion.inference.beam_search import BeamSearch
from lm_eval_illusion.inference.generation_config import RequestGroup, group_requests
from lm_eval_illusion.inference.scoring import ScoredContinuation, likeliest
from lm_eval_illusion.inference.stopping import stop_conditions
from lm_eval_illusion.memory import free_accelerator
from lm_eval_illusion.models.answer_text import answer_text
from lm_eval_illusion.models.arguments import (
    VLLM_NOT_WITH_PRUNING,
    check_vllm_names,
    refuse_beam_requests,
    refuse_beam_tasks,
    refuse_thinking,
)
from lm_eval_illusion.models.command_checks import line_settings, refuse_changed_settings, view_of_request
from lm_eval_illusion.models.cut_prompts import warn_of_cut_prompts
from lm_eval_illusion.models.pruned import PrunedModel, resolve_checkpoint, show_user_errors
from lm_eval_illusion.models.top_tokens import RankedToken, TokenList, batches_of_lists, list_length, mid_rank
from lm_eval_illusion.models.vllm_answers import Stopped, ask_for_answers, seeded_requests
from lm_eval_illusion.models.vllm_beams import BeamChoices, likeliest_first, search_beams
from lm_eval_illusion.models.vllm_engine import (
    check_head_size,
    dtype_warning,
    end_tokens_of,
    engine_name,
    is_dead,
    ran_dtype,
    run_errors,
    runs_on_cpu,
    set_engine_arguments,
    start_errors,
)
from lm_eval_illusion.models.vllm_log import engine_log
from lm_eval_illusion.models.vllm_processes import EngineProcesses
from lm_eval_illusion.models.vllm_scoring import (
    PROMPT_SCORES,
    PromptScore,
    Window,
    batches_by_context,
    is_computed,
    prompt_score,
    scoring_window,
)
from lm_eval_illusion.plugin import VLLM_MODEL_NAME
from lm_eval_illusion.progress import for_tasks, progress, report_warning
from lm_eval_illusion.pruning.base_identity import shown
from lm_eval_illusion.reasoning import END, ReasoningSpec

try:
    from lm_eval.models.vllm_causallms import VLLM
    from vllm import LLM, SamplingParams, TokensPrompt
except ImportError as error:
    needs_vllm = UserError(
        f"--model {VLLM_MODEL_NAME} needs vLLM, which can't be imported ({error}):"
        " install it with pip install vllm (docs/usage.md, section vLLM), or take --model pruned-hf"
    )
    needs_vllm.show()
    raise needs_vllm from error

logger = logging.getLogger(__name__)

AUTOMATIC_BATCH = 512
"""Requests that vLLM gets at a time with `batch_size` auto; it makes its own batches of them."""
SEARCHES_AT_A_TIME = 64
"""Beam searches in lockstep: the blocks of all their beams should stay in vLLM's cache from step to step."""
CAN_READ_CACHE = hasattr(SamplingParams, "skip_reading_prefix_cache")
"""Whether a request can say whether it reads the cache; in older versions of vLLM a prompt that is scored never does."""


class PrunedVLLM(PrunedModel, VLLM):  # type: ignore[misc]
    """lm_eval's VLLM of a pruned checkpoint.

    Scores and greedy answers are vLLM's; answers end with the first line that has text, as those of pruned-hf. The k samples of a prompt
    are one request, whose seed is made from the prompt; vLLM adds the number of the sample. Samples differ, and no seed depends on batch
    or order. vLLM promises equal outputs for equal seeds only within one version on one kind of hardware, and not for logits, whose last
    digits depend on the batch (its documentation, "Reproducibility"): a sample can change where two tokens are that close. Samples differ
    from those of pruned-hf. Beams are searched by the rules of pruned-hf on vLLM's log-probabilities. Thoughts are refused.

    Gold ranks are mid-ranks, as those of pruned-hf, counted over vLLM's float32 log-probabilities. vLLM's own rank does not show ties,
    so the likeliest tokens before the gold token are asked for, down to that token: one more request for each item of the view `mc`,
    whose prompt vLLM has in its cache. Where the list begins at the end of the prompt, its first tokens are `top_tokens`. A gold choice
    whose first token also has the end of the prompt (`answer_continuations`) has no rank.
    """

    model_name = VLLM_MODEL_NAME
    model: Any
    """vLLM's `LLM`; there is none with data parallelism."""

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
        if str(arguments.get("data_parallel_size") or 1) != "1":
            refuse_beam_tasks(sys.argv)
        self.on_cpu = on_cpu = runs_on_cpu()
        set_engine_arguments(arguments, on_cpu)
        self.checkpoint = resolve_checkpoint(str(pretrained), arguments, VLLM_NOT_WITH_PRUNING)
        revision = str(arguments.get("revision") or "main")
        free_accelerator()
        self.engine_log = engine_log()
        with start_errors(self.checkpoint.path, self.engine_log, on_cpu):
            if on_cpu:
                check_head_size(self.checkpoint.path, revision, arguments.get("trust_remote_code"))
            super().__init__(pretrained=self.checkpoint.path, **arguments)
        self.processes = EngineProcesses(getattr(self, "model", None))
        self.end_tokens = end_tokens_of(self.checkpoint.path, revision, self._config, self.tokenizer.eos_token_id)
        self.reasoning = ReasoningSpec(self.think_end_token or END, 0)
        warning = dtype_warning(ran_dtype(self), self._config, shown(self.checkpoint.manifest.base_model))
        if warning is not None:
            logger.warning(warning)
            report_warning(warning)

    def measured(self) -> dict[str, Any]:
        """Return the engine with its version, and the dtype that it runs in, which it chooses itself unless `dtype` is given.

        With data parallelism no engine is reachable.
        """
        dtype = ran_dtype(self)
        return {"engine": engine_name()} | ({} if dtype is None else {"dtype": dtype})

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Score as lm_eval's VLLM does; the score of the gold choice also has the rank of its first visible token."""
        self.warn_of_unused_template(requests)
        with for_tasks(request.task_name for request in requests):
            scores: list[PromptScore] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
            golds = [
                score.first_token if _needs_rank(request) and not self._is_merged(request, score) else None
                for request, score in zip(requests, scores, strict=True)
            ]
            lists = self._lists({gold for gold in golds if gold is not None})
        return [self._ranked(request, score, gold, lists) for request, score, gold in zip(requests, scores, golds, strict=True)]

    def _ranked(
        self, request: Instance, score: PromptScore, gold: RankedToken | None, lists: Mapping[RankedToken, TokenList]
    ) -> ScoredContinuation:
        """Return the score with what the list of the likeliest tokens tells, if there is one."""
        rank, top = None, None
        if gold is not None:
            rank = lists[gold].rank
            prompt = self.tok_encode(request.args[0])
            # vLLM gets a long prompt without its start.
            top = lists[gold].top if tuple(prompt[-len(gold.context) :]) == gold.context else None
        return ScoredContinuation(
            score.loglikelihood, score.is_greedy, rank, score.first_token_logprob, score.answer_logprob, top
        )

    def _is_merged(self, request: Instance, score: PromptScore) -> bool:
        """Return whether the first token of a choice has characters of the prompt, too, or of the choice's middle."""
        prompt, answer = request.args
        whole = tuple(self.tok_encode(prompt + answer))
        return bool(prompt) and whole[-len(score.tokens) :] != score.tokens

    def _loglikelihood_tokens(
        self, requests: list[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False
    ) -> list[PromptScore]:
        # A prompt of spaces alone belongs to the answer: it is scored after the token that lm_eval puts before an answer without a prompt.
        pairs = [(context or [self.prefix_token_id], ids) for _, context, ids in requests]
        # Windows of a text that is scored as a whole have no strings.
        prompts = [(context, len(ids)) for strings, context, ids in requests if strings is not None]
        self._warn_of_cut(prompts, self.max_length - 1)
        windows = show_user_errors(lambda: [scoring_window(context, ids, self.max_length) for context, ids in pairs])
        scores: dict[Window, PromptScore] = {}
        with self._progress("scoring", len(set(windows)), disable_tqdm) as count:
            for batch in batches_by_context(windows, self._batch_limit()):
                outputs = dict(zip(batch, self._score(batch, reads_cache=True), strict=True))
                if CAN_READ_CACHE:
                    again = [window for window in batch if not is_computed(window, outputs[window])]
                    outputs |= zip(again, self._score(again, reads_cache=False), strict=True)
                scores |= {window: prompt_score(window, outputs[window], self._decode_all) for window in batch}
                count(len(batch))
        return [scores[window] for window in windows]

    def _score(self, windows: Sequence[Window], reads_cache: bool) -> list[Any]:
        """Return vLLM's outputs with the log-probabilities of prompts. `reads_cache`: it may read the start of a prompt from its cache."""
        cache = {"skip_reading_prefix_cache": not reads_cache} if CAN_READ_CACHE else {}
        return self._ask([window.tokens for window in windows], [PROMPT_SCORES | cache for _ in windows])

    def _lists(self, tokens: set[RankedToken]) -> dict[RankedToken, TokenList]:
        """Return the mid-rank of each token, None where vLLM gives numbers that are not finite, and the likeliest tokens in its place."""
        lengths = {token: list_length(token, self.vocabulary) for token in tokens}
        lists = self._read_lists(lengths)
        # Rare: the other forward pass gave the token a much lower rank, or more ties than fit into the list.
        missing = [token for token, found in lists.items() if found.rank is None and lengths[token] < self.vocabulary]
        return lists | self._read_lists(dict.fromkeys(missing, self.vocabulary))

    def _read_lists(self, lengths: Mapping[RankedToken, int]) -> dict[RankedToken, TokenList]:
        """Ask for a list of the likeliest tokens after each context, of the given length, and return what they tell."""
        lists: dict[RankedToken, TokenList] = {}
        for batch in batches_of_lists(list(lengths), lengths):
            outputs = self._next_logprobs([token.context for token in batch], [lengths[token] for token in batch])
            for token, entries in zip(batch, outputs, strict=True):
                logprobs = {other: entry.logprob for other, entry in entries.items()}
                lists[token] = TokenList(
                    mid_rank(logprobs, token.token, self.vocabulary), likeliest(logprobs, logprobs.values())
                )
        return lists

    def _next_logprobs(self, contexts: Sequence[Sequence[int]], counts: Sequence[int]) -> list[dict[int, Any]]:
        """Return for each context vLLM's log-probabilities of the `counts` likeliest next tokens."""
        settings = [{"temperature": 0, "max_tokens": 1, "logprobs": count, "detokenize": False} for count in counts]
        return [output.outputs[0].logprobs[0] for output in self._ask(contexts, settings)]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return the answers in the order of the requests; k repeats of a request get its k samples, or its k best beams, best first.

        The answer to one of our views ends with its first line that has visible text; a task of another project is answered as lm_eval's
        VLLM does, but for beams and seeds.

        Raises:
            UserError: A request of our views has other decoding settings than its view, or a request has beams that can't be searched.
        """
        show_user_errors(lambda: refuse_changed_settings(requests))
        show_user_errors(lambda: refuse_beam_requests(requests, self.data_parallel_size))
        self.warn_of_unused_template(requests)
        ours = [index for index, request in enumerate(requests) if line_settings(request) is not None or _has_beams(request)]
        others = [index for index in range(len(requests)) if index not in set(ours)]
        answers: list[str] = [""] * len(requests)
        if others:
            stock: list[str] = super().generate_until(seeded_requests([requests[index] for index in others]), disable_tqdm)
            for index, answer in zip(others, stock, strict=True):
                answers[index] = answer
        for index, answer in zip(ours, self._answer([requests[index] for index in ours], disable_tqdm), strict=True):
            answers[index] = answer
        return answers

    def _answer(self, requests: list[Instance], disable_tqdm: bool) -> list[Answer]:
        """Answer the requests of our views, and those with beams."""
        groups = group_requests(
            requests, self.reasoning, self.chat_prompts, self.max_gen_toks, self.tokenizer.eos_token, line_settings
        )
        conditions = stop_conditions([(group.prompt, group.decoding) for group in groups], self.tokenizer, self.end_tokens)
        stopped = list(zip(groups, conditions, strict=True))
        plain = [(group, stop) for group, stop in stopped if group.decoding.num_beams == 1]
        beams = [(group, stop) for group, stop in stopped if group.decoding.num_beams > 1]
        answers = [Answer()] * len(requests)
        self._warn_of_cut([(self.tok_encode(group.prompt), group.decoding.max_new_tokens) for group in groups], self.max_length)
        tasks = for_tasks(request.task_name for request in requests)
        total = sum(group.decoding.num_outputs for group in groups)
        with tasks, self._progress("answering", total, disable_tqdm) as count:
            for group, outputs in chain(self._generate(plain, count), self._search(beams, count)):
                texts = [
                    answer_text(ids, group.prompt, group.decoding, self.end_tokens, self.tokenizer, self._decode)
                    for ids in outputs
                ]
                for indices in group.indices:
                    for number, index in enumerate(indices):
                        # Repeats of a greedy request share their only answer.
                        answers[index] = texts[min(number, len(texts) - 1)]
        return answers

    def _generate(
        self, groups: Sequence[Stopped], count: Callable[[int], object]
    ) -> Iterator[tuple[RequestGroup, list[list[int]]]]:
        """Yield each group with the ids of its outputs: its samples, or its greedy answer."""
        size = self._batch_limit()
        for start in range(0, len(groups), size):
            batch = groups[start : start + size]
            prompts = [self._prompt(group) for group, _ in batch]
            outputs = ask_for_answers(prompts, batch, self._ask)
            for (group, _), of_group in zip(batch, outputs, strict=True):
                yield group, [list(output.token_ids) for output in of_group]
                count(group.decoding.num_outputs)

    def _search(
        self, groups: Sequence[Stopped], count: Callable[[int], object]
    ) -> Iterator[tuple[RequestGroup, list[list[int]]]]:
        """Yield each group with the ids of its best beams."""
        for start in range(0, len(groups), SEARCHES_AT_A_TIME):
            batch = groups[start : start + SEARCHES_AT_A_TIME]
            searches = [BeamSearch(group.decoding, stop) for group, stop in batch]
            prompts = [tuple(self._prompt(group)) for group, _ in batch]
            search_beams(prompts, searches, self._best_next)
            for (group, _), search in zip(batch, searches, strict=True):
                yield group, search.outputs()
                count(group.decoding.num_outputs)

    def _best_next(self, sequences: list[list[int]], counts: list[int]) -> list[BeamChoices]:
        counts = [min(count, self.vocabulary) for count in counts]
        entries = self._next_logprobs(sequences, counts)
        return [likeliest_first(each, count) for each, count in zip(entries, counts, strict=True)]

    def _prompt(self, group: RequestGroup) -> list[int]:
        """Return the ids of a prompt, cut so that the answer fits into the window."""
        answer = group.decoding.max_new_tokens
        if answer >= self.max_length:
            error = UserError(
                f"max_gen_toks {answer} leaves no room for a prompt in a window of {self.max_length}: give a larger max_model_len"
            )
            error.show()
            raise error
        prompt, side = self.tok_encode(group.prompt), self.truncation_side
        ids: list[int] = maybe_truncate(prompt, answer, self.max_length, side=side, verbose=False)[0]
        return ids

    def _warn_of_cut(self, sequences: list[tuple[list[int], int]], room: int) -> None:
        if self.rank == 0:
            warn_of_cut_prompts(sequences, room, "give a larger max_model_len, if the model has one")

    def _decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def _decode_all(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids))

    def _ask(self, prompts: Sequence[Sequence[int]], settings: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return vLLM's output for each prompt. `settings`: those of vLLM's `SamplingParams`."""
        if not prompts:
            return []
        sampling = [SamplingParams(**each) for each in settings]
        outputs: list[Any] = self._model_generate([list(prompt) for prompt in prompts], generate=True, sampling_params=sampling)
        return outputs

    def _model_generate(self, requests: list[list[int]], generate: bool = False, sampling_params: Any = None) -> Any:
        """Run the engine as lm_eval does; an error of it is one line and ends lm_eval with exit code 2.

        An engine that died is started anew once, so that what was answered before is not lost.
        """

        def run() -> Any:
            with run_errors(self._cause_of_death):
                if self.data_parallel_size > 1:
                    return super(PrunedVLLM, self)._model_generate(requests, generate, sampling_params)
                prompts = [TokensPrompt(prompt_token_ids=request) for request in requests]
                settings = {"sampling_params": sampling_params, "use_tqdm": False, "lora_request": self.lora_request}
                try:
                    return self.model.generate(prompts, **settings)
                except Exception as error:
                    if not is_dead(error):
                        raise
                self._start_anew()
                return self.model.generate(prompts, **settings)

        return show_user_errors(run)

    def _start_anew(self) -> None:
        """Start the engine again after its processes ended, and say so."""
        warning = f"vLLM's engine died ({self._cause_of_death() or 'its processes were ended'}): it is started again"
        logger.warning(warning)
        report_warning(warning)
        del self.model
        self.engine_log = engine_log()
        with start_errors(self.checkpoint.path, self.engine_log, self.on_cpu):
            self.model = LLM(**self.model_args)
        self.processes = EngineProcesses(self.model)

    def _cause_of_death(self) -> str | None:
        """Return what the processes of the engine printed before they ended, or how the system ended them, if one is known."""
        self.engine_log.wait(self.processes.have_ended)
        return self.engine_log.cause or self.processes.how_killed()

    def _batch_limit(self) -> int:
        return AUTOMATIC_BATCH if self.batch_size == "auto" else int(self.batch_size)

    @cached_property
    def vocabulary(self) -> int:
        """The number of tokens that the model gives a probability."""
        return int(self._config.get_text_config().vocab_size)

    def _progress(self, doing: str, total: int, disable: bool) -> AbstractContextManager[Callable[[int], Any]]:
        kind = {"scoring": "loglikelihood", "answering": "generate_until"}[doing]
        return progress(doing, total, f"Running {kind} requests", disable or self.rank != 0)


def _needs_rank(request: Instance) -> bool:
    """Return whether the report reads the rank of this continuation: the gold choice of the view that gives gold scores."""
    view = view_of_request(request)
    return view is not None and view.gives_gold_scores and request.idx == request.doc["gold"]


def _has_beams(request: Instance) -> bool:
    return int(request.args[1].get("num_beams") or 1) != 1

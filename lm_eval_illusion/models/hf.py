"""`pruned-hf`: lm_eval's Hugging Face model on a pruned checkpoint; answers do not depend on batch size or order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from itertools import chain
from typing import Any, TypeVar

import torch
import transformers
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.first_line import Answer
from lm_eval_illusion.inference.batch_trial import max_batched_length
from lm_eval_illusion.inference.batching import BatchLimits, automatic_limits, batches, read_max_batch_tokens
from lm_eval_illusion.inference.generate import DecodeRequest, can_branch, decode_shared
from lm_eval_illusion.inference.generation_config import Decoding, RequestGroup, group_requests
from lm_eval_illusion.inference.hf_generate import decode_batch, token_ids_only
from lm_eval_illusion.inference.model_errors import check_runs, model_errors
from lm_eval_illusion.inference.module_state import can_use_cache
from lm_eval_illusion.inference.prefix_cache import PrefixCache, bytes_per_token
from lm_eval_illusion.inference.prefix_scoring import can_share, score_shared
from lm_eval_illusion.inference.prefix_support import max_shared_length
from lm_eval_illusion.inference.rope_state import forget_lengths
from lm_eval_illusion.inference.scoring import Continuation, ScoredContinuation, score_continuations
from lm_eval_illusion.inference.stopping import end_tokens_of
from lm_eval_illusion.memory import disable_malloc_trim
from lm_eval_illusion.models.answer_text import answer_text
from lm_eval_illusion.models.answer_tokens import answer_continuations
from lm_eval_illusion.models.arguments import (
    HF_NOT_WITH_PRUNING,
    check_hf_names,
    read_fast,
    read_hf_numbers,
    read_max_thought_tokens,
    take_quantization,
)
from lm_eval_illusion.models.command_checks import line_settings, refuse_changed_settings
from lm_eval_illusion.models.cut_prompts import warn_of_cut_prompts
from lm_eval_illusion.models.loaded_parts import check_device, check_max_length, refuse_incomplete_adapter
from lm_eval_illusion.models.pruned import PrunedModel, loaded_files, resolve_checkpoint, show_user_errors
from lm_eval_illusion.plugin import MODEL_NAME
from lm_eval_illusion.progress import for_tasks, progress
from lm_eval_illusion.pruning.as_loaded import measure_loaded, refuse_other_dtype
from lm_eval_illusion.pruning.base_identity import shown
from lm_eval_illusion.pruning.complete_model import CompleteCausalLM, limited_size
from lm_eval_illusion.pruning.hf_checkpoint import errors_of_files, loading_errors
from lm_eval_illusion.reasoning import END, ReasoningSpec

Result = TypeVar("Result")

# A request group and the texts of its outputs, the best beam first.
Answered = tuple[RequestGroup, list[Answer]]


class PrunedHFLM(PrunedModel, HFLM):  # type: ignore[misc]
    """HFLM of a pruned checkpoint.

    Scoring and generation have two implementations each. The fast one prefills a prompt once for all its requests (`score_shared`,
    `decode_shared`), in batches of `max_batch_tokens`. The plain one (`score_continuations`, `decode_batch`) processes all requests
    that the fast one can't, in batches of `batch_size` rows, where a prompt with five beams counts as five; one prompt at a time if the
    model's results depend on what else is in the batch.
    """

    model_name = MODEL_NAME

    def __init__(self, pretrained: str = EMBEDDED, **arguments: Any) -> None:
        """Prune `pretrained` (a folder, a name on the hub, or `embedded`) as the pruning arguments say, or load it from the store.

        `max_thought_tokens`: token limit of a reasoning model's thought, under --apply_chat_template (default 2048).
        `fast`: `auto` prefills a prompt once for all its requests where the model allows it; `off` prefills it for each request.
        `max_batch_tokens`: tokens of prompts and their answers in a batch of the fast implementation; the same number of prompt tokens is
        stored in addition between scoring and generation. `auto`: as many as fit into a quarter of an accelerator's free memory; on a CPU
        8,192 per row of `batch_size`; at most 65,536.
        All other arguments are HFLM's.

        Raises:
            UserError: An argument is unknown, has a wrong value, or can't be combined with pruning; the model's own code fails.
        """
        check_hf_names(arguments)
        read_hf_numbers(arguments)
        self.shares_prefixes = read_fast(str(arguments.pop("fast", "auto")))
        self.max_batch_tokens = read_max_batch_tokens(arguments.pop("max_batch_tokens", "auto"))
        max_thought_tokens = read_max_thought_tokens(arguments.pop("max_thought_tokens", 2048))
        device = arguments.pop("device", None)
        arguments["device"] = check_device("cuda:0" if device is None else device)
        self.checkpoint = resolve_checkpoint(str(pretrained), arguments, HF_NOT_WITH_PRUNING)
        self.quantization = take_quantization(arguments)
        if arguments["device"] == "cpu":
            disable_malloc_trim()
        with loading_errors(str(pretrained)), limited_size(loaded_files(self.checkpoint, arguments)):
            super().__init__(pretrained=self.checkpoint.path, **arguments)
            if arguments.get("peft"):
                refuse_incomplete_adapter(self.model, arguments["peft"], str(arguments.get("revision") or "main"))
            self._try_tokenizer()
        self._check_kept()
        if hasattr(self, "accelerator") and not arguments.get("parallelize"):
            # HFLM sets them only where it sees more than one GPU, and from the number of GPUs.
            self._rank, self._world_size = self.accelerator.process_index, self.accelerator.num_processes
        self.model.generation_config = token_ids_only(self.model.generation_config, self.tokenizer.eos_token_id)
        refuse_other_dtype(self.model, self.checkpoint.manifest)
        with self._inference():
            self.num_logits = check_runs(self.model, self.device)
        self.reasoning = self._read_reasoning(max_thought_tokens)

    def _try_tokenizer(self) -> None:
        """Use the tokenizer once in each way that a run uses it, so that its faults show now."""
        if self.prefix_token_id is not None:
            # Without a BOS or EOS token only generation is possible.
            self._encode_pair("a a", " a")
        ids, _ = self.tok_batch_encode(["a a"], left_truncate_len=self.max_length)
        self.tok_decode(ids[0].tolist())

    def _check_prefix(self) -> None:
        if self.prefix_token_id is None:
            raise UserError(
                f"the tokenizer of {shown(self.checkpoint.path)} has neither a BOS nor an EOS token: check its files, or give"
                " prefix_token_id=N, the token before a text without context"
            )

    def _check_kept(self) -> None:
        """Check what HFLM keeps as it is: arguments, and the window that the model's or tokenizer's files state."""
        check_max_length(self.max_length)
        prefix = self.custom_prefix_token_id
        if prefix is not None and (type(prefix) is not int or not 0 <= prefix < len(self.tokenizer)):
            raise UserError(
                f"prefix_token_id {str(prefix)[:100]} is no token: give a number from 0 to {len(self.tokenizer) - 1}"
            )
        if not isinstance(self.chat_template_args, dict):
            raise UserError(f"chat_template_args {str(self.chat_template_args)[:100]!r} is no dictionary: give it as JSON")

    def _get_backend(self, *arguments: Any, **settings: Any) -> None:
        super()._get_backend(*arguments, **settings)
        if self.backend != "causal":
            raise UserError(f"pretrained {self.checkpoint.path} is an encoder-decoder: pruned-hf measures decoder-only models")
        self.AUTO_MODEL_CLASS = CompleteCausalLM

    def _get_config(self, *arguments: Any, **settings: Any) -> None:
        super()._get_config(*arguments, **settings)
        if self.quantization is not None:
            # HFLM loads the model with what stands here.
            self._config.quantization_config = self.quantization

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Apply the template as HFLM does; a template that names none of the model's is a mistake of one line."""
        apply = partial(super().apply_chat_template, chat_history, add_generation_prompt)

        def prompt_of_template() -> str:
            with attributed(
                "the chat template can't be used", "run without --apply_chat_template, or name a template of the model"
            ):
                return str(apply())

        return show_user_errors(prompt_of_template)

    def measured(self) -> dict[str, Any]:
        """Return the sparsity and the mean bits per weight of the loaded model, the dtype that its logits come from, and the engine."""
        dtype = str(self.mixed_precision_dtype or logits_dtype(self.model)).removeprefix("torch.")
        engine = f"transformers {transformers.__version__}"
        return {**measure_loaded(self.model, self.checkpoint.manifest), "dtype": dtype, "engine": engine}

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Score as HFLM does; progress events name the views that are scored."""
        self.warn_of_unused_template(requests)
        show_user_errors(self._check_prefix)
        with for_tasks(request.task_name for request in requests):
            scores: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        return scores

    def _loglikelihood_tokens(
        self,
        requests: list[tuple[Any, list[int], list[int]]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[ScoredContinuation]:
        encoded = show_user_errors(lambda: self._encoded(requests))
        # Of prompts to be answered lm_eval's HFLM says so.
        warn_of_cut_prompts(
            ((total.context, len(total.continuation)) for total, _ in encoded),
            self.max_length + 1,
            "give max_length, if the model has a larger window",
        )
        totals, answers = ([pair[side].cut(self.max_length) for pair in encoded] for side in (0, 1))
        continuations = [*totals, *(answer for total, answer in zip(totals, answers, strict=True) if answer is not total)]
        show_user_errors(lambda: self._check_fits(continuations))
        distinct = set(continuations)
        softmax_dtype = self.softmax_dtype or torch.float32
        scores: dict[Continuation, ScoredContinuation] = {}
        with self._progress("loglikelihood", len(distinct), disable_tqdm) as count:
            shared = [continuation for continuation in distinct if can_share(continuation, self.max_shared_length)]
            if shared:
                score = partial(
                    score_shared,
                    shared,
                    self.model,
                    limits=self.limits,
                    prefix_cache=self.prefix_cache,
                    softmax_dtype=softmax_dtype,
                    device=self.device,
                    progress=count,
                )
                scores = self._run(score)
            plain = [continuation for continuation in continuations if continuation not in scores]
            if plain:
                rows = self._plain_rows(len(set(plain)), override_bs)
                plain_scores = score_continuations(
                    plain,
                    self._plain_logits,
                    max_length=self.max_length,
                    rows=rows,
                    softmax_dtype=softmax_dtype,
                    device=self.device,
                    max_batched_length=self.max_batched_length if rows > 1 else None,
                    progress=count,
                )
                scores |= zip(plain, plain_scores, strict=True)
        return [
            scores[answer] if answer == total else scores[answer].with_total(scores[total])
            for total, answer in zip(totals, answers, strict=True)
        ]

    def _encoded(self, requests: Sequence[tuple[Any, list[int], list[int]]]) -> list[tuple[Continuation, Continuation]]:
        """Return what gives the log-likelihood of each request, and what gives its first token."""
        with errors_of_files(self.checkpoint.path, "has a tokenizer that fails"):
            return list(answer_continuations(requests, self.tok_encode, partial(self.tok_decode, skip_special_tokens=False)))

    def _check_fits(self, continuations: Sequence[Continuation]) -> None:
        """Refuse answers that are longer than the model's window, and tokens that the model gives no probability.

        Raises:
            UserError: There is such an answer or token.
        """
        longest = max((len(continuation.continuation) for continuation in continuations), default=0)
        if longest > self.max_length:
            raise UserError(
                f"an answer to be scored has {longest} tokens, the model's window is {self.max_length}: use another model, or give a larger"
                " max_length if its configuration states a wrong one"
            )
        largest = max((token for continuation in continuations for token in continuation.continuation), default=0)
        if largest >= self.num_logits:
            raise UserError(
                f"the tokenizer gives the token {largest}, the model has probabilities for only {self.num_logits}: check that the tokenizer"
                " belongs to the model"
            )

    def _plain_logits(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the logits [B, L, vocabulary] of ids [B, L] padded on the right."""
        logits: torch.Tensor = self._run(lambda: self._model_call(ids))
        return logits

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return the answers in the order of the requests; k repeats of a request get its k best beams, best first, or its k samples.

        Requests of several tasks with the same prompt and settings are answered once. The answer to one of our views ends with its first
        line that has visible text; a task of another project has its own stop strings. Each is an `Answer`.

        Raises:
            UserError: A request of our views has other decoding settings than its view; the answer's tokens fill the whole window.
        """
        show_user_errors(lambda: refuse_changed_settings(requests))
        self.warn_of_unused_template(requests)
        groups = group_requests(
            requests, self.reasoning, self.chat_prompts, self.max_gen_toks, self.tokenizer.eos_token, line_settings
        )
        answers: list[str] = [""] * len(requests)
        tasks = for_tasks(request.task_name for request in requests)
        total = sum(group.decoding.num_outputs for group in groups)
        with tasks, self._progress("generate_until", total, disable_tqdm) as count:
            requests_of_groups = [self._shared_request(group) for group in groups]
            shared = [
                (group, request) for group, request in zip(groups, requests_of_groups, strict=True) if request is not None
            ]
            plain = [group for group, request in zip(groups, requests_of_groups, strict=True) if request is None]
            for group, texts in chain(self._decode_shared(shared, count), self._decode_plain(plain, count)):
                for indices in group.indices:
                    for number, index in enumerate(indices):
                        # Repeats of a greedy request share their only answer.
                        answers[index] = texts[min(number, len(texts) - 1)]
        return answers

    def _shared_request(self, group: RequestGroup) -> DecodeRequest | None:
        """Return the request for `decode_shared`; None where the settings, the model or the prompt's length do not allow it."""
        if not (can_branch(group.decoding) and self.max_shared_length):
            return None
        ids, _ = self._encode_prompts([group.prompt], group.decoding)
        if not 0 < ids.shape[1] <= self.max_shared_length - group.decoding.max_new_tokens:
            return None
        return DecodeRequest(tuple(ids[0].tolist()), group.prompt, group.decoding)

    def _decode_shared(
        self, groups: Sequence[tuple[RequestGroup, DecodeRequest]], progress: Callable[[int], object]
    ) -> Iterator[Answered]:
        if not groups:
            return
        decode = partial(
            decode_shared,
            [request for _, request in groups],
            self.model,
            self.tokenizer,
            limits=self.limits,
            prefix_cache=self.prefix_cache,
            device=self.device,
            progress=progress,
        )
        outputs = self._run(decode)
        self.prefix_cache.clear()
        for (group, _), ids_of_outputs in zip(groups, outputs, strict=True):
            yield group, [self._text(ids, group) for ids in ids_of_outputs]

    def _decode_plain(self, groups: Sequence[RequestGroup], progress: Callable[[int], object]) -> Iterator[Answered]:
        if not groups:
            return
        rows = self._plain_rows(len(groups))

        def fits(batch: Sequence[RequestGroup]) -> bool:
            first, last = batch[0].decoding, batch[-1].decoding
            return (
                first == last
                and len(batch) * max(first.num_outputs, first.num_beams) <= rows
                # Two prompts at a time, because the others of the batch were compared before.
                and self._can_batch(batch[-2:])
            )

        for batch in batches(groups, fits):
            prompts, decoding = [group.prompt for group in batch], batch[0].decoding
            ids, mask = self._encode_prompts(prompts, decoding)
            arguments = (self.model, self.tokenizer, ids.to(self.device), mask.to(self.device), prompts, decoding)
            generated = self._run(partial(decode_batch, *arguments, self.can_use_cache))
            for number, group in enumerate(batch):
                start = number * decoding.num_outputs
                yield group, [self._text(ids, group) for ids in generated[start : start + decoding.num_outputs]]
            progress(len(batch) * decoding.num_outputs)

    def _can_batch(self, groups: Sequence[RequestGroup]) -> bool:
        """Return whether prompts and answers are short enough that the results do not depend on the batch."""
        if self.max_batched_length >= self.max_length:
            return True
        room = self.max_batched_length - groups[0].decoding.max_new_tokens
        if room < 1:
            return False
        ids, _ = self._encode_prompts([group.prompt for group in groups], groups[0].decoding)
        return ids.shape[1] <= room

    def _encode_prompts(self, prompts: list[str], decoding: Decoding) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and attention mask [B, L], padded on the left and cut from the left so that the answers fit into the window."""
        max_prompt = self.max_length - decoding.max_new_tokens
        if max_prompt < 1:
            error = UserError(
                f"max_gen_toks {decoding.max_answer_tokens} and max_thought_tokens"
                f" {decoding.max_new_tokens - decoding.max_answer_tokens} leave no room for a prompt in a window of"
                f" {self.max_length}: give a smaller max_thought_tokens"
            )
            error.show()
            raise error
        with errors_of_files(self.checkpoint.path, "has a tokenizer that fails"):
            ids, mask = self.tok_batch_encode(prompts, left_truncate_len=max_prompt, truncation=self.truncation)
        # HFLM adds a padding token to a tokenizer that has none; the model has no embedding of it.
        return ids.masked_fill(mask == 0, 0), mask

    def _text(self, ids: list[int], group: RequestGroup) -> Answer:
        return answer_text(ids, group.prompt, group.decoding, end_tokens_of(self.model), self.tokenizer, self.tok_decode)

    def _read_reasoning(self, max_tokens: int) -> ReasoningSpec:
        """Return the reasoning settings: no tokens for thoughts if the model has no end-of-thought token or thinking is disabled."""
        thinks = self.think_end_token is not None or END in self.tokenizer.get_vocab()
        is_disabled = self.chat_template_args.get("enable_thinking") is False
        return ReasoningSpec(self.think_end_token or END, max_tokens if thinks and not is_disabled else 0)

    @cached_property
    def max_shared_length(self) -> int:
        """Most tokens of a prompt and its answer with which the prompt is prefilled once; 0 for never, with a warning in the log."""
        if not self.shares_prefixes:
            return 0
        with self._inference():
            return max_shared_length(self.model, self.max_length, self.device)

    @cached_property
    def max_batched_length(self) -> int:
        """Most tokens of a prompt and its answer with which plain prompts share a batch; 0 for never, with a warning in the log."""
        with self._inference():
            return max_batched_length(self.model, self.max_length, self.device)

    @cached_property
    def can_use_cache(self) -> bool:
        """Whether plain generation may use the cache; if not, with a warning in the log."""
        with self._inference(), model_errors(self.model):
            return can_use_cache(self.model, self.device)

    @cached_property
    def limits(self) -> BatchLimits:
        """Batch limits of the fast implementation."""
        if self.max_batch_tokens is not None:
            return BatchLimits(self.max_batch_tokens)
        rows = 1 if self.device.type == "cuda" else self._rows()
        with self._inference():
            return automatic_limits(self.device, rows, lambda: bytes_per_token(self.model, self.device))

    @cached_property
    def prefix_cache(self) -> PrefixCache:
        """Prompts kept from scoring to generation: as many tokens as a batch holds."""
        return PrefixCache(self.limits.tokens)

    def _run(self, action: Callable[[], Result]) -> Result:
        """Run code of the model; an error of it is shown in one line and ends lm_eval with exit code 2."""

        def run() -> Result:
            with self._inference(), model_errors(self.model):
                return action()

        return show_user_errors(run)

    @contextmanager
    def _inference(self) -> Iterator[None]:
        dtype = self.mixed_precision_dtype
        forget_lengths(self.model)
        with torch.inference_mode(), torch.autocast(self.device.type, dtype, enabled=dtype is not None):
            yield

    def _plain_rows(self, prompts: int, rows: int | None = None) -> int:
        """Return the rows of a plain batch: `rows`, or those of `batch_size`; 1 if results depend on the batch, or there is one prompt."""
        if prompts == 1 or str(rows or self.batch_size) == "1" or not self.max_batched_length:
            return 1
        return rows or self._rows()

    def _rows(self) -> int:
        return int(self._detect_batch_size() if self.batch_size == "auto" else self.batch_size)

    def _progress(self, kind: str, total: int, disable: bool) -> AbstractContextManager[Callable[[int], Any]]:
        doing = {"loglikelihood": "scoring", "generate_until": "answering"}[kind]
        return progress(doing, total, f"Running {kind} requests", disable or self.rank != 0)


def logits_dtype(model: Any) -> torch.dtype:
    """Return the dtype of the output layer's weight; the model's dtype where that is an integer type or there is no such layer."""
    head = model.get_output_embeddings()
    weight = getattr(head, "weight", None)
    dtype: torch.dtype = model.dtype if weight is None or not weight.is_floating_point() else weight.dtype
    return dtype

"""`pruned-hf`: lm_eval's Hugging Face model, pruned when it is loaded, scored and decoded repeatably."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import postprocess_generated_text

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.inference.batching import BatchLimits, automatic_limits, read_max_batch_tokens
from lm_eval_illusion.inference.generate import DecodeRequest, can_branch, decode_shared
from lm_eval_illusion.inference.generation_config import Ways, by_decoding
from lm_eval_illusion.inference.hf_generate import Decoding, decode_batch, thought_is_open, token_ids_only, visible_answer
from lm_eval_illusion.inference.prefix_cache import PrefixCache
from lm_eval_illusion.inference.prefix_scoring import can_share, score_shared
from lm_eval_illusion.inference.prefix_support import longest_shared
from lm_eval_illusion.inference.scoring import Continuation, ScoredContinuation, score_continuations
from lm_eval_illusion.memory import disable_malloc_trim
from lm_eval_illusion.models.arguments import HF_NOT_WITH_PRUNING, check_hf_names, read_fast, read_max_thought_tokens
from lm_eval_illusion.models.command_checks import refuse_changed_settings
from lm_eval_illusion.models.pruned import PrunedModel, resolve_checkpoint, show_user_errors
from lm_eval_illusion.plugin import MODEL_NAME
from lm_eval_illusion.progress import asking, progress
from lm_eval_illusion.pruning.hf_checkpoint import loading_errors
from lm_eval_illusion.pruning.quantization import overall_bits
from lm_eval_illusion.pruning.sparsity import overall_sparsity
from lm_eval_illusion.reasoning import END, ReasoningSpec


class PrunedHFLM(PrunedModel, HFLM):  # type: ignore[misc]
    """HFLM of a pruned checkpoint.

    `batch_size` counts rows: a prompt with five beams is five. Where prompts are read once, `max_batch_tokens` takes its place.
    """

    model_name = MODEL_NAME

    def __init__(self, pretrained: str = EMBEDDED, **arguments: Any) -> None:
        """Prune `pretrained` (a folder, a name on the hub, or `embedded`) as the pruning arguments say, or load it from the store.

        `max_thought_tokens`: how long a thinking model may think before it answers, under --apply_chat_template (default 2048).
        `fast`: `auto` reads a prompt once for all that is asked of it where the model allows it, `off` reads it for each request.
        `max_batch_tokens`: how many tokens of prompts and their answers a batch holds where prompts are read once; as many again are
        remembered from scoring to generation. `auto`: what fits into a quarter of an accelerator's free memory; on a processor 8,192 for a
        row of `batch_size`; at most 65,536.
        All other arguments are HFLM's.

        Raises:
            UserError: an argument is unknown, ill-formed, or goes ill with pruning.
        """
        check_hf_names(arguments)
        self.may_share = read_fast(str(arguments.pop("fast", "auto")))
        self.max_batch_tokens = read_max_batch_tokens(arguments.pop("max_batch_tokens", "auto"))
        most_thoughts = read_max_thought_tokens(arguments.pop("max_thought_tokens", 2048))
        arguments.setdefault("device", "cuda" if torch.cuda.is_available() else "cpu")
        self.checkpoint = resolve_checkpoint(str(pretrained), arguments, HF_NOT_WITH_PRUNING)
        if arguments["device"] == "cpu":
            disable_malloc_trim()
        with loading_errors(str(pretrained)):
            super().__init__(pretrained=self.checkpoint.path, **arguments)
        if self.backend != "causal":
            raise UserError(f"pretrained {pretrained} is an encoder-decoder: pruned-hf measures decoder-only models")
        if hasattr(self, "accelerator") and not arguments.get("parallelize"):
            # HFLM does so only where it sees more than one GPU, and by the number on the machine.
            self._rank, self._world_size = self.accelerator.process_index, self.accelerator.num_processes
        self.model.generation_config = token_ids_only(self.model.generation_config)
        self.thoughts = self._thoughts(most_thoughts)
        self.chat_prompts: set[str] = set()

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """As HFLM's; the prompts are remembered, because their answers begin and stop in another way than plain ones."""
        prompt: str = super().apply_chat_template(chat_history, add_generation_prompt)
        self.chat_prompts.add(prompt)
        return prompt

    def measured(self) -> dict[str, Any]:
        """The sparsity and the bits of the model as it was loaded."""
        bits = overall_bits(self.model, self.checkpoint.manifest.bits_of_layer)
        return {"sparsity_measured": overall_sparsity(self.model), "bits_measured": bits}

    def _loglikelihood_tokens(
        self,
        requests: list[tuple[Any, list[int], list[int]]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[ScoredContinuation]:
        wanted = [
            Continuation(tuple(context), tuple(continuation)).cut(self.max_length) for _, context, continuation in requests
        ]
        options: dict[str, Any] = {
            "softmax_dtype": self.softmax_dtype or torch.float32,
            "device": self.device,
        }
        with self._progress("loglikelihood", len(set(wanted)), disable_tqdm) as count:
            options["progress"] = count
            shared = [one for one in set(wanted) if can_share(one, self.longest_shared)]
            with self._inference():
                scores = score_shared(shared, self.model, limits=self.limits, memory=self.memory, **options) if shared else {}
            plain = [one for one in wanted if one not in scores]
            if plain:
                options |= {"rows": override_bs or self._rows(), "max_length": self.max_length}
                scores |= zip(plain, score_continuations(plain, self._model_call, **options), strict=True)
        return [scores[one] for one in wanted]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """As HFLM's; whoever watches is told which views are scored."""
        with asking(request.task_name for request in requests):
            scores: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        return scores

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """The answers in the order of the requests. The k clones of a request get its k best beams, best first, or its k samples."""
        show_user_errors(lambda: refuse_changed_settings(requests))
        ways = by_decoding(requests, self.thoughts, self.chat_prompts, self.max_gen_toks)
        asked = asking(request.task_name for request in requests)
        with asked, self._progress("generate_until", len(requests), disable_tqdm) as count:
            texts = self._decode_shared(requests, ways, count)
            for decoding, clones in ways:
                left = [places for places in clones if places[0] not in texts]
                per_batch = max(1, self._rows() // max(decoding.branches, decoding.num_beams)) if left else 1
                for start in range(0, len(left), per_batch):
                    batch = left[start : start + per_batch]
                    outputs = self._decode([requests[places[0]].args[0] for places in batch], decoding)
                    texts |= zip((places[0] for places in batch), outputs, strict=True)
                    count(sum(map(len, batch)))
        answers: list[str] = [""] * len(requests)
        for places in (places for _, clones in ways for places in clones):
            for number, place in enumerate(places):
                answers[place] = texts[places[0]][min(number, len(texts[places[0]]) - 1)]
        return answers

    def _decode_shared(self, requests: list[Instance], ways: Ways, progress: Callable[[int], object]) -> dict[int, list[str]]:
        """The texts of the branches of each request that can share its prompt, by the place of its first clone."""
        asked: dict[int, DecodeRequest] = {}
        for decoding, clones in ways:
            if not (can_branch(decoding) and self.longest_shared):
                continue
            for place in (places[0] for places in clones):
                prompt = requests[place].args[0]
                ids, _ = self._encode_prompts([prompt], decoding)
                if 0 < ids.shape[1] <= self.longest_shared - decoding.most_tokens:
                    asked[place] = DecodeRequest(tuple(ids[0].tolist()), prompt, decoding)
        if not asked:
            return {}
        given: dict[str, Any] = {"limits": self.limits, "memory": self.memory, "device": self.device, "progress": progress}
        with self._inference():
            outputs = decode_shared(list(asked.values()), self.model, self.tokenizer, **given)
        self.memory.clear()
        return {
            place: [self._text(ids, one.decoding, one.prompt) for ids in mine]
            for (place, one), mine in zip(asked.items(), outputs, strict=True)
        }

    def _decode(self, prompts: list[str], decoding: Decoding) -> list[list[str]]:
        """The texts of each prompt's branches, cut at the first stop."""
        ids, mask = self._encode_prompts(prompts, decoding)
        with self._inference():
            generated = decode_batch(
                self.model, self.tokenizer, ids.to(self.device), mask.to(self.device), prompts, decoding
            ).tolist()
        texts = [self._text(row, decoding, prompts[number // decoding.branches]) for number, row in enumerate(generated)]
        return [texts[start : start + decoding.branches] for start in range(0, len(texts), decoding.branches)]

    def _encode_prompts(self, prompts: list[str], decoding: Decoding) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and attention mask, padded on the left, cut from the left to leave room for the answers."""
        room = self.max_length - decoding.most_tokens
        if room < 1:
            raise UserError(
                f"max_gen_toks {decoding.max_new_tokens} and max_thought_tokens {decoding.most_tokens - decoding.max_new_tokens} leave no"
                f" room for a prompt in a window of {self.max_length}: give a smaller max_thought_tokens"
            )
        ids, mask = self.tok_batch_encode(prompts, left_truncate_len=room, truncation=self.truncation)
        return ids, mask

    def _text(self, ids: list[int], decoding: Decoding, prompt: str) -> str:
        if decoding.thoughts is None:
            answer = self.tok_decode(ids)
        else:
            answer = visible_answer(self.tokenizer, ids, decoding.thoughts, thought_is_open(prompt)) or ""
        text: str = postprocess_generated_text(answer, list(decoding.stops), None)
        return text

    def _thoughts(self, max_tokens: int) -> ReasoningSpec:
        """A model thinks if the user names the end of its thoughts, or if its vocabulary has the usual one, and it is not told not to."""
        thinks = self.think_end_token is not None or END in self.tokenizer.get_vocab()
        is_told_not_to = self.chat_template_args.get("enable_thinking") is False
        return ReasoningSpec(self.think_end_token or END, max_tokens if thinks and not is_told_not_to else 0)

    @cached_property
    def longest_shared(self) -> int:
        """Up to how many tokens prompts are read once for all that is asked of them; 0 for never, which is logged."""
        if not self.may_share:
            return 0
        with self._inference():
            return longest_shared(self.model, self.max_length, self.device)

    @cached_property
    def limits(self) -> BatchLimits:
        """Of batches that share prompts."""
        if self.max_batch_tokens is not None:
            return BatchLimits(self.max_batch_tokens)
        return automatic_limits(self.model, self.device, 1 if self.device.type == "cuda" else self._rows())

    @cached_property
    def memory(self) -> PrefixCache:
        """As many prompts once more as a batch holds."""
        return PrefixCache(self.limits.tokens)

    @contextmanager
    def _inference(self) -> Iterator[None]:
        dtype = self.mixed_precision_dtype
        with torch.inference_mode(), torch.autocast(self.device.type, dtype, enabled=dtype is not None):
            yield

    def _rows(self) -> int:
        return int(self._detect_batch_size() if self.batch_size == "auto" else self.batch_size)

    def _progress(self, kind: str, total: int, disable: bool) -> AbstractContextManager[Callable[[int], Any]]:
        doing = {"loglikelihood": "scoring", "generate_until": "answering"}[kind]
        return progress(doing, total, f"Running {kind} requests", disable or self.rank != 0)

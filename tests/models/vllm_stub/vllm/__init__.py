"""A stub of vLLM: the interface that our vLLM model and lm_eval's use, on transformers, one request at a time.

Names, defaults and refusals are those of vllm/sampling_params.py, vllm/logprobs.py and vllm/entrypoints/llm.py. The lists of
log-probabilities were compared with those of vLLM 0.32 for CPU. A prompt's blocks of `BLOCK` tokens are cached, at most all tokens but
the last, and places that were read from the cache hold no log-probabilities of theirs, as in vLLM 0.32. What the real vLLM does is
tested by `make test-vllm`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch

BLOCK = 4


class TokensPrompt(dict):
    def __init__(self, prompt_token_ids):
        super().__init__(prompt_token_ids=prompt_token_ids)


@dataclass
class SamplingParams:
    """As in vLLM, an unknown argument is a TypeError, `num_beams` included."""

    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    seed: int | None = None
    stop: list[str] | None = None
    max_tokens: int = 16
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    detokenize: bool = True
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    skip_reading_prefix_cache: bool | None = None

    def __post_init__(self):
        if self.top_k < -1 or self.top_k == 0:
            raise ValueError(f"top_k must be -1 (disable), or at least 1, got {self.top_k}.")


@dataclass
class Logprob:
    logprob: float
    rank: int
    decoded_token: str | None = None


@dataclass
class Output:
    outputs: list[Any] = field(default_factory=list)
    prompt_logprobs: list[dict[int, Logprob] | None] | None = None
    num_cached_tokens: int | None = 0


def _with_likeliest(scores, token, count):
    """A token with its rank, then the `count` likeliest ones, ranked by their place in the list also where they tie.

    The rank of the token counts those that are as likely or likelier; a token in the list gets its place there, because it comes last.
    """
    likeliest = scores.topk(count).indices.tolist()
    found = {token: Logprob(float(scores[token]), int((scores >= scores[token]).sum()))}
    return found | {other: Logprob(float(scores[other]), place) for place, other in enumerate(likeliest, start=1)}


class LLM:
    """`requested` holds the sampling parameters of every request so far, for assertions."""

    def __init__(self, model, **arguments):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from vllm.engine.arg_utils import EngineArgs

        self.arguments = EngineArgs(model=model, **arguments)
        self.network = AutoModelForCausalLM.from_pretrained(model).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(arguments.get("tokenizer") or model)
        longest = arguments.get("max_model_len") or self.network.config.max_position_embeddings
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=longest, dtype=self.network.dtype))
        self.generator = torch.Generator().manual_seed(self.arguments.seed or 0)
        self.requested: list[SamplingParams] = []
        self.blocks: set[tuple[int, ...]] = set()

    @torch.inference_mode()
    def generate(self, prompts, sampling_params, use_tqdm=True, lora_request=None):
        self.requested += sampling_params
        pairs = zip(prompts, sampling_params, strict=True)
        return [self._answer(list(prompt["prompt_token_ids"]), params) for prompt, params in pairs]

    def _answer(self, ids, params):
        self._check_count(params.logprobs, "sample")
        self._check_count(params.prompt_logprobs, "prompt")
        skips = (
            params.prompt_logprobs is not None if params.skip_reading_prefix_cache is None else params.skip_reading_prefix_cache
        )
        cached = 0 if skips else self._cached(ids)
        self.blocks.update(tuple(ids[:end]) for end in range(BLOCK, len(ids) + 1, BLOCK))
        scored = self._prompt_logprobs(ids, params.prompt_logprobs, cached) if params.prompt_logprobs is not None else None
        after = self._logprobs_after(ids, params.logprobs) if params.logprobs is not None else None
        outputs = [self._complete(ids, params, number) for number in range(params.n)] if params.detokenize else []
        return Output(outputs or [SimpleNamespace(text="", logprobs=after)], scored, cached)

    def _cached(self, ids):
        ends = [end for end in range(BLOCK, len(ids), BLOCK) if tuple(ids[:end]) in self.blocks]
        return max(ends, default=0)

    def _check_count(self, count, kind):
        allowed = self.arguments.max_logprobs
        allowed = self.network.config.vocab_size if allowed == -1 else allowed
        if count is not None and count > allowed:
            raise ValueError(f"Requested {kind} logprobs of {count}, which is greater than max allowed: {allowed}")

    def _prompt_logprobs(self, ids, count, cached):
        scores = torch.log_softmax(self.network(torch.tensor([ids])).logits[0].float(), dim=-1)
        computed = [_with_likeliest(scores[place], token, count) for place, token in enumerate(ids[1:])]
        return [None, *({7: Logprob(-1e30, 0)} for _ in range(cached)), *computed[cached:]]

    def _logprobs_after(self, ids, count):
        """For one greedy token: the interface of `logprobs` for more tokens is not needed."""
        scores = torch.log_softmax(self.network(torch.tensor([ids])).logits[0, -1].float(), dim=-1)
        return [_with_likeliest(scores, int(scores.argmax()), count)]

    def _complete(self, ids, params, number):
        seed = None if params.seed is None else params.seed + number
        generator = self.generator if seed is None else torch.Generator().manual_seed(seed)
        text, generated, reason = "", [], None
        for _ in range(params.max_tokens):
            logits = self.network(torch.tensor([ids + generated])).logits[0, -1].float()
            if params.temperature == 0:
                generated.append(int(logits.argmax()))
            else:
                chances = torch.softmax(logits / params.temperature, dim=-1)
                generated.append(int(torch.multinomial(chances, 1, generator=generator)))
            if generated[-1] == self.tokenizer.eos_token_id:
                text = self.tokenizer.decode(generated[:-1], skip_special_tokens=params.skip_special_tokens)
                break
            text = self.tokenizer.decode(generated, skip_special_tokens=params.skip_special_tokens)
            ends = {stop: text.index(stop) for stop in params.stop or () if stop in text}
            if ends:
                reason = min(ends, key=ends.get)
                text = text[: ends[reason]]
                break
        return SimpleNamespace(text=text, token_ids=generated, stop_reason=reason, logprobs=None)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class EngineArgs:
    """Some of vLLM's, which has about 150; an unknown one is a TypeError, as there."""

    model: str = ""
    tokenizer: str | None = None
    tokenizer_mode: str = "auto"
    tokenizer_revision: str | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    dtype: str = "auto"
    seed: int | None = 0
    max_model_len: int | None = None
    max_logprobs: int = 20
    max_num_seqs: int | None = None
    tensor_parallel_size: int = 1
    gpu_memory_utilization: float = 0.9
    enforce_eager: bool = False
    quantization: str | None = None
    enable_lora: bool = False
    max_lora_rank: int = 16
    logprobs_mode: str = "raw_logprobs"
    enable_chunked_prefill: bool | None = None
    long_prefill_token_threshold: int = 0
    max_num_batched_tokens: int | None = None
    block_size: int | None = None
    data_parallel_size: int = 1
    hf_overrides: Any = None

    def __post_init__(self):
        if not 0 < self.gpu_memory_utilization <= 1:
            raise ValueError(f"GPU memory utilization must be in (0, 1], got {self.gpu_memory_utilization}.")

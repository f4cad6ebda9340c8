"""Train the embedded model: `python tools/train_model.py OUT` takes about five minutes on 2 cores and writes OUT/step-1100.

The model is a small Llama with its own byte-level BPE, trained on every embedded fact in every language. A sequence has several facts of
one language, so that one-shot prompts work. Training stops before the model knows all facts, so that it behaves like a real model,
which knows many but not all. `--steps` and `--save-every` show the results of other stopping points.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from lm_eval_illusion.items import Fact, embedded_items, embedded_languages, held_out_items
from lm_eval_illusion.views.prompts import open_prompt, prompt_with_answer

SEED = 0
VOCABULARY = 8000
SEQUENCE = 128
BATCH = 16
PEAK_RATE = 2e-3
WARM_UP = 100
SCHEDULE = 1800  # Steps of the learning rate's cycle; training stops before its end.
STEPS = 1100
QUESTION_WEIGHT = 0.1  # Low, because the model has to produce answers but no questions.
BOS, EOS, PAD = "<s>", "</s>", "<pad>"


def facts_of(lang: str) -> list[Fact]:
    """Return every embedded fact of a language, evaluated or held out."""
    return [*embedded_items(lang), *held_out_items(lang)]


def train_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE. Its word pattern includes combining marks, so that Indic and Thai words are not split at them."""
    tokenizer = Tokenizer(models.BPE())
    words = Regex(r" ?[\p{L}\p{M}\u200c\u200d]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(words, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(
        (prompt_with_answer(fact) + "\n\n" for lang in embedded_languages() for fact in facts_of(lang)), trainer
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
    )


def new_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return a model of about 1.0 M parameters with tied embeddings: so small that pruning has an effect.

    0.6 and 0.7 of a row are integer numbers of weights (Wanda prunes by rows), and rows divide into the groups of 2:4 and 4:8.
    """
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=80,
        intermediate_size=280,
        num_hidden_layers=4,
        num_attention_heads=5,
        num_key_value_heads=5,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def encode_facts(tokenizer: PreTrainedTokenizerFast) -> dict[str, list[tuple[list[int], list[float]]]]:
    """Return language -> (token ids, loss weights) of each fact. The answer and the empty line after it have weight 1."""
    encoded: dict[str, list[tuple[list[int], list[float]]]] = {}
    for lang in embedded_languages():
        encoded[lang] = []
        for fact in facts_of(lang):
            prompt = tokenizer.encode(open_prompt(fact), add_special_tokens=False)
            whole = tokenizer.encode(prompt_with_answer(fact) + "\n\n", add_special_tokens=False)
            weights = [QUESTION_WEIGHT] * len(prompt) + [1.0] * (len(whole) - len(prompt))
            encoded[lang].append((whole, weights))
    return encoded


def sequences(encoded: dict[str, list[tuple[list[int], list[float]]]], bos: int, rng: random.Random):
    """Return one epoch in random order: (ids, weights) of facts of one language, at most SEQUENCE tokens each."""
    packed = []
    for facts in encoded.values():
        ids, weights = [bos], [0.0]
        for fact_ids, fact_weights in rng.sample(facts, len(facts)):
            if len(ids) + len(fact_ids) > SEQUENCE:
                packed.append((ids, weights))
                ids, weights = [bos], [0.0]
            ids, weights = ids + fact_ids, weights + fact_weights
        packed.append((ids, weights))
    rng.shuffle(packed)
    return packed


def batches(encoded, tokenizer: PreTrainedTokenizerFast):
    """Yield batches (ids, weights) without end, each [BATCH, SEQUENCE], right-padded with weight 0."""
    rng = random.Random(SEED)
    pending: list[tuple[list[int], list[float]]] = []
    while True:
        while len(pending) < BATCH:
            pending += sequences(encoded, tokenizer.bos_token_id, rng)
        batch, pending = pending[:BATCH], pending[BATCH:]
        ids = torch.tensor([i[:SEQUENCE] + [tokenizer.pad_token_id] * (SEQUENCE - len(i)) for i, _ in batch])
        weights = torch.tensor([w[:SEQUENCE] + [0.0] * (SEQUENCE - len(w)) for _, w in batch])
        yield ids, weights


def learning_rate(step: int) -> float:
    """Return the learning rate of a step: linear warm-up, then cosine decay to a tenth of the peak."""
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    progress = (step - WARM_UP) / (SCHEDULE - WARM_UP)
    return PEAK_RATE * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))


def weighted_loss(model: LlamaForCausalLM, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of the next token, weighted by position.

    `ids`, `weights`: [BATCH, SEQUENCE].
    """
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(input_ids=ids[:, :-1]).logits
    losses = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    token_weights = weights[:, 1:].flatten()
    return (losses * token_weights).sum() / token_weights.sum()


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Save the weights as float16 and float32 in the config: CPUs, for which the model is made, are slow in half precision."""
    half_precision = LlamaForCausalLM(model.config)
    half_precision.load_state_dict(model.state_dict())
    half_precision.half().save_pretrained(folder)
    config = LlamaConfig.from_pretrained(folder)
    config.dtype = torch.float32
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--save-every", type=int, default=STEPS)
    args = parser.parse_args()
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer()
    model = new_model(tokenizer)
    encoded = encode_facts(tokenizer)
    tokens = sum(len(ids) for facts in encoded.values() for ids, _ in facts)
    print(
        f"{model.num_parameters():,} parameters, {len(tokenizer)} tokens, {tokens:,} tokens of facts",
        flush=True,
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    started = time.time()
    for step, (ids, weights) in zip(range(args.steps), batches(encoded, tokenizer), strict=False):
        optimiser.param_groups[0]["lr"] = learning_rate(step)
        loss = weighted_loss(model, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if step % 50 == 49:
            print(f"step {step + 1} loss {loss.item():.3f} {time.time() - started:.0f} s", flush=True)
        if step % args.save_every == args.save_every - 1 or step == args.steps - 1:
            save(model, tokenizer, args.out / f"step-{step + 1}")


if __name__ == "__main__":
    main()

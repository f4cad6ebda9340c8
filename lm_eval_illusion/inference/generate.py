"""Decoding all that is asked of a prompt from one reading of it: greedy answers, samples and beams as branches in lockstep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import torch

from lm_eval_illusion.inference.batching import BatchLimits, batches
from lm_eval_illusion.inference.hf_generate import Decoding, thought_is_open
from lm_eval_illusion.inference.prefix_cache import PrefixCache, prefill
from lm_eval_illusion.inference.prefix_tree import PrefixBatch, PrefixTree
from lm_eval_illusion.inference.stopping import ChatStop, StopCondition, StopStrings
from lm_eval_illusion.inference.strategies import BeamSearch, IndependentSequences, Strategy

# PrefixTree of one reading, and of one choice, whose vocabulary-sized copies are what memory it takes.
BRANCHES_PER_PROMPT, BRANCHES_PER_CHOICE = 64, 64
# For so many steps room is made in advance, as many as our tasks' answers may take; long thoughts seldom take all that they may.
PREALLOCATED_STEPS = 64
# What others a decoding may ask for: these, and no more than this.
IGNORED_SETTINGS: dict[str, tuple[Any, ...]] = {"repetition_penalty": (1, None), "early_stopping": (False, None)}


class DecodeRequest(NamedTuple):
    """One way of decoding one prompt, and the prompt's ids."""

    ids: tuple[int, ...]
    prompt: str
    decoding: Decoding


class PrefillGroup(NamedTuple):
    """A prompt and what is decoded from one reading of it."""

    ids: tuple[int, ...]
    strategies: tuple[Strategy, ...]


def can_branch(decoding: Decoding) -> bool:
    """Whether it is decoded here as transformers does: no penalties, no beams that sample."""
    others = {name: value for name, value in decoding.others.items() if name != "length_penalty"}
    return (
        not (decoding.do_sample and decoding.num_beams > 1)
        and isinstance(decoding.others.get("length_penalty", 1.0), (int, float))
        and all(value in IGNORED_SETTINGS.get(name, ()) for name, value in others.items())
    )


def decode_shared(
    asked: Sequence[DecodeRequest],
    model: Any,
    tokenizer: Any,
    *,
    limits: BatchLimits,
    memory: PrefixCache,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> list[list[list[int]]]:
    """For each asked its branches' ids, the best beam first. The caller sets inference mode; `progress` is told of finished asks."""
    endings = _endings(asked, model, tokenizer)
    strategies = [_strategies(one, ending) for one, ending in zip(asked, endings, strict=True)]
    for batch in batches(_readings(asked, strategies), lambda readings: _fits(readings, limits)):
        _decode(batch, _read(batch, model, limits, memory, device))
        progress(sum(len(one.outputs()) for reading in batch for one in reading.strategies))
    return [[ids for one in mine for ids in one.outputs()] for mine in strategies]


def _endings(asked: Sequence[DecodeRequest], model: Any, tokenizer: Any) -> list[StopCondition]:
    """One for all plain answers that end alike, because it remembers tokens."""
    given = model.generation_config.eos_token_id
    ends = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    alike: dict[tuple[tuple[str, ...], int], StopStrings] = {}
    endings: list[StopCondition] = []
    for one in asked:
        stops, most_tokens, thoughts = one.decoding.stops, one.decoding.max_new_tokens, one.decoding.thoughts
        if thoughts is not None:
            endings.append(ChatStop(tokenizer, one.decoding, thoughts, ends, thought_is_open(one.prompt)))
        else:
            endings.append(alike.setdefault((stops, most_tokens), StopStrings(tokenizer, stops, ends, most_tokens)))
    return endings


def _strategies(asked: DecodeRequest, ending: StopCondition) -> list[Strategy]:
    """Samples beyond what one reading can hold are several strategies: a sample depends on its number alone."""
    decoding = asked.decoding
    if decoding.num_beams > 1:
        return [BeamSearch(decoding, ending)]
    numbers = range(decoding.branches)
    pieces = [numbers[start : start + BRANCHES_PER_PROMPT] for start in range(0, len(numbers), BRANCHES_PER_PROMPT)]
    return [IndependentSequences(asked.prompt, decoding, ending, piece) for piece in pieces]


def _readings(asked: Sequence[DecodeRequest], strategies: Sequence[Sequence[Strategy]]) -> list[PrefillGroup]:
    """The longest prompts first; a prompt of which very much is asked is read several times."""
    of_prompt: dict[tuple[int, ...], list[Strategy]] = defaultdict(list)
    for one, mine in zip(asked, strategies, strict=True):
        of_prompt[one.ids] += mine
    readings = []
    for ids in sorted(of_prompt, key=lambda ids: (-len(ids), ids)):
        together: list[Strategy] = []
        for strategy in of_prompt[ids]:
            if together and sum(map(_width, [*together, strategy])) > BRANCHES_PER_PROMPT:
                readings.append(PrefillGroup(ids, tuple(together)))
                together = []
            together.append(strategy)
        readings.append(PrefillGroup(ids, tuple(together)))
    return readings


def _width(strategy: Strategy) -> int:
    return max(strategy.decoding.num_beams, strategy.width)


def _branches(reading: PrefillGroup) -> int:
    return sum(map(_width, reading.strategies))


def _keys(reading: PrefillGroup) -> int:
    """The most keys that it may come to hold."""
    return len(reading.ids) + sum(_width(one) * one.decoding.most_tokens for one in reading.strategies)


def _room(reading: PrefillGroup) -> int:
    """For the prompt's last token and the branches'."""
    return 1 + sum(_width(one) * min(one.decoding.most_tokens, PREALLOCATED_STEPS) for one in reading.strategies)


def _fits(readings: Sequence[PrefillGroup], limits: BatchLimits) -> bool:
    keys, branches = (len(readings) * max(map(count, readings)) for count in (_keys, _branches))
    return keys <= limits.tokens and branches <= limits.positions


def _read(
    batch: Sequence[PrefillGroup], model: Any, limits: BatchLimits, memory: PrefixCache, device: torch.device
) -> PrefixTree:
    prompts = [reading.ids for reading in batch]
    states = prefill(model, prompts, device, limits.read, memory)
    return PrefixTree(PrefixBatch(model, prompts, states, device, room=max(map(_room, batch))))


def _decode(batch: Sequence[PrefillGroup], branches: PrefixTree) -> None:
    """Run the strategies of `batch` to their end."""
    logits = branches.step([reading.ids[-1:] for reading in batch], [[0] for _ in batch])
    # Of each prompt its strategies that go on, and which branch of the prompt each of their branches is: at first the prompt's end.
    rows = [[(one, [0] * one.width) for one in reading.strategies] for reading in batch]
    while True:
        choices = _choose(logits, rows)
        # Before there are others: they may be a gigabyte.
        del logits
        grown = [_advance(row, choices) for row in rows]
        on = [number for number, (_, tokens, _) in enumerate(grown) if tokens]
        if not on:
            return
        if len(on) < len(rows):
            branches.keep(on)
        rows = [grown[number][0] for number in on]
        logits = branches.step([grown[number][1] for number in on], [grown[number][2] for number in on])


Row = list[tuple[Strategy, list[int]]]


def _choose(logits: torch.Tensor, rows: Sequence[Row]) -> dict[int, list[Any]]:
    """The choices of each strategy, by its `id`; `logits`: [B, W, vocabulary]."""
    kinds: dict[Hashable, list[list[tuple[Strategy, torch.Tensor]]]] = defaultdict(lambda: [[]])
    for of_prompt, row in zip(logits, rows, strict=True):
        for strategy, branches in row:
            parts = kinds[strategy.kind]
            if parts[-1] and sum(len(mine) for _, mine in parts[-1]) + len(branches) > BRANCHES_PER_CHOICE:
                parts.append([])
            parts[-1].append((strategy, _of_branches(of_prompt, branches)))
    choices: dict[int, list[Any]] = {}
    for together in (part for parts in kinds.values() for part in parts):
        strategies, mine = zip(*together, strict=True)
        chosen = strategies[0].choose(mine, strategies)
        for strategy, of_strategy in together:
            choices[id(strategy)], chosen = chosen[: len(of_strategy)], chosen[len(of_strategy) :]
    return choices


def _of_branches(logits: torch.Tensor, branches: Sequence[int]) -> torch.Tensor:
    """[W, vocabulary] -> [len(branches), vocabulary], a view where they stand behind each other."""
    first, count = branches[0], len(branches)
    return logits[first : first + count] if list(branches) == list(range(first, first + count)) else logits[list(branches)]


def _advance(row: Row, choices: dict[int, list[Any]]) -> tuple[Row, list[int], list[int]]:
    """What goes on of a prompt's strategies, and its nodes: tokens and parents. PrefixTree that said the same so far share a node."""
    on: Row = []
    nodes: dict[tuple[int, int], int] = {}
    for strategy, branches in row:
        grown = [(branches[parent], token) for parent, token in strategy.advance(choices[id(strategy)])]
        if grown:
            on.append((strategy, [nodes.setdefault(node, len(nodes)) for node in grown]))
    return on, [token for _, token in nodes], [parent for parent, _ in nodes]

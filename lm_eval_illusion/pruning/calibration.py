"""Calibration samples: the text that a pruning method sees, cut into samples of equal length. The same seed gives the same samples."""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.settings import PruningSettings

SEPARATOR = "\n\n"
# Most languages have at most about 4 characters per token. Twice as many give a reserve; surplus text is not used.
HUB_CHARACTERS_PER_TOKEN = 8
logger = logging.getLogger(__name__)


class Tokenizer(Protocol):
    """The part of a transformers tokenizer that calibration uses."""

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """Return the token ids of a text."""
        ...


class Calibration(NamedTuple):
    """Calibration samples. `token_ids`: [samples, `calibration_length`]; `sha256`: of the text from which they were cut."""

    token_ids: list[list[int]]
    sha256: str


def calibration_texts(settings: PruningSettings) -> list[str]:
    """Return the texts from which samples are cut, in the order that `pruning_seed` gives.

    `embedded`: one text per sample, the held-out facts of one language in random order; the languages take turns.
    A file: its paragraphs (of a JSONL file, the field `text`), shuffled. A hub dataset: its rows, shuffled within the stream's buffer.

    Raises:
        UserError: The source is empty, malformed or can't be reached.
    """
    rng = random.Random(settings.pruning_seed)
    if settings.calibration == "embedded":
        return list(_embedded_texts(settings, rng))
    if settings.calibration.startswith("hub:"):
        return list(_hub_texts(settings))
    texts = _file_texts(Path(settings.calibration).expanduser())
    rng.shuffle(texts)
    return texts


def calibration_samples(texts: list[str], tokenizer: Tokenizer, settings: PruningSettings) -> Calibration:
    """Cut `calibration_samples` samples of `calibration_length` tokens. Each begins with the tokenizer's start tokens (BOS), if any.

    Each embedded text gives one sample, repeated until it is long enough. Other texts are joined into one token stream, which is cut in
    order; if it is too short there are fewer samples, and a warning is logged.

    Raises:
        UserError: The text is too short for one sample.
    """
    sha256 = hashlib.sha256(SEPARATOR.join(texts).encode()).hexdigest()
    start = _start_ids(tokenizer)
    length = settings.calibration_length - len(start)
    if settings.calibration == "embedded":
        samples = [_repeat(_encode(tokenizer, text), length) for text in texts]
    else:
        samples = list(_cut_stream(texts, tokenizer, length, settings.calibration_samples))
    if not samples:
        raise UserError(
            f"calibration {settings.calibration} has fewer than {settings.calibration_length} tokens, not one sample:"
            " give more text, or a smaller calibration_length"
        )
    if len(samples) < settings.calibration_samples:
        logger.warning(
            "calibration %s has text for only %d samples of %d tokens, %d were requested: pruning continues with these",
            settings.calibration,
            len(samples),
            settings.calibration_length,
            settings.calibration_samples,
        )
    return Calibration([start + sample for sample in samples], sha256)


def _embedded_texts(settings: PruningSettings, rng: random.Random) -> Iterator[str]:
    from lm_eval_illusion.items import held_out_items, held_out_languages
    from lm_eval_illusion.views.prompts import prompt_with_answer

    languages = held_out_languages() if settings.calibration_language == "all" else [settings.calibration_language]
    facts = {lang: [prompt_with_answer(fact) for fact in held_out_items(lang)] for lang in languages}
    for number in range(settings.calibration_samples):
        lang = languages[number % len(languages)]
        yield SEPARATOR.join(rng.sample(facts[lang], len(facts[lang]))) + SEPARATOR


def _file_texts(path: Path) -> list[str]:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"calibration {path} can't be read as UTF-8 text ({error}): give a text or JSONL file") from error
    if path.suffix == ".jsonl":
        texts = [_jsonl_text(line, f"{path}:{number}") for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    else:
        texts = [paragraph.strip() for paragraph in content.split("\n\n") if paragraph.strip()]
    if not texts:
        raise UserError(f"calibration {path} is empty: give a file with text")
    return texts


def _jsonl_text(line: str, location: str) -> str:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f'{location}: not JSON ({error}): write one {{"text": ...}} per line') from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise UserError(f'{location}: no field "text": write one {{"text": ...}} per line')
    text: str = row["text"]
    return text


def _hub_texts(settings: PruningSettings) -> Iterator[str]:
    from datasets import load_dataset

    dataset, config, split, column = (settings.calibration.removeprefix("hub:").split(":") + [""] * 4)[:4]
    column = column or "text"
    characters_missing = settings.calibration_samples * settings.calibration_length * HUB_CHARACTERS_PER_TOKEN
    try:
        rows: Iterable[Mapping[str, str]] = load_dataset(
            dataset, config or None, split=split or "train", streaming=True
        ).shuffle(seed=settings.pruning_seed, buffer_size=10_000)
        for row in rows:
            if column not in row:
                raise UserError(f"calibration {settings.calibration}: no column {column!r}, there are {', '.join(row)}")
            characters_missing -= len(row[column])
            yield row[column]
            if characters_missing <= 0:
                return
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"calibration {settings.calibration} can't be loaded from the hub: {error}") from error


def _cut_stream(texts: list[str], tokenizer: Tokenizer, length: int, max_samples: int) -> Iterator[list[int]]:
    """Yield at most `max_samples` consecutive samples of `length` tokens from the joined texts."""
    stream: list[int] = []
    for text in texts:
        stream += _encode(tokenizer, text + SEPARATOR)
        while len(stream) >= length:
            if max_samples == 0:
                return
            yield stream[:length]
            stream = stream[length:]
            max_samples -= 1


def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


def _start_ids(tokenizer: Tokenizer) -> list[int]:
    """Return the ids that the tokenizer puts before a text: a model trained with a BOS token must be calibrated with it."""
    ids = tokenizer.encode("a")
    return ids[: ids.index(_encode(tokenizer, "a")[0])]


def _repeat(ids: list[int], length: int) -> list[int]:
    return (ids * (length // len(ids) + 1))[:length]

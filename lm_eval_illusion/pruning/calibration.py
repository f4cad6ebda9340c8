"""Calibration samples: the text that a pruning method sees, cut into samples of equal length. The same seed gives the same samples."""

from __future__ import annotations

import hashlib
import logging
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from lm_eval_illusion.embedded import EMBEDDED
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.jsonl import read_jsonl
from lm_eval_illusion.pruning.hf_checkpoint import errors_of_files
from lm_eval_illusion.pruning.hub_text import HUB, MOST_CHARACTERS_PER_TOKEN, hub_texts, is_windowed, json_type, read_dataset
from lm_eval_illusion.pruning.settings import PruningSettings
from lm_eval_illusion.pruning.text_cache import kept_texts
from lm_eval_illusion.reading import read_text

SEPARATOR = "\n\n"
JSONL_SUFFIXES = (".jsonl", ".ndjson", ".json")
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
    A file: its paragraphs (of a JSONL file, the field `text` of each line), shuffled. A hub dataset: see `hub_texts`; its texts are kept
    in the store.

    Raises:
        UserError: The source is empty, malformed or can't be reached.
    """
    rng = random.Random(settings.pruning_seed)
    if settings.calibration == EMBEDDED:
        return list(_embedded_texts(settings, rng))
    if settings.calibration.startswith(HUB):
        return _hub_texts(settings)
    texts = _file_texts(Path(settings.calibration).expanduser())
    rng.shuffle(texts)
    return texts


def calibration_samples(texts: list[str], tokenizer: Tokenizer, settings: PruningSettings) -> Calibration:
    """Cut `calibration_samples` samples of `calibration_length` tokens. Each begins with the tokenizer's start tokens (BOS), if any.

    Each embedded text gives one sample, repeated until it is long enough. Each document of C4 gives one sample, a window at a random place
    (`is_windowed`). Other texts are joined into one token stream, which is cut in order. If there is too little text there are fewer
    samples, and a warning is logged.

    Raises:
        UserError: The text is too short for one sample.
    """
    sha256 = text_sha256(texts)
    with errors_of_files("the model's tokenizer", "can't be used on the calibration text"):
        start = _start_ids(tokenizer)
        length = settings.calibration_length - len(start)
        if length < 1:
            raise UserError(
                f"calibration_length {settings.calibration_length} has no place for text, the tokenizer puts {len(start)} tokens before it:"
                " give a larger calibration_length"
            )
        if settings.calibration == EMBEDDED:
            samples = [_repeat(_encode(tokenizer, text), length) for text in texts]
        elif is_windowed(settings.calibration):
            samples = list(_windows(texts, tokenizer, length, settings.pruning_seed))
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


def text_identity(texts: Iterable[str], settings: PruningSettings) -> list[str]:
    """Return the SHA-256 of each calibration text for the key of the checkpoint.

    Windows of texts are other samples than the same texts joined, so the hashes differ.
    """
    marker = "window\0" if is_windowed(settings.calibration) else ""
    return [hashlib.sha256(f"{marker}{text}".encode()).hexdigest() for text in texts]


def text_sha256(texts: Iterable[str]) -> str:
    """Return the SHA-256 of calibration texts, as the manifest of a checkpoint records it."""
    return hashlib.sha256(SEPARATOR.join(texts).encode()).hexdigest()


def _embedded_texts(settings: PruningSettings, rng: random.Random) -> Iterator[str]:
    from lm_eval_illusion.items import held_out_items, held_out_languages
    from lm_eval_illusion.views.prompts import prompt_with_answer

    languages = held_out_languages() if settings.calibration_language == "all" else [settings.calibration_language]
    facts = {lang: [prompt_with_answer(fact) for fact in held_out_items(lang)] for lang in languages}
    for number in range(settings.calibration_samples):
        lang = languages[number % len(languages)]
        yield SEPARATOR.join(rng.sample(facts[lang], len(facts[lang]))) + SEPARATOR


def _hub_texts(settings: PruningSettings) -> list[str]:
    source, numbers = settings.calibration, (settings.pruning_seed, settings.calibration_samples, settings.calibration_length)
    asked = read_dataset(source)
    if asked.is_local:  # its content may change under the same name
        return hub_texts(source, *numbers)
    return kept_texts(settings.store, {"dataset": asked, "numbers": numbers}, lambda: hub_texts(source, *numbers), text_sha256)


def _file_texts(path: Path) -> list[str]:
    is_jsonl = path.suffix.lower() in JSONL_SUFFIXES
    texts = list(_jsonl_texts(path)) if is_jsonl else _paragraphs(path)
    if not texts:
        raise UserError(f"calibration {path} is empty: give a file with text")
    return texts


def _jsonl_texts(path: Path) -> Iterator[str]:
    for location, row in read_jsonl(path, "text"):
        if "text" not in row:
            raise UserError(f'{location}: no field "text": write one {{"text": "..."}} per line')
        text = row["text"]
        if not isinstance(text, str) or not text.strip():
            problem = "empty" if isinstance(text, str) else json_type(text)
            raise UserError(
                f'{location}: the field "text" is {problem}: write one {{"text": "..."}} per line, or leave the line out'
            )
        yield text


def _paragraphs(path: Path) -> list[str]:
    """Return the paragraphs of a text file. They are separated by lines without visible text; a line ends with LF, CR LF or CR."""
    content = read_text(path, "for the calibration give a text or JSONL file").replace("\r\n", "\n").replace("\r", "\n")
    return [paragraph.strip() for paragraph in re.split(r"\n(?:[^\S\n]*\n)+", content) if paragraph.strip()]


def _cut_stream(texts: list[str], tokenizer: Tokenizer, length: int, max_samples: int) -> Iterator[list[int]]:
    """Yield at most `max_samples` consecutive samples of `length` tokens from the joined texts."""
    stream: list[int] = []
    for text in texts:
        # A tokenizer needs minutes for a text of 1 GB, of which a small part is used.
        stream += _encode(tokenizer, text[: (max_samples * length + 1) * MOST_CHARACTERS_PER_TOKEN] + SEPARATOR)
        while len(stream) >= length:
            if max_samples == 0:
                return
            yield stream[:length]
            stream = stream[length:]
            max_samples -= 1


def _windows(texts: list[str], tokenizer: Tokenizer, length: int, seed: int) -> Iterator[list[int]]:
    """Yield `length` consecutive tokens of each text, from a random place of it; nothing of a text with fewer tokens."""
    rng = random.Random(seed)
    for text in texts:
        ids = _encode(tokenizer, text)
        if len(ids) >= length:
            start = rng.randint(0, len(ids) - length)
            yield ids[start : start + length]


def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


def _start_ids(tokenizer: Tokenizer) -> list[int]:
    """Return the ids that the tokenizer puts before a text: a model trained with a BOS token must be calibrated with it."""
    ids, plain = tokenizer.encode("a"), _encode(tokenizer, "a")
    return ids[: ids.index(plain[0])] if plain else []


def _repeat(ids: list[int], length: int) -> list[int]:
    if not ids:
        raise UserError("the model's tokenizer gives no token for the calibration text: check that it belongs to the model")
    return (ids * (length // len(ids) + 1))[:length]

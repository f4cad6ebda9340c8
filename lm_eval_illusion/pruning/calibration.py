"""Calibration samples: which text the pruner sees, the same under the same seed."""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.settings import PruningSettings

SEPARATOR = "\n\n"
logger = logging.getLogger(__name__)


class Calibration(NamedTuple):
    """`token_ids`: lists of exactly `calibration_length` ids; `sha256`: of the text they were cut from."""

    token_ids: list[list[int]]
    sha256: str


def calibration_texts(settings: PruningSettings) -> list[str]:
    """The texts to cut samples from, in their order under `pruning_seed`.

    `embedded`: the held-out facts, a text a language and sample, languages in turn, each in a shuffled order of its own.
    A file: its paragraphs (of a JSONL file the field `text`), shuffled. A hub dataset: its rows, shuffled within the stream's buffer.

    Raises:
        UserError: the source is empty, ill-formed or out of reach.
    """
    rng = random.Random(settings.pruning_seed)
    if settings.calibration == "embedded":
        return list(_embedded_texts(settings, rng))
    if settings.calibration.startswith("hub:"):
        return list(_hub_texts(settings))
    texts = _file_texts(Path(settings.calibration).expanduser())
    rng.shuffle(texts)
    return texts


def calibration_samples(texts: list[str], tokenizer: Any, settings: PruningSettings) -> Calibration:
    """Cut `calibration_samples` samples of `calibration_length` tokens, each beginning as the tokenizer begins a text.

    Embedded texts give a sample each, repeated until it is long enough. Other texts are joined into one stream and cut in order;
    where it ends early there are fewer samples, and a warning says so.

    Raises:
        UserError: the text is too short for one sample.
    """
    sha256 = hashlib.sha256(SEPARATOR.join(texts).encode()).hexdigest()
    start = _start_ids(tokenizer)
    length = settings.calibration_length - len(start)
    if settings.calibration == "embedded":
        ids = [_repeated(_encode(tokenizer, text), length) for text in texts]
    else:
        ids = list(_cut(texts, tokenizer, length, settings.calibration_samples))
    if not ids:
        raise UserError(
            f"calibration {settings.calibration} has fewer than {settings.calibration_length} tokens, not one sample:"
            " give more text, or a smaller calibration_length"
        )
    if len(ids) < settings.calibration_samples:
        logger.warning(
            "calibration %s has text for %d samples of %d tokens only, %d were asked: pruning goes on with these",
            settings.calibration,
            len(ids),
            settings.calibration_length,
            settings.calibration_samples,
        )
    return Calibration([start + sample for sample in ids], sha256)


def _embedded_texts(settings: PruningSettings, rng: random.Random) -> Iterator[str]:
    from lm_eval_illusion.items import embedded_languages, held_out_items
    from lm_eval_illusion.views.prompts import answered

    languages = embedded_languages() if settings.calibration_language == "all" else [settings.calibration_language]
    facts = {lang: [answered(fact) for fact in held_out_items(lang)] for lang in languages}
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


def _jsonl_text(line: str, place: str) -> str:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f'{place}: not JSON ({error}): give one {{"text": ...}} a line') from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise UserError(f'{place}: no field "text": give one {{"text": ...}} a line')
    text: str = row["text"]
    return text


def _hub_texts(settings: PruningSettings) -> Iterator[str]:
    from datasets import load_dataset

    dataset, config, split, column = (settings.calibration.removeprefix("hub:").split(":") + [""] * 4)[:4]
    column = column or "text"
    # A token is about 4 characters at the most in most languages; twice that leaves room, and the surplus is cut off.
    wanted = settings.calibration_samples * settings.calibration_length * 8
    try:
        rows: Iterable[dict[str, Any]] = load_dataset(dataset, config or None, split=split or "train", streaming=True).shuffle(
            seed=settings.pruning_seed, buffer_size=10_000
        )
        for row in rows:
            if column not in row:
                raise UserError(f"calibration {settings.calibration}: no column {column!r}, there are {', '.join(row)}")
            wanted -= len(row[column])
            yield row[column]
            if wanted <= 0:
                return
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"calibration {settings.calibration} can't be loaded from the hub: {error}") from error


def _cut(texts: list[str], tokenizer: Any, length: int, samples: int) -> Iterator[list[int]]:
    stream: list[int] = []
    for text in texts:
        stream += _encode(tokenizer, text + SEPARATOR)
        while len(stream) >= length:
            if samples == 0:
                return
            yield stream[:length]
            stream = stream[length:]
            samples -= 1


def _encode(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


def _start_ids(tokenizer: Any) -> list[int]:
    """What the tokenizer puts before a text: a model that was trained with a BOS token is calibrated with it."""
    whole: list[int] = tokenizer.encode("a")
    return whole[: whole.index(_encode(tokenizer, "a")[0])]


def _repeated(ids: list[int], length: int) -> list[int]:
    return (ids * (length // len(ids) + 1))[:length]

"""Calibration text from a dataset on the Hugging Face hub. It is streamed: no more is downloaded than the samples need.

C4 gives documents that are longer than a sample, of which a random window is used, as in the code of the papers of Wanda and SparseGPT.
They draw documents until the tokenizer of the model finds one long enough; here a document is long enough by its bytes, so that a seed
gives the same documents to every model. Any other dataset gives its rows, which are joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from lm_eval_illusion.errors import UserError, cause_of

HUB = "hub:"
WINDOWED_DATASETS = ("allenai/c4",)
"""Datasets of documents that are long enough for a window of one document per sample."""
BYTES_PER_TOKEN = 6
"""A document with so many bytes per token of a sample is longer than the sample: tokens of English text have 4 to 5 on the average."""
CHARACTERS_PER_TOKEN = 8
"""Most languages have at most about 4 characters per token. Twice as many give a reserve; surplus text is not used."""
MOST_CHARACTERS_PER_TOKEN = 64
"""Of a text: the rest of a longer one is not used. No text has such long tokens on the average but a row of equal characters."""
MOST_ROWS_PER_SAMPLE = 2_000
"""In C4, one of about 80 documents is long enough for 2,048 tokens. A dataset may have no such document, and no end."""
SHUFFLED_ROWS = 10_000
REQUEST_SECONDS = 10
MOST_RETRIES = 3
REMEDY = "give a text file, calibration=embedded, or a dataset that can be reached"


class HubDataset(NamedTuple):
    """The parts of `hub:<dataset>[:<config>[:<split>[:<column>]]]`."""

    dataset: str
    config: str
    split: str
    column: str

    @property
    def is_local(self) -> bool:
        """Whether it is a folder, which the library reads like a dataset on the hub."""
        return Path(self.dataset).exists()


def read_dataset(calibration: str) -> HubDataset:
    """Return the parts of a `calibration` that begins with `hub:`, with the defaults filled in."""
    dataset, config, split, column = (calibration.removeprefix(HUB).split(":") + [""] * 4)[:4]
    return HubDataset(dataset, config, split or "train", column or "text")


def is_windowed(calibration: str) -> bool:
    """Return whether a sample of this calibration is a random window of one text; otherwise texts are joined, then cut."""
    return calibration.startswith(HUB) and read_dataset(calibration).dataset in WINDOWED_DATASETS


def hub_texts(calibration: str, seed: int, samples: int, length: int) -> list[str]:
    """Return the texts for so many samples of `length` tokens, in the order of the dataset, shuffled within the stream's buffer.

    Raises:
        UserError: The dataset can't be reached, has no such column, or no text that can be used.
    """
    with _few_retries():
        if is_windowed(calibration):
            found = list(_long_texts(calibration, seed, samples, length))
        else:
            found = list(_enough_texts(calibration, seed, samples * length))
    # Single rows may be empty, such as the empty lines of a book.
    if not any(text.strip() for text in found):
        what = f"no document that is long enough for {length:,} tokens" if is_windowed(calibration) else "no text"
        raise UserError(
            f"calibration {calibration} has {what}: give another dataset or column, or a smaller calibration_length"
        )
    return found


def refuse_half_characters(text: str, location: str) -> None:
    """Refuse text with half a character (an unpaired surrogate, which JSON can state): no tokenizer and no file takes it."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise UserError(f"{location}: the text has half a character (an unpaired surrogate, \\ud800 to \\udfff): remove it")


def json_type(value: object) -> str:
    """Return the type of a value that is not a string in words, for error messages: 'null', 'a number', 'a list'."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, (int, float)) else "a list" if isinstance(value, list) else "not a string"


def _long_texts(calibration: str, seed: int, samples: int, length: int) -> Iterator[str]:
    """Yield the first `samples` texts that are long enough for a window of `length` tokens, without what no window reaches."""
    texts = islice(_texts(calibration, seed), MOST_ROWS_PER_SAMPLE * samples)
    # A text has at least as many bytes as characters; the slice keeps a huge one from being encoded.
    long_enough = (
        text for text in texts if len(text[: BYTES_PER_TOKEN * length].encode(errors="replace")) >= BYTES_PER_TOKEN * length
    )
    for text in islice(long_enough, samples):
        refuse_half_characters(text, f"calibration {calibration}")
        yield text[: MOST_CHARACTERS_PER_TOKEN * length]


def _enough_texts(calibration: str, seed: int, tokens: int) -> Iterator[str]:
    """Yield texts that have so many tokens together."""
    missing = tokens * CHARACTERS_PER_TOKEN
    # Rows without text must not go on for ever.
    for text in islice(_texts(calibration, seed), SHUFFLED_ROWS + missing):
        refuse_half_characters(text, f"calibration {calibration}")
        missing -= len(text)
        yield text
        if missing <= 0:
            return


def _texts(calibration: str, seed: int) -> Iterator[str]:
    """Yield the column of the rows of the dataset, shuffled by the seed.

    Raises:
        UserError: The dataset can't be reached, or a row has no such text.
    """
    asked = read_dataset(calibration)
    try:
        for row in _rows(asked, seed):
            if asked.column not in row:
                raise UserError(f"calibration {calibration}: no column {asked.column!r}, there are {', '.join(row)}")
            text = row[asked.column]
            if not isinstance(text, str):
                raise UserError(
                    f"calibration {calibration}: in a row, the column {asked.column!r} is {json_type(text)}: give a column of"
                    f" texts, hub:<dataset>:<config>:<split>:<column>; in this row: {_text_columns(row)}"
                )
            yield text
    except UserError:
        raise
    except Exception as error:
        # The library reads data of any content from the network.
        raise UserError(f"calibration {calibration} can't be loaded from the hub ({cause_of(error)}): {REMEDY}") from error


def _rows(asked: HubDataset, seed: int) -> Iterable[Mapping[str, Any]]:
    import datasets

    if not asked.is_local and not datasets.config.HF_HUB_OFFLINE:
        # Without a network, `load_dataset` tries for half a minute and longer. One request tells it.
        from huggingface_hub import HfApi

        HfApi().dataset_info(asked.dataset, timeout=REQUEST_SECONDS)
    stream = datasets.load_dataset(asked.dataset, asked.config or None, split=asked.split, streaming=True)
    rows: Iterable[Mapping[str, Any]] = stream.shuffle(seed=seed, buffer_size=SHUFFLED_ROWS)
    return rows


@contextmanager
def _few_retries() -> Iterator[None]:
    """Within the `with` statement, let a stream that breaks be opened again for a quarter of a minute, not for minutes."""
    from datasets import config

    settings = ("STREAMING_OPEN_MAX_RETRIES", "STREAMING_READ_MAX_RETRIES")
    before = {name: getattr(config, name) for name in settings}
    try:
        for name in settings:
            setattr(config, name, MOST_RETRIES)
        yield
    finally:
        for name, value in before.items():
            setattr(config, name, value)


def _text_columns(row: Mapping[str, Any]) -> str:
    return ", ".join(name for name, value in row.items() if isinstance(value, str)) or "none"

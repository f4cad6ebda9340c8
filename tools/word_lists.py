"""Write the word lists of Chinese and Thai: `python tools/word_lists.py`, with the packages jieba and pythainlp installed.

Chinese: the words of jieba's dictionary (MIT License) that it counted at least five times. Thai: the word list of PyThaiNLP (CC0-1.0).
A word of one character is left out: every character may be one.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "lm_eval_illusion" / "languages"
LEAST_COUNT = 5


def chinese() -> Iterable[str]:
    for line in (files("jieba") / "dict.txt").read_text(encoding="utf-8").splitlines():
        word, count, _ = line.split()
        if int(count) >= LEAST_COUNT and re.fullmatch("[\u4e00-\u9fff]{2,12}", word):
            yield word


def thai() -> Iterable[str]:
    for line in (files("pythainlp.corpus") / "words_th.txt").read_text(encoding="utf-8").splitlines():
        if re.fullmatch("[\u0e01-\u0e4e]{2,25}", line.strip()):
            yield line.strip()


def write(code: str, words: Iterable[str]) -> None:
    text = "\n".join(sorted(set(words)))
    data = lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME)
    (FOLDER / f"{code}_words.txt.xz").write_bytes(data)


if __name__ == "__main__":
    write("zh", chinese())
    write("th", thai())

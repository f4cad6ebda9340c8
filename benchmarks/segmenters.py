"""Compare ways to find words in Chinese, Japanese and Thai: `python -m benchmarks.segmenters FOLDER...`.

Each folder holds judged tables `zh.tsv`, `ja.tsv` and `th.tsv` (answer, output, verdict and, optionally, kind). A way is right about a
case if it says that the answer begins and ends where a word does, and the person says that it is the answer, or neither. Only cases count
in which the output contains the answer, and in whose kind nothing but the words decides. Packages that are not installed are left out.
Printed: correct cases, seconds until the first text is divided, and microseconds for one line.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from lm_eval_illusion import matches
from lm_eval_illusion.first_line import first_line

KINDS = frozenset(("other_name", "other_word", "inflected", "control"))
Divide = Callable[[str], list[str]]


def budoux(lang: str) -> Divide:
    """Return the phrase parser of BudouX."""
    import budoux

    load = {"zh": "simplified_chinese", "ja": "japanese", "th": "thai"}[lang]
    return getattr(budoux, f"load_default_{load}_parser")().parse


def icu(lang: str) -> Divide:
    """Return the word iterator of ICU."""
    from icu import BreakIterator, Locale

    words = BreakIterator.createWordInstance(Locale(lang))

    def divide(text: str) -> list[str]:
        words.setText(text)
        bounds = [0, *words]
        # ICU counts in UTF-16.
        coded = text.encode("utf-16-le")
        return [coded[2 * start : 2 * end].decode("utf-16-le") for start, end in pairwise(bounds)]

    return divide


def jieba(lang: str) -> Divide:
    """Return the Python segmenter jieba."""
    import jieba

    jieba.initialize()
    return jieba.lcut


def rjieba(lang: str) -> Divide:
    """Return the Rust version of jieba, without its guesses of unknown words."""
    import rjieba

    return lambda text: rjieba.cut(text, False)


def pythainlp(lang: str) -> Divide:
    """Return the longest-matching segmenter of PyThaiNLP."""
    from pythainlp.tokenize import word_tokenize

    return lambda text: word_tokenize(text, engine="newmm")


def tinysegmenter(lang: str) -> Divide:
    """Return TinySegmenter."""
    import tinysegmenter

    return tinysegmenter.TinySegmenter().tokenize


def janome(lang: str) -> Divide:
    """Return the analyser Janome with its dictionary."""
    from janome.tokenizer import Tokenizer

    tokenizer = Tokenizer()
    return lambda text: [token.surface for token in tokenizer.tokenize(text)]


WAYS = {"zh": (budoux, icu, jieba, rjieba), "ja": (budoux, icu, tinysegmenter, janome), "th": (budoux, icu, pythainlp)}


def cases(folders: list[Path], lang: str) -> Iterator[tuple[str, str, bool]]:
    """Yield answer, output and verdict of the cases that only depend on where words begin and end."""
    for folder in folders:
        for line in (
            (folder / f"{lang}.tsv").read_text(encoding="utf-8").splitlines() if (folder / f"{lang}.tsv").exists() else ()
        ):
            answers, output, verdict, *kind = line.split("\t")
            answer = next((answer for answer in answers.split("|") if answer in output), None)
            if answer is not None and kind and kind[0] in KINDS and not any(map(str.isdigit, answer)):
                yield answer, first_line(output), verdict == "right"


def is_whole(divide: Divide, answer: str, output: str) -> bool:
    """Return whether the answer stands anywhere in the output between two bounds of words."""
    bounds, at = {0}, 0
    for word in divide(output):
        at += len(word)
        bounds.add(at)
    starts = (start for start in range(len(output)) if output.startswith(answer, start))
    return any({start, start + len(answer)} <= bounds for start in starts)


def row(name: str, judge: Callable[[str, str], bool], lang: str, folders: list[Path], loaded: float) -> str:
    """Return a line of the table: a name, correct cases, and times."""
    found = list(cases(folders, lang))
    start = time.perf_counter()
    right = sum(judge(answer, output) is verdict for answer, output, verdict in found)
    each = (time.perf_counter() - start) / max(1, len(found))
    return f"{lang}  {name:14} {right:3} of {len(found):3}  {loaded:5.2f} s  {1e6 * each:6.0f} us"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    folders = parser.parse_args().folders
    for lang, ways in WAYS.items():
        for way in ways:
            start = time.perf_counter()
            try:
                divide = way(lang)
            except ImportError as error:
                print(f"{lang}  {way.__name__:14} not installed ({error.name})")
                continue
            divide("中国ไทย")
            loaded = time.perf_counter() - start
            print(
                row(way.__name__, lambda answer, output, divide=divide: is_whole(divide, answer, output), lang, folders, loaded)
            )
        start = time.perf_counter()
        matches("中国ไทย人", ["中国", "ไทย"], lang)
        loaded = time.perf_counter() - start
        print(row("matches", lambda answer, output, lang=lang: matches(output, [answer], lang), lang, folders, loaded))


if __name__ == "__main__":
    main()

"""Ways to find inflected answers, compared on judged cases: `python -m benchmarks.inflection [FOLDER]`.

FOLDER has files LANG.tsv with the columns answers (separated by |), output, verdict (right or wrong) and kind; the kinds `inflected` and
`other_word` are used. Each way compares word by word; only its idea of "a form of the same word" differs. Needs the packages
snowballstemmer and simplemma, which the matcher does not use. Prints for each way how many of the right outputs it finds and how many of
the wrong ones it accepts. The last column is independent of the judged cases: of pairs of different base forms in simplemma's
dictionaries that begin with the same three letters, the share that is taken for forms of one word.
"""

from __future__ import annotations

import argparse
import importlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.matching.words.inflection import is_form

FOLDER = Path(__file__).parents[1] / "tests" / "matching" / "judged" / "fresh"
LANGUAGES = ("de", "el", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "ro", "ru", "uk")
KINDS = ("inflected", "other_word")
LEAST_STEM = 3
LEMMAS = 300
"""Base forms of each language that are compared with all that begin alike."""
SNOWBALL = {
    **{"da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french"},
    **{"hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese"},
    **{"ro": "romanian", "ru": "russian", "sv": "swedish"},
}

IsForm = Callable[[str, str, str], bool]
"""Args: a word of the answer, a word of the output, the language. Returns whether they are forms of one word."""


class Case(NamedTuple):
    """A judged output."""

    lang: str
    answers: tuple[str, ...]
    output: str
    is_right: bool


def read_cases(folder: Path, languages: Sequence[str] = LANGUAGES) -> list[Case]:
    """Return the cases of the two kinds."""
    return [
        Case(lang, tuple(answers.split("|")), output, verdict == "right")
        for lang in languages
        if (folder / f"{lang}.tsv").exists()
        for answers, output, verdict, kind in (
            line.split("\t") for line in (folder / f"{lang}.tsv").read_text(encoding="utf-8").splitlines()
        )
        if kind in KINDS
    ]


def same(answer: str, word: str, lang: str) -> bool:
    """No inflection."""
    return answer == word


def snowball(answer: str, word: str, lang: str) -> bool:
    """The stems of the Snowball stemmer are equal. There is none for Ukrainian."""
    return answer == word or (lang in SNOWBALL and _snowball_stem(answer, lang) == _snowball_stem(word, lang))


def simplemma(answer: str, word: str, lang: str) -> bool:
    """The lemmas of simplemma are equal."""
    return answer == word or _lemma(answer, lang) == _lemma(word, lang)


def endings(answer: str, word: str, lang: str) -> bool:
    """Both words have a stem of three letters in common and any two endings of the language behind it."""
    return answer == word or any(
        len(answer) - len(ending) >= LEAST_STEM
        and answer.endswith(ending)
        and any(word == answer[: len(answer) - len(ending)] + other for other in _endings(lang))
        for ending in _endings(lang)
    )


def snowball_or_simplemma(answer: str, word: str, lang: str) -> bool:
    """One of both finds it."""
    return snowball(answer, word, lang) or simplemma(answer, word, lang)


def endings_and_simplemma(answer: str, word: str, lang: str) -> bool:
    """Both find it."""
    return endings(answer, word, lang) and simplemma(answer, word, lang)


WAYS: dict[str, IsForm] = {
    "equal words": same,
    "Snowball": snowball,
    "simplemma": simplemma,
    "Snowball or simplemma": snowball_or_simplemma,
    "any two endings": endings,
    "endings and simplemma": endings_and_simplemma,
    "declensions (the matcher)": is_form,
}


def score(is_same: IsForm, cases: Sequence[Case]) -> tuple[int, int]:
    """Return how many right outputs one way finds, and how many wrong outputs it accepts."""
    counts = {True: 0, False: 0}
    for case in cases:
        words = normalise(case.output, case.lang).split()
        wanted = [normalise(answer, case.lang).split() for answer in case.answers]
        counts[case.is_right] += any(
            all(is_same(one, words[start + index], case.lang) for index, one in enumerate(answer))
            for answer in wanted
            for start in range(len(words) - len(answer) + 1)
        )
    return counts[True], counts[False]


def other_lemmas(languages: Sequence[str] = LANGUAGES, number: int = LEMMAS) -> list[tuple[str, str, str]]:
    """Return pairs of different base forms of 3 to 8 letters that begin alike, with their language; each base form has several forms."""
    factory = importlib.import_module("simplemma.strategies.dictionaries").DefaultDictionaryFactory()
    chance = random.Random(0)
    pairs = []
    for lang in languages:
        counts = Counter(factory.get_dictionary(lang).values())
        lemmas = sorted(
            {normalise(lemma, lang) for lemma, n in counts.items() if n > 1 and 3 <= len(lemma) <= 8 and lemma.isalpha()}
        )
        alike = defaultdict(list)
        for lemma in lemmas:
            alike[lemma[:LEAST_STEM]].append(lemma)
        for one in chance.sample(lemmas, min(number, len(lemmas))):
            pairs += [(one, other, lang) for other in alike[one[:LEAST_STEM]] if other != one]
    return pairs


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table of all ways, and what the whole matcher says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    cases = read_cases(parser.parse_args(argv).folder)
    right = sum(case.is_right for case in cases)
    print(f"{len(cases)} cases in {len({case.lang for case in cases})} languages\n")
    pairs = other_lemmas()
    print(f"{'way':28}{'right found':>14}{'wrong accepted':>16}{'other base forms':>18}")
    for name, is_same in WAYS.items():
        found, accepted = score(is_same, cases)
        confused = sum(is_same(*pair) for pair in pairs) / len(pairs)
        print(f"{name:28}{f'{found} of {right}':>14}{f'{accepted} of {len(cases) - right}':>16}{confused:18.2%}")
    verdicts = [explain(case.output, case.answers, case.lang).matched for case in cases]
    agree = sum(verdict == case.is_right for verdict, case in zip(verdicts, cases, strict=True))
    print(f"\nexplain agrees with the judges in {agree} of {len(cases)}")


@cache
def _snowball_stem(word: str, lang: str) -> str:
    stem: str = importlib.import_module("snowballstemmer").stemmer(SNOWBALL[lang]).stemWord(word)
    return stem


@cache
def _lemma(word: str, lang: str) -> str:
    lemma: str = importlib.import_module("simplemma").lemmatize(word, lang={"no": "nb"}.get(lang, lang)).casefold()
    return lemma


@cache
def _endings(lang: str) -> tuple[str, ...]:
    classes = language(lang).inflection.classes
    found = {ending for entry in classes for ending in entry.replace(":", " ").split()}
    return tuple(sorted("" if ending == "-" else ending for ending in found))


if __name__ == "__main__":
    main()

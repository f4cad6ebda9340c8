"""Read the labels in this folder, and say whether an option is of the kind that a question asks for.

README.md says what each file holds and by which rules it was labelled.
"""

import json
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
PLACES = frozenset({"place", "city", "region", "country", "continent", "water", "landform", "building"})
# A who-question about one art accepts a person of another art: all three are asked for with "who".
PERSONS = frozenset({"writer", "painter", "composer"})


class OwnQuestion(NamedTuple):
    """A line of own.jsonl."""

    id: str
    lang: str
    question: str
    answer: str
    kind: str


class Verdicts(NamedTuple):
    """A line of a table of judged items: one y or n for each wrong option, in the order of the choices."""

    source: str
    lang: str
    id: str
    verdicts: str


def own_questions(lang: str = "") -> list[OwnQuestion]:
    """The questions of own.jsonl in one language, or in all six if `lang` is empty."""
    lines = (FOLDER / "own.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [OwnQuestion(**json.loads(line)) for line in lines]
    return [question for question in questions if lang in ("", question.lang)]


def shared_kinds() -> dict[str, frozenset[str]]:
    """Kinds of each question of the XQuAD and TyDi QA files, by id: one kind, or two that are both right."""
    lines = (FOLDER / "shared_kinds.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {name: frozenset(kinds.split("/")) for name, kinds in (line.split("\t") for line in lines)}


def judged(file: str) -> list[Verdicts]:
    """Lines of a table of judged items in this folder, such as judged_before.tsv."""
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()[1:]
    return [Verdicts(*line.split("\t")) for line in lines]


def fits(asked: frozenset[str], given: frozenset[str]) -> bool:
    """Whether the answer of a question of the kinds `given` is a fair option of a question of the kinds `asked`.

    They share a kind; or `asked` holds "place" (a plain "where") and `given` any kind of place; or both are persons of
    own.jsonl. "other" fits nothing: two questions without a kind do not ask for the same.
    """
    accepted = asked | (PLACES if "place" in asked else set()) | (PERSONS if asked & PERSONS else set())
    return bool((accepted & given) - {"other"})

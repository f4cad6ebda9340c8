"""The names that `explain` gives to rules and objections, and what each means to a reader of a report."""

from __future__ import annotations

FINDERS = {
    "equal": "the answer is the gold answer or an alias, and nothing else",
    "yes_no": "a reply that begins with yes or no, where this is the answer",
    "words": "the words of the answer, as they are, within a longer text",
    "clitic": "the answer with a short word or a particle attached, as the language writes it",
    "inflected": "a form that grammar gives the answer: a case, a plural, a conjugated verb",
    "spelling": "another spelling: accents left out, other spaces or hyphens, a middle initial more or less",
    "number": "the same number, in words or in digits",
    "date": "the same date, year or decade, in another notation",
    "unit": "the same quantity, percentage or amount of money, in another notation",
    "class_word": "the name without the word for what it is: the Nile for River Nile",
}
"""The rules that find an answer."""

OBJECTIONS = {
    "question": "the answer is only asked about",
    "unknown": "the output says that it does not know",
    "alternatives": "the answer is one of several that are offered",
    "denied": "the answer is denied",
    "corrected": "the answer is taken back for another one",
    "list_number": "the number only counts the items of a list",
    "other_number": "what was found is a part of another number",
    "other_era": "the year is one before Christ",
    "other_name": "what was found is a part of another name, word or code",
    "other_word": "with these accents it is another word",
    "no_reply": "yes or no is said, but not as a reply",
}
"""Why a mention of an answer does not count."""

NOT_SAID = "not_said"
"""The answer is not mentioned."""

RULES = {**FINDERS, **OBJECTIONS, NOT_SAID: "the answer is not mentioned"}
"""All of them, with their meaning."""


def rule_name(rule: str) -> str:
    """Return a rule as people read it."""
    return rule.replace("_", " ")

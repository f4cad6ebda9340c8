"""The embedded items follow every rule of DESIGN in every language, and tools/ rebuilds them byte for byte."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import (
    FACT_FIELDS,
    ITEM_FIELDS,
    embedded_dataset,
    embedded_items,
    embedded_languages,
    held_out_items,
    held_out_languages,
    read_items,
)
from lm_eval_illusion.matching.text.cldr import is_written_in_latin
from lm_eval_illusion.pairing.hub_datasets import TYDIQA_LANGUAGES, XQUAD_LANGUAGES

ROOT = Path(__file__).parents[1]
FAMILY = ROOT / "tasks" / "mqa_illusion"


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


WRITTEN_BY_TOOLS = sorted({*TYDIQA_LANGUAGES.values(), *XQUAD_LANGUAGES})


def test_languages_are_those_of_tydiqa_and_xquad():
    assert embedded_languages() == held_out_languages() == WRITTEN_BY_TOOLS
    assert len(embedded_languages()) == 18


@pytest.mark.parametrize("lang", embedded_languages())
def test_items_have_all_fields_and_follow_the_option_rules(lang):
    items = embedded_items(lang)
    assert len(items) == 200
    assert len({item["id"] for item in items}) == 200
    assert {item["lang"] for item in items} == {lang}
    assert all(tuple(sorted(item)) == tuple(sorted(ITEM_FIELDS)) for item in items)
    for item in items:
        assert item["choices"][item["gold"]] == item["answer"]
        options = [folded(option) for option in item["choices"]]
        assert not [(a, b) for a in options for b in options if a is not b and a in b], item
        wrong = [option for index, option in enumerate(options) if index != item["gold"]]
        assert not [(a, o) for a in item["aliases"] for o in wrong if folded(a) in o or o in folded(a)], item
        assert not [option for option in options if option in folded(item["question"])], item


@pytest.mark.parametrize("lang", [lang for lang in embedded_languages() if not is_written_in_latin(lang)])
def test_options_are_in_the_script_of_the_language(lang):
    for item in embedded_items(lang):
        for option in item["choices"]:
            assert any(c.isalpha() and "LATIN" not in unicodedata.name(c) for c in option), option


def test_languages_are_parallel():
    shapes = {
        tuple((item["id"], item["gold"], item["answer_type"]) for item in embedded_items(lang)) for lang in embedded_languages()
    }
    assert len(shapes) == 1


def test_distractors_are_the_same_in_all_languages():
    # A distractor is the answer of another item: the index of the first such item identifies it in every language.
    choices_by_index = set()
    for lang in embedded_languages():
        first_by_answer = {}
        for index, item in enumerate(embedded_items(lang)):
            first_by_answer.setdefault((item["answer_type"], item["answer"]), index)
        choices_by_index.add(
            tuple(tuple(first_by_answer[item["answer_type"], o] for o in item["choices"]) for item in embedded_items(lang))
        )
    assert len(choices_by_index) == 1


def test_gold_positions_are_balanced():
    assert Counter(item["gold"] for item in embedded_items("en")) == {0: 50, 1: 50, 2: 50, 3: 50}


def test_an_option_is_gold_in_a_quarter_of_its_appearances():
    # So guessing from the options alone ("the most frequent", "the shortest") is no better than chance over all items.
    items = embedded_items("en")
    uses = Counter((item["answer_type"], option) for item in items for option in item["choices"])
    gold = Counter((item["answer_type"], item["answer"]) for item in items)
    assert {option: count / 4 for option, count in uses.items()} == gold


def test_relations_are_at_least_four():
    assert len({item["answer_type"] for item in embedded_items("en")}) >= 4


@pytest.mark.parametrize("lang", held_out_languages())
def test_held_out_facts_and_shots_are_never_evaluated(lang):
    evaluated = {item["id"] for item in embedded_items(lang)}
    questions = {item["question"] for item in embedded_items(lang)}
    held_out = held_out_items(lang)
    assert not evaluated & {fact["id"] for fact in held_out}
    for item in embedded_items(lang):
        assert item["shot"]["question"] not in questions
        assert item["shot"]["question"] in {fact["question"] for fact in held_out}
        assert item["shot"]["answer"] not in item["choices"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not a JSON object"),
        ('{"id": "1"}', "item lacks lang"),
        (json.dumps(dict.fromkeys(ITEM_FIELDS, "") | {"choices": ["a"] * 5, "gold": 0}), "5 choices"),
        (json.dumps(dict.fromkeys(ITEM_FIELDS, "") | {"choices": ["a"] * 4, "gold": 4}), "gold 4"),
    ],
)
def test_a_wrong_line_is_reported_with_its_location(tmp_path, line, message):
    path = tmp_path / "items.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"items.jsonl:1: .*{message}"):
        read_items(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("choices", 5),
        ("choices", ["a", "b", "c", 1]),
        ("gold", True),
        ("gold", []),
        ("aliases", ["a", None]),
        ("question", None),
        ("context", ["a"]),
        ("shot", "a"),
        ("shot", {"question": "a"}),
        ("asked_otherwise", "no"),
        ("asked_otherwise", 0),
    ],
)
def test_a_field_of_a_wrong_type_is_reported_with_its_location(tmp_path, field, value):
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(embedded_items("en")[0] | {field: value}), encoding="utf-8")
    with pytest.raises(UserError, match=r"items\.jsonl:1: .*(give|give both|give 4)"):
        read_items(path)


def test_an_item_may_not_know_how_its_options_are_asked(tmp_path):
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(embedded_items("en")[0] | {"asked_otherwise": None}), encoding="utf-8")
    assert read_items(path)[0]["asked_otherwise"] is None


@pytest.mark.parametrize(("read", "kind"), [(embedded_items, "embedded"), (held_out_items, "held-out")])
def test_an_unknown_language_is_reported(read, kind):
    with pytest.raises(UserError, match=f"'xx' has no {kind} items: choose one of ar bn "):
        read("xx")


def test_a_language_may_have_no_held_out_facts(tmp_path, monkeypatch):
    for folder, languages in (("items", ("en", "fi")), ("held_out", ("fi",))):
        (tmp_path / folder).mkdir()
        for lang in languages:
            shutil.copy(FAMILY / folder / f"{lang}.jsonl", tmp_path / folder)
    monkeypatch.setattr("lm_eval_illusion.items._embedded_folder", lambda: tmp_path)
    assert (embedded_languages(), held_out_languages()) == (["en", "fi"], ["fi"])
    with pytest.raises(UserError, match="'en' has no held-out items: choose one of fi"):
        held_out_items("en")


def test_the_tasks_of_a_language_share_one_dataset_until_its_file_changes(tmp_path, monkeypatch):
    assert embedded_dataset("fi").to_list() == embedded_items("fi")
    assert embedded_dataset("fi") is embedded_dataset("fi")
    assert embedded_dataset("fi") is not embedded_dataset("sw")
    (tmp_path / "items").mkdir()
    copy = Path(shutil.copy(FAMILY / "items" / "fi.jsonl", tmp_path / "items"))
    monkeypatch.setattr("lm_eval_illusion.items._embedded_folder", lambda: tmp_path)
    assert len(embedded_dataset("fi")) == 200
    copy.write_text(copy.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    os.utime(copy, ns=(1, 1))
    assert embedded_dataset("fi").to_list() == embedded_items("fi") == [embedded_items("fi")[0]]


def test_tools_rebuild_the_items_byte_for_byte(tmp_path):
    subprocess.run([sys.executable, str(ROOT / "tools" / "make_items.py"), str(tmp_path)], check=True)
    written = sorted(tmp_path.rglob("*.jsonl"))
    assert len(written) == 2 * len(WRITTEN_BY_TOOLS)
    for path in written:
        assert path.read_bytes() == (FAMILY / path.relative_to(tmp_path)).read_bytes()


def test_held_out_facts_have_the_fields_of_a_fact():
    assert all(set(FACT_FIELDS) == set(fact) for fact in held_out_items("ko"))

"""Prompt words from `--words` and from the questions, and the way of such items from `pair` to the report."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import read_items
from lm_eval_illusion.pairing.own_words import StatedWords, own_words
from lm_eval_illusion.views import candidates_prompt, letters_prompt, open_prompt
from tests.views.test_tasks import Guesser, known

TOWNS = "Pretoria Polokwane Durban Kimberley Mahikeng Mbombela Bhisho Bloemfontein Gaborone Maseru Harare Lusaka".split()
BOTH = "question=Potšišo,answer=Karabo"


def questions(tmp_path, lang, *, passages=False, **fields):
    """A file of questions about towns; `fields` are added to the first."""
    rows = [
        {"id": f"q{n}", "lang": lang, "question": f"Toropokgolo ya naga {n} ke efe?", "answer": town}
        for n, town in enumerate(TOWNS)
    ]
    for number, row in enumerate(rows if passages else []):
        row["context"] = f"Naga {number} e na le toropokgolo ye e bitšwago {row['answer']} kgauswi le {TOWNS[number - 1]}."
    rows[0] |= fields
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def given(words, languages=("nso",), stated=()):
    found = own_words(words, [StatedWords(*row) for row in stated], languages)
    return {lang: (own.question, own.answer, own.context, own.options) for lang, own in found.items()}


def test_an_option_without_a_language_means_the_only_one_without_a_file():
    assert given([BOTH]) == {"nso": ("Potšišo", "Karabo", "", "")}
    assert given([BOTH], ("de", "en", "nso")) == {"nso": ("Potšišo", "Karabo", "", "")}
    assert given([BOTH], ("fi",))["fi"][:2] == ("Potšišo", "Karabo")


def test_the_option_comes_before_the_questions_and_these_before_the_file():
    stated = [("nso", {"question": "A", "answer": "B", "options": "C"}, "f:1"), ("fi", {"answer": "D"}, "f:2")]
    found = given(["lang=nso,answer=Karabo"], ("fi", "nso"), stated)
    assert found == {"nso": ("A", "Karabo", "", "C"), "fi": ("Kysymys", "D", "Konteksti", "Vaihtoehdot")}


@pytest.mark.parametrize(
    ("options", "languages", "message"),
    [
        (["question"], ("nso",), "'question' is no name=word: write it as --words lang=nso,question="),
        (["lang=nso"], ("nso",), "gives no word"),
        (["question=Q,question=R"], ("nso",), "gives question twice"),
        (["lang=nso,question=Q", "lang=nso,question=R"], ("nso",), "gives question of language nso twice"),
        (["frage=Q"], ("nso",), "'frage' is no prompt word"),
        (["question=Q"], ("nso",), "and answer was not given"),
        ([BOTH], ("nso", "xx"), "names no language, and the questions are in nso xx: add lang=CODE"),
        ([BOTH], ("de", "en"), "names no language, and the questions are in de en: add lang=CODE"),
        ([f"lang=xx,{BOTH}"], ("nso",), "no question is in this language, but in nso"),
        ([BOTH], ("jp",), "no language has the code 'jp': use one of ISO 639, such as ja"),
        ([BOTH], ("views",), "is no language code"),
        ([BOTH], ("../x",), "is no language code"),
    ],
)
def test_a_wrong_option_is_one_line(options, languages, message):
    with pytest.raises(UserError, match=message) as raised:
        given(options, languages)
    assert "\n" not in str(raised.value)


def test_the_words_in_the_questions_of_a_language_must_agree():
    words = {"question": "Q", "answer": "A"}
    assert given([], stated=[("nso", words, "f:1"), ("nso", dict(words), "f:2")]) == {"nso": ("Q", "A", "", "")}
    with pytest.raises(UserError, match=r"f:2: prompt_words of language nso is not the one at f:1"):
        given([], stated=[("nso", words, "f:1"), ("nso", {**words, "answer": "B"}, "f:2")])
    with pytest.raises(UserError, match=r"f:1: prompt_words 'Q' is no object: give one with question, answer"):
        given([], stated=[("nso", "Q", "f:1")])


def test_without_words_the_message_says_how_to_give_them(tmp_path, capsys):
    assert main(["pair", str(questions(tmp_path, "nso")), "--name", "towns", "--out", str(tmp_path / "out")]) == 2
    assert "--words lang=nso,question=...,answer=..." in capsys.readouterr().err


def test_items_carry_the_words_and_every_prompt_uses_them(tmp_path):
    source = questions(tmp_path, "nso", passages=True, prompt_words={"question": "Potšišo", "answer": "Karabo", "colon": "："})
    out = tmp_path / "out"
    assert main(["pair", str(source), "--name", "towns", "--out", str(out), "--words", "options=Dikgetho"]) == 0
    items = read_items(out / "items" / "nso.jsonl")
    item = items[0]
    assert all(item["prompt_words"]["answer"] == "Karabo" for item in items)
    # There is no word for the passage; the full-width colon has its space in itself.
    asked = f"{item['context']}\nPotšišo：{item['question']}\n"
    assert open_prompt(item) == f"{asked}Karabo："
    assert (
        candidates_prompt(item) == f"{asked}Dikgetho：\n" + "".join(f"- {choice}\n" for choice in item["choices"]) + "Karabo："
    )
    assert 'target_delimiter: ""' in (out / "nso" / "mc.yaml").read_text(encoding="utf-8")
    # Without a word for the options, they stand without a heading.
    item["prompt_words"]["options"] = ""
    assert candidates_prompt(item) == f"{asked}" + "".join(f"- {choice}\n" for choice in item["choices"]) + "Karabo："
    letters = "".join(f"{letter}. {choice}\n" for letter, choice in zip("ABCD", item["choices"], strict=True))
    assert letters_prompt(item) == f"{asked}{letters}Karabo："


def test_languages_without_a_file_come_to_the_report(tmp_path, capsys):
    """CLDR knows Northern Sotho, and nothing of xx, which has passages here."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    source, out, runs = tmp_path / "both.jsonl", tmp_path / "out", tmp_path / "runs"
    texts = [questions(tmp_path, lang, passages=lang == "xx").read_text(encoding="utf-8") for lang in ("nso", "xx")]
    source.write_text("".join(texts), encoding="utf-8")
    words = [part for lang in ("nso", "xx") for part in ("--words", f"lang={lang},{BOTH}")]
    assert main(["pair", str(source), "--name", "towns", "--out", str(out), *words]) == 0
    tracker = EvaluationTracker(output_path=str(runs))
    manager = TaskManager(include_path=str(out), include_defaults=False)
    results = simple_evaluate(Guesser(), tasks=["towns"], task_manager=manager, bootstrap_iters=0, limit=4)
    samples = results.pop("samples")
    tracker.general_config_tracker.model_name_sanitized = "guesser"
    tracker.save_results_aggregated(results=results, samples=samples)
    for task, rows in samples.items():
        tracker.save_results_samples(task_name=task, samples=rows)
    assert main(["report", str(runs), "--out", str(tmp_path / "report")]) == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    for lang in ("nso", "xx"):
        right = [known(item) == item["answer"] for item in read_items(out / "items" / f"{lang}.jsonl")[:4]]
        row = next(row for row in report["rows"] if row["language"] == lang)
        assert row["n"] == 4
        assert row["production_accuracy"]["value"] == sum(right) / 4

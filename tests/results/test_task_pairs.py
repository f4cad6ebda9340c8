"""The join of any two tasks, calculated by hand, and the inputs that it must refuse."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.runs import find_runs
from lm_eval_illusion.results.task_pairs import join_tasks, read_pair
from tests.lm_eval_files import choice_row, text_row, write_tasks

DOCS = [{"n": n, "question": f"What is {n}?"} for n in range(4)]
MC = [
    choice_row(DOCS[0], [-1.0, -2.0], 0),
    choice_row(DOCS[1], [-3.0, -2.0], 1),
    choice_row(DOCS[2], [-1.0, -1.0], 0),  # a tie: lm_eval takes the first as the highest, acc is 1
    choice_row(DOCS[3], [-1.0, -2.0], 1),
]
GEN = [text_row(doc, "said", exact_match=value) for doc, value in zip(DOCS[::-1], (1.0, 0.0, 0.0, 1.0), strict=True)]


def joined(folder, pair="mc=gen", on=None):
    return join_tasks(find_runs([folder]), [read_pair(pair)], on)


def test_documents_are_joined_on_their_hash(tmp_path):
    write_tasks(tmp_path, {"mc": MC, "gen": GEN})
    found = joined(tmp_path)
    assert [(o.id, o.recognised, o.invalid, o.produced) for o in found.outcomes] == [
        ("hash 0", True, False, True),
        ("hash 1", True, False, False),
        ("hash 2", False, True, False),
        ("hash 3", False, False, True),
    ]
    assert [o.gold_logprob for o in found.outcomes] == [-1.0, -2.0, -1.0, -2.0]
    assert {(o.family, o.language, o.variant.base_model) for o in found.outcomes} == {("mc=gen", "und", "org/model")}
    assert found.notes == []


def test_the_report_of_two_tasks_has_a_pooled_row_and_no_language_rows(tmp_path, capsys):
    write_tasks(tmp_path / "runs", {"mc": MC, "gen": GEN})
    assert main(["report", str(tmp_path / "runs"), "--pair", "mc=gen", "--out", str(tmp_path / "out")]) == 0
    rows = json.loads((tmp_path / "out" / "report.json").read_text())["rows"]
    assert [(row["language"], row["cells"]) for row in rows] == [
        ("all", {"both": 1, "recognition_only": 1, "production_only": 1, "neither": 1})
    ]


def test_the_report_of_two_tasks_names_their_metrics_not_those_of_our_views(tmp_path):
    write_tasks(tmp_path / "runs", {"mc": MC, "gen": GEN})
    assert main(["report", str(tmp_path / "runs"), "--pair", "mc=gen", "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    # Ours are acc and match; the rows of this task have no match.
    assert (report["recognition_metric"], report["production_metric"]) == ("acc", "exact_match")
    assert "> in mc=gen, a document is recognised if acc of the first task is 1" in (tmp_path / "out" / "report.md").read_text()


def test_tasks_of_two_runs_of_one_model(tmp_path):
    write_tasks(tmp_path / "1", {"mc": MC})
    write_tasks(tmp_path / "2", {"gen": GEN})
    assert len(joined(tmp_path).outcomes) == 4


def test_a_model_in_another_folder_as_a_variant_of_the_dense_model(tmp_path, capsys):
    write_tasks(tmp_path / "runs" / "1", {"mc": MC, "gen": GEN})
    worse = [{**row, "exact_match": 0.0} for row in GEN]
    write_tasks(tmp_path / "runs" / "2", {"mc": MC, "gen": worse}, model="/models/model-wanda/")
    command = ["report", str(tmp_path / "runs"), "--pair", "mc=gen", "--dense", "org/model", "--format", "json"]
    assert main(command) == 0
    rows = {row["variant"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert set(rows) == {"dense", "model-wanda"}
    # the dense model produces 0 and 3, the pruned one none; both recognise 0 and not 3
    assert rows["model-wanda"]["vs_dense"]["induced_recognition_only"] == 1
    assert rows["model-wanda"]["vs_dense"]["lost"] == 1
    assert main([*command[:4], "--dense", "org/other"]) == 2
    assert "there are /models/model-wanda/, org/model" in capsys.readouterr().err


def test_a_group_name_selects_the_tasks_of_the_group(tmp_path):
    groups = {"mmlu": ["mmlu_a", "mmlu_b"], "mmlu_gen": ["gens"], "gens": ["gen_a", "gen_b"]}
    tasks = {"mmlu_a": MC[:2], "mmlu_b": MC[2:], "gen_a": GEN[:3], "gen_b": GEN[3:]}
    write_tasks(tmp_path, tasks, groups=groups)
    assert [o.id for o in joined(tmp_path, "mmlu=mmlu_gen").outcomes] == ["hash 0", "hash 1", "hash 2", "hash 3"]


def test_a_field_to_join_on(tmp_path):
    other = [{**row, "doc_hash": f"other {n}", "doc": {"q": {"text": row["doc"]["question"]}}} for n, row in enumerate(GEN)]
    theirs = [{**row, "doc": {"q": {"text": row["doc"]["question"]}}} for row in MC]
    write_tasks(tmp_path, {"mc": theirs, "gen": other})
    assert [o.id for o in joined(tmp_path, on="q.text").outcomes] == [f"What is {n}?" for n in range(4)]
    with pytest.raises(UserError, match=r"share no document by doc_hash: give --on FIELD, a field of both: q"):
        joined(tmp_path)
    with pytest.raises(UserError, match="has no field question: give --on with one of q"):
        joined(tmp_path, on="question")


def test_duplicate_documents_are_joined_in_order(tmp_path):
    twice = [{**row, "doc_hash": "same"} for row in MC[:2]]
    answers = [
        text_row(doc, "said", exact_match=value) | {"doc_hash": "same"} for doc, value in zip(DOCS, (0, 1), strict=False)
    ]
    write_tasks(tmp_path, {"mc": twice, "gen": answers})
    assert [o.produced for o in joined(tmp_path).outcomes] == [False, True]
    write_tasks(tmp_path, {"mc": [{**row, "doc": {"question": "?"}} for row in twice], "gen": answers})
    with pytest.raises(UserError, match="is in two documents"):
        joined(tmp_path, on="question")


def test_documents_without_a_partner_are_left_out_with_a_note(tmp_path):
    write_tasks(tmp_path, {"mc": MC, "gen": GEN[:3]})
    found = joined(tmp_path)
    assert len(found.outcomes) == 3
    assert found.notes == ["mc=gen, dense of org/model: 1 documents of mc and 0 of gen have no partner and are left out."]


def test_a_named_metric_and_filter(tmp_path):
    rows = []
    for doc, strict, loose in zip(DOCS, (0.0, 0.0, 1.0, 0.0), (1.0, 1.0, 1.0, 0.0), strict=True):
        rows += [text_row(doc, "s", "strict", exact_match=strict, bleu=12.5), text_row(doc, "l", "loose", exact_match=loose)]
    write_tasks(tmp_path, {"mc": MC, "gen": rows})
    assert [o.produced for o in joined(tmp_path, "mc=gen:exact_match,loose").outcomes] == [True, True, True, False]
    with pytest.raises(UserError, match=r"scored after the filters strict, loose: name one, gen:METRIC,FILTER"):
        joined(tmp_path)
    message = r"bleu of gen is 12\.5, not 0 or 1: name a metric that is always 0 or 1; in this document: exact_match"
    with pytest.raises(UserError, match=message):
        joined(tmp_path, "mc=gen:bleu,strict")
    with pytest.raises(UserError, match="gen has no metric rouge: give one of exact_match, bleu"):
        joined(tmp_path, "mc=gen:rouge,strict")


@pytest.mark.parametrize("pair", ["mc", "mc=gen=x", "=gen", "mc:acc:x=gen", "mc=gen:"])
def test_a_malformed_pair(pair):
    with pytest.raises(UserError, match="can't be read"):
        read_pair(pair)


def test_a_task_that_no_run_has(tmp_path):
    write_tasks(tmp_path, {"mc": MC, "gen": GEN})
    with pytest.raises(UserError, match="no model was evaluated on both tasks: there are gen, mc"):
        joined(tmp_path, "mc=other")


def test_a_truncated_file(tmp_path):
    path = write_tasks(tmp_path, {"mc": MC, "gen": GEN})
    samples = path.with_name(path.name.replace("results", "samples_gen") + "l")
    whole = samples.read_text()
    samples.write_text(whole[:-30])
    with pytest.raises(UserError, match=r"samples_gen_.*:4 is not a whole row"):
        joined(tmp_path)
    samples.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match="has 3 rows of a filter, but its run evaluated 4 documents"):
        joined(tmp_path)


def test_models_compressed_elsewhere_have_names_that_need_no_quotes_and_are_never_mixed(tmp_path, capsys):
    write_tasks(tmp_path / "runs" / "0", {"mc": MC, "gen": GEN})
    names = {"/a/my model": "my-model", "/b/same": "/b/same", "/c/same": "/c/same", "/d/dense": "/d/dense"}
    for number, model in enumerate(names):
        write_tasks(tmp_path / "runs" / str(number + 1), {"mc": MC, "gen": GEN}, model=model)
    command = ["report", str(tmp_path / "runs"), "--pair", "mc=gen", "--dense", "org/model", "--format", "json"]
    # Before, a space stood in the name, and the models named "same" were both runs of one variant.
    assert main([*command, "--fail-if", "n > 9 at my-model"]) == 0
    assert {row["variant"] for row in json.loads(capsys.readouterr().out)["rows"]} == {"dense", *names.values()}


@pytest.mark.parametrize("model", ["/x/a-b", "/y/a b"])
def test_two_models_whose_names_differ_in_a_hyphen_are_refused_not_mixed(tmp_path, model, capsys):
    # The second model lacks a task of the first: without the check, their documents would count as one variant.
    write_tasks(tmp_path / "0", {"mc": MC, "gen": GEN})
    write_tasks(tmp_path / "1", {"mc": MC, "gen": GEN}, model="/x/a b")
    write_tasks(tmp_path / "2", {"mc2": MC, "gen2": GEN}, model=model)
    pairs = ["--pair", "mc=gen", "--pair", "mc2=gen2"]
    code = main(["report", str(tmp_path), *pairs, "--dense", "org/model"])
    if model == "/x/a-b":
        assert code == 2
        assert "different checkpoints of the name /x/a-b of org/model" in capsys.readouterr().err
    else:
        assert code == 0
        assert "/y/a-b" in capsys.readouterr().out

"""The join of any two tasks, calculated by hand, and the inputs that it must refuse."""

from __future__ import annotations

import json
import re
import time

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.runs import find_runs
from lm_eval_illusion.results.task_pairs import join_tasks, read_pair
from tests.lm_eval_files import DENSE, choice_row, text_row, write_run, write_tasks

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


def with_row(folder, number, mc=None, gen=None):
    """Write both tasks with changes in one row of each."""
    rows = {"mc": [dict(row) for row in MC], "gen": [dict(row) for row in GEN]}
    rows["mc"][number].update(mc or {})
    rows["gen"][number].update(gen or {})
    return write_tasks(folder, rows)


@pytest.mark.parametrize("target", ["²", "-1", "2", "", "two", None, 1.5, "9" * 5_000])
def test_a_target_that_is_no_index_of_a_choice_has_no_score(tmp_path, target):
    # "²".isdigit() is true and int("²") raises; -1 would be the last choice.
    with_row(tmp_path, 0, mc={"target": target})
    assert [o.gold_logprob for o in joined(tmp_path).outcomes] == [None, -2.0, -1.0, -2.0]


def test_the_score_of_a_collapsed_model_is_unknown(tmp_path):
    with_row(tmp_path, 0, mc={"filtered_resps": [["nan", "False"], ["-2.0", "False"]]})
    (first, *_) = joined(tmp_path).outcomes
    assert (first.recognised, first.invalid, first.gold_logprob) == (False, True, None)


@pytest.mark.parametrize("value", [0.5, -1, 2, float("nan"), float("inf"), 10**30])
def test_a_metric_that_is_not_0_or_1_names_file_and_line(tmp_path, value):
    path = with_row(tmp_path, 2, gen={"exact_match": value})
    name = path.name.replace("results", "samples_gen") + "l"
    with pytest.raises(UserError, match=rf"exact_match of gen is .*, not 0 or 1.*{name}:3\)"):
        joined(tmp_path)


@pytest.mark.parametrize("missing", [{}, {"acc": None}, {"acc": "1.0"}])
def test_a_row_without_the_metric_is_not_decided_by_another_one(tmp_path, missing):
    rows = [{**row, "exact_match": 1.0} for row in MC]
    del rows[3]["acc"]
    rows[3] |= missing
    path = write_tasks(tmp_path, {"mc": rows, "gen": GEN})
    name = path.name.replace("results", "samples_mc") + "l"
    # The first rows are decided by acc: the last one must not be decided by its exact_match.
    with pytest.raises(UserError, match=rf"mc has no metric acc: give one of exact_match \(in .*{name}:4\)"):
        joined(tmp_path)


@pytest.mark.parametrize("missing", [None, ""])
def test_a_row_without_the_hash_of_its_document(tmp_path, missing):
    with_row(tmp_path, 1, mc={"doc_hash": missing}, gen={"doc_hash": missing})
    with pytest.raises(
        UserError, match=r"samples_mc_.*:2 has no doc_hash: give --on FIELD, a field of both tasks: n, question"
    ):
        joined(tmp_path)
    assert len(joined(tmp_path, on="n").outcomes) == 4


def test_a_repeated_row_in_place_of_another(tmp_path):
    # The number of rows is right, and a document may occur twice; but not at the same position of the task.
    path = with_row(tmp_path, 3, mc=MC[1])
    path.write_text(path.read_text().replace('"effective": 3', '"effective": 4'))
    with pytest.raises(UserError, match=r"samples_mc_.*:4 is document 1, as line 2 is: a run evaluates each once"):
        joined(tmp_path)


def test_the_mean_that_the_results_file_states(tmp_path):
    path = write_tasks(tmp_path, {"mc": MC, "gen": GEN})
    averaged = {"metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}]}
    for mean, message in ((0.5, None), (0.75, r"the mean of exact_match over the rows is 0\.5, but results_.* states 0\.75")):
        content = json.loads(path.read_text())
        content["configs"]["gen"] |= averaged
        path.write_text(json.dumps(content | {"results": {"gen": {"exact_match,none": mean}}}))
        if message is None:
            assert len(joined(tmp_path).outcomes) == 4
        else:
            with pytest.raises(UserError, match=message):
                joined(tmp_path)


@pytest.mark.parametrize(
    "metric_list",
    [
        # As lm_eval writes `aggregation: !function agg_gpirt_gsm8k`, then an aggregation of its own, none, and other shapes.
        [{"metric": "exact_match", "aggregation": "<function agg_gpirt_gsm8k at 0x7f>", "higher_is_better": True}],
        [{"metric": "exact_match", "aggregation": "micro_f1"}, {"metric": "acc", "aggregation": "mean"}],
        [{"metric": "exact_match"}],
        [{"metric": "exact_match", "aggregation": "mean"}, {"metric": "exact_match", "aggregation": "median"}],
        None,
        [],
        3,
        "mean",
        ["exact_match"],
        {"exact_match": "mean"},
        [{"metric": "\ud800", "aggregation": "mean"}],
    ],
)
def test_an_aggregate_that_is_not_known_to_be_a_mean(tmp_path, metric_list):
    # tinyGSM8k estimates the accuracy on all of GSM8K from a hundred documents: 0.4137 where half of these are right.
    path = write_tasks(tmp_path, {"mc": MC, "gen": GEN})
    content = json.loads(path.read_text())
    content["configs"]["gen"]["metric_list"] = metric_list
    path.write_text(json.dumps(content | {"results": {"gen": {"exact_match,none": 0.4137}}}))
    assert len(joined(tmp_path).outcomes) == 4


def test_many_equal_documents_take_no_quadratic_time(tmp_path):
    many = 4_000
    mc = [{**MC[0], "doc_id": n, "doc_hash": "same"} for n in range(many)]
    gen = [{**GEN[0], "doc_id": n, "doc_hash": "same"} for n in range(many)]
    write_tasks(tmp_path, {"mc": mc, "gen": gen})
    begin = time.process_time()
    assert len(joined(tmp_path).outcomes) == many
    # Names that grew by a character per copy took minutes.
    assert time.process_time() - begin < 20


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_a_field_to_join_on_that_is_no_text(tmp_path, value):
    with_row(tmp_path, 1, mc={"doc": {"n": value}})
    with pytest.raises(UserError, match=r"samples_mc_.*:2: the field n is .*: give --on with a field of text or numbers"):
        joined(tmp_path, on="n")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"doc": None}, "doc is null, not a document"),
        ({"filtered_resps": None}, r"\$\.filtered_resps"),
        ({"filtered_resps": [["low", "False"]]}, 'a log-likelihood is "low", not a number'),
        ({"arguments": 3}, r"\$\.arguments"),
        ({"filter": None}, r"\$\.filter"),
        ({"doc_hash": 3}, r"\$\.doc_hash"),
    ],
)
def test_a_row_of_another_layout_is_named_with_its_line(tmp_path, row, message):
    with_row(tmp_path, 1, mc=row)
    with pytest.raises(UserError, match=rf"samples_mc_.*:2 .*{message}"):
        joined(tmp_path)


def test_long_names_are_cut_in_messages(tmp_path):
    long = "x" * 10_000
    with_row(tmp_path, 0, mc={"doc": {long + str(n): n for n in range(50)}})
    with pytest.raises(UserError) as error:
        joined(tmp_path, on="no")
    assert len(str(error.value)) < 6_000


def twin_and_oneshot(folder, produced_after_example):
    """A dense model that recognises the first 15 of 20 items and produces none, without and with an example."""
    ids = [f"i{n:02}" for n in range(20)]
    twin = [
        {"id": item, "doc_id": n, "target": "1", "recognised": float(n < 15), "produced": 0.0} for n, item in enumerate(ids)
    ]
    oneshot = [{"id": item, "doc_id": n, "match": float(n < produced_after_example)} for n, item in enumerate(ids)]
    write_run(folder, {"twin": twin, "oneshot": oneshot}, illusion=DENSE)


def test_the_advice_to_compare_after_an_example_can_be_followed_for_a_twin(tmp_path, capsys):
    # The groups `core` have the twin in place of mc and gen.
    twin_and_oneshot(tmp_path, 10)
    assert main(["report", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    pair, on = re.search(r"report --pair (\S+) --on (\w+)", shown).groups()
    pair = pair.replace("FAMILY_LANG", "mqa_illusion_en")
    assert main(["report", str(tmp_path), "--pair", pair, "--on", on, "--format", "json"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out)["rows"] if row["family"] == pair]
    # Items 0 to 9 are recognised and produced after the example, 10 to 14 recognised only, 15 to 19 neither.
    assert row["cells"] == {"both": 10, "recognition_only": 5, "production_only": 0, "neither": 5}


@pytest.mark.parametrize("pair", ["mqa_illusion_en_twin=mqa_illusion_en_oneshot", "mqa_illusion_en_mc=mqa_illusion_en_oneshot"])
def test_a_twin_is_a_recognition_task(tmp_path, pair):
    twin_and_oneshot(tmp_path, 3)
    found = joined(tmp_path, pair, on="id")
    assert [o.recognised for o in found.outcomes] == [True] * 15 + [False] * 5
    assert [o.produced for o in found.outcomes] == [True] * 3 + [False] * 17
    # The score of the second choice in each row.
    assert {o.gold_logprob for o in found.outcomes} == {-1.5}


@pytest.mark.parametrize("form", ["twin", "gen"])
def test_a_twin_is_a_production_task(tmp_path, form):
    twin_and_oneshot(tmp_path, 3)
    found = joined(tmp_path, f"mqa_illusion_en_twin=mqa_illusion_en_{form}", on="id")
    assert [(o.recognised, o.produced) for o in found.outcomes] == [(True, False)] * 15 + [(False, False)] * 5
    assert dict(found.production) == {f"mqa_illusion_en_twin=mqa_illusion_en_{form}": {"produced"}}


def test_a_view_that_ran_is_read_and_not_the_twin(tmp_path):
    twin_and_oneshot(tmp_path / "1", 3)
    rows = [{"id": f"i{n:02}", "doc_id": n, "acc": float(n < 2)} for n in range(20)]
    write_run(tmp_path / "2", {"mc": rows}, illusion=DENSE)
    found = joined(tmp_path, "mqa_illusion_en_mc=mqa_illusion_en_oneshot", on="id")
    assert sum(o.recognised for o in found.outcomes) == 2
    assert dict(found.recognition) == {"mqa_illusion_en_mc=mqa_illusion_en_oneshot": {"acc"}}

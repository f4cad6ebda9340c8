"""One report has verdicts of one version of the matching rules."""

from __future__ import annotations

import pytest

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results import load_outcomes
from lm_eval_illusion.results.rules_version import TODAYS_VERSION, rules_version_of, versions_of_file
from tests.lm_eval_files import DENSE, choice_row, text_row, write_run, write_tasks
from tests.outcome_examples import DENSE as DENSE_VARIANT
from tests.outcome_examples import outcomes

MC = [{"id": i, "acc": 1.0} for i in "ab"]


def judged(version, rule="words", metric="match"):
    fields = {} if version is None else {"match_version": version}
    return [{"id": i, metric: 1.0, **fields, **({"match_rule": rule} if metric == "match" else {})} for i in "ab"]


def test_files_without_a_version_are_of_the_first(tmp_path):
    path = write_run(tmp_path, {"mc": MC, "gen": [{"id": i, "match": 1.0} for i in "ab"]})
    assert {(outcome.match_version, outcome.match_rule) for outcome in load_outcomes([tmp_path])} == {(1, None)}
    (gen,) = path.parent.glob("samples_*_gen_*")
    assert versions_of_file(gen) == {1}


def test_rule_and_version_of_a_row(tmp_path):
    path = write_run(tmp_path, {"mc": MC, "gen": judged(7, "other_name")})
    assert {(outcome.match_version, outcome.match_rule) for outcome in load_outcomes([tmp_path])} == {(7, "other_name")}
    (gen,) = path.parent.glob("samples_*_gen_*")
    assert versions_of_file(gen) == {7}


def test_the_versions_of_a_file_are_those_of_all_rows(tmp_path):
    path = write_run(tmp_path, {"mc": MC, "gen": [judged(2)[0], judged(None)[1]]})
    (gen,) = path.parent.glob("samples_*_gen_*")
    assert versions_of_file(gen) == {1, 2}


def test_rules_newer_than_this_package_need_an_update(tmp_path, capsys):
    write_run(tmp_path / "dense", {"mc": MC, "gen": judged(TODAYS_VERSION)}, illusion=DENSE)
    write_run(tmp_path / "pruned", {"mc": MC, "gen": judged(TODAYS_VERSION + 1)})
    assert main(["report", str(tmp_path)]) == 2
    # `rescore` of this package would refuse the newer file.
    assert "update lm-eval-illusion, then judge all by" in capsys.readouterr().err


def test_the_rule_of_a_twin(tmp_path):
    rows = [
        {"id": i, "recognised": 1.0, "produced": 1.0, "match_rule": "equal", "match_version": 3, "exact_match": 1.0}
        for i in "ab"
    ]
    write_run(tmp_path, {"twin": rows})
    found = {(one.match_rule, one.match_version, one.exact_match) for one in load_outcomes([tmp_path])}
    assert found == {("equal", 3, True)}


@pytest.mark.parametrize(("first", "second"), [(None, 2), (2, 3)])
def test_two_runs_of_two_versions(tmp_path, capsys, first, second):
    write_run(tmp_path / "dense", {"mc": MC, "gen": judged(first)}, illusion=DENSE)
    write_run(tmp_path / "pruned", {"mc": MC, "gen": judged(second)})
    assert main(["report", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"by version {first or 1} of the matching rules" in message
    assert f"by version {second}" in message
    assert message.endswith("judge all by the rules of today: lm-eval-illusion rescore RUNS\n")


def test_two_views_of_two_versions(tmp_path):
    write_run(
        tmp_path, {"mc": MC, "gen": judged(2), "beam": [{**row, "match_top1": 1.0} for row in judged(None, metric="match_any")]}
    )
    with pytest.raises(UserError, match=r"_gen_.*version 2 of the matching rules, .*_beam_.*by version 1"):
        load_outcomes([tmp_path])


def test_two_rows_of_two_versions(tmp_path):
    write_run(tmp_path, {"mc": MC, "gen": [judged(2)[0], judged(3)[1]]})
    with pytest.raises(UserError, match=r"gen_.*jsonl:1 was judged by version 2 .*jsonl:2 by version 3"):
        load_outcomes([tmp_path])


def test_a_twin_and_a_view_of_two_versions_are_no_contradiction_of_the_model(tmp_path):
    twin = [{"id": i, "recognised": 1.0, "produced": 0.0, "match_version": 2} for i in "ab"]
    write_run(tmp_path, {"twin": twin, "gen": judged(3)})
    with pytest.raises(UserError, match="rescore RUNS"):
        load_outcomes([tmp_path])


def test_the_two_dense_runs_of_the_noise_floor(tmp_path, capsys):
    first = write_run(tmp_path / "a", {"mc": MC, "gen": judged(2)}, illusion=DENSE)
    second = write_run(tmp_path / "b", {"mc": MC, "gen": judged(3)}, illusion=DENSE)
    assert main(["report", str(tmp_path / "a"), "--noise", str(first), str(second)]) == 2
    assert "rescore RUNS" in capsys.readouterr().err


def test_outcomes_that_were_read_one_after_the_other():
    both = [*outcomes("b", match_version=1), *outcomes("b", match_version=2, variant=DENSE_VARIANT)]
    with pytest.raises(UserError, match="by version 2"):
        tabulate(both)
    assert rules_version_of(outcomes("br", match_version=5)) == tabulate(outcomes("b", match_version=5)).rules_version == 5
    assert rules_version_of(outcomes("br")) is None


@pytest.mark.parametrize("field", [{"match_rule": "<b>"}, {"match_rule": 3}, {"match_version": 0}, {"match_version": "2"}])
def test_a_damaged_field(tmp_path, field):
    write_run(tmp_path, {"mc": MC, "gen": [{**row, **field} for row in judged(2)]})
    with pytest.raises(UserError, match=r"gen_.*jsonl:1 lacks what its task writes"):
        load_outcomes([tmp_path])


def test_paired_tasks(tmp_path, capsys):
    docs = [{"n": 0}, {"n": 1}]
    foreign = [text_row(doc, "said", exact_match=1.0, match_version="x") for doc in docs]
    ours = [text_row(doc, "said", match=1.0, match_rule="words", match_version=TODAYS_VERSION) for doc in docs]
    old = [text_row(doc, "said", match=1.0) for doc in docs]
    mc = [choice_row(doc, [-1.0, -2.0], 0) for doc in docs]
    write_tasks(tmp_path, {"mc": mc, "chat": foreign, "my_en_gen": ours, "my_fi_gen": old})
    assert main(["report", str(tmp_path), "--pair", "mc=chat"]) == 0
    assert "of the matching rules" not in capsys.readouterr().out
    assert main(["report", str(tmp_path), "--pair", "mc=my_en_gen"]) == 0
    assert f"judged by version {TODAYS_VERSION} of the matching rules" in capsys.readouterr().out
    assert main(["report", str(tmp_path), "--pair", "mc=my_en_gen", "--pair", "mc=my_fi_gen"]) == 2

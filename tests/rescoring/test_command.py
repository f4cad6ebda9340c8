"""`rescore` from end to end: runs that older rules judged get the rows and numbers of a fresh evaluation."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.evaluation import evaluate
from lm_eval_illusion.matching import RULES_VERSION
from lm_eval_illusion.results import load_outcomes
from lm_eval_illusion.results.greedy_answers import answer_files, read_answers
from lm_eval_illusion.results.join_views import views_below
from lm_eval_illusion.results.judge_files import Judge
from tests.rescoring.stored_runs import change_rows, make_older, rows_of, versions

RESCORED = f"rescored_v{RULES_VERSION}"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """A run of the embedded model with every view in two languages."""
    folder = tmp_path_factory.mktemp("fresh")
    tasks = ["mqa_illusion_en", "mqa_illusion_fi"]
    evaluate({"pretrained": "embedded"}, tasks, folder / "runs", limit=4, batch_size=64, metadata={})
    return folder / "runs"


@pytest.fixture
def older(fresh, tmp_path) -> Path:
    """The same run as older rules would have judged it."""
    shutil.copytree(fresh, tmp_path / "runs")
    make_older(tmp_path / "runs")
    return tmp_path / "runs"


def files(folder: Path, pattern: str = "*.json*") -> dict[str, Path]:
    return {path.name: path for path in folder.rglob(pattern)}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.json*")}


def test_the_files_are_those_of_a_fresh_evaluation(fresh, older, capsys):
    before = contents(older)
    assert main(["rescore", str(older)]) == 0
    assert before.items() <= contents(older).items()
    (made,) = older.rglob(RESCORED)
    assert files(made).keys() == files(fresh).keys()
    right = Counter()
    for name, path in files(fresh, "samples_*").items():
        rows = rows_of(path)
        # Equal in all fields, also in their order where the row had them.
        assert rows_of(made / name) == rows
        outcomes = [row.get("produced", row.get("match", row.get("match_any"))) for row in rows]
        right[rows[0]["doc"]["lang"]] += sum(value == 1 for value in outcomes)
    (path,) = files(fresh, "results_*").values()
    results, again = json.loads(path.read_text()), json.loads((made / path.name).read_text())
    rescored = again.pop("rescored")
    assert again == results
    assert results["results"]["mqa_illusion_en_gen"]["match,none"] > 0
    assert (rescored["rules_version"], len(rescored["sources"])) == (RULES_VERSION, 1 + 2 * 7)
    # The older rules found nothing; 7 views with answers of 4 items in each language.
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("  ")] == [
        f"  {lang}: 28 rows, {right[lang]} wrong -> right, 0 right -> wrong" for lang in ("en", "fi")
    ]


def test_a_second_call_has_nothing_to_do(older, capsys):
    main(["rescore", str(older)])
    before = {path: path.stat().st_mtime_ns for path in older.rglob("*")}
    capsys.readouterr()
    assert main(["rescore", str(older)]) == 0
    assert capsys.readouterr().out.startswith("nothing to do: 1 run is judged by version")
    assert {path: path.stat().st_mtime_ns for path in older.rglob("*")} == before


def test_the_outcomes_are_those_of_a_fresh_evaluation(fresh, older):
    assert {outcome.match_version for outcome in load_outcomes([older])} == {1}
    main(["rescore", str(older)])
    assert load_outcomes([older]) == load_outcomes([fresh])


def test_verdicts_in_both_directions(older, capsys):
    (gen,) = older.rglob("samples_mqa_illusion_en_gen_*")
    rows = rows_of(gen)
    said = [["Nothing."], [rows[1]["doc"]["answer"]], ["Nothing."], [rows[3]["doc"]["answer"]]]
    judged = [1.0, 0.0, 1.0, 1.0]
    texts = iter(zip(said, judged, strict=True))

    def change(row):
        row["filtered_resps"], row["match"] = next(texts)

    change_rows(gen, change)
    (results,) = older.rglob("results_*")
    assert main(["rescore", str(older)]) == 0
    # In the other six views the older rules found nothing.
    others = sum(
        row.get("produced", row.get("match", row.get("match_any")))
        for path in older.rglob(f"{RESCORED}/samples_mqa_illusion_en_*")
        if path.name != gen.name
        for row in rows_of(path)
        if "match_version" in row
    )
    assert f"  en: 28 rows, {1 + others:.0f} wrong -> right, 2 right -> wrong" in capsys.readouterr().out
    made = next(older.rglob(f"{RESCORED}/{gen.name}"))
    assert [(row["match"], row["match_rule"]) for row in rows_of(made)] == [
        (0.0, "not_said"),
        (1.0, "equal"),
        (0.0, "not_said"),
        (1.0, "equal"),
    ]
    again = json.loads((made.parent / results.name).read_text())
    assert again["results"]["mqa_illusion_en_gen"]["match,none"] == 2 / 4


def test_a_run_of_today_is_left_alone(fresh, capsys):
    before = contents(fresh)
    assert main(["rescore", str(fresh)]) == 0
    assert capsys.readouterr().out.startswith("nothing to do")
    assert contents(fresh) == before


def test_a_file_with_rows_of_two_versions_is_judged_again(fresh, tmp_path, capsys):
    # `report` refuses it and names `rescore`, which must then not say that there is nothing to do.
    shutil.copytree(fresh, tmp_path / "runs")
    (gen,) = tmp_path.rglob("samples_mqa_illusion_en_gen_*")
    numbers = iter(range(9))
    change_rows(gen, lambda row: row.update(match_version=1 if next(numbers) == 2 else RULES_VERSION))
    assert main(["report", str(tmp_path)]) == 2
    assert "lm-eval-illusion rescore" in capsys.readouterr().err
    assert main(["rescore", str(tmp_path)]) == 0
    assert load_outcomes([tmp_path]) == load_outcomes([fresh])


def test_newer_rules_are_not_replaced_by_older_ones(fresh, tmp_path, capsys):
    shutil.copytree(fresh, tmp_path / "runs")
    (gen,) = tmp_path.rglob("samples_mqa_illusion_en_gen_*")
    change_rows(gen, lambda row: row.update(match_version=RULES_VERSION + 1))
    assert main(["rescore", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"judged by version {RULES_VERSION + 1}" in message


def test_another_folder(fresh, older, tmp_path, capsys):
    before = contents(older)
    assert main(["rescore", str(older), "--out", str(tmp_path / "out")]) == 0
    assert contents(older) == before
    assert load_outcomes([tmp_path / "out"]) == load_outcomes([fresh])
    # Both folders together: the newest judgement of the run counts.
    assert load_outcomes([older, tmp_path / "out"]) == load_outcomes([fresh])
    assert "verdicts of judges" not in capsys.readouterr().out
    assert main(["rescore", str(older), "--out", str(tmp_path / "out")]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_the_verdicts_of_a_judge_are_found_from_another_folder(older, tmp_path, capsys):
    (gen,) = older.rglob("samples_mqa_illusion_en_gen_*")
    answers = [answer for file in answer_files(views_below([older])) for answer in read_answers(file)]
    row = {"judge": "m", "prompt_version": 1, "samples": gen.name, "variant": "dense", "language": "en", "verdict": "same"}
    lines = [json.dumps(row | {"id": answer.id, "content": answer.content}) + "\n" for answer in answers]
    (gen.parent / "judge_m.jsonl").write_text("".join(lines))
    out = tmp_path / "out"
    assert main(["rescore", str(older), "--out", str(out)]) == 0
    assert f"verdicts of judges stay in {gen.parent}: give report both folders" in capsys.readouterr().out
    for order in ([older, out], [out, older]):
        assert {tuple(outcome.verdicts.items()) for outcome in load_outcomes(order)} == {((Judge("m", 1), "same"),)}
    # One that stands beside the new files counts before one of the original.
    other = json.dumps(row | {"id": answers[0].id, "content": answers[0].content, "verdict": "different"}) + "\n"
    (out / "judge_m.jsonl").write_text(other)
    counts = Counter(outcome.verdicts[Judge("m", 1)] for outcome in load_outcomes([older, out]))
    assert counts == {"same": len(answers) - 1, "different": 1}
    assert {tuple(outcome.verdicts) for outcome in load_outcomes([out])} == {(Judge("m", 1),), ()}


def test_what_a_killed_command_left_is_no_run_and_is_replaced(fresh, older, tmp_path):
    main(["rescore", str(older)])
    (made,) = older.rglob(RESCORED)
    complete = contents(made)
    (results,) = made.glob("results_*")
    # Killed before the last file, and while another one was written.
    results.unlink()
    next(made.glob("samples_*_en_gen_*")).write_text("half")
    (made / ".rescoring-samples_x.jsonl").write_text("half")
    assert {outcome.match_version for outcome in load_outcomes([older])} == {1}
    assert main(["rescore", str(older)]) == 0
    assert contents(made) == complete
    assert not (made / ".rescoring-samples_x.jsonl").exists()


def test_a_damaged_row_stops_the_command_and_leaves_nothing(older, capsys):
    (gen,) = older.rglob("samples_mqa_illusion_fi_gen_*")
    gen.write_bytes(gen.read_bytes()[:-40])
    assert main(["rescore", str(older)]) == 2
    message = capsys.readouterr().err
    assert f"{gen.name}:4 is not a whole row" in message
    assert not list(older.rglob("rescored_*"))


def test_a_run_that_was_replaced_after_it_was_rescored(older, capsys):
    main(["rescore", str(older)])
    (results,) = (path for path in older.rglob("results_*") if path.parent.name != RESCORED)
    results.write_text(results.read_text().replace('"date"', '"day"'))
    capsys.readouterr()
    assert main(["rescore", str(older)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"remove {results.parent / RESCORED}" in message


def test_runs_without_our_tasks(tmp_path, capsys):
    from tests.lm_eval_files import text_row, write_tasks

    write_tasks(tmp_path, {"gsm8k": [text_row({"n": 1}, "said", exact_match=1.0)]})
    assert main(["rescore", str(tmp_path)]) == 2
    assert "no answers of our tasks" in capsys.readouterr().err


def test_rows_without_an_answer_are_named_and_stay(fresh, older, capsys):
    (gen,) = older.rglob("samples_mqa_illusion_fi_gen_*")
    change_rows(gen, lambda row: row["doc"].pop("answer"))
    before = contents(older)
    assert main(["rescore", str(older)]) == 0
    output = capsys.readouterr().out
    assert "left as they are" in output
    assert "missing required field `answer`" in output
    assert contents(older) == before


def test_versions_of_rows_are_read(fresh):
    (gen,) = fresh.rglob("samples_mqa_illusion_en_gen_*")
    assert versions(gen) == {RULES_VERSION}

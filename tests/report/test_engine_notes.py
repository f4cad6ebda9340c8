"""The note on engines and data types."""

from __future__ import annotations

from dataclasses import replace

from lm_eval_illusion.report.engine_notes import engines_and_dtypes
from lm_eval_illusion.report.notes import notes_of
from lm_eval_illusion.results import find_runs, load_outcomes
from tests.lm_eval_files import DENSE as DENSE_RUN
from tests.lm_eval_files import PRUNED, hits, write_run
from tests.outcome_examples import DENSE, WANDA

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=1, b=0)}
DATES = [f"2026-11-23T1{hour}-00-00.000000" for hour in range(5)]


def notes(folder, *runs):
    for date, run in zip(DATES, runs, strict=False):
        write_run(folder, run.pop("views", VIEWS), date=date, **run)
    return [note for note in notes_of(load_outcomes([folder]), find_runs([folder])) if "engines or data types" in note]


def test_pruned_models_state_engine_and_dtype(tmp_path):
    dense = {"illusion": {**DENSE_RUN, "dtype": "float32", "engine": "transformers 5.17.0"}}
    pruned = {"illusion": {**PRUNED, "dtype": "bfloat16", "engine": "vllm 0.32.0+cpu"}, "config": {"model": "pruned-vllm"}}
    assert notes(tmp_path, dense, pruned) == [
        "scores and gold ranks of tiny come from several engines or data types: hf in float32 (dense), vllm in bfloat16 (wanda-0.6)."
    ]


def test_one_engine_and_one_dtype_need_no_note(tmp_path):
    same = {"dtype": "float32", "engine": "transformers 5.17.0"}
    # An earlier version of the package did not state the engine; its model class tells it.
    older = {**PRUNED, "dtype": "float32"}
    assert notes(tmp_path, {"illusion": {**DENSE_RUN, **same}}, {"illusion": older}) == []


def stock(model, model_args, **config):
    return {"illusion": None, "config": {"model": model, "model_args": model_args, **config}}


def test_stock_runs_and_what_is_unknown(tmp_path):
    hf = stock("hf", "pretrained=org/m", model_dtype="torch.float32")
    # vLLM chooses the data type itself where none is asked for.
    vllm = stock("vllm", "pretrained=org/m,lora_local_path=french,dtype=auto")
    (note,) = notes(tmp_path, hf, vllm)
    assert note.endswith(": hf in float32 (dense), vllm in an unknown data type (peft-french).")
    (note,) = notes(tmp_path, hf, stock("vllm", {"pretrained": "org/m", "lora_local_path": "french", "dtype": "half"}))
    assert note.endswith("vllm in float16 (peft-french).")


def test_recognition_in_one_engine_and_production_in_another(tmp_path):
    first = stock("hf", "pretrained=org/m", model_dtype="torch.float32")
    second = stock("vllm", "pretrained=org/m,dtype=float32")
    (note,) = notes(tmp_path, {**first, "views": {"mc": VIEWS["mc"]}}, {**second, "views": {"gen": VIEWS["gen"]}})
    assert note.endswith(": hf in float32 (dense), vllm in float32 (dense).")


def test_models_behind_an_api_may_differ():
    ran = [replace(variant, engine="API at gpu1", dtype=None) for variant in (DENSE, WANDA)]
    (note,) = engines_and_dtypes(ran)
    assert "may come from several engines or data types, which the server does not state: API at gpu1 in an unknown" in note
    assert engines_and_dtypes(ran[:1]) == []

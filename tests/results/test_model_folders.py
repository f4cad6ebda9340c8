"""Runs of other model classes on a folder of `lm-eval-illusion prune --out`: named by what was pruned."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion import cross_tabulate, load_outcomes
from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.runs import as_variants_of, find_runs
from tests.lm_eval_files import DENSE, hits, write_run
from tests.tiny_models import save_tiny

VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=1, b=0)}
WORSE = {**VIEWS, "gen": hits("match", a=0, b=0)}
LATER = "2026-11-23T11-00-00.000000"


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    """A base model and the folder that `prune --out` writes of it."""
    place = tmp_path_factory.mktemp("pruned")
    base, out = save_tiny("llama", place / "base"), place / "out"
    arguments = ["--pruner", "magnitude", "--sparsity", "0.5", "--store", "off"]
    assert main(["prune", "--pretrained", str(base), "--out", str(out), *arguments]) == 0
    return base, out


def stock(model_args, model="hf", **config):
    return {"illusion": None, "config": {"model": model, "model_args": model_args, **config}}


def variant_of(folder, **run):
    write_run(folder, VIEWS, **run)
    return find_runs([folder])[0].variant


@pytest.mark.parametrize("model", ["hf", "vllm", "sglang"])
def test_it_joins_its_base_model_and_is_not_dense(tmp_path, pruned, model):
    base, out = pruned
    write_run(tmp_path, VIEWS, **stock(f"pretrained={base}", model))
    write_run(tmp_path, WORSE, **stock(f"pretrained={out}/", model), date=LATER)
    report = cross_tabulate(load_outcomes([tmp_path]))
    (dense, entry) = report["variants"]
    assert (dense["variant"], dense["base_model"]) == ("dense", str(base))
    assert (entry["variant"], entry["base_model"], entry["pruner"]) == ("magnitude-0.5", str(base), "magnitude")
    assert entry["sparsity_requested"] == 0.5
    assert entry["sparsity_measured"] == pytest.approx(0.5, abs=0.01)
    by_variant = {row["variant"]: row for row in report["rows"] if row["language"] == "all"}
    assert by_variant["magnitude-0.5"]["vs_dense"]["induced_recognition_only"] == 1
    # With --dense it is the same, as prune says at its end.
    runs = as_variants_of(str(base), find_runs([tmp_path]))
    assert {run.variant.variant: run.variant.is_dense for run in runs} == {"dense": True, "magnitude-0.5": False}


def test_it_is_the_variant_of_the_store(tmp_path, pruned):
    _, out = pruned
    manifest = json.loads((out / "manifest.json").read_text())
    found = variant_of(tmp_path, **stock({"pretrained": str(out), "dtype": "float32"}, model_dtype="torch.float32"))
    assert found.identity == manifest["key"]
    assert found.base_content.weights == manifest["base_identity"]["weights"]
    assert (found.dtype, found.engine, found.beams_are_top1) == ("float32", "hf", True)


def test_a_run_of_an_earlier_version_took_it_for_dense(tmp_path, pruned):
    base, out = pruned
    found = variant_of(tmp_path, illusion={**DENSE, "base_model": str(out)})
    assert (found.base_model, found.variant) == (str(base), "magnitude-0.5")


def test_quantised_while_loading(tmp_path, pruned):
    found = variant_of(tmp_path, **stock({"pretrained": str(pruned[1]), "load_in_8bit": True}))
    assert (found.variant, found.pruner) == ("magnitude-0.5+bnb-int8", "magnitude+bitsandbytes")


def test_behind_servers(tmp_path, pruned):
    base, out = pruned
    urls = [f"http://localhost:{port}/v1/completions" for port in (8000, 8001)]
    for number, url in enumerate(urls):
        config = stock({"model": str(out), "base_url": url}, "local-completions")
        write_run(tmp_path / url[-20:-15], VIEWS, **config, date=LATER.replace("11", f"1{number}", 1))
    names = {run.variant.key for run in find_runs([tmp_path])}
    assert names == {(str(base), f"magnitude-0.5@localhost:{port}") for port in (8000, 8001)}


def test_a_relative_name_is_a_folder_only_on_this_machine(tmp_path, pruned, monkeypatch):
    base, out = pruned
    monkeypatch.chdir(out.parent)
    here, there = (f"model=out,base_url=http://{host}:1/v1/completions" for host in ("127.0.0.1", "gpu1"))
    assert variant_of(tmp_path / "1", **stock(here, "local-completions")).base_model == str(base)
    assert variant_of(tmp_path / "2", **stock(there, "local-completions")).key == ("out", "dense")


def test_other_folders_and_a_damaged_manifest(tmp_path, pruned):
    assert variant_of(tmp_path / "1", **stock(f"pretrained={pruned[0]}")).is_dense
    assert variant_of(tmp_path / "2", **stock("pretrained=org/model")).is_dense
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    content = json.loads((pruned[1] / "manifest.json").read_text())
    (damaged / "manifest.json").write_text(json.dumps({**content, "files": {}, "sparsity_requested": "half"}))
    with pytest.raises(UserError, match=r"manifest\.json: sparsity_requested is \"half\", not a number"):
        variant_of(tmp_path / "3", **stock(f"pretrained={damaged}"))

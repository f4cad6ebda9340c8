"""The results file as typed records: the fields that are read, and the message for values of another type."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.results_file import TaskConfig, read_results_file, view_metadata
from lm_eval_illusion.results.runs import find_runs
from tests.lm_eval_files import PRUNED, hits, write_run

VIEWS = {"gen": hits("match", a=1)}
METADATA = {"family": "mqa_illusion", "view": "gen", "lang": "no", "version": 1.0}


def test_everything_that_identifies_a_compressed_model(tmp_path):
    settings = {"owl_lambda": 0.08, "owl_m": 5, "pruning_seed": 3}
    calibration = {"language": "fi", "samples": 128, "length": 2048, "source": "embedded"}
    write_run(tmp_path, VIEWS, illusion={**PRUNED, **settings, "calibration": calibration})
    (run,) = find_runs([tmp_path])
    variant = run.variant
    assert variant.columns() == {
        **{name: PRUNED.get(name) for name in variant.column_names()},
        **settings,
        **{f"calibration_{name}": calibration[name] for name in ("source", "language", "samples", "length")},
    }
    assert (variant.identity, variant.beams_are_top1) == ("k1", False)
    # report.json shows a whole number as one.
    assert isinstance(variant.owl_m, int)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "config",
            {"illusion": {**PRUNED, "sparsity_measured": "high"}},
            r"got `str` - at `\$\.config\.illusion\.sparsity_measured",
        ),
        ("config", {"illusion": {"variant": "wanda"}}, "missing required field `base_model`"),
        ("n-samples", {"gen": {"original": 3}}, "missing required field `effective`"),
        ("configs", [], "Expected `object`, got `array`"),
    ],
)
def test_values_of_another_type(tmp_path, key, value, message):
    path = write_run(tmp_path, VIEWS)
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(
        UserError, match=rf"results_.*\.json has an unexpected value \(.*{message}.*\): is it a results file of lm_eval"
    ):
        read_results_file(path)


def test_nan_is_allowed(tmp_path):
    path = write_run(tmp_path, VIEWS)
    path.write_text(path.read_text().replace('"model_args"', '"seen": NaN, "model_args"'))
    assert read_results_file(path).config.model == "pruned-hf"


@pytest.mark.parametrize("metadata", [None, {"version": 1}, ["x"], {**METADATA, "view": 3}])
def test_tasks_of_other_projects_have_no_view(metadata):
    assert view_metadata(TaskConfig(metadata)) is None


def test_the_view_of_a_task():
    found = view_metadata(TaskConfig(METADATA))
    assert (found.family, found.view, found.lang) == ("mqa_illusion", "gen", "no")

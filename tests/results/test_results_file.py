"""The results file as typed records: the fields that are read, and the message for values of another type."""

from __future__ import annotations

import json
import math

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.results_file import MOST_BYTES, TaskConfig, read_results_file, view_metadata
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


def ours(**changes):
    return {"illusion": {**PRUNED, **changes}}


LONG = "x" * 10_000


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("config", ours(sparsity_measured="high"), 'config.illusion.sparsity_measured is "high", not a number or null'),
        ("config", ours(sparsity_measured=True), "config.illusion.sparsity_measured is true, not a number or null"),
        ("config", ours(sparsity_measured=60), "config.illusion.sparsity_measured is 60, not a number <= 1"),
        ("config", ours(sparsity_requested=-0.1), "config.illusion.sparsity_requested is -0.1, not a number >= 0"),
        ("config", ours(sparsity_requested=math.nan), "config.illusion.sparsity_requested is NaN, not a number >= 0"),
        # A fraction of a bit is a number, too; msgspec states the bound for whole numbers.
        ("config", ours(bits_measured=0), "config.illusion.bits_measured is 0, not a number >= 1"),
        ("config", ours(bits_measured=math.inf), "config.illusion.bits_measured is Infinity, not a number <= 9007199254740992"),
        ("config", ours(pruning_seed=2.5), "config.illusion.pruning_seed is 2.5, not a whole number or null"),
        # outcomes.parquet has 64 bits for it.
        (
            "config",
            ours(pruning_seed=2**63),
            "config.illusion.pruning_seed is 9223372036854775808, not a number <= 9223372036854775807",
        ),
        ("config", ours(calibration={"length": 0.5}), "config.illusion.calibration.length is 0.5, not a whole number or null"),
        ("config", ours(calibration={"samples": 0.0}), "config.illusion.calibration.samples is 0, not a number >= 1"),
        ("config", ours(variant=" "), 'config.illusion.variant is " ", not text with a visible character'),
        ("config", ours(base_model=None), "config.illusion.base_model is null, not text"),
        (
            "config",
            ours(calibration={"samples": "a"}),
            'config.illusion.calibration.samples is "a", not a whole number or null',
        ),
        ("config", ours(changes=[{"argument": "peft", "value": 3}]), "config.illusion.changes[0].value is 3, not text"),
        ("config", ours(mask_structure={LONG: LONG}), "config.illusion.mask_structure is an object of 1 fields, not text"),
        ("config", ours(pruner=[LONG] * 3), "config.illusion.pruner is a list of 3, not text"),
        ("config", {"model": {"a": 1}}, "config.model is an object of 1 fields, not text or null"),
        ("config", {"illusion": {"variant": "wanda"}}, "config.illusion lacks base_model"),
        ("config", None, "config is null, not an object"),
        ("n-samples", {"gen": {"original": 3}}, "n-samples.gen lacks effective"),
        ("n-samples", {"gen": {"effective": 2.5}}, "n-samples.gen.effective is 2.5, not a whole number"),
        ("n-samples", {"gen": {"effective": -1}}, "n-samples.gen.effective is -1, not a number >= 0"),
        ("n-samples", {"gen": {"effective": math.nan}}, "n-samples.gen.effective is NaN, not a number >= 0"),
        ("n-samples", None, "n-samples is null, not an object"),
        ("configs", [], "configs is a list of 0, not an object"),
        ("configs", {"gen": 3}, "configs.gen is 3, not an object"),
        ("task_hashes", {"gen": 3}, "task_hashes.gen is 3, not text or null"),
        ("group_subtasks", {"g": "gen"}, 'group_subtasks.g is "gen", not a list'),
        ("group_subtasks", {"g": ["gen", 3]}, "group_subtasks.g[1] is 3, not text"),
        ("lm_eval_version", 4, "lm_eval_version is 4, not text or null"),
    ],
)
def test_a_wrong_value_is_named_with_file_field_and_value(tmp_path, key, value, message):
    path = write_run(tmp_path, VIEWS)
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(UserError) as error:
        read_results_file(path)
    assert str(error.value) == f"{path}: {message}: give the results file as lm_eval wrote it, or run lm_eval again"


def test_whole_numbers_may_have_a_decimal_point(tmp_path):
    calibration = {"language": "fi", "samples": 128.0, "length": 2048.0}
    write_run(tmp_path, VIEWS, illusion={**PRUNED, "calibration": calibration, "pruning_seed": 3.0})
    (run,) = find_runs([tmp_path])
    numbers = (run.variant.calibration_samples, run.variant.calibration_length, run.variant.pruning_seed)
    assert numbers == (128, 2048, 3)
    # report.json shows a whole number as one.
    assert [type(number) for number in numbers] == [int] * 3


def test_long_values_are_cut(tmp_path):
    path = write_run(tmp_path, VIEWS)
    path.write_text(json.dumps({**json.loads(path.read_text()), "configs": {LONG: LONG}}))
    with pytest.raises(UserError) as error:
        read_results_file(path)
    assert len(str(error.value)) < len(str(path)) + 400


@pytest.mark.parametrize(
    "changes",
    [
        # What lm_eval 0.4.13 wrote for: hf without the hub; dummy; an API model from the command line; a model object from Python.
        {"config": {"model": "hf", "model_args": {"pretrained": "m"}, "model_sha": "", "model_dtype": "torch.float32"}},
        {"config": {"model": "dummy", "model_args": {}, "gen_kwargs": {}, "use_cache": None, "batch_sizes": []}},
        {"config": {"model": "local-completions", "model_args": "model=m,base_url=http://localhost", "gen_kwargs": None}},
        {"config": {"model": "HFLM", "model_args": None, "model_sha": None, "model_num_parameters": -1}},
        # A folder named 7 is a number on lm_eval's command line.
        {"config": {"model": "hf", "model_args": {"pretrained": 7}}},
        # Fields that are not read, and counts that are written as 3.0.
        {"n-samples": {"gen": {"effective": 3.0, "original": "all"}}},
        {"results": {"gen": {"acc,none": "N/A", "alias": "gen"}, "other": None}, "group_subtasks": None, "task_hashes": None},
        {
            "results": ["other"],
            "date": {},
            "lm_eval_version": None,
            "config": {"model": "vllm", "device": 3, "limit": math.nan},
        },
    ],
)
def test_what_other_backends_and_versions_write_is_read(tmp_path, changes):
    path = write_run(tmp_path, VIEWS)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    (run,) = find_runs([tmp_path])
    assert run.variant.is_dense == ("config" in changes)


def test_a_model_without_a_name(tmp_path):
    path = write_run(tmp_path, VIEWS)
    for config in ({}, {"model_args": {"pretrained": ["m"]}}):
        path.write_text(json.dumps({**json.loads(path.read_text()), "config": config}))
        with pytest.raises(
            UserError, match=r"names no model: config\.model_args\.pretrained or config\.model is (null|a list of 1), not text"
        ):
            find_runs([tmp_path])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "holds a list of 0, not an object"),
        (b"null", "holds null, not an object"),
        (b"[" * 100_000, "is nested too deep"),
        (b"\0" * 100, "is not JSON"),
        (b"\xff\xfe{\0", "is not UTF-8 text"),
        (b'{"config": ' + b"9" * 5_000 + b"}", "is not JSON"),
        (b"", "is not JSON"),
    ],
)
def test_what_is_no_results_file(tmp_path, content, message):
    path = tmp_path / "results_x.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_results_file(path)


def test_a_file_over_the_limit_is_not_read(tmp_path):
    path = tmp_path / "results_x.json"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)  # without content, it takes no space
    with pytest.raises(UserError, match="has more than 67,108,864 bytes"):
        read_results_file(path)


def test_a_mark_at_the_start_and_windows_line_ends(tmp_path):
    path = write_run(tmp_path, VIEWS)
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(json.loads(path.read_text()), indent=1).encode().replace(b"\n", b"\r\n"))
    assert read_results_file(path).config.model == "pruned-hf"


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


@pytest.mark.parametrize(
    ("written", "has_template", "chat_template"),
    [
        # What lm_eval 0.4.13 writes: the text of the template that it applied, or null.
        ({"chat_template": "{{ messages }}"}, True, "applied"),
        ({"chat_template": None}, True, "not applied"),
        ({"chat_template": None}, False, "absent"),
        # An earlier version of ours, or a model of lm_eval, does not tell whether the tokenizer has one.
        ({"chat_template": None}, None, None),
        # Behind an API the provider applies it.
        ({"chat_template": ""}, None, "applied"),
        # Another version of lm_eval, which writes no such field.
        ({}, True, None),
    ],
)
def test_whether_a_chat_template_was_applied(tmp_path, written, has_template, chat_template):
    told = {} if has_template is None else {"has_chat_template": has_template}
    path = write_run(tmp_path, {"mc": [{"id": "a", "acc": 1.0}], **VIEWS}, illusion={**PRUNED, **told})
    path.write_text(json.dumps({**json.loads(path.read_text()), **written}))
    assert read_results_file(path).chat_template == chat_template
    assert [outcome.chat_template for outcome in load_outcomes([tmp_path])] == [chat_template]


def test_whether_there_is_a_chat_template_is_true_or_false(tmp_path):
    path = write_run(tmp_path, VIEWS, illusion={**PRUNED, "has_chat_template": "yes"})
    with pytest.raises(UserError, match="has_chat_template"):
        read_results_file(path)

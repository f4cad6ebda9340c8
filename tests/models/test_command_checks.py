"""Flags and settings of lm_eval that would silently give wrong numbers are refused."""

from __future__ import annotations

import pytest
from lm_eval.api.instance import Instance

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.command_checks import NamedTasks, refuse_changed_settings, refuse_flags, scored_tasks
from lm_eval_illusion.views import generation_kwargs

ITEM = {"id": "1", "choices": [], "shot": {}}


@pytest.mark.parametrize("program", ["/bin/lm_eval", "lm-eval", "lm-eval-illusion", "/lib/lm_eval/__main__.py"])
@pytest.mark.parametrize("flags", [["--use_cache", "x"], ["--gen_kwargs=temperature=1"], ["--cache_requests", "true"]])
def test_flags_of_the_lm_eval_command_are_refused(program, flags):
    with pytest.raises(UserError, match=f"{flags[0].split('=')[0]} can't be used with pruned-hf"):
        refuse_flags([program, "run", *flags])


@pytest.mark.parametrize(
    ("argument", "flag"),
    [
        *[(argument, "--use_cache") for argument in ("-c", "-cx", "-c=x", "-scx", "-wsxc", "--use_c", "--u=x")],
        *(("--gen=a=1", "--gen_kwargs"), ("--cache_req", "--cache_requests")),
    ],
)
def test_every_spelling_of_a_refused_flag(argument, flag):
    """As argparse reads them: short flags may be joined, long ones be cut."""
    with pytest.raises(UserError, match=f"{flag} can't be used"):
        refuse_flags(["lm_eval", "run", argument, "x"])
    refuse_flags(
        ["lm_eval", "run", "-s", "-w", "--device", "cpu", "--config", "--check_integrity", "--confirm_run_unsafe_code"]
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("use_cache: file", "use_cache"),
        ("gen_kwargs: {temperature: 1}", "gen_kwargs"),
        ("cache_requests: true", "cache_requests"),
        ("cache_requests: {cache_requests: true}", "cache_requests"),
        ("use_cache: null\ngen_kwargs: {}\ncache_requests: {cache_requests: false}", None),
        ("tasks: [a", None),
    ],
)
@pytest.mark.parametrize("option", ["--config", "-C"])
def test_a_refused_setting_in_a_config_file(text, key, option, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    if key is None:
        refuse_flags(["lm_eval", option, str(file)])
    else:
        with pytest.raises(UserError, match=rf"{key} of --config .*config\.yaml can't be used with pruned-hf .*: take it out"):
            refuse_flags(["lm_eval", option, str(file)])


def test_the_message_names_the_model():
    with pytest.raises(UserError, match="--use_cache can't be used with pruned-vllm"):
        refuse_flags(["lm_eval", "--use_cache", "x"], "pruned-vllm")


def test_flags_of_other_programs_are_ignored():
    refuse_flags(["/bin/other", "--use_cache", "x"])
    refuse_flags(["lm_eval", "--tasks", "x"])


FAMILY = ["--tasks", "mqa_illusion_xquad"]


@pytest.mark.parametrize(
    "metadata",
    [
        ["--metadata", "items={}"],
        ["--metadata=items={}"],
        ["--metadata", "x=1", "items={}"],
        ["--metadata", '{{"items": "{}"}}'],
    ],
)
def test_a_file_of_questions_is_checked_before_the_model_is_loaded(metadata, tmp_path):
    file = tmp_path / "questions.jsonl"
    flags = [argument.format(file) for argument in metadata]
    with pytest.raises(UserError, match=r"questions\.jsonl can't be read \(No such file or directory\)"):
        refuse_flags(["lm_eval", *FAMILY, *flags])
    refuse_flags(["lm_eval", "--tasks", "somebodys", *flags])
    file.write_text("{}")
    refuse_flags(["lm_eval", *FAMILY, *flags])


@pytest.mark.parametrize("metadata", ["items=.", "items=x\0y", "items=~nobody-of-this-name/x"])
def test_a_folder_or_an_impossible_name_is_not_a_file(metadata):
    with pytest.raises(UserError, match="can't be read"):
        refuse_flags(["lm_eval", *FAMILY, "--metadata", metadata])


@pytest.mark.parametrize(
    "metadata", [["--metadata"], ["--metadata", "[1"], ["--metadata", "items"], ["--metadata", '{"items": 3}']]
)
def test_other_metadata_is_left_to_lm_eval(metadata):
    refuse_flags(["lm_eval", *FAMILY, *metadata])


def request(task, settings, doc=ITEM):
    return Instance("generate_until", doc, ("prompt", settings), 0, metadata=(task, 0, 1))


def test_changed_settings_of_our_views_are_refused():
    refuse_changed_settings([request("mqa_illusion_en_gen", generation_kwargs("gen"))])
    changed = {**generation_kwargs("gen"), "do_sample": True}
    with pytest.raises(UserError, match="mqa_illusion_en_gen is run with"):
        refuse_changed_settings([request("mqa_illusion_en_gen", changed)])


def test_settings_of_folders_that_pair_wrote_earlier_are_those_of_today():
    earlier = {**generation_kwargs("sample"), "top_k": 0, "until": ["\n"]}
    refuse_changed_settings([request("mqa_illusion_en_sample", earlier)])
    with pytest.raises(UserError, match="mqa_illusion_en_sample is run with"):
        refuse_changed_settings([request("mqa_illusion_en_sample", {**earlier, "top_k": 10})])


@pytest.mark.parametrize(
    ("tasks", "scored"),
    [
        (["mqa_illusion_en_mc"], ["mqa_illusion_en_mc"]),
        (["mqa_illusion_en_twin", "mqa_illusion_en_gen"], ["mqa_illusion_en_twin"]),
        (["mqa_illusion_core_served", "mqa_illusion_en_gen"], []),
    ],
)
def test_tasks_that_ask_for_scores(tasks, scored):
    assert scored_tasks(NamedTasks(tasks, [])) == scored


def test_settings_of_other_tasks_are_not_checked():
    refuse_changed_settings([request("somebodys_gen", {"until": []}, doc={"question": "?"})])

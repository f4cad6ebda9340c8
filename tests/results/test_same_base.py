"""Runs that are compared had the same base model by content; where a run does not state it, the report says so."""

from __future__ import annotations

import pytest

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.report.command import ReportOptions, read_inputs
from lm_eval_illusion.results.base_content import BaseContent
from lm_eval_illusion.results.runs import as_variants_of, find_runs
from lm_eval_illusion.results.same_base import unchecked_bases
from tests.lm_eval_files import DENSE, PRUNED, hits, write_run

W1, W2, T1, T2 = (digit * 64 for digit in "1234")
COMMITS = "a" * 40, "b" * 40
VIEWS = {"mc": [{"id": i, "acc": 1.0} for i in "ab"], "gen": hits("match", a=1, b=0)}
LATER = "2026-11-23T11-00-00.000000"
UNCHECKED = "it could not be checked that all runs of {} had the same weights and tokenizer: "


PEFT = {
    **DENSE,
    "variant": "peft-french",
    "pruner": "peft",
    "changes": [{"argument": "peft", "value": "french", "content": None}],
}
W4A16 = {**DENSE, "variant": "w4a16", "pruner": "compressed-tensors", "bits_measured": 4.0}


def identity(weights=W1, tokenizer=T1):
    return {"base_identity": {"weights": weights, "tokenizer": tokenizer}}


def notes(*paths, **options):
    return [note for note in read_inputs(paths, ReportOptions(**options)).notes if "could not be checked" in note]


def test_runs_of_the_same_content_are_compared_whatever_was_added_to_the_folder(tmp_path):
    write_run(tmp_path, VIEWS, illusion={**DENSE, **identity(), "base_revision": "r1"})
    write_run(tmp_path, VIEWS, illusion={**PRUNED, **identity(), "base_revision": "r2"}, date=LATER)
    assert len(load_outcomes([tmp_path])) == 4
    assert notes(tmp_path) == []


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (identity(W2, T1), "weights 111111111111 and 222222222222"),
        (identity(W1, T2), "tokenizer 333333333333 and 444444444444"),
    ],
)
@pytest.mark.parametrize("variant", [PRUNED, PEFT])
def test_a_base_model_that_changed_between_the_runs_is_refused(tmp_path, other, message, variant):
    dense = write_run(tmp_path, VIEWS, illusion={**DENSE, **identity()})
    pruned = write_run(tmp_path, VIEWS, illusion={**variant, **other}, date=LATER)
    for read in (lambda: load_outcomes([tmp_path]), lambda: notes(tmp_path)):
        with pytest.raises(UserError, match=message) as caught:
            read()
        assert caught.value.code == 2
        assert "\n" not in str(caught.value)
        assert all(str(path.resolve()) in str(caught.value) for path in (dense, pruned))
        assert "run both again from the same, or report them one at a time" in str(caught.value)


def test_two_views_of_one_variant_from_different_weights_are_refused(tmp_path):
    write_run(tmp_path, {"mc": VIEWS["mc"]}, illusion={**DENSE, **identity()})
    write_run(tmp_path, {"gen": VIEWS["gen"]}, illusion={**DENSE, **identity(W2)}, date=LATER)
    with pytest.raises(UserError, match="ran tiny with different content"):
        load_outcomes([tmp_path])


def test_the_second_dense_run_of_the_noise_floor_has_the_same_content(tmp_path):
    write_run(tmp_path / "1", VIEWS, illusion={**DENSE, **identity()})
    write_run(tmp_path / "2", VIEWS, illusion={**DENSE, **identity(W2)}, date=LATER)
    pruned = write_run(tmp_path / "3", VIEWS, illusion={**PRUNED, **identity()})
    options = ReportOptions(noise=(tmp_path / "1", tmp_path / "2"))
    with pytest.raises(UserError, match="ran tiny with different content"):
        read_inputs([tmp_path / "1", pruned], options)


def test_models_that_are_compared_on_purpose_may_differ(tmp_path):
    write_run(tmp_path, VIEWS, illusion={**DENSE, **identity()})
    write_run(tmp_path, VIEWS, illusion={**DENSE, **identity(W2, T2), "base_model": "org/other"}, date=LATER)
    assert notes(tmp_path, dense="tiny") == []
    assert [run.variant.base_content.other_model for run in as_variants_of("tiny", find_runs([tmp_path]))] == [
        None,
        "org/other",
    ]


def test_another_model_that_changed_between_its_own_runs_is_refused(tmp_path):
    write_run(tmp_path / "tiny", VIEWS, illusion={**DENSE, **identity()})
    write_run(tmp_path / "other", VIEWS, illusion={**DENSE, **identity(W2), "base_model": "org/other"}, date=LATER)
    changed = {**PRUNED, **identity(W1), "base_model": "org/other"}
    write_run(tmp_path / "changed", VIEWS, illusion=changed, date="2026-11-23T12-00-00.000000")
    with pytest.raises(UserError, match="different content"):
        read_inputs([tmp_path], ReportOptions(dense="tiny"))


def test_a_run_that_takes_a_quantised_checkpoint_for_dense_is_refused(tmp_path):
    quantised = write_run(tmp_path, VIEWS, illusion={**W4A16, **identity()})
    # Stock hf says nothing of the checkpoint's quantisation.
    stock = write_run(tmp_path, VIEWS, illusion=None, config={"model_args": {"pretrained": "tiny"}}, date=LATER)
    with pytest.raises(UserError, match=r"counts tiny as dense, but .* states that it is quantised \(w4a16\)") as caught:
        load_outcomes([tmp_path])
    assert all(str(path.resolve()) in str(caught.value) for path in (quantised, stock))


def test_one_variant_in_two_dtypes_is_refused(tmp_path):
    write_run(tmp_path, {"mc": VIEWS["mc"]}, illusion={**DENSE, **identity(), "dtype": "bfloat16"})
    write_run(tmp_path, {"gen": VIEWS["gen"]}, illusion={**DENSE, **identity(), "dtype": "float32"}, date=LATER)
    with pytest.raises(UserError, match="variant dense of tiny with dtype bfloat16 and float32"):
        load_outcomes([tmp_path])


def test_different_base_models_may_differ(tmp_path):
    write_run(tmp_path, VIEWS, illusion={**DENSE, **identity()})
    write_run(tmp_path, VIEWS, illusion={**DENSE, **identity(W2, T2), "base_model": "org/other"}, date=LATER)
    assert len(load_outcomes([tmp_path])) == 4


def test_runs_that_do_not_state_the_content_are_compared_with_a_note(tmp_path):
    old = write_run(tmp_path, VIEWS, illusion=DENSE)
    write_run(tmp_path, VIEWS, illusion={**PRUNED, **identity()}, date=LATER)
    assert notes(tmp_path) == [UNCHECKED.format("tiny") + f"{old.name} does not state them."]


def test_a_single_variant_needs_no_note(tmp_path):
    write_run(tmp_path, {"mc": VIEWS["mc"]}, illusion=DENSE)
    write_run(tmp_path, {"gen": VIEWS["gen"]}, illusion=DENSE, date=LATER)
    assert unchecked_bases(find_runs([tmp_path])) == []


def stock(model_args, **config):
    return {"illusion": None, "config": {"model": "hf", "model_args": model_args, **config}}


def test_runs_of_other_models_are_checked_by_their_commit(tmp_path):
    write_run(tmp_path, VIEWS, **stock("pretrained=org/m", model_sha=COMMITS[0]))
    write_run(tmp_path, VIEWS, **stock("pretrained=org/m,peft=french", model_sha=COMMITS[0]), date=LATER)
    assert notes(tmp_path) == []


def test_other_commits_may_have_the_same_weights_so_they_are_named_in_the_note(tmp_path):
    write_run(tmp_path, VIEWS, **stock("pretrained=org/m", model_sha=COMMITS[0]))
    write_run(tmp_path, VIEWS, illusion={**PRUNED, "base_model": "org/m", "base_revision": COMMITS[1]}, date=LATER)
    (note,) = notes(tmp_path)
    assert note.startswith(UNCHECKED.format("org/m"))
    assert note.endswith("do not state them; they state the commits aaaaaaaaaaaa, bbbbbbbbbbbb.")


@pytest.mark.parametrize(
    ("second", "difference"), [("revision=v2", "revision main and v2"), ("subfolder=onnx", "subfolder none and onnx")]
)
def test_another_revision_or_subfolder_is_refused_where_the_weights_are_not_stated(tmp_path, second, difference):
    write_run(tmp_path, VIEWS, **stock("pretrained=m"))
    write_run(tmp_path, VIEWS, **stock(f"pretrained=m,{second},peft=x"), date=LATER)
    with pytest.raises(UserError, match=rf"different content \({difference}\)"):
        load_outcomes([tmp_path])


def test_a_revision_is_no_difference_where_the_weights_are_the_same():
    first, second = (BaseContent(W1, T1, revision=revision) for revision in ("main", "v2"))
    assert first.difference(second) is None
    assert first.difference(BaseContent(None, None, revision="v2")) == ("revision", "main", "v2")
    assert first.difference(BaseContent(W1, None)) is None
    assert BaseContent().difference(BaseContent()) is None


def test_two_revisions_may_be_one_commit():
    first, second = (BaseContent(commit=COMMITS[0], revision=revision, subfolder="") for revision in ("main", COMMITS[0]))
    assert first.difference(second) is None
    assert first.difference(BaseContent(commit=COMMITS[0], revision="main", subfolder="x")) == ("subfolder", "none", "x")
    assert first.difference(BaseContent(commit=COMMITS[1], revision="v2")) == ("revision", "main", "v2")

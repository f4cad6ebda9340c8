"""The cells of a study, compared with lists written by hand."""

from __future__ import annotations

import datetime

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning import recipe_process
from lm_eval_illusion.pruning.recipe_template import fill_in
from lm_eval_illusion.sweep.grid import cells_of, settings_of
from lm_eval_illusion.sweep.study import Study


def names_of(**study):
    """The base model and the variant of each cell."""
    return [(cell.base_model, cell.variant) for cell in cells_of(Study(**study))]


def test_every_base_model_dense_and_every_combination():
    cells = names_of(pretrained=["a", "b"], pruner=["wanda", "magnitude"], sparsity=[0.5, 0.6])
    variants = ["dense", "wanda-0.5", "wanda-0.6", "magnitude-0.5", "magnitude-0.6"]
    assert cells == [(base, variant) for base in "ab" for variant in variants]


def test_a_recipe_is_filled_in_once_whatever_the_number_of_cells(monkeypatch):
    filled_in = []

    def count(template, values):
        filled_in.append(template)
        return fill_in(template, values)

    monkeypatch.setattr(recipe_process, "fill_in", count)
    recipe_process._reply.cache_clear()
    # 10,000 cells are allowed, and to parse a template takes 5 ms or more.
    cells = cells_of(Study(pretrained="a", pruner=("wanda", "magnitude"), sparsity=tuple(i / 100 for i in range(30, 70))))
    assert (len(cells), len(filled_in), len(set(filled_in))) == (81, 2, 2)


def test_masks_languages_and_seeds_are_axes_and_part_of_the_variant_name():
    cells = names_of(
        pretrained="a", sparsity=[0.5], mask_structure=["2:4"], calibration_language=["all", "en"], pruning_seed=[0, 1]
    )
    assert [variant for _, variant in cells] == [
        "dense",
        *(f"wanda-0.5,text=embedded{name}" for name in ("", ",seed=1", ",cal=en", ",cal=en,seed=1")),
        *(f"wanda-2:4,text=embedded{name}" for name in ("", ",seed=1", ",cal=en", ",cal=en,seed=1")),
    ]


def test_a_study_without_calibration_gives_each_model_its_default():
    cells = cells_of(Study(pretrained=["embedded", "a"], pruner=["wanda", "magnitude"], sparsity=0.5))
    assert [cell.variant for cell in cells] == ["dense", "wanda-0.5", "magnitude-0.5"] * 2
    languages = [cell.request.model_args.get("calibration_language") for cell in cells]
    # Written out for the embedded model and for methods without calibration, as ever: it is part of the names of finished cells.
    assert languages == [None, "all", "all", None, None, "all"]
    assert [settings_of(cell.request.model_args).calibration for cell in cells if cell.variant == "wanda-0.5"] == [
        "embedded",
        "hub:allenai/c4:en",
    ]


def test_a_language_or_a_text_of_a_study_holds_for_every_model():
    for keys, name in (
        ({"calibration_language": "all"}, ",text=embedded"),
        ({"calibration_language": "fi"}, ",text=embedded,cal=fi"),
        ({"model_args": {"calibration_language": "fi"}}, ",text=embedded,cal=fi"),
        ({"model_args": {"calibration": "embedded"}}, ",text=embedded"),
        (
            {"model_args": {"calibration": "embedded", "calibration_language": "ko"}, "calibration_language": "fi"},
            ",text=embedded,cal=fi",
        ),
        ({"model_args": {"calibration": __file__}}, ",text=test_grid"),
    ):
        embedded, other = (names_of(pretrained=model, sparsity=0.5, **keys)[1][1] for model in ("embedded", "a"))
        assert (embedded, other) == (f"wanda-0.5{name.removeprefix(',text=embedded')}", f"wanda-0.5{name}")


def test_a_default_calibration_is_excluded_by_its_language_only_where_it_has_one():
    study = {"pruner": "wanda", "sparsity": 0.5, "exclude": {"calibration_language": "all"}}
    assert [variant for _, variant in names_of(pretrained="embedded", **study)] == ["dense"]
    assert [variant for _, variant in names_of(pretrained="a", **study)] == ["dense", "wanda-0.5"]


def test_excluded_and_included_cells():
    cells = names_of(
        pretrained="a",
        pruner=["wanda", "sparsegpt"],
        sparsity=[0.5, 0.7],
        exclude=[{"pruner": "sparsegpt", "sparsity": 0.7}, {"sparsity": 0.5, "pruner": "wanda"}],
        include=[{"pruner": "magnitude", "sparsity": 0.4}, {"pruner": "wanda", "sparsity": 0.7}],
    )
    assert [variant for _, variant in cells] == ["dense", "wanda-0.7", "sparsegpt-0.5", "magnitude-0.4"]


def test_a_pruner_has_only_the_axes_of_its_recipe(tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("{{ sparsity }}")
    cells = names_of(
        pretrained="a",
        pruner=["wanda", "owl", "gptq", str(recipe)],
        sparsity=[0.5, 0.6],
        mask_structure=["2:4"],
        model_args={"owl_lambda": 0.1},
    )
    assert [variant for _, variant in cells] == [
        *("dense", "wanda-0.5", "wanda-0.6", "wanda-2:4"),
        *("owl-0.5,lambda=0.1", "owl-0.6,lambda=0.1", "gptq", "mine-0.5", "mine-0.6"),
    ]


def test_a_method_without_calibration_and_seed_is_one_cell_for_all_of_them(tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("a_stage: {a_modifiers: {LayerMagnitudeModifier: {sparsity: {{ sparsity }}}}}")
    axes = {"calibration_language": ["all", "en"], "pruning_seed": [0, 1], "sparsity": 0.5}
    cells = names_of(pretrained="a", pruner=["magnitude", "rtn", str(recipe), "gptq"], **axes)
    assert [variant for _, variant in cells] == [
        *("dense", "magnitude-0.5", "rtn", "mine-0.5"),
        *(f"gptq,text=embedded{name}" for name in ("", ",seed=1", ",cal=en", ",cal=en,seed=1")),
    ]
    # However it is asked for, it is the same cell, also without these axes and with the arguments that other methods use.
    (_, expected) = cells_of(Study(pretrained="a", pruner="magnitude", sparsity=0.5))
    for study in (
        Study(pretrained="a", pruner="magnitude", exclude=[{"calibration_language": "all"}, {"pruning_seed": 0}], **axes),
        Study(
            pretrained="a",
            pruner=(),
            include=[{"pruner": "magnitude", "sparsity": 0.5, "calibration_language": "en", "pruning_seed": 3}],
            model_args={"calibration_samples": 8, "calibration_length": 64, "calibration": __file__},
        ),
    ):
        assert cells_of(study)[1:] == [expected]


def test_cell_names_differ_if_any_setting_that_changes_answers_differs():
    first, second = (cells_of(Study(pretrained="org/model", sparsity=0.5, limit=limit)) for limit in (5, 6))
    assert [cell.name.rsplit("--", 1)[0] for cell in first] == ["model--dense", "model--wanda-0.5"]
    assert not {cell.name for cell in first} & {cell.name for cell in second}
    # The batch size changes no answer.
    assert cells_of(Study(pretrained="a", batch_size=1)) == cells_of(Study(pretrained="a", batch_size=9))


def test_the_chat_template_is_part_of_a_cell_and_cells_without_it_keep_their_names():
    plain, chat = (
        cells_of(Study(pretrained="org/model", sparsity=0.5, limit=5, apply_chat_template=on)) for on in (False, True)
    )
    # The name that a sweep gave to the dense cell before it knew chat templates. The default calibration is another one since.
    assert plain[0].name == "model--dense--c043832f"
    assert not {cell.name for cell in plain} & {cell.name for cell in chat}
    assert [cell.request.apply_chat_template for cell in (*plain, *chat)] == [False, False, True, True]


def test_a_wrong_argument_is_an_error_before_any_cell_runs():
    with pytest.raises(UserError, match="did you mean wanda"):
        names_of(pretrained="a", pruner=["wandda"])
    with pytest.raises(UserError, match=r"sparsity 1\.5 is not in"):
        names_of(pretrained="a", sparsity=[0.5, 1.5])


@pytest.mark.parametrize(
    "pretrained", ["..", "/", "a/../..", "x" * 300, "モデル" * 100, "a\x1b[2J\nb", "\udcff", "-rf", "con", "a:b*?"]
)
def test_the_name_of_any_model_is_safe_as_the_name_of_a_file(pretrained):
    names = [cell.name for cell in cells_of(Study(pretrained=pretrained, pruner="magnitude"))]
    assert len(set(names)) == 4
    for name in names:
        # 255 bytes are allowed, and the sweep appends a hash of the inputs, the number of an unfinished run and a suffix.
        assert len(f"{name}-01234567-01234567.txt".encode()) <= 255
        assert not set(name) & set('/\\:*?"<>|\0')
        assert name.isprintable()


def test_names_differ_also_where_the_file_system_ignores_case():
    names = [cell.name.casefold() for cell in cells_of(Study(pretrained=["Model", "model", "a/model", "x" * 300, "x" * 301]))]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ({"pretrained": ["a", ""]}, "pretrained '' is blank"),
        ({"pretrained": "a", "tasks": [" "]}, "tasks ' ' is blank"),
        ({"pretrained": "a", "include": [{"pretrained": ""}]}, "pretrained '' is blank"),
        ({"pretrained": "a", "model_args": {"calibration_samples": 10**30}}, "too large: give a whole number from 1 to 65,536"),
        ({"pretrained": "a", "model_args": {"calibration_length": True}}, "calibration_length True is not a whole number"),
        ({"pretrained": "a", "metadata": {"day": datetime.date(2026, 1, 1)}}, "can't be written as JSON"),
    ],
)
def test_a_study_that_could_not_end_or_would_mean_something_else(study, message):
    with pytest.raises(UserError, match=message):
        cells_of(Study(**study))


@pytest.mark.parametrize(
    "axes",
    [
        {"pruning_seed": 2**32},
        {"pruning_seed": -1},
        {"pruning_seed": True},
        {"sparsity": "0.5"},
        {"limit": 10**10},
        {"limit": 5.0},
        {"batch_size": 65_537},
        {"batch_size": " 5 "},
    ],
    ids=repr,
)
def test_numbers_of_a_study_have_the_ranges_of_the_options(axes):
    with pytest.raises(ValueError, match=next(iter(axes))):
        Study(pretrained="a", **axes)

"""What every engine writes about the model that it ran: the same identity, variant and bits."""

from __future__ import annotations

import shutil

import pytest
from safetensors.torch import load_file, save_file

from lm_eval_illusion import load_outcomes
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.hf import PrunedHFLM
from tests.lm_eval_files import hits, write_run
from tests.quantised_checkpoints import save_adapter, save_int4
from tests.tiny_models import save_tiny


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return a folder with a dense model, `dense`, a quantised one, `int4`, and an adapter of the dense one, `french`."""
    folder = tmp_path_factory.mktemp("models")
    dense = save_tiny("llama", folder / "dense")
    save_int4(dense, folder / "int4")
    save_adapter(dense, folder / "french")
    return folder


@pytest.mark.parametrize(
    ("name", "hf_arguments", "vllm_arguments", "variant"),
    [
        ("dense", {}, {}, "dense"),
        ("int4", {}, {"quantization": "compressed-tensors"}, "w4a16"),
        ("dense", {"peft": "french"}, {"lora_local_path": "french"}, "peft-french"),
    ],
)
def test_the_engine_does_not_matter(vllm_class, models, name, hf_arguments, vllm_arguments, variant):
    def placed(arguments):
        return {key: str(models / value) if value == "french" else value for key, value in arguments.items()}

    infos = [
        PrunedHFLM(str(models / name), pruner="none", device="cpu", **placed(hf_arguments)).get_model_info()["illusion"],
        vllm_class(str(models / name), pruner="none", **placed(vllm_arguments)).get_model_info()["illusion"],
    ]
    assert [info.pop("engine").split()[0] for info in infos] == ["transformers", "vllm"]
    contents = [[change["content"] for change in info.pop("changes")] for info in infos]
    assert contents[0] == contents[1]
    # vLLM hides its weights: nothing is claimed about them.
    assert infos[1]["sparsity_measured"] is None
    for measured in ("sparsity_measured", *(["bits_measured"] if variant != "w4a16" else [])):
        infos = [{key: value for key, value in info.items() if key != measured} for info in infos]
    assert infos[0] == infos[1]
    assert (infos[0]["variant"], infos[0]["dtype"]) == (variant, "float32")
    assert None not in infos[0]["base_identity"].values()


def test_no_engine_prunes_a_quantised_checkpoint(vllm_class, models, tmp_path):
    for make in (
        lambda **more: PrunedHFLM(str(models / "int4"), device="cpu", **more),
        lambda **more: vllm_class(str(models / "int4"), **more),
    ):
        with pytest.raises(UserError, match=r"int4 is already quantised or compressed \(w4a16, compressed-tensors\)"):
            make(pruner="wanda", sparsity=0.5, store=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_a_folder_that_changes_between_the_dense_and_the_pruned_run_is_noticed(models, tmp_path, file):
    folder = shutil.copytree(models / "dense", tmp_path / "model")
    wanda = {"pruner": "wanda", "sparsity": 0.5, "calibration": "embedded", "calibration_samples": 8, "calibration_length": 64}
    views = {"mc": [{"id": "a", "acc": 1.0}], "gen": hits("match", a=1)}

    def run(date, **arguments):
        model = PrunedHFLM(str(folder), device="cpu", store=str(tmp_path / "store"), **arguments)
        return write_run(tmp_path / "runs", views, illusion=model.get_model_info()["illusion"], date=date)

    run("2026-11-23T10-00-00.000000", pruner="none")
    unchanged = run("2026-11-23T11-00-00.000000", **wanda)
    assert [outcome.variant.variant for outcome in load_outcomes([tmp_path / "runs"])] == [
        "dense",
        "wanda-0.5,text=embedded,samples=8,length=64",
    ]
    unchanged.unlink()
    if file == "model.safetensors":
        tensors = load_file(folder / file)
        save_file({name: tensor * 1.01 for name, tensor in tensors.items()}, folder / file, {"format": "pt"})
    else:
        (folder / file).write_text((folder / file).read_text() + "\n")
    run("2026-11-23T12-00-00.000000", **wanda)
    with pytest.raises(UserError, match=f"with different content \\({file.partition('.')[0].replace('model', 'weights')} "):
        load_outcomes([tmp_path / "runs"])

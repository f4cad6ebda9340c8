"""GGUF files as base models: dequantised as gguf itself does, named, measured, pruned, stored once; and what is refused."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch
from lm_eval.api.instance import Instance
from transformers import AutoModelForCausalLM

from lm_eval_illusion import prune
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.arguments import HF_NOT_WITH_PRUNING
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.models.pruned import resolve_checkpoint
from lm_eval_illusion.pruning.checkpoint_store import verify
from lm_eval_illusion.pruning.gguf_checkpoint import dequantised
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from tests.gguf_files import write_gguf

WANDA = {"pruner": "wanda", "sparsity": 0.5, "calibration_samples": 4, "calibration_length": 32, "calibration": "embedded"}
IDS = torch.arange(20)[None] + 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gguf") / "tiny"


@pytest.fixture(scope="module")
def q4_1(folder):
    """The model of a file of Q4_1, as gguf dequantises it."""
    return write_gguf(folder / "tiny.Q4_1.gguf", "Q4_1")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return str(tmp_path_factory.mktemp("store"))


def resolved(pretrained, store, **arguments):
    return resolve_checkpoint(str(pretrained), {"store": store, **arguments}, HF_NOT_WITH_PRUNING)


def test_a_quantised_file_is_a_variant_of_its_folder_with_the_logits_of_its_numbers(folder, q4_1, store):
    checkpoint = resolved(folder, store, pruner="none", gguf_file="tiny.Q4_1.gguf")
    manifest = checkpoint.manifest
    assert (manifest.base_model, manifest.variant, manifest.pruner) == (str(folder), "Q4_1", "gguf")
    # 32 numbers of 4 bits with a scale and an offset of 16 bits each.
    assert manifest.bits_measured == (32 * 4 + 32) / 32
    loaded = AutoModelForCausalLM.from_pretrained(checkpoint.path)
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded(IDS).logits, q4_1(IDS).logits)
    assert verify(Path(checkpoint.path)) is None
    assert loaded.generation_config.eos_token_id == 1


@pytest.mark.parametrize(
    ("kind", "tie", "dtype", "bits"),
    [
        ("F32", False, torch.float32, 32),
        ("F16", True, torch.float16, 16),
        ("BF16", False, torch.bfloat16, 16),
        ("Q8_0", True, torch.float32, 8.5),
        ("Q5_0", False, torch.float32, 5.5),
    ],
)
def test_every_type_keeps_every_number(kind, tie, dtype, bits, tmp_path):
    """Of a file of 16 bits, the folder has 16 bits, too. Products of a scale and a whole number need float32."""
    expected = write_gguf(tmp_path / f"a-{kind}.gguf", kind, tie=tie)
    checkpoint = resolved(tmp_path / f"a-{kind}.gguf", str(tmp_path / "store"), pruner="none")
    assert (checkpoint.manifest.base_model, checkpoint.manifest.variant) == (str(tmp_path), kind)
    assert checkpoint.manifest.bits_measured == bits
    loaded = AutoModelForCausalLM.from_pretrained(checkpoint.path)
    assert (loaded.dtype, loaded.config.tie_word_embeddings) == (dtype, tie)
    weights = dict(expected.named_parameters())
    assert loaded.state_dict().keys() == expected.state_dict().keys()
    assert all(torch.equal(weight.float(), weights[name]) for name, weight in loaded.named_parameters())


def test_the_model_class_measures_the_file_as_it_is(folder, q4_1, store):
    model = PrunedHFLM(str(folder), gguf_file="tiny.Q4_1.gguf", pruner="none", store=store, device="cpu")
    info = model.get_model_info()["illusion"]
    assert (info["variant"], info["bits_measured"], info["dtype"]) == ("Q4_1", 5.0, "float32")
    zeros = [(p == 0).sum().item() / p.numel() for n, p in q4_1.named_parameters() if "_proj" in n]
    assert min(zeros) <= info["sparsity_measured"] <= max(zeros)
    (change,) = info["changes"]
    assert (change["argument"], change["value"], change["content"]) == (
        "gguf_file",
        "tiny.Q4_1.gguf",
        info["base_identity"]["weights"],
    )
    ((score, _),) = model.loglikelihood([Instance("loglikelihood", {}, ("Paris", " France"), 0)], disable_tqdm=True)
    ids = torch.tensor([model.tok_encode("Paris") + model.tok_encode(" France", add_special_tokens=False)])
    log_probabilities = q4_1(ids).logits[0].log_softmax(-1)
    begin = len(model.tok_encode("Paris"))
    assert score == pytest.approx(
        sum(log_probabilities[at - 1, ids[0, at]].item() for at in range(begin, ids.shape[1])), abs=1e-4
    )


def test_a_file_is_dequantised_once_whatever_it_is_called(folder, q4_1, store, tmp_path, monkeypatch):
    first = resolved(folder, store, pruner="none", gguf_file="tiny.Q4_1.gguf")
    copy = tmp_path / "part" / "another.gguf"
    copy.parent.mkdir()
    shutil.copy(folder / "tiny.Q4_1.gguf", copy)
    monkeypatch.setattr("lm_eval_illusion.pruning.gguf_checkpoint._make", None)
    places = [
        (copy, {}),
        (copy.parent, {"gguf_file": "another.gguf"}),
        (tmp_path, {"gguf_file": "another.gguf", "subfolder": "part"}),
    ]
    found = [resolved(pretrained, store, pruner="none", **arguments) for pretrained, arguments in places]
    assert {checkpoint.path for checkpoint in found} == {first.path}
    assert [checkpoint.manifest.base_model for checkpoint in found] == [str(copy.parent), str(copy.parent), str(tmp_path)]


def test_files_beside_it_and_in_the_working_folder_are_not_read(q4_1, folder, store, tmp_path, monkeypatch):
    """transformers would take weights of this name from the working folder, and adapters and settings from the model's."""
    here, model = tmp_path / "here", tmp_path / "model"
    here.mkdir()
    expected = write_gguf(model / "x.gguf", "Q8_0")
    for name in ("x.gguf", "model.gguf"):
        shutil.copy(folder / "tiny.Q4_1.gguf", here / name)
    for name in ("config.json", "adapter_config.json", "tokenizer_config.json", "generation_config.json"):
        (model / name).write_text("{]")
    monkeypatch.chdir(here)
    checkpoint = resolved(model, store, pruner="none", gguf_file="x.gguf")
    assert torch.equal(AutoModelForCausalLM.from_pretrained(checkpoint.path)(IDS).logits, expected(IDS).logits)


def test_a_pruned_file_is_named_by_both_and_keeps_what_pruning_left(folder, q4_1, store):
    checkpoint = resolved(folder, store, gguf_file="tiny.Q4_1.gguf", **WANDA)
    manifest = checkpoint.manifest
    assert manifest.base_model == str(folder)
    assert re.fullmatch(r"Q4_1\+wanda-0\.5,.*samples=4,length=32", manifest.variant)
    assert (manifest.pruner, manifest.sparsity_requested) == ("gguf+wanda", 0.5)
    # It is no file of Q4_1 any more: zeros need not be among the 16 numbers of a block.
    assert manifest.bits_measured == 32
    weights = dict(q4_1.named_parameters())
    loaded = AutoModelForCausalLM.from_pretrained(checkpoint.path)
    for name, weight in loaded.named_parameters():
        if "_proj" in name:
            assert (weight == 0).float().mean() == pytest.approx(0.5, abs=0.01)
            assert torch.equal(weight, torch.where(weight == 0, 0, weights[name]))
    dense = resolved(folder, store, pruner="none", gguf_file="tiny.Q4_1.gguf").manifest
    assert manifest.base_identity == dense.base_identity
    assert manifest.changes == dense.changes


def test_prune_from_python_takes_a_file(folder, q4_1, store):
    made = prune(str(folder), gguf_file="tiny.Q4_1.gguf", store=store, **WANDA)
    assert made == prune(str(folder / "tiny.Q4_1.gguf"), store=store, **WANDA)
    assert made == Path(resolved(folder, store, gguf_file="tiny.Q4_1.gguf", **WANDA).path)


def test_an_adapter_on_a_file_is_a_variant_of_the_file(folder, q4_1, store, tmp_path):
    from tests.quantised_checkpoints import save_adapter

    plain = Path(resolved(folder, store, pruner="none", gguf_file="tiny.Q4_1.gguf").path)
    adapter = save_adapter(plain, tmp_path / "french", 1)
    manifest = resolved(folder, store, pruner="none", gguf_file="tiny.Q4_1.gguf", peft=str(adapter)).manifest
    assert (manifest.variant, manifest.pruner, manifest.bits_measured) == ("Q4_1+peft-french", "gguf+peft", 5.0)
    assert [change.argument for change in manifest.changes] == ["gguf_file", "peft"]


REFUSED = {
    "a name with a typing error": ({"gguf_file": "tiny.Q41.gguf"}, r"did you mean tiny\.Q4_1\.gguf\?"),
    "a name that is nothing": ({"gguf_file": "zzz"}, r"is no file in .*\(there are tiny\.Q4_1\.gguf\)"),
    "another file": ({"gguf_file": "../other/config.json"}, "is not within its folder"),
    "a subfolder outside": ({"gguf_file": "x.gguf", "subfolder": "../other"}, "is not within its folder"),
    "an absolute name": ({"gguf_file": "/etc/passwd"}, "is not within its folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_name_is_refused_with_a_suggestion(case, folder, q4_1, store):
    arguments, reason = REFUSED[case]
    with pytest.raises(UserError, match=reason):
        resolved(folder, store, pruner="none", **arguments)


def test_a_path_that_is_something_else_is_refused_by_what_it_is(folder, q4_1, store, tmp_path):
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "dead.gguf").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo.gguf")
    for name, reason in {
        "folder": "a folder",
        "dead": "a link to a file that does not exist",
        "fifo": "no regular file",
    }.items():
        with pytest.raises(UserError, match=rf"'{name}\.gguf' is {reason} in .* \(there is no GGUF file\)"):
            resolved(tmp_path, store, pruner="none", gguf_file=f"{name}.gguf")
    with pytest.raises(
        UserError, match=r"dead\.gguf' is a link to a file that does not exist \(there is no GGUF file\): give an"
    ):
        resolved(tmp_path / "dead.gguf", store, pruner="none")


def test_a_path_that_is_no_file_is_refused_with_a_suggestion(folder, q4_1, store):
    with pytest.raises(UserError, match=r"is no file, did you mean tiny\.Q4_1\.gguf\?: give an existing GGUF file"):
        resolved(folder / "tiny.Q4_0.gguf", store, pruner="none")


@pytest.mark.parametrize("pruning", [{"pruner": "none"}, WANDA])
def test_a_folder_of_gguf_files_alone_is_refused_with_their_names(pruning, folder, q4_1, store, tmp_path):
    for number in range(6):
        (tmp_path / f"m{number}.Q4_1.gguf").touch()
    # Repositories of GGUF files often have a configuration, too.
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    files = re.escape(
        "(m0.Q4_1.gguf, m1.Q4_1.gguf, m2.Q4_1.gguf, m3.Q4_1.gguf, m4.Q4_1.gguf, ...): give one of them as gguf_file=NAME"
    )
    with pytest.raises(UserError, match=f"has no weights but GGUF files {files}"):
        resolved(tmp_path, store, **pruning)
    with pytest.raises(UserError, match=r"\(tiny\.Q4_1\.gguf\): give one of them"):
        resolved(folder, store, **pruning)


def test_a_hub_name_that_is_not_there_is_refused_in_one_line(store, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"gguf_file 'x\.gguf' is neither in a folder 'org/none' nor in a model of that name"):
        resolved("org/none", store, pruner="none", gguf_file="x.gguf")


def test_a_file_of_a_hub_model_in_the_cache_is_found(folder, q4_1, store, tmp_path, monkeypatch):
    repository, commit = tmp_path / "models--org--tiny", "0" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots" / commit / "part").mkdir(parents=True)
    shutil.copy(folder / "tiny.Q4_1.gguf", repository / "snapshots" / commit / "part" / "x.gguf")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path))
    for arguments in ({"gguf_file": "part/x.gguf"}, {"gguf_file": "x.gguf", "subfolder": "part"}):
        manifest = resolved("org/tiny", store, pruner="none", **arguments).manifest
        assert (manifest.base_model, manifest.variant, manifest.changes[0].value) == ("org/tiny", "Q4_1", "part/x.gguf")


FILES = {
    "an unknown architecture": ({"general.architecture": "brandnew"}, "", "brandnew"),
    "no layers": ({"llama.block_count": 0}, "", r"states 0 layers"),
    "a billion layers": ({"llama.block_count": 1_000_000_000}, "", r"states 1000000000 layers"),
    "fewer layers than tensors": (
        {"llama.block_count": 1},
        "",
        r"has 36,992 numbers that have no place in transformers' LlamaForCausalLM",
    ),
    "an end token outside the vocabulary": (
        {"tokenizer.ggml.eos_token_id": 99999},
        "",
        "states the end token 99999 with a vocabulary of 340 tokens",
    ),
    "one part of three": ({"split.count": 3}, "", "one of 3 parts"),
    "a missing matrix": ({}, "blk.1.ffn_up.weight", r"missing in its files.*model\.layers\.1\.mlp\.up_proj\.weight"),
    "another width": ({"llama.embedding_length": 128}, "", r"another shape|can't be loaded"),
    "a huge width": ({"llama.embedding_length": 1 << 31}, "", r"asks for|can't be loaded"),
    "no heads": ({"llama.attention.head_count": 0}, "", r"can't be loaded"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_model_is_refused_in_one_line(case, tmp_path):
    metadata, leave_out, reason = FILES[case]
    write_gguf(tmp_path / "x.gguf", "F16", metadata=metadata, leave_out=leave_out)
    with pytest.raises(UserError, match=reason) as caught:
        resolved(tmp_path, str(tmp_path / "store"), pruner="none", gguf_file="x.gguf")
    assert "/lm-eval-illusion-" not in str(caught.value)
    assert "config.json" not in str(caught.value)
    assert not [entry for entry in (tmp_path / "store").glob("*") if entry.name != ".work"]


def test_a_file_without_an_end_token_gets_none(tmp_path, caplog):
    """Llama's configuration would fill in number 2, which is padding here."""
    write_gguf(tmp_path / "x.gguf", metadata={"tokenizer.ggml.eos_token_id": None})
    checkpoint = resolved(tmp_path, str(tmp_path / "store"), pruner="none", gguf_file="x.gguf")
    loaded = AutoModelForCausalLM.from_pretrained(checkpoint.path)
    assert (loaded.config.eos_token_id, loaded.generation_config.eos_token_id) == (None, None)
    assert "states no end token" in caplog.text


def test_without_the_package_one_line_says_what_to_install(folder, q4_1, tmp_path, monkeypatch):
    from importlib.util import find_spec

    monkeypatch.setattr(
        "lm_eval_illusion.pruning.gguf_checkpoint.importlib.util.find_spec",
        lambda name: None if name == "gguf" else find_spec(name),
    )
    # The reader of the header imports the package, too: it must not come first.
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(UserError, match=r"need the package gguf, which is not installed: run pip install gguf"):
        resolved(folder, str(tmp_path), pruner="none", gguf_file="tiny.Q4_1.gguf")


@pytest.mark.real_model
def test_the_real_model_ends_its_turns_and_knows_its_vocabulary(smollm2):
    from transformers import AutoTokenizer

    from tests.smollm2 import smollm2_file

    model = dequantised(BaseModel(str(smollm2_file())), str(smollm2.parent))
    manifest = model.checkpoint.manifest
    assert (manifest.variant, manifest.bits_measured) == ("Q4_1", 5.0)
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == ("<|im_start|>", "<|im_end|>", "<|im_end|>")
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], add_generation_prompt=True, tokenize=False)
    assert chat.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    ids = tokenizer(chat)["input_ids"]
    # Each mark of the template is one token, and no other token is added.
    assert [ids.count(token) for token in (1, 2)] == [3, 2]
    assert ids[0] == 1
    assert tokenizer.decode(ids) == chat

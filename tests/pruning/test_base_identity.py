"""The identity of a base model by content: copies are equal, every changed file that is loaded is seen, others do not count."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.base_identity import BaseIdentity, ModelFiles, base_identity, read_use_safetensors
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, base_revision, identity_of, tokenizer_revision
from tests.tiny_models import save_tiny

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return save_tiny("llama", tmp_path_factory.mktemp("models") / "original")


@pytest.fixture
def copy(original, tmp_path):
    return shutil.copytree(original, tmp_path / "copy")


def identity(folder, **more):
    return identity_of(BaseModel(str(folder), **more))


def digest(folder, *names):
    lines = "".join(f"{name}\0{hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n" for name in sorted(names))
    return hashlib.sha256(lines.encode()).hexdigest()


def test_the_identity_is_a_hash_over_the_names_and_hashes_of_what_is_loaded(original):
    assert {path.name for path in original.iterdir()} == {
        *("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    }
    assert identity(original) == BaseIdentity(
        weights=digest(original, "config.json", "generation_config.json", "model.safetensors"),
        tokenizer=digest(original, "tokenizer.json", "tokenizer_config.json"),
    )


def test_a_copy_with_other_times_and_files_that_are_not_loaded_is_the_same(original, copy):
    for path in copy.iterdir():
        os.utime(path, (1, 1))
    for name in ("README.md", ".gitattributes", "training_args.json", "vocab.json", "pytorch_model.bin", "onnx.py"):
        (copy / name).write_text(f"{name} of the copy")
    for folder in (".cache", "original", "onnx"):
        (copy / folder).mkdir()
        (copy / folder / "model.safetensors").write_text("another format of the weights")
    assert identity(copy) == identity(original)
    assert base_revision(str(copy)) == base_revision(str(original))


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "model.safetensors"])
def test_a_changed_weight_or_configuration_is_another_model(original, copy, name):
    changed = bytearray((copy / name).read_bytes())
    changed[-1] ^= 1
    (copy / name).write_bytes(changed) if name == "model.safetensors" else (copy / name).write_text(
        json.dumps({**json.loads((original / name).read_text()), "eos_token_id": 5})
    )
    assert identity(copy).weights != identity(original).weights
    assert identity(copy).tokenizer == identity(original).tokenizer
    assert base_revision(str(copy)) != base_revision(str(original))


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "additional_chat_templates/tools.jinja"]
)
def test_a_changed_tokenizer_or_chat_template_is_another_tokenizer(original, copy, name):
    path = copy / name
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "{{ messages }}") + "\n")
    assert identity(copy).tokenizer != identity(original).tokenizer
    assert identity(copy).weights == identity(original).weights
    assert base_revision(str(copy)) != base_revision(str(original))


@pytest.mark.parametrize(
    ("loaded", "arguments"),
    [
        ("model.fp16.safetensors", {"weights_variant": "fp16"}),
        ("pytorch_model.bin", {"use_safetensors": False}),
        # transformers loads the file that the configuration names.
        ("other.safetensors", {}),
    ],
)
def test_the_file_counts_that_the_arguments_or_the_configuration_name(copy, loaded, arguments):
    shutil.copy(copy / "model.safetensors", copy / loaded)
    if not arguments:
        config = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps({**config, "transformers_weights": loaded}))
    before = identity(copy, **arguments).weights
    (copy / "model.safetensors").write_bytes(b"not loaded")
    assert identity(copy, **arguments).weights == before == digest(copy, "config.json", "generation_config.json", loaded)
    (copy / loaded).write_bytes(b"changed")
    assert identity(copy, **arguments).weights != before


def test_use_safetensors_is_read_from_text():
    assert [read_use_safetensors(value) for value in (None, False, "False", "0", True, "true")] == [
        None,
        False,
        False,
        False,
        True,
        True,
    ]


def test_a_byte_in_the_middle_of_a_large_file_counts_even_if_size_and_time_are_restored(copy):
    weights = copy / "model.safetensors"
    with weights.open("r+b") as file:
        file.truncate(65 << 20)  # a sparse file: it takes no space
    status, before = weights.stat(), identity(copy)
    with weights.open("r+b") as file:
        file.seek(33_333_333)
        file.write(b"\1")
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert identity(copy).weights != before.weights


def test_all_shards_of_the_index_count_and_files_beside_them_do_not(copy):
    (copy / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    names = ["model-1.safetensors", "model-2.safetensors"]
    for name in [*names, "consolidated.safetensors"]:
        (copy / name).write_text(name)
    configuration = ("config.json", "generation_config.json")
    expected = digest(copy, *names, "model.safetensors.index.json", *configuration)
    assert identity(copy).weights == expected
    (copy / "consolidated.safetensors").write_text("x")
    assert identity(copy).weights == expected
    (copy / "model-2.safetensors").write_text("x")
    assert identity(copy).weights != expected


def test_the_files_of_a_variant_of_the_weights_are_its_own(copy):
    (copy / "model.fp16.safetensors").write_text("half")
    configuration = ("config.json", "generation_config.json")
    assert identity(copy, weights_variant="fp16").weights == digest(copy, "model.fp16.safetensors", *configuration)
    assert identity(copy).weights == digest(copy, "model.safetensors", *configuration)


def test_a_tokenizer_of_another_folder_and_a_subfolder(original, copy, tmp_path):
    (copy / "tokenizer_config.json").write_text("{}")
    other = identity(original, tokenizer=str(copy))
    assert (other.weights, other.tokenizer) == (identity(original).weights, identity(copy).tokenizer)
    assert tokenizer_revision(BaseModel(str(original), tokenizer=str(copy))) == identity(copy).tokenizer
    assert tokenizer_revision(BaseModel(str(original))) is None
    shutil.copytree(original, tmp_path / "repository" / "inner")
    assert identity(tmp_path / "repository", subfolder="inner") == identity(original)


def test_python_code_of_the_model_counts_with_what_it_imports(copy):
    configuration = json.loads((copy / "config.json").read_text())
    configuration["auto_map"] = {"AutoModelForCausalLM": "modeling.Model", "AutoTokenizer": [None, "other/code--tok.Tok"]}
    (copy / "config.json").write_text(json.dumps(configuration))
    (copy / "modeling.py").write_text("from .layers import Layer\n")
    (copy / "layers.py").write_text("class Layer: ...\n")
    before = identity(copy)
    (copy / "unused.py").write_text("x = 1\n")
    assert identity(copy) == before
    (copy / "layers.py").write_text("class Layer: pass\n")
    assert identity(copy).weights != before.weights


def test_a_model_in_the_hubs_cache_has_the_identity_of_its_copy(original, tmp_path, monkeypatch):
    repository = tmp_path / "models--org--tiny"
    snapshot, blobs = repository / "snapshots" / COMMIT, repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for path in original.iterdir():
        content = path.read_bytes()
        # Large files are named by their SHA-256, small ones by git's SHA-1.
        is_large = path.name == "model.safetensors"
        name = hashlib.sha256(content).hexdigest() if is_large else hashlib.sha1(content).hexdigest()
        (blobs / name).write_bytes(b"not read" if is_large else content)
        (snapshot / path.name).symlink_to(blobs / name)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert identity("org/tiny") == identity("org/tiny", revision=COMMIT) == identity(original)
    assert base_revision("org/tiny") == COMMIT
    with pytest.raises(UserError, match="neither a folder nor a model on the hub or in its cache"):
        identity("org/tiny", revision="v2")


def test_the_embedded_model_has_an_identity_and_an_unknown_one_is_refused(monkeypatch, tmp_path):
    assert None not in (identity("embedded").weights, identity("embedded").tokenizer)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="neither a folder nor a model on the hub"):
        identity(tmp_path / "missing")


def test_a_damaged_index_is_one_line(copy):
    (copy / "model.safetensors").unlink()
    (copy / "model.safetensors.index.json").write_text('{"weight_map": 3}')
    with pytest.raises(UserError, match=r"copy can't be read .*: check that it is a complete model folder"):
        base_identity(ModelFiles(str(copy)))

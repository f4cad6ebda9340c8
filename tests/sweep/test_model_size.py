"""The size of a model without loading it: local files, the hub's cache, the hub's answer, the study's number, or unknown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from lm_eval_illusion.sweep import model_size as module
from lm_eval_illusion.sweep.model_size import ModelSize, cached_snapshot, model_size
from lm_eval_illusion.sweep.packaged_studies import study_file
from lm_eval_illusion.sweep.study import read_study
from tests.gguf_files import write_gguf
from tests.tiny_models import make_tiny_model

COMMIT = "0123456789012345678901234567890123456789"


@pytest.fixture(autouse=True)
def no_answers_from_before():
    module._size_on_hub.cache_clear()
    module.hub_answers.cache_clear()
    yield
    module._size_on_hub.cache_clear()
    module.hub_answers.cache_clear()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put_into(cache, name, source):
    """Lay out a model's folder as the hub's cache does."""
    repository = cache / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    (repository / "snapshots").mkdir()
    source.rename(repository / "snapshots" / COMMIT)
    return repository / "snapshots" / COMMIT


@pytest.mark.parametrize("shard", ["1GB", "100KB"])
def test_a_local_model_is_measured_by_its_files(tmp_path, shard):
    model = make_tiny_model("llama")
    model.save_pretrained(tmp_path, max_shard_size=shard)
    shards = list(tmp_path.glob("*.safetensors"))
    assert (len(shards) > 1) == (shard == "100KB")
    # Independent of the headers: torch counts, and the disk knows the bytes.
    expected = sum(parameter.numel() for parameter in model.parameters())
    assert model_size(str(tmp_path), "main", 7) == ModelSize(
        expected, sum(path.stat().st_size for path in shards), True, "its files"
    )


@pytest.mark.parametrize(("kind", "bytes_each"), [("Q4_1", 4), ("F16", 2)])
def test_a_gguf_file_is_measured_by_its_header_as_it_is_dequantised(tmp_path, kind, bytes_each):
    model = write_gguf(tmp_path / "x.gguf", kind)
    # Independent of the header: torch counts.
    parameters = sum(parameter.numel() for parameter in model.parameters())
    expected = ModelSize(parameters, bytes_each * parameters, True, "its header")
    assert model_size(str(tmp_path / "x.gguf"), "main", 7) == expected
    assert model_size(str(tmp_path), "main", 7, file="x.gguf") == expected
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    assert model_size(str(tmp_path / "x.gguf"), "main", 7) == ModelSize(7, 14, True, "as the study states")
    assert model_size("none.gguf", "main", None) == ModelSize(None, None, False, "unknown")


def test_a_model_in_the_cache_is_here_and_one_with_a_missing_shard_is_not(tmp_path, cache):
    make_tiny_model("llama").save_pretrained(tmp_path / "model", max_shard_size="100KB")
    snapshot = put_into(cache, "org/model", tmp_path / "model")
    assert cached_snapshot("org/model", "main") == snapshot
    size = model_size("org/model", "main", None, ask_hub=False)
    assert size.is_here
    assert size.parameters
    next(snapshot.glob("*.safetensors")).unlink()
    assert model_size("org/model", "main", None, ask_hub=False) == ModelSize(None, None, False, "unknown")
    assert cached_snapshot("org/other", "main") is None
    assert cached_snapshot("no model: at all", "main") is None


@pytest.mark.parametrize("content", [b"", b"x" * 5, b"\xff" * 8, b"\x05\0\0\0\0\0\0\0nojson", b"\x05\0\0\0\0\0\0\0[1,2]"])
def test_a_folder_with_other_weights_is_here_and_of_the_stated_size(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    assert model_size(str(tmp_path), "main", None) == ModelSize(None, None, True, "unknown")
    assert model_size(str(tmp_path), "main", 10) == ModelSize(10, 20, True, "as the study states")


def answer(sizes, parameters, monkeypatch):
    """Let the hub answer with these files; return the list of what it was asked."""
    asked = []

    class Api:
        def model_info(self, name, **options):
            asked.append((name, options))
            files = [SimpleNamespace(rfilename=file, size=size) for file, size in sizes.items()]
            total = SimpleNamespace(total=parameters) if parameters else None
            return SimpleNamespace(siblings=files, safetensors=total)

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    return asked


@pytest.mark.parametrize(
    ("sizes", "parameters", "expected"),
    [
        # The same weights twice, in two formats and in two cuts: only the shards are loaded.
        (
            {
                "consolidated.safetensors": 100,
                "model-00001-of-00002.safetensors": 60,
                "model-00002-of-00002.safetensors": 40,
                "pytorch_model.bin": 101,
                "README.md": 3,
            },
            50,
            ModelSize(50, 100, False, "the hub"),
        ),
        ({"model.safetensors": 80, "pytorch_model.bin": 81}, 40, ModelSize(40, 80, False, "the hub")),
        ({"pytorch_model-00001-of-00001.bin": 81}, None, ModelSize(None, 81, False, "the hub")),
        ({"README.md": 3}, None, ModelSize(9, 18, False, "as the study states")),
    ],
)
def test_the_hub_is_asked_for_a_model_that_is_not_here(cache, monkeypatch, sizes, parameters, expected):
    asked = answer(sizes, parameters, monkeypatch)
    assert model_size("org/model", "v1", 9) == expected
    assert asked[-1] == ("org/model", {"revision": "v1", "timeout": 5, "files_metadata": True})
    # Once for several cells.
    count = len(asked)
    model_size("org/model", "v1", 9)
    assert len(asked) == count


def test_without_an_answer_the_study_counts_and_the_hub_is_tried_once(cache, monkeypatch):
    tried = []

    class Api:
        def model_info(self, name, **options):
            tried.append(name)
            raise ConnectionError("no network")

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    assert model_size("org/model", "main", 9) == ModelSize(9, 18, False, "as the study states")
    assert model_size("org/other", "main", None) == ModelSize(None, None, False, "unknown")
    assert len(tried) == 1


def test_a_stated_number_of_the_packaged_study_is_that_of_its_architecture():
    """The shapes are those of the models' config.json; the counting is done by transformers on a model without memory."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shapes = {
        "Qwen/Qwen3-8B": ("qwen3", 151936, 4096, 12288, 36, 32, 8, 128),
        "mistralai/Mistral-7B-Instruct-v0.3": ("mistral", 32768, 4096, 14336, 32, 32, 8, 128),
        "microsoft/Phi-3-mini-4k-instruct": ("phi3", 32064, 3072, 8192, 32, 32, 32, 96),
    }
    stated = read_study(study_file(Path("paper")), {}).parameters
    assert stated.keys() == shapes.keys()
    for name, (kind, vocabulary, hidden, inner, layers, heads, key_heads, head) in shapes.items():
        config = AutoConfig.for_model(
            kind,
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=key_heads,
            head_dim=head,
            tie_word_embeddings=False,
            pad_token_id=0,
        )
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
        assert sum(parameter.numel() for parameter in model.parameters()) == stated[name], name

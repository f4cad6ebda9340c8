"""`lm-eval-illusion prune`: a folder that lm_eval's own `hf` model evaluates to the same numbers, complete or absent."""

from __future__ import annotations

import json
import os
from itertools import pairwise

import pytest
import yaml
from huggingface_hub.utils import filter_repo_objects
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from markdown_it import MarkdownIt

from lm_eval_illusion.cli import main
from lm_eval_illusion.items import embedded_items
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.pruning.export import model_card
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.manifest import Manifest, read_manifest
from lm_eval_illusion.views import generation_kwargs
from lm_eval_illusion.views.prompts import open_prompt
from tests.gguf_files import write_gguf
from tests.tiny_models import save_tiny

CARD = "---\nlicense: mit\n---\n# tiny\n"
PRUNING = {"pruner": "wanda", "sparsity": 0.6, "calibration": "embedded", "calibration_samples": 8, "calibration_length": 64}

# It is the fastest method.
MAGNITUDE = ("--pruner=magnitude", "--sparsity=0.5")


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    model = save_tiny("llama", tmp_path / "model")
    (model / "README.md").write_text(CARD)
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in PRUNING.items()]
    return ["prune", "--pretrained", str(model), "--out", str(tmp_path / "out"), *arguments]


def changed(command, *options):
    """The command with other values of these options, each `--name=value`: no option may be given twice."""
    others, after = [], ""
    names = {option.partition("=")[0] for option in options}
    for argument in command:
        if argument.partition("=")[0] not in names and after not in names:
            others.append(argument)
        after = argument
    return [*others, *options]


@pytest.mark.slow
@pytest.mark.parametrize("pruner", ["wanda", "owl", "gptq", "awq"])
def test_hf_gives_the_same_numbers_as_pruned_hf(tmp_path, command, pruner):
    without_sparsity = [argument for argument in command if not argument.startswith("--sparsity")]
    assert main(changed(without_sparsity, f"--pruner={pruner}")) == 0
    stock = HFLM(str(tmp_path / "out"), device="cpu", batch_size=4)
    settings = {name: value for name, value in PRUNING.items() if name != "sparsity"} | {"pruner": pruner}
    ours = PrunedHFLM(str(tmp_path / "model"), device="cpu", batch_size=4, **settings)
    items = embedded_items("en")[:6]
    scored = [
        Instance("loglikelihood", item, (open_prompt(item), f" {choice}"), number)
        for number, item in enumerate(items)
        for choice in item["choices"]
    ]
    questions = [Instance("generate_until", item, (open_prompt(item), generation_kwargs("gen")), 0) for item in items]
    stock_scores, our_scores = (model.loglikelihood(scored, disable_tqdm=True) for model in (stock, ours))
    assert [score for score, _ in our_scores] == pytest.approx([score for score, _ in stock_scores], abs=1e-4)
    assert ours.generate_until(questions, disable_tqdm=True) == stock.generate_until(questions, disable_tqdm=True)


def test_the_model_card_describes_the_pruning(tmp_path, command, capsys):
    assert main(command) == 0
    assert "written: " in capsys.readouterr().out
    card = (tmp_path / "out" / "README.md").read_text()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert card.startswith("---\nbase_model: ")
    assert "license: mit" in card
    assert (
        f"{manifest['sparsity_measured']:.4f} measured over all weights but embeddings and output head, 0.6 requested" in card
    )
    assert "**Bits**: 32 per weight" in card
    assert "Left dense" not in card
    assert manifest["recipe"].strip() in card
    assert manifest["calibration"]["sha256"] in card
    assert main(command) == 2
    assert "exists: give a new folder" in capsys.readouterr().err


def test_a_checkpoint_of_a_read_only_store_is_exported_as_a_folder_that_can_be_written(tmp_path, command):
    assert main(command) == 0
    paths = [path for path in (tmp_path / "store").rglob("*") if path.parent.name != ".work"]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert main(changed(command, f"--out={tmp_path / 'again'}")) == 0
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)
    copies = [tmp_path / "again", *(tmp_path / "again").iterdir()]
    assert all(path.stat().st_mode & 0o600 == 0o600 for path in copies)
    assert {path.name for path in copies[1:]} == {path.name for path in (tmp_path / "out").iterdir()}
    for path in copies[1:]:
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes(), path.name


def test_the_model_card_names_what_stays_dense():
    manifest = Manifest(
        base_model="m",
        base_revision="0",
        variant="wanda-0.5",
        pruner="wanda",
        sparsity_requested=0.5,
        sparsity_measured=0.49,
        bits_measured=16.0,
        left_dense={"layers.*.gate": 0.0123},
        outside_language_model=["vision_tower", "projector"],
        mask_structure="0:0",
        owl_lambda=None,
        owl_m=None,
        pruning_seed=0,
        versions={},
    )
    card = model_card(BaseModel("embedded"), manifest)
    assert "- **Left dense**, with their share of all weights: `layers.*.gate` 1.23%." in card
    assert "- **Neither changed nor measured**, outside the language model: `vision_tower`, `projector`." in card


def test_the_card_of_a_local_gguf_file_names_its_folder_and_its_licence_and_the_hub_is_not_asked(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *names, **_: asked.append(names))
    files = {"stated": {"general.license": "apache-2.0"}, "silent": {}}
    for name, metadata in files.items():
        write_gguf(tmp_path / name / "m.Q8_0.gguf", "Q8_0", metadata=metadata)
        spellings = ([str(tmp_path / name / "m.Q8_0.gguf")], [str(tmp_path / name), "--gguf-file", "m.Q8_0.gguf"])
        for number, pretrained in enumerate(spellings):
            out = tmp_path / f"{name}-{number}"
            command = ["prune", "--pretrained", *pretrained, "--store", str(tmp_path / "store"), "--out", str(out), *MAGNITUDE]
            assert main(command) == 0
            card = (out / "README.md").read_text()
            assert f"base_model: {tmp_path / name}\n" in card
            assert ("license: apache-2.0\n" in card) == (name == "stated")
    # A card beside the file states the licence of a file that is silent.
    (tmp_path / "silent" / "README.md").write_text(CARD)
    card = model_card(BaseModel(str(tmp_path / "silent" / "m.Q8_0.gguf")), HOSTILE)
    assert "license: mit\n" in card
    assert asked == []


def test_without_a_card_of_the_base_model_the_licence_is_unknown(tmp_path, command):
    (tmp_path / "model" / "README.md").unlink()
    assert main(command) == 0
    assert "the base model states none" in (tmp_path / "out" / "README.md").read_text()


def test_all_exported_files_have_the_permissions_of_the_umask(tmp_path, command):
    before = os.umask(0)
    try:
        for mask, mode in ((0o022, 0o644), (0o002, 0o664), (0o077, 0o600)):
            os.umask(mask)
            out = tmp_path / f"{mask}"
            assert main(changed(command, *MAGNITUDE, f"--out={out}")) == 0
            assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {mode}
    finally:
        os.umask(before)


def test_only_the_files_of_the_checkpoint_are_uploaded(tmp_path, command, monkeypatch):
    uploaded = []

    class Hub:
        def create_repo(self, name, exist_ok):
            assert (name, exist_ok) == ("me/pruned", True)

        def upload_folder(self, *, repo_id, folder_path, allow_patterns):
            # Somebody adds a file before the upload begins.
            (folder_path / "evil.py").write_text("import os")
            names = [path.relative_to(folder_path).as_posix() for path in folder_path.rglob("*")]
            uploaded.extend(filter_repo_objects(names, allow_patterns=allow_patterns))

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    assert main(changed(command, *MAGNITUDE, "--push-to-hub=me/pruned")) == 0
    assert set(uploaded) == {*read_manifest(tmp_path / "out").files, "manifest.json", "README.md"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*uploaded, "evil.py"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--sparsity=1.5"], "sparsity 1.5 is not in [0, 1)"),
        (["--pruner=wandda"], "did you mean wanda?"),
        (["--pruner=none"], "none"),
        (["--pretrained=/no/such/model"], "is neither a folder nor a model"),
    ],
)
def test_a_mistake_prints_one_line_and_writes_nothing(tmp_path, command, capsys, more, message):
    assert main(changed(command, *more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_out_the_checkpoint_stays_in_the_store(tmp_path, command, capsys):
    command = [argument for argument in changed(command, *MAGNITUDE) if argument not in ("--out", str(tmp_path / "out"))]
    assert main(command) == 0
    (entry,) = [path for path in (tmp_path / "store").iterdir() if not path.name.startswith(".")]
    assert capsys.readouterr().out == f"in the store: {entry} (sparsity 0.5000, 32 bits per weight)\n"
    for more, message in (
        ("--store=off", "store off keeps no checkpoint: give --out DIR"),
        ("--push-to-hub=me/x", "--push-to-hub uploads the folder of --out"),
        ("--pruner=none", "pruner none leaves the model as it is"),
    ):
        without = [argument for argument in command if more != "--pruner=none" or not argument.startswith("--sparsity")]
        assert main(changed(without, more)) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_an_unreachable_hub_leaves_the_folder(tmp_path, command, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main([*command, "--push-to-hub", "me/pruned"]) == 2
    assert "is written, but me/pruned can't be uploaded to" in capsys.readouterr().err
    assert (tmp_path / "out" / "config.json").is_file()


def test_a_path_that_is_too_long_is_one_line(tmp_path, command, capsys):
    assert main(changed(command, f"--out={tmp_path / ('x' * 300)}")) == 2
    error = capsys.readouterr().err
    assert "can't be written" in error
    assert error.count("\n") == 1


HOSTILE = Manifest(
    base_model="m`x\n# evil",
    base_revision="![x](http://e)",
    variant="wanda [l](http://e)\n# evil",
    pruner="wanda",
    sparsity_requested=0.5,
    sparsity_measured=0.49,
    bits_measured=16.0,
    left_dense={"a`b": 0.1},
    outside_language_model=["<img src=x>"],
    mask_structure="0:0",
    owl_lambda=None,
    owl_m=None,
    recipe="a: |\n  ```\n# no heading\n````\n\x1b[2J",
    pruning_seed=0,
    versions={"<b>": "www.e.com"},
    sparsity_of_layer={"a|b": 0.5, "model.layers.0.mlp.gate_proj": 0.4},
)


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ('license: "x\\n---\\n# evil"', r"x\n---\n# evil"),
        ('license: "a: b # c"', "a: b # c"),
        ('license: "[l](http://e.com)"', "[l](http://e.com)"),
        ("license: [mit, apache-2.0]", "mit, apache-2.0"),
        ("1: 2\nlicense: mit", "mit"),
        ("license: !!python/object/apply:os.abort []", None),
        ("license: {a: b}", None),
        ("license: [x[", None),
        ("license: " + "[" * 100_000, None),
        # Objects of 2 ** 40 parts, if any were made.
        (
            "a0: &a0 {x: 1}\n" + "".join(f"a{n + 1}: &a{n + 1} {{<<: [*a{n}, *a{n}]}}\n" for n in range(40)) + "license: mit",
            "mit",
        ),
    ],
)
def test_words_of_other_people_are_text_in_the_card(tmp_path, metadata, licence):
    (tmp_path / "README.md").write_text(f"---\n{metadata}\n---\n# m\n")
    card = model_card(BaseModel(str(tmp_path)), HOSTILE)
    _, front, body = card.split("---\n", 2)
    data = yaml.safe_load(front)
    assert data.keys() == {"base_model", "pipeline_tag", "tags", *(["license"] if licence else [])}
    assert data.get("license") == licence
    tokens = [inner for token in MarkdownIt().parse(body) for inner in (token, *(token.children or ()))]
    assert not {token.type for token in tokens} & {"link_open", "image", "html_inline", "html_block"}
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    assert [heading.split(",")[0] for heading in headings[1:]] == ["Recipe", "Sparsity of the layers"]
    (recipe,) = (token.content for token in tokens if token.type == "fence")
    assert recipe == "a: |\n  ```\n# no heading\n````\n\\x1b[2J\n"
    assert "| model.layers.0.mlp.gate_proj | 0.4000 |" in body
    texts = [token.content for token in tokens if token.type in ("text", "code_inline")]
    assert r"m`x\n# evil" in texts
    assert {"a`b", "<img src=x>"} <= set(texts)

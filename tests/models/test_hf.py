"""`pruned-hf` against stock `hf` and against transformers' `generate`; refusals; provenance."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tokenizers import processors

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.hf import PrunedHFLM
from tests.prepared_process import run_command
from tests.tiny_models import ARCHITECTURES, save_tiny

CONTEXTS = [
    "Question: In which country is the city of Paris?\nAnswer:",
    "问题：东京这座城市位于哪个国家？\n答案：",
    "x",
    "Вопрос: В какой стране находится город Берлин?\nОтвет:" * 4,
    "Question: " + "why? " * 60,
]
CHOICES = [" France", " Germany and more", "日本", " x"]
GREEDY = {
    "until": ["\n"],
    "max_gen_toks": 12,
    "do_sample": False,
    "temperature": 0.0,
    "repetition_penalty": 1.0,
}
BEAM = {**GREEDY, "num_beams": 5, "length_penalty": 1.0, "early_stopping": False}
SAMPLE = {**GREEDY, "do_sample": True, "temperature": 0.7, "top_p": 1.0, "top_k": 0}
# "e" is frequent in outputs of random models, so that sequences stop at different steps; a newline is rare.
STOPPING = ["e", "\n"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("tiny")
    return {arch: str(save_tiny(arch, base / arch)) for arch in ARCHITECTURES}


def dense_model(folder, rows=4, **arguments):
    return PrunedHFLM(folder, pruner="none", device="cpu", batch_size=rows, **arguments)


def scoring_requests():
    return [
        Instance("loglikelihood", {}, (context, choice), number)
        for context in CONTEXTS
        for number, choice in enumerate(CHOICES)
    ]


def repeated_requests(settings, repeats=1, contexts=CONTEXTS):
    """Requests as lm_eval repeats them: the same object several times in a row."""
    requests = [Instance("generate_until", {}, (context, settings), 0) for context in contexts]
    return [request for request in requests for _ in range(repeats)]


def generate(model, requests):
    return model.generate_until(requests, disable_tqdm=True)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_scores_and_greedy_answers_are_those_of_stock_hf(folders, arch):
    stock, pruned = HFLM(folders[arch], device="cpu", batch_size=3), dense_model(folders[arch])
    expected = stock.loglikelihood(scoring_requests(), disable_tqdm=True)
    scores = pruned.loglikelihood(scoring_requests(), disable_tqdm=True)
    assert [score for score, _ in scores] == pytest.approx([score for score, _ in expected], abs=1e-4)
    assert [greedy for _, greedy in scores] == [greedy for _, greedy in expected]
    assert all(scored.first_token_rank >= 1 for scored in scores)
    settings = {**GREEDY, "until": STOPPING}
    assert generate(pruned, repeated_requests(settings)) == generate(stock, repeated_requests(settings))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_beams_are_those_of_transformers(folders, arch):
    model = dense_model(folders[arch], rows=15)
    expected = []
    for context in CONTEXTS:
        ids = torch.tensor([model.tok_encode(context)])
        out = model.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            num_beams=5,
            num_return_sequences=5,
            length_penalty=1.0,
            early_stopping=False,
            do_sample=False,
            max_new_tokens=12,
            stop_strings=["\n"],
            tokenizer=model.tokenizer,
            pad_token_id=model.tokenizer.pad_token_id,
        )
        expected += [model.tok_decode(row[ids.shape[1] :].tolist()).split("\n")[0] for row in out]
    assert generate(model, repeated_requests(BEAM, repeats=5)) == expected


@pytest.mark.parametrize("arch", ["llama", "gpt2", "gemma"])
@pytest.mark.parametrize(("settings", "repeats"), [(GREEDY, 1), (BEAM, 5), (SAMPLE, 10)])
def test_neither_batch_size_nor_order_changes_an_answer(folders, arch, settings, repeats):
    settings = {**settings, "until": STOPPING}
    answers = [generate(dense_model(folders[arch], rows), repeated_requests(settings, repeats)) for rows in (1, 3, 8, 64)]
    assert answers[1:] == answers[:-1]
    reversed_answers = generate(dense_model(folders[arch], 8), repeated_requests(settings, repeats, CONTEXTS[::-1]))
    answers_by_context = [reversed_answers[start : start + repeats] for start in range(0, len(reversed_answers), repeats)]
    assert [answer for context_answers in answers_by_context[::-1] for answer in context_answers] == answers[0]


def test_samples_differ_and_one_beam_is_the_best_of_five(folders):
    model = dense_model(folders["llama"], 16)
    assert len(set(generate(model, repeated_requests(SAMPLE, 10, CONTEXTS[:1])))) > 5
    assert generate(model, repeated_requests(BEAM, 1)) == generate(model, repeated_requests(BEAM, 5))[::5]


def test_decoding_settings_are_not_inherited_from_the_checkpoint(folders, tmp_path):
    folder = save_tiny("llama", tmp_path)
    config = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(
        json.dumps({**config, "do_sample": True, "repetition_penalty": 1.8, "top_k": 2, "num_beams": 3})
    )
    settings = {"until": ["\n"], "max_gen_toks": 12, "do_sample": False}
    assert generate(dense_model(str(folder)), repeated_requests(settings)) == generate(
        dense_model(folders["llama"]), repeated_requests(settings)
    )


def test_empty_contexts_long_contexts_and_rolling_are_those_of_stock_hf(folders, caplog):
    caplog.set_level(logging.WARNING)
    stock, pruned = (make(folders["llama"], device="cpu", batch_size=2, max_length=24) for make in (HFLM, unpruned))
    requests = [
        Instance("loglikelihood", {}, ("", " France"), 0),
        Instance("loglikelihood", {}, (CONTEXTS[4], " x"), 1),
    ]
    scores, expected = (model.loglikelihood(requests, disable_tqdm=True) for model in (pruned, stock))
    assert [score for score, _ in scores] == pytest.approx([score for score, _ in expected], abs=1e-4)
    # One line says that the long one is cut; texts that are scored as a whole are not.
    assert caplog.text.count("1 prompts are cut to fit into the window (25 tokens; ") == 1
    rolling = [Instance("loglikelihood_rolling", {}, (CONTEXTS[4],), 0)]
    scores, expected = (model.loglikelihood_rolling(rolling, disable_tqdm=True) for model in (pruned, stock))
    assert scores == pytest.approx(expected, abs=1e-3)
    assert caplog.text.count("prompts are cut") == 1
    cut = {**GREEDY, "until": STOPPING}
    assert generate(pruned, repeated_requests(cut)) == generate(stock, repeated_requests(cut))


def unpruned(folder, **arguments):
    return PrunedHFLM(folder, pruner="none", **arguments)


def test_a_pruned_model_reports_its_provenance(folders, tmp_path):
    model = PrunedHFLM(
        folders["qwen3"],
        pruner="magnitude",
        sparsity=0.5,
        store=str(tmp_path),
        device="cpu",
    )
    info = model.get_model_info()["illusion"]
    assert info["base_model"] == folders["qwen3"]
    assert (info["variant"], info["sparsity_requested"]) == ("magnitude-0.5", 0.5)
    assert abs(info["sparsity_measured"] - 0.5) < 0.005
    assert info["versions"]["llmcompressor"]
    json.dumps(info)


def test_the_dense_model_reports_its_sparsity_and_bits(folders):
    info = dense_model(folders["llama"]).get_model_info()["illusion"]
    assert (info["variant"], info["sparsity_requested"], info["sparsity_measured"]) == ("dense", None, 0.0)
    assert info["bits_measured"] == 32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sparsty": 0.6}, "'sparsty' is unknown, did you mean sparsity?"),
        ({"sparsity": 1.5}, r"sparsity 1.5 is not in \[0, 1\)"),
        ({"pruner": "wandda"}, "did you mean wanda?"),
        ({"peft": "adapter"}, "peft=adapter can't be combined with pruning"),
        ({"pretrained": "no/such-model"}, "'no/such-model' is neither a folder nor a model"),
    ],
)
def test_a_wrong_argument_is_one_line_and_code_2(capsys, monkeypatch, arguments, message):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=message) as caught:
        PrunedHFLM.create_from_arg_obj(arguments, {"device": "cpu"})
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_use_cache_is_refused(folders, tmp_path):
    from lm_eval.api.model import CachingLM

    with pytest.raises(UserError, match="--use_cache can't be used"):
        CachingLM(dense_model(folders["llama"]), str(tmp_path / "cache.db"))


def test_changed_view_settings_are_refused(folders):
    item = {"id": "1", "choices": [], "shot": {}}
    request = Instance("generate_until", item, ("x", SAMPLE), 0, metadata=("mqa_illusion_en_gen", 0, 1))
    with pytest.raises(UserError, match="run without --gen_kwargs"):
        generate(dense_model(folders["llama"]), [request])


# Only three, because lm_eval starts slowly: flags and arguments are tested above and in test_command_checks.py.
@pytest.mark.parametrize("flags", [["--use_cache", "c"], ["--model_args", "sparsity=1.5"], ["--model_args", "batch_size=4"]])
def test_the_command_ends_with_one_line_and_code_2(flags, tmp_path):
    done = run_command(["run", "--model", "pruned-hf", "--tasks", "mqa_illusion_en_mc", *flags], folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("lm-eval-illusion: error: ")


def test_a_prompt_of_white_space_alone_with_a_tokenizer_that_adds_no_token(folders):
    model = dense_model(folders["llama"])
    model.tokenizer._tokenizer.post_processor = processors.TemplateProcessing(single="$A", special_tokens=[])
    assert model.tok_encode("") == []
    ((score, _),) = model.loglikelihood([Instance("loglikelihood", {}, ("\n", " Paris"), 0)])
    # lm_eval moves the white space to the answer. An answer without a prompt stands after the prefix token.
    ids = torch.tensor([[model.prefix_token_id, *model.tok_encode("\n Paris")]])
    with torch.no_grad():
        logprobs = model.model(ids).logits[0, :-1].log_softmax(-1)
    assert score == pytest.approx(float(logprobs.gather(1, ids[0, 1:, None]).sum()), abs=1e-4)


def test_an_answer_longer_than_the_window_and_a_token_without_probability_are_one_line(folders):
    model = dense_model(folders["llama"], max_length=3)
    with pytest.raises(UserError, match=r"an answer to be scored has \d+ tokens, the model's window is 3"):
        model.loglikelihood([Instance("loglikelihood", {}, ("x", " Germany and more"), 0)])
    model = dense_model(folders["llama"])
    model.num_logits = 5
    with pytest.raises(UserError, match=r"the tokenizer gives the token \d+, the model has probabilities for only 5"):
        model.loglikelihood([Instance("loglikelihood", {}, ("x", " France"), 0)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_length": -1}, "max_length -1 is too small: give a whole number from 2"),
        ({"max_length": "x"}, "max_length 'x' is not a whole number"),
        ({"chat_template_args": 3}, "chat_template_args '3' is no dictionary"),
        # HFLM would take the text of this token, which is empty, for the start of every text, and leave out BOS.
        ({"prefix_token_id": 10**9}, "prefix_token_id 1000000000 is no token"),
        ({"softmax_dtype": "nonsense"}, "can't be loaded"),
        ({"attn_implementation": "nonsense"}, "can't be loaded"),
        ({"attn_implementation": "evil/kernel"}, "can't be loaded"),
    ],
)
def test_an_argument_of_a_wrong_value_is_one_line(folders, arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        dense_model(folders["llama"], **arguments)
    assert "\n" not in str(caught.value)

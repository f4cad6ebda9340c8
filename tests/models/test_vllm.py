"""`pruned-vllm` over a stub of vLLM: the answers of pruned-hf, samples, provenance, refusals."""

from __future__ import annotations

import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import transformers
from lm_eval.api.instance import Instance
from transformers import AutoModelForCausalLM

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import embedded_items
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.views import VIEWS, generation_kwargs, open_prompt
from tests.models.test_hf import BEAM, CONTEXTS, GREEDY, SAMPLE, generate, repeated_requests, scoring_requests
from tests.models.vllm_stand_in import with_stub
from tests.prepared_process import run_command
from tests.tiny_models import save_tiny

WANDA = {"pruner": "wanda", "sparsity": 0.5, "calibration": "embedded", "calibration_samples": 8, "calibration_length": 64}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(save_tiny("llama", tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return str(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def model(vllm_class, folder, store):
    return vllm_class(folder, store=store, batch_size=4, **WANDA)


@pytest.fixture(scope="module")
def hf_model(folder, store, model):
    """pruned-hf on the checkpoint that pruned-vllm wrote into the store."""
    return PrunedHFLM(folder, store=store, batch_size=4, device="cpu", **WANDA)


def test_both_models_use_one_checkpoint(model, hf_model):
    assert hf_model.checkpoint.path == model.checkpoint.path
    infos = [either.get_model_info()["illusion"] for either in (model, hf_model)]
    measured = [info.pop("sparsity_measured") for info in infos]
    assert measured[0] == pytest.approx(measured[1])
    assert [info.pop("engine") for info in infos] == ["vllm 0.32.0+stub", f"transformers {transformers.__version__}"]
    assert infos[0] == infos[1]
    assert infos[0]["variant"] == "wanda-0.5,text=embedded,samples=8,length=64"
    assert model.model.arguments.model == model.checkpoint.path


def test_scores_and_greedy_answers_are_those_of_pruned_hf(model, hf_model):
    scores, expected = (either.loglikelihood(scoring_requests(), disable_tqdm=True) for either in (model, hf_model))
    assert [score for score, _ in scores] == pytest.approx([score for score, _ in expected], abs=1e-4)
    assert [greedy for _, greedy in scores] == [greedy for _, greedy in expected]
    assert generate(model, repeated_requests(GREEDY)) == generate(hf_model, repeated_requests(GREEDY))


def choice_requests(task="mqa_illusion_en_mc", items=6):
    """The requests of a view with choices, as lm_eval makes them."""
    return [
        Instance("loglikelihood", item, (open_prompt(item), f" {choice}"), number, metadata=(task, position, 1))
        for position, item in enumerate(embedded_items("en")[:items])
        for number, choice in enumerate(item["choices"])
    ]


def mid_ranks_by_brute_force(network, tokenizer, requests):
    """1 + the likelier tokens + half of the other tokens that are as likely, from the whole distribution.

    The space before the answer may be a token of its own, and the answer begins after it.
    """
    ranks = []
    for request in requests:
        context, continuation = request.args
        ids = tokenizer(context).input_ids
        whole = tokenizer(context + continuation).input_ids
        if tokenizer.decode(whole[len(ids)]) == " ":
            ids = whole[: len(ids) + 1]
        first = whole[len(ids)]
        with torch.inference_mode():
            scores = torch.log_softmax(network(torch.tensor([ids])).logits[0, -1].float(), dim=-1)
        ranks.append(1 + int((scores > scores[first]).sum()) + (int((scores == scores[first]).sum()) - 1) / 2)
    return ranks


# How many tokens share their logits: none; pairs; groups of 40, more than the list reaches beyond the rank; all.
@pytest.mark.parametrize("tied", [1, 2, 40, 340])
def test_gold_ranks_are_mid_ranks(vllm_class, tmp_path, tied):
    folder = save_tiny("llama", tmp_path / "tied", tie=False)
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        head = network.lm_head.weight
        head.copy_(head[torch.arange(len(head)) // tied * tied])
    network.save_pretrained(folder)
    model = vllm_class(str(folder), pruner="none", batch_size=4)
    requests = choice_requests()
    scores = model.loglikelihood(requests, disable_tqdm=True)
    expected = mid_ranks_by_brute_force(network, model.tokenizer, requests)
    golds = [request.idx == request.doc["gold"] for request in requests]
    assert [scored.first_token_rank for scored in scores] == [
        rank if gold else None for rank, gold in zip(expected, golds, strict=True)
    ]
    assert {rank % 1 for rank in expected} == {0.0 if tied == 1 else 0.5}


def test_a_list_that_does_not_reach_below_the_gold_token_is_asked_for_again_as_a_whole(model, monkeypatch):
    requests = choice_requests(items=3)
    expected = model.loglikelihood(requests, disable_tqdm=True)
    monkeypatch.setattr(sys.modules[type(model).__module__], "list_length", lambda token, vocabulary: 1)
    model.model.requested.clear()
    scores = model.loglikelihood(requests, disable_tqdm=True)
    assert [scored.first_token_rank for scored in scores] == [scored.first_token_rank for scored in expected]
    assert [params.logprobs for params in model.model.requested if params.logprobs] == [1] * 3 + [340] * 3


def test_gold_ranks_are_those_of_pruned_hf(model, hf_model):
    requests = choice_requests()
    scores, expected = (either.loglikelihood(requests, disable_tqdm=True) for either in (model, hf_model))
    golds = [number for number, request in enumerate(requests) if request.idx == request.doc["gold"]]
    assert [scores[gold].first_token_rank for gold in golds] == [expected[gold].first_token_rank for gold in golds]


def test_no_likeliest_tokens_where_the_list_begins_behind_a_space_of_its_own(model):
    # Generation starts before that space.
    scores = model.loglikelihood(choice_requests(items=2), disable_tqdm=True)
    assert model.tok_encode(" France", add_special_tokens=False)[0] == model.tok_encode(" ", add_special_tokens=False)[0]
    assert {scored.top_tokens for scored in scores} == {None}


def test_log_probabilities_of_the_first_token_are_those_of_pruned_hf(model, hf_model):
    requests = choice_requests()
    scores, expected = (either.loglikelihood(requests, disable_tqdm=True) for either in (model, hf_model))
    for name in ("first_token_logprob", "answer_logprob"):
        assert [getattr(score, name) for score in scores] == pytest.approx(
            [getattr(score, name) for score in expected], abs=1e-4
        )


def test_scores_do_not_change_where_vllm_reads_prompts_from_its_cache(model, hf_model):
    requests = choice_requests(items=3)
    # An option and its continuation: its own blocks are cached, too, when the same model scores it again.
    expected = hf_model.loglikelihood(requests, disable_tqdm=True)
    for _ in range(2):
        model.model.requested.clear()
        scores = model.loglikelihood(requests, disable_tqdm=True)
        assert [score for score, _ in scores] == pytest.approx([score for score, _ in expected], abs=1e-4)
        assert [greedy for _, greedy in scores] == [greedy for _, greedy in expected]
    reads = [params.skip_reading_prefix_cache for params in model.model.requested if params.prompt_logprobs]
    # All are asked for with the cache; those of which it holds the answer's first token, again without.
    assert (reads.count(False), reads.count(True) > 0) == (12, True)


def test_equal_requests_are_scored_once(model):
    requests = choice_requests(items=1)
    model.model.requested.clear()
    scores = model.loglikelihood([*requests, *requests], disable_tqdm=True)
    assert scores[:4] == scores[4:]
    assert (
        sum(params.prompt_logprobs is not None and not params.skip_reading_prefix_cache for params in model.model.requested)
        == 4
    )


def test_an_answer_as_long_as_the_window_is_one_line(vllm_class, folder):
    model = vllm_class(folder, pruner="none", max_model_len=64)
    with pytest.raises(UserError, match=r"an answer to be scored has .* tokens, of the model's window of 64 it can have 62"):
        model.loglikelihood([Instance("loglikelihood", {}, ("x", " word" * 99), 0)], disable_tqdm=True)


def test_prompts_that_are_cut_are_one_line_and_those_that_fit_are_none(vllm_class, folder, caplog):
    caplog.set_level(logging.WARNING)
    model = vllm_class(folder, pruner="none", max_model_len=64)
    long, short = " ".join(["word"] * 80), "word"
    tokens = len(model.tok_encode(long))
    prompts = [Instance("loglikelihood", {}, (prompt, answer), 0) for prompt in (long, short) for answer in (" a", " b")]
    model.loglikelihood(prompts, disable_tqdm=True)
    # vLLM generates a token after what is scored, and an answer of 8 tokens leaves 56 for the prompt.
    scored = f"1 prompts are cut to fit into the window (63 tokens; the longest prompt has {tokens})"
    assert [scored in record.message for record in caplog.records if "prompts are cut" in record.message] == [True]
    assert "give a larger max_model_len" in caplog.text
    caplog.clear()
    beams = {"until": [], "max_gen_toks": 8, "num_beams": 2}
    model.generate_until([Instance("generate_until", {}, (prompt, beams), 0) for prompt in (long, short)], disable_tqdm=True)
    answered = f"1 prompts are cut to fit into the window (64 tokens; the longest prompt has {tokens})"
    assert [answered in record.message for record in caplog.records if "prompts are cut" in record.message] == [True]
    caplog.clear()
    model.loglikelihood_rolling([Instance("loglikelihood_rolling", {}, (long,), 0)], disable_tqdm=True)
    assert "prompts are cut" not in caplog.text


def test_an_answer_after_a_prompt_of_spaces_is_scored_after_the_token_of_an_empty_prompt(model):
    # lm_eval moves the spaces to the answer, so that a tokenizer that adds no token leaves the prompt none.
    ids = model.tok_encode("\n Paris", add_special_tokens=False)
    scores = [model._loglikelihood_tokens([(("\n", " Paris"), prompt, ids)]) for prompt in ([], [model.prefix_token_id])]
    assert scores[0] == scores[1]


def test_a_line_break_at_the_end_of_a_prompt_is_not_the_first_token(model, hf_model):
    requests = choice_requests(items=3)
    for request in requests:
        request.arguments = (f"{request.args[0]}\n", request.args[1].strip())
    scores, expected = (either.loglikelihood(requests, disable_tqdm=True) for either in (model, hf_model))
    golds = [number for number, request in enumerate(requests) if request.idx == request.doc["gold"]]
    assert [scores[gold].first_token_rank for gold in golds] == [expected[gold].first_token_rank for gold in golds]
    assert [scores[gold].top_tokens.ids for gold in golds] == [expected[gold].top_tokens.ids for gold in golds]


def test_a_gold_choice_that_shares_a_token_with_the_prompt_has_no_rank(model):
    requests = choice_requests(items=1)
    word = max((token for token in model.tokenizer.get_vocab() if token.isascii() and token.isalpha()), key=len)
    for request in requests:
        request.arguments = (f"7{word[:-1]}", f"{word[-1]} and more")
    alone = model.tok_encode(f"7{word[:-1]}")
    assert model.tok_encode(f"7{word} and more")[: len(alone)] != alone
    scores = model.loglikelihood(requests, disable_tqdm=True)
    assert {scored.first_token_rank for scored in scores} == {None}


@pytest.mark.parametrize("task", ["mqa_illusion_en_mc_letters", "mqa_illusion_en_question_blind", "hellaswag"])
def test_only_the_view_whose_ranks_are_read_asks_for_them(model, task):
    model.model.requested.clear()
    requests = choice_requests(task, items=2)
    scores = model.loglikelihood(requests, disable_tqdm=True)
    assert {scored.first_token_rank for scored in scores} == {None}
    assert not any(params.logprobs for params in model.model.requested)
    model.model.requested.clear()
    model.loglikelihood(choice_requests(items=2), disable_tqdm=True)
    assert sum(params.logprobs is not None for params in model.model.requested) == 2


def test_scores_that_are_not_finite_have_no_rank(vllm_class, tmp_path):
    folder = save_tiny("llama", tmp_path / "collapsed")
    network = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        network.model.norm.weight.fill_(float("nan"))
    network.save_pretrained(folder)
    model = vllm_class(str(folder), pruner="none", batch_size=4)
    assert {scored.first_token_rank for scored in model.loglikelihood(choice_requests(items=1), disable_tqdm=True)} == {None}


def test_a_continuation_that_merges_into_the_context_is_scored(model, hf_model):
    # Without a token its log-likelihood would be an empty sum, 0, greater than that of every other choice.
    requests = [Instance("loglikelihood", {}, (f"x {context}", rest), 0) for context, rest in (("a", ""), ("Answ", "er"))]
    scores, expected = (either.loglikelihood(requests[1:], disable_tqdm=True) for either in (model, hf_model))
    assert scores[0][0] == pytest.approx(expected[0][0], abs=1e-4)
    assert scores[0][0] < 0


def test_samples_differ_from_each_other_and_are_the_same_in_every_batch_and_order(vllm_class, folder, model):
    first = generate(model, repeated_requests(SAMPLE, 10))
    assert len(set(first[:10])) > 5
    other = vllm_class(folder, pruner="none", batch_size=64)
    dense = generate(other, repeated_requests(SAMPLE, 10))
    second_model = vllm_class(folder, pruner="none", batch_size=3, seed=99)
    reversed_answers = generate(second_model, repeated_requests(SAMPLE, 10, CONTEXTS[::-1]))
    answers_by_context = [reversed_answers[start : start + 10] for start in range(0, len(reversed_answers), 10)]
    assert [answer for context_answers in answers_by_context[::-1] for answer in context_answers] == dense
    # SAMPLE is the setting of another project's task, whose repeats lm_eval's own code asks for one by one.
    seeds = [params.seed for params in other.model.requested]
    assert len(set(seeds)) == len(seeds) == 10 * len(CONTEXTS)
    assert all(0 <= seed < 2**63 for seed in seeds)


def view_requests(view, repeats, items=2):
    """The generation requests of a view of ours, as lm_eval makes them."""
    task, settings = f"mqa_illusion_en_{view}", generation_kwargs(view)
    return [
        request
        for place, item in enumerate(embedded_items("en")[:items])
        for request in [Instance("generate_until", item, (open_prompt(item), settings), 0, (task, place, repeats))] * repeats
    ]


def test_the_samples_of_a_view_are_one_request_a_prompt_and_the_same_in_every_batch(vllm_class, folder):
    requests = view_requests("sample", 10)
    one, other = (vllm_class(folder, pruner="none", batch_size=size) for size in (1, 64))
    answers = generate(one, requests)
    assert [params.n for params in one.model.requested[:2]] == [10, 10]
    assert generate(other, requests[10:] + requests[:10]) == answers[10:] + answers[:10]
    assert all(len(set(answers[start : start + 10])) > 5 for start in (0, 10))
    seeds = [params.seed for params in one.model.requested if params.n == 10]
    # vLLM adds 0 to 9 to a seed.
    assert abs(seeds[0] - seeds[1]) > 9
    assert all(0 <= seed < 2**63 - 10 for seed in seeds)


def test_an_answer_ends_with_its_first_line_and_is_that_of_pruned_hf(model, hf_model):
    model.model.requested.clear()
    answers, expected = (generate(either, view_requests("gen", 1, items=8)) for either in (model, hf_model))
    assert answers == expected
    assert [answer.reached_limit for answer in answers] == [answer.reached_limit for answer in expected]
    assert set("\n\r\u2028") < set(model.model.requested[0].stop)


@pytest.mark.parametrize("blank_lines", [1, 2, 9])
def test_an_answer_after_blank_lines_is_asked_for_again(vllm_class, folder, monkeypatch, blank_lines):
    model = vllm_class(folder, pruner="none", batch_size=8)
    engine = type(model.model)
    line = model.tokenizer.encode("\n" * blank_lines + "Paris\nLyon", add_special_tokens=False)
    ends = [end for end in range(1, len(line) + 1) if "\n" in model.tokenizer.decode(line[end - 1 : end])]
    seeds = []

    def after_blank_lines(self, ids, params, number):
        seeds.append(params.seed + number)
        end = next((end for end in ends if end > params.min_tokens), None) if "\n" in params.stop else None
        return SimpleNamespace(text="", token_ids=line[:end], stop_reason="\n" if end else None, logprobs=None)

    monkeypatch.setattr(engine, "_complete", after_blank_lines)
    assert generate(model, view_requests("sample", 3, items=1)) == ["\n" * blank_lines + "Paris"] * 3
    # Each round asks with the seeds of the first one, and there are at most three more.
    assert seeds == seeds[:3] * (1 + min(blank_lines, 3))


def test_beams_are_those_of_pruned_hf(model, hf_model):
    beams, expected = (generate(either, view_requests("beam", 5)) for either in (model, hf_model))
    assert beams == expected
    assert len(set(beams[:5])) == 5
    # Of another project's task, too, whose beams end at its stop strings.
    assert generate(model, repeated_requests(BEAM, 5)) == generate(hf_model, repeated_requests(BEAM, 5))


def test_beams_without_a_search_of_ours_are_refused(model):
    with pytest.raises(UserError, match=r"asks for 5 beams with .*take --model pruned-hf"):
        generate(model, repeated_requests({**BEAM, "repetition_penalty": 1.2}, 5))


def test_beams_are_refused_with_several_replicas(model, monkeypatch):
    monkeypatch.setattr(model, "data_parallel_size", 2)
    with pytest.raises(
        UserError, match=r"leave data_parallel_size out, or ask the groups without beams, e\.g\. mqa_illusion_core"
    ):
        generate(model, repeated_requests(BEAM, 5))


def test_greedy_requests_have_no_seed_and_a_seed_in_the_settings_stays(model):
    model.model.requested.clear()
    generate(model, repeated_requests(GREEDY, contexts=CONTEXTS[:1]))
    generate(model, repeated_requests({**SAMPLE, "seed": 7}, contexts=CONTEXTS[:1]))
    assert [params.seed for params in model.model.requested] == [None, 7]


@pytest.mark.parametrize("view", [view.name for view in VIEWS if view.decoding and view.name != "beam"])
def test_vllm_takes_the_settings_of_every_other_view(model, view):
    settings = generation_kwargs(view)
    model.model.requested.clear()
    assert len(generate(model, view_requests(view, 2, items=1))) == 2
    params = model.model.requested[0]
    assert (params.temperature, params.max_tokens, params.top_p) == (settings["temperature"], 64, 1.0)


class EngineDeadError(Exception):
    """The name of vLLM's exception."""


@pytest.mark.parametrize("deaths", [1, 2])
def test_an_engine_that_died_is_started_again_once(vllm_class, folder, monkeypatch, deaths, caplog):
    model = vllm_class(folder, pruner="none", batch_size=1)
    expected = generate(model, view_requests("gen", 1, items=3))
    engine = type(model.model)
    answer, calls = engine.generate, []

    def dies(self, *arguments, **settings):
        calls.append(self)
        if 1 < len(calls) <= 1 + deaths:
            raise EngineDeadError("EngineCore encountered an issue.")
        return answer(self, *arguments, **settings)

    monkeypatch.setattr(engine, "generate", dies)
    if deaths == 2:
        with pytest.raises(UserError, match="vLLM's engine died twice"):
            generate(model, view_requests("gen", 1, items=3))
        return
    assert generate(model, view_requests("gen", 1, items=3)) == expected
    # The first answer was kept, the second one came from another engine.
    assert len(calls) == 4
    assert calls[0] is not model.model
    assert "it is started again" in caplog.text


def test_changed_view_settings_are_refused(model):
    item = {"id": "1", "choices": [], "shot": {}}
    request = Instance("generate_until", item, ("x", SAMPLE), 0, metadata=("mqa_illusion_en_gen", 0, 1))
    with pytest.raises(UserError, match="run without --gen_kwargs"):
        generate(model, [request])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sparsty": 0.5}, "argument 'sparsty' is unknown, did you mean sparsity"),
        ({"gpu_memory_utilisation": 0.5}, "did you mean gpu_memory_utilization"),
        ({"fast": "off"}, "argument 'fast' is unknown"),
        ({"model": "x"}, "give pretrained=x"),
        ({"sparsity": 1.5}, r"sparsity 1\.5 is not in"),
        ({"lora_local_path": "x"}, "can't be combined with pruning"),
        ({"max_logprobs": 20, "pruner": "none"}, "max_logprobs 20 would hide gold ranks beyond 20: leave it out"),
        ({"logprobs_mode": "raw_logits", "pruner": "none"}, "logprobs_mode raw_logits would give other numbers"),
        ({"enable_thinking": True}, "has no token limit for thoughts"),
        ({"gpu_memory_utilization": 7, "pruner": "none"}, "vLLM can't start on .*must be in"),
        ({"max_length": 8, "max_model_len": 9, "pruner": "none"}, "vLLM can't start on .*but not both"),
    ],
)
def test_wrong_arguments_are_one_line(vllm_class, folder, arguments, message):
    with pytest.raises(UserError, match=message):
        vllm_class(folder, **arguments)


def test_engine_arguments_reach_vllm(vllm_class, folder):
    model = vllm_class(folder, pruner="none", max_model_len=512, gpu_memory_utilization=0.5, device="cuda", revision="main")
    arguments = model.model.arguments
    assert (arguments.max_model_len, arguments.gpu_memory_utilization, arguments.revision) == (512, 0.5, "main")
    assert model.max_length == 512
    assert model.enable_thinking is False
    # No checkpoint was made, so nothing was measured.
    assert model.get_model_info()["illusion"]["sparsity_measured"] is None


@pytest.mark.parametrize("flags", [["--use_cache", "x"], ["--gen_kwargs", "temperature=1"]])
def test_flags_are_refused_by_this_models_name(vllm_class, flags, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lm_eval", "run", *flags])
    with pytest.raises(UserError, match="can't be used with pruned-vllm"):
        vllm_class.create_from_arg_string("pruner=none")


def test_tasks_with_beams_are_refused_with_several_replicas_before_anything_is_loaded(vllm_class, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lm_eval", "run", "--tasks", "mqa_illusion_fi"])
    with pytest.raises(UserError):
        vllm_class.create_from_arg_obj({"pretrained": "no such model", "data_parallel_size": 2}, {"batch_size": 1})
    assert "mqa_illusion_fi_beam can't be run with pruned-vllm" in capsys.readouterr().err


def run(arguments, tmp_path, environment):
    return run_command(["run", "--model", "pruned-vllm", *arguments], folder=tmp_path, environment=environment)


def test_without_vllm_the_error_is_one_line(tmp_path):
    done = run(["--tasks", "mqa_illusion_en_mc"], tmp_path, None)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("lm-eval-illusion: error: --model pruned-vllm needs vLLM")
    assert "pip install vllm" in done.stderr.splitlines()[-1]


def test_vllm_is_imported_only_with_its_model():
    code = (
        "import sys, lm_eval.__main__, lm_eval_illusion, lm_eval_illusion.plugin as p; p.register();"
        "from lm_eval.api.registry import model_registry as r;"
        "before = 'vllm' in sys.modules; model_class = r.get('pruned-vllm'); print(before, model_class.__name__, 'vllm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=with_stub())
    assert done.stdout.split() == ["False", "PrunedVLLM", "True"]


@pytest.mark.slow
def test_the_command_runs_and_the_report_reads_it(tmp_path, folder):
    from lm_eval_illusion.results.join_views import load_outcomes

    tasks = "mqa_illusion_en_mc,mqa_illusion_en_gen,mqa_illusion_en_sample"
    for pruner in ("none", "magnitude"):
        model_args = f"pretrained={folder},pruner={pruner},store={tmp_path / 'store'},dtype=float32"
        flags = ["--tasks", tasks, "--limit", "3", "--output_path", str(tmp_path / "runs"), "--log_samples"]
        done = run(["--model_args", model_args, *flags], tmp_path, with_stub())
        assert done.returncode == 0, done.stderr[-3000:]
    outcomes = load_outcomes([tmp_path / "runs"])
    variants = {outcome.variant.variant: outcome.variant for outcome in outcomes}
    assert set(variants) == {"dense", "magnitude-0.6"}
    assert variants["magnitude-0.6"].sparsity_measured == pytest.approx(0.6, abs=0.005)
    # Magnitude pruning uses no calibration text.
    assert variants["magnitude-0.6"].calibration_language is None
    assert {variant.base_model for variant in variants.values()} == {folder}
    assert not any(variant.beams_are_top1 for variant in variants.values())
    assert len(outcomes) == 6
    assert all(outcome.gold_rank for outcome in outcomes)
    assert all(outcome.recovered.keys() == {"sample"} for outcome in outcomes)

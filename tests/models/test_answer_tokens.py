"""Rank and probability of the answer's first token, against a forward pass of transformers on tokens found by their characters."""

from __future__ import annotations

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import AutoModelForCausalLM

from lm_eval_illusion.analysis.next_token_change import agreements, divergences
from lm_eval_illusion.items import embedded_items
from lm_eval_illusion.models.answer_tokens import answer_continuations
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.results.next_tokens import NextTokens
from lm_eval_illusion.views import open_prompt
from tests.chat_tokenizers import TEMPLATES, byte_level_tokenizer, metaspace_tokenizer, save_chat_model

TOKENIZERS = {"byte-level": byte_level_tokenizer, "metaspace": metaspace_tokenizer}
QUESTION = {
    "en": ("Question: In which country is the city of Paris?\nAnswer:", " ", ("France", "Germany", "Fiji", "Paris")),
    "zh": ("问题：东京这座城市位于哪个国家？\n答案：", "", ("日本", "法国", "埃及", "中国")),
    "ja": ("質問：東京はどの国にありますか？\n答え：", "", ("日本", "フランス", "\u3000エジプト", "中国")),
    "th": ("คำถาม: ปารีสอยู่ในประเทศใด\nคำตอบ: ", "", ("ฝรั่งเศส", "ปารีส", "ไทย", "อียิปต์")),
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def folder(request, tmp_path_factory):
    return str(save_chat_model(tmp_path_factory.mktemp(request.param), TOKENIZERS[request.param]()))


@pytest.fixture(scope="module", params=["auto", "off"])
def model(request, folder):
    return PrunedHFLM(folder, pruner="none", device="cpu", batch_size=4, fast=request.param)


def requests_of(template):
    """Requests of the view mc: under a template lm_eval writes no delimiter."""
    found = []
    for prompt, delimiter, choices in QUESTION.values():
        context = TEMPLATES[template].format(prompt)
        between = delimiter if template == "none" else ""
        found += [Instance("loglikelihood", {}, (context, between + choice), number) for number, choice in enumerate(choices)]
    return found


def first_token_by_characters(tokenizer, context, answer):
    """The tokens before the first one that has a visible character of the answer, the others, and how many are of the prompt alone."""
    encoded = tokenizer(context + answer, return_offsets_mapping=True)
    visible = len(context) + len(answer) - len(answer.lstrip())
    ends = [end for _, end in encoded.offset_mapping]
    # No token of the template is the answer's, though Phi-3's last one swallows white space behind it.
    special = {*tokenizer.all_special_ids}
    behind_template = 1 + max((index for index, token in enumerate(encoded.input_ids) if token in special), default=-1)
    first, behind_prompt = (
        next(index for index, end in enumerate(ends) if end > place and index >= behind_template)
        for place in (visible, len(context))
    )
    return encoded.input_ids[:first], encoded.input_ids[first:], behind_prompt


def direct(network, tokenizer, context, answer):
    before, tokens, behind_prompt = first_token_by_characters(tokenizer, context, answer)
    with torch.inference_mode():
        log_probs = torch.log_softmax(network(torch.tensor([before + tokens])).logits[0].double(), dim=-1)
    row = log_probs[len(before) - 1]
    total = sum(float(log_probs[len(before) - 1 + place, token]) for place, token in enumerate(tokens))
    return 1 + int((row > row[tokens[0]]).sum()), float(row[tokens[0]]), total, log_probs[behind_prompt - 1]


@pytest.mark.parametrize("template", TEMPLATES)
def test_rank_and_log_probabilities_are_those_of_the_answers_text(model, template):
    requests = requests_of(template)
    network, tokenizer = model.model, model.tokenizer
    for request, scored in zip(requests, model.loglikelihood(requests, disable_tqdm=True), strict=True):
        rank, first, total, distribution = direct(network, tokenizer, *request.args)
        assert scored.first_token_rank == rank, request.args
        assert scored.first_token_logprob == pytest.approx(first, abs=1e-4)
        assert scored.answer_logprob == pytest.approx(total, abs=1e-3)
        best = distribution.topk(64)
        assert list(scored.top_tokens.ids) == best.indices.tolist()
        assert list(scored.top_tokens.logprobs) == pytest.approx(best.values.tolist(), abs=1e-4)


@pytest.mark.parametrize("template", ["ChatML", "Mistral, space", "none"])
def test_the_log_likelihood_is_that_of_stock_hf(folder, model, template):
    requests = requests_of(template)
    stock = HFLM(folder, device="cpu", batch_size=4).loglikelihood(requests, disable_tqdm=True)
    scores = model.loglikelihood(requests, disable_tqdm=True)
    assert [tuple(score) for score in scores] == [(pytest.approx(total, abs=1e-3), greedy) for total, greedy in stock]


def test_the_line_break_of_a_template_has_its_probability_in_the_sum_only(model):
    (request,) = requests_of("ChatML")[:1]
    (scored,) = model.loglikelihood([request], disable_tqdm=True)
    line_break = scored[0] - scored.answer_logprob
    before = model.tokenizer(request.args[0].rstrip()).input_ids
    token = model.tokenizer(request.args[0]).input_ids[len(before)]
    with torch.inference_mode():
        logits = model.model(torch.tensor([before])).logits[0, -1]
    assert line_break == pytest.approx(float(torch.log_softmax(logits, -1)[token]), abs=1e-3)


def test_an_answer_that_shares_a_token_with_the_prompt_begins_where_generation_starts(model):
    # "Answ" and "er" become one token more or less than apart; lm_eval then scores a part of the answer, or all of it again.
    context, answer = "Question: In which country is the city of Par", "is"
    (scored,) = model.loglikelihood([Instance("loglikelihood", {}, (context, answer), 0)], disable_tqdm=True)
    before, tokens = model.tok_encode(context), model.tok_encode(answer, add_special_tokens=False)
    assert model.tok_encode(context + answer) != before + tokens
    blank = int(model.tokenizer.decode(tokens[:1]).strip() == "")
    with torch.inference_mode():
        row = model.model(torch.tensor([before + tokens[:blank]])).logits[0, -1].log_softmax(-1)
    assert scored.first_token_rank == 1 + int((row > row[tokens[blank]]).sum())
    assert scored.first_token_logprob == pytest.approx(float(row[tokens[blank]]), abs=1e-4)


def test_a_rolling_window_has_no_texts():
    ((total, answer),) = answer_continuations([(None, [5], [6, 7])], None, lambda ids: "x" * len(ids))
    assert total is answer
    assert (total.context, total.continuation, total.blank, total.in_prompt) == ((5,), (6, 7), 0, 0)


def test_a_network_of_its_own_gives_the_same_logits(folder, model):
    # `direct` above uses the network that pruned-hf loaded: it is the checkpoint's.
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        expected = AutoModelForCausalLM.from_pretrained(folder)(ids).logits
        assert torch.allclose(model.model(ids).logits, expected, atol=1e-5)


def full_distribution(network, tokenizer, context):
    """The whole distribution behind a prompt, in float64."""
    with torch.inference_mode():
        logits = network(torch.tensor([tokenizer(context).input_ids])).logits[0, -1]
    return torch.log_softmax(logits.double(), dim=-1)


@pytest.mark.real_model
def test_gold_ranks_and_divergences_of_a_real_model_are_those_of_whole_distributions(smollm2):
    # Without the trials of fast=auto, which take longer than the ten prompts; the tiny models above have both.
    model = PrunedHFLM(str(smollm2), pruner="none", device="cpu", batch_size=1, dtype="float32", fast="off")
    network, tokenizer = model.model, model.tokenizer
    items = embedded_items("en")[:5]
    prompts = [open_prompt(item) for item in items]
    answers = [item["choices"][item["gold"]] for item in items]
    chats = [model.apply_chat_template([{"role": "user", "content": prompt}]) for prompt in prompts]
    of_chat = [Instance("loglikelihood", {}, args, 0) for args in zip(chats, answers, strict=True)]
    plain = [Instance("loglikelihood", {}, (prompts[number], f" {answers[number]}"), 0) for number in range(2)]
    requests = [*of_chat, *plain]
    before = model.loglikelihood(requests, disable_tqdm=True)
    dense = []
    for request, scored in zip(requests, before, strict=True):
        rank, first, total, distribution = direct(network, tokenizer, *request.args)
        assert scored.first_token_rank == rank
        assert scored.first_token_logprob == pytest.approx(first, abs=1e-3)
        assert scored.answer_logprob == pytest.approx(total, abs=1e-3)
        dense.append(distribution)
    # lm_eval's own first token under the template is the line break, which a chat model always writes.
    assert max(scored.first_token_rank for scored in before[:5]) > 1
    with torch.no_grad():
        for layer in network.model.layers:
            weight = layer.mlp.down_proj.weight
            weight[weight.abs() < weight.abs().float().quantile(0.3)] = 0
    after = model.loglikelihood(of_chat, disable_tqdm=True)
    pruned = [full_distribution(network, tokenizer, chat) for chat in chats]
    true = [float((p.exp() * (p - q)).sum()) for p, q in zip(dense, pruned, strict=False)]
    read = [[NextTokens(*scored.top_tokens) for scored in scores] for scores in (before[:5], after)]
    for bound, divergence in zip(divergences(*read), true, strict=True):
        assert 0.5 * divergence < bound <= divergence + 1e-4
    same = [int(p.argmax() == q.argmax()) for p, q in zip(dense, pruned, strict=False)]
    assert agreements(*read).tolist() == same

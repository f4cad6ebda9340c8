"""A model that stores its state in its modules: found, and generated from whole sequences."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.inference.hf_generate import decode_batch
from lm_eval_illusion.inference.module_state import can_use_cache
from lm_eval_illusion.models.hf import PrunedHFLM
from tests.tiny_architectures import ARCHITECTURES, make_model, save

CPU = torch.device("cpu")
ROWS = {row.id: row for row in ARCHITECTURES}
STEPS = 5


@pytest.mark.parametrize(("row", "expected"), [("recurrentgemma", False), ("llama-dynamic-rope", True), ("falcon-h1", True)])
def test_only_a_model_with_a_state_in_its_modules_generates_without_the_cache(row, expected, caplog):
    with torch.inference_mode():
        assert can_use_cache(make_model(ROWS[row]), CPU) is expected
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("lm_eval_illusion")]
    assert [warning.split(" stores ")[0] for warning in warnings] == ([] if expected else ["RecurrentGemmaForCausalLM"])


def test_a_prompt_of_one_token_does_not_continue_the_sequence_before_it(tmp_path):
    model = PrunedHFLM(str(save(ROWS["recurrentgemma"], tmp_path)), pruner="none", device="cpu", batch_size=1)
    decoding = read_decoding({"until": ["THE END"], "max_gen_toks": STEPS}, 1, STEPS)
    prompt = torch.tensor([[1234]])
    expected = prompt
    with torch.inference_mode():
        for _ in range(STEPS):
            logits = model.model(expected, use_cache=False).logits[:, -1]
            expected = torch.cat([expected, logits.argmax(-1, keepdim=True)], dim=1)

        def decode(use_cache: bool) -> list[int]:
            # A longer sequence first, whose state stays in the modules.
            model.model(torch.arange(100, 130)[None])
            arguments = (prompt, torch.ones_like(prompt), ["x"], decoding)
            return decode_batch(model.model, model.tokenizer, *arguments, use_cache)[0]

        assert decode(model.can_use_cache) == expected[0, 1:].tolist()
        assert decode(True) != expected[0, 1:].tolist(), "with the cache the fault would not be seen"

"""Models and requests for the tests of `served`."""

from __future__ import annotations

import pytest
from lm_eval.api.instance import Instance

from lm_eval_illusion.items import embedded_items
from lm_eval_illusion.views import generation_kwargs, open_prompt

pytest.importorskip(
    "tenacity", reason="lm_eval's API models need the extra lm-eval[api], which the extra dev of this package has"
)
from lm_eval_illusion.models.served import ServedModel
from lm_eval_illusion.models.served_chat import ServedChat

ITEMS = embedded_items("en")[:2]


def model_of(url, **arguments):
    return ServedModel.create_from_arg_obj({"base_url": url, "max_retries": 1, **arguments}, {"batch_size": 1, "device": None})


def sampled(view="sample", repeats=3, prompt=open_prompt, model=None):
    """The requests of a view, each item repeated as lm_eval does: the same object several times in a row."""
    requests = []
    for number, item in enumerate(ITEMS):
        text = prompt(item)
        given = model.apply_chat_template([{"role": "user", "content": text}]) if isinstance(model, ServedChat) else text
        request = Instance(
            "generate_until", item, (given, generation_kwargs(view)), 0, metadata=(f"mqa_illusion_en_{view}", number, repeats)
        )
        requests += [request] * repeats
    return requests


def scoring(items=ITEMS):
    return [
        Instance("loglikelihood", item, (open_prompt(item), f" {choice}"), number, metadata=("mqa_illusion_en_mc", position, 1))
        for position, item in enumerate(items)
        for number, choice in enumerate(item["choices"])
    ]

"""Model classes of both engines on one model, requests as lm_eval makes them, and how they are freed."""

from __future__ import annotations

import gc
from contextlib import contextmanager

import torch
from lm_eval.api.instance import Instance
from transformers import AutoConfig, AutoModelForCausalLM

from lm_eval_illusion.models.vllm import PrunedVLLM
from lm_eval_illusion.views import VIEWS, form_of_task
from tests.tiny_models import save_tiny

# Of a head in a tiny model: the least that vLLM's attention on a CPU takes.
HEAD_SIZE = 32
# Eager, because compilation takes a minute.
EAGER = {"enforce_eager": True, "dtype": "float32"}
VIEW_NAMES = [view.name for view in VIEWS]


def save_tiny_for_vllm(folder):
    """Write a random Llama whose heads vLLM takes."""
    save_tiny("llama", folder)
    config = AutoConfig.from_pretrained(folder)
    config.head_dim = HEAD_SIZE
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@contextmanager
def vllm_model(folder, **arguments):
    """`pruned-vllm`, whose engine's processes end with the context."""
    model = PrunedVLLM(str(folder), **{**EAGER, "batch_size": "auto", **arguments})
    try:
        yield model
    finally:
        model.model.llm_engine.engine_core.shutdown()
        del model
        gc.collect()


def requests_of_views(lang, views, items):
    """The requests of views as lm_eval makes them, by view: repeats of a request are the same object in a row."""
    from lm_eval.tasks import TaskManager

    from lm_eval_illusion.plugin import tasks_folder

    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    requests = {}
    for view in views:
        name = f"mqa_illusion_{lang}_{view}"
        [task] = manager.load([name])["tasks"].values()
        task.build_all_requests(limit=items, rank=0, world_size=1)
        requests[view] = [each for instance in task.instances for each in [instance] * (instance.repeats or 1)]
    return requests


def answers(model, requests):
    """The responses of a model to the requests of one view."""
    kind = requests[0].request_type
    return getattr(model, kind)(requests, disable_tqdm=True)


def instance(prompt, settings, task="other", repeats=1):
    """Repeats of a generation request of another project's task."""
    return [Instance("generate_until", {}, (prompt, settings), 0, metadata=(task, 0, repeats))] * repeats


def is_scored(view):
    """Whether a view is scored rather than generated."""
    return form_of_task(f"mqa_illusion_en_{view}").decoding is None

"""A mend of llmcompressor's tracer: configurations in a traced model keep their attention implementation.

This module imports transformers and llmcompressor at its top: import it only when a model is to be pruned.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from compressed_tensors.utils import patch_attr
from llmcompressor.pipelines.sequential.helpers import SequentialTracer
from transformers import PretrainedConfig


@contextmanager
def attention_kept_in_configs() -> Iterator[None]:
    """Within the `with` statement, let a traced model make its masks for the attention that it uses.

    The tracer makes a configuration that a model passes on, as Mistral and Phi-3 do to create their mask, from `to_dict`, which leaves the
    attention implementation out. Without it transformers makes no mask, and llmcompressor's eager attention is then not causal: the
    calibration would see the tokens to come.
    """
    create_arg = SequentialTracer.create_arg

    def create(self: Any, argument: Any) -> Any:
        if not isinstance(argument, PretrainedConfig):
            return create_arg(self, argument)
        settings = {**argument.to_dict(), "attn_implementation": argument._attn_implementation}
        created = {name: create_arg(self, value) for name, value in settings.items()}
        return self.create_node("call_function", type(argument), (), created)

    with patch_attr(SequentialTracer, "create_arg", create):
        yield

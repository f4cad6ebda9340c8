"""Mends of llmcompressor's tracer: configurations keep their attention implementation, and a failed trace leaves nothing behind.

This module imports transformers and llmcompressor at its top: import it only when a model is to be pruned.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from compressed_tensors.utils import patch_attr
from llmcompressor.pipelines.sequential.helpers import SequentialTracer
from llmcompressor.pipelines.sequential.transformers_helpers import HFTracer
from transformers import PretrainedConfig


@contextmanager
def attention_kept_in_configs() -> Iterator[None]:
    """Within the `with` statement, let a traced model make its masks for the attention that it uses.

    The tracer makes a configuration that a model passes on, as Mistral and Phi-3 do to create their mask, from `to_dict`, which leaves the
    attention implementation out. Without it transformers makes no mask, and llmcompressor's eager attention is then not causal: the
    calibration would see the tokens to come.

    The tracer also replaces functions of torch and cache classes in the modules of the model, and leaves them replaced if tracing fails;
    here they are restored, so that the model can be run in the same process.
    """
    create_arg = SequentialTracer.create_arg

    def create(self: Any, argument: Any) -> Any:
        if not isinstance(argument, PretrainedConfig):
            return create_arg(self, argument)
        settings = {**argument.to_dict(), "attn_implementation": argument._attn_implementation}
        created = {name: create_arg(self, value) for name, value in settings.items()}
        return self.create_node("call_function", type(argument), (), created)

    patch_for_tracing = HFTracer.patch_for_tracing

    @contextmanager
    def patch_and_restore(self: Any, root: Any) -> Iterator[None]:
        failure: BaseException | None = None
        with patch_for_tracing(self, root):
            try:
                yield
            except BaseException as error:
                # Raised behind the tracer's own end, which restores everything but is skipped by an exception.
                failure = error
        if failure is not None:
            raise failure

    with (
        patch_attr(SequentialTracer, "create_arg", create),
        patch_attr(HFTracer, "patch_for_tracing", patch_and_restore),
    ):
        yield

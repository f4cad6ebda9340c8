"""The base class of the model classes of every engine: a pruned checkpoint, refusals, provenance."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM, CacheHook
from lm_eval.utils import simple_parse_args_string

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.arguments import GGUF_ARGUMENT, changes_of
from lm_eval_illusion.models.arguments import check_with_pruning, refuse_blank, refuse_doubled
from lm_eval_illusion.models.chat_templates import has_chat_template, rendered, unused_template_warning
from lm_eval_illusion.models.command_checks import refusal, refuse_flags, view_of_request
from lm_eval_illusion.progress import report_warning
from lm_eval_illusion.pruning.as_loaded import with_changes
from lm_eval_illusion.pruning.base_identity import ModelFiles, read_use_safetensors, shown
from lm_eval_illusion.pruning.checkpoint_store import Checkpoint
from lm_eval_illusion.pruning.gguf_checkpoint import is_gguf
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, check_dtype, errors_of_files, plain_dtype
from lm_eval_illusion.pruning.prune import pruned_checkpoint
from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, read_settings

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class PrunedModel(LM):  # type: ignore[misc]
    """Base class to list before one of lm_eval's model classes: the model is a pruned checkpoint, which results.config describes."""

    model_name: ClassVar[str]
    """The name for lm_eval's --model."""
    checkpoint: Checkpoint
    has_rendered = False
    """Whether the chat template was applied without a fault."""
    has_warned = False
    """Whether the log says that the chat template is not applied."""

    @cached_property
    def chat_prompts(self) -> set[str]:
        """The prompts that the chat template made."""
        return set()

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: dict[str, Any] | None = None) -> PrunedModel:
        """Create the model as lm_eval does; a mistake of the user is shown in one line and ends lm_eval with exit code 2."""
        return cls.create_from_arg_obj(simple_parse_args_string(arg_string), additional_config)

    @classmethod
    def create_from_arg_obj(cls, arg_dict: dict[str, Any], additional_config: dict[str, Any] | None = None) -> PrunedModel:
        """Create the model as lm_eval does; a mistake of the user is shown in one line and ends lm_eval with exit code 2."""
        show_user_errors(lambda: cls.refuse_command(sys.argv))
        show_user_errors(lambda: refuse_blank(arg_dict))
        show_user_errors(lambda: refuse_doubled(arg_dict, additional_config))
        model: PrunedModel = show_user_errors(lambda: super(PrunedModel, cls).create_from_arg_obj(arg_dict, additional_config))
        return model

    @classmethod
    def refuse_command(cls, argv: Sequence[str]) -> None:
        """Refuse flags that this model can't serve, before any pruning is done. `argv`: as `sys.argv`.

        Raises:
            UserError: There is such a flag; the message names it.
        """
        refuse_flags(argv, cls.model_name)

    def set_cache_hook(self, cache_hook: CacheHook) -> None:
        """Refuse --use_cache, the only flag for which lm_eval calls this.

        Raises:
            UserError: Always.
        """
        error = refusal("--use_cache", self.model_name)
        error.show()
        raise error

    def get_model_info(self) -> dict[str, Any]:
        """Return the engine's information and, under `illusion`, the provenance of the checkpoint, for results.config."""
        engine_info: dict[str, Any] = getattr(super(), "get_model_info", dict)()
        tokenizer = {"has_chat_template": has_chat_template(self.tokenizer)}
        return {**engine_info, "illusion": {**self.checkpoint.manifest.provenance(), **self.measured(), **tokenizer}}

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Apply the template as the engine's class does; a template that fails or does not end is a mistake of one line.

        Raises:
            UserError: The template fails, takes too long or too much memory, or its prompt is too long.
        """

        def render() -> str:
            prompt: str = super(PrunedModel, self).apply_chat_template(chat_history, add_generation_prompt)
            return prompt

        name, is_first = self.checkpoint.manifest.base_model, not self.has_rendered
        prompt = show_user_errors(lambda: rendered(render, shown(name), is_first=is_first))
        self.has_rendered = True
        self.chat_prompts.add(prompt)
        return prompt

    def warn_of_unused_template(self, requests: Sequence[Instance]) -> None:
        """Log one line, once per model and only on rank 0, if the requests are not in the chat template that the tokenizer has."""
        if self.has_warned or not requests or self.rank or not has_chat_template(self.tokenizer):
            return
        # The model may serve several runs, with the template and without. Tasks of other projects may change a prompt that it made.
        ours = [request for request in requests if view_of_request(request) is not None]
        if any(request.args[0] in self.chat_prompts for request in ours) if ours else self.chat_prompts:
            return
        self.has_warned = True
        warning = unused_template_warning(shown(self.checkpoint.manifest.base_model))
        logger.warning(warning)
        report_warning(warning)

    def measured(self) -> dict[str, Any]:
        """Return entries measured on the loaded model; they replace those of the manifest. Empty if the engine hides its weights."""
        return {}

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        with errors_of_files(self.checkpoint.path, "has a tokenizer that fails"):
            context_ids, continuation_ids = super()._encode_pair(context, continuation)
            if not continuation_ids:
                # The continuation merged into the context's last token. Tokenized alone it still gets a score.
                continuation_ids = self.tok_encode(continuation, add_special_tokens=False)
        # A prompt of white space alone was moved to the continuation, and this tokenizer adds no token before a text.
        context_ids = context_ids or [self.prefix_token_id]
        return context_ids, continuation_ids


def resolve_checkpoint(pretrained: str, arguments: dict[str, Any], not_with_pruning: Sequence[str]) -> Checkpoint:
    """Return the checkpoint of `pretrained` for the pruning arguments among `arguments`; make it if the store does not contain it.

    Remove the pruning arguments from `arguments`, and what says where the base model is if it was pruned: the checkpoint has no revision.
    `not_with_pruning`: arguments that name another model than the checkpoint. The manifest of the result names a model that the other
    arguments change, such as `peft`, as a variant of its own.

    Raises:
        UserError: An argument has a wrong value, or can't be combined with pruning.
    """
    given = {name: arguments.pop(name) for name in PRUNING_ARGUMENTS if name in arguments}
    settings = read_settings(**given, pretrained=pretrained)
    gguf_file = arguments.pop(GGUF_ARGUMENT, None) or None
    if settings.pruner != "none":
        is_file = gguf_file is not None
        check_with_pruning(arguments, [name for name in not_with_pruning if not (is_file and name == "subfolder")])
    base = BaseModel(
        pretrained,
        revision=str(arguments.get("revision") or "main"),
        dtype=read_dtype(arguments),
        trust_remote_code=read_trust(arguments),
        tokenizer=tokenizer if isinstance(tokenizer := arguments.get("tokenizer"), str) else None,
        subfolder=str(arguments.get("subfolder") or ""),
        tokenizer_revision=arguments.get("tokenizer_revision"),
        weights_variant=arguments.get("variant"),
        use_safetensors=read_use_safetensors(arguments.get("use_safetensors")),
        gguf_file=None if gguf_file is None else str(gguf_file),
    )
    checkpoint = pruned_checkpoint(base, settings)
    # A GGUF file is dequantised already, and its content among the changes.
    changes = changes_of({**arguments, "pretrained": "" if is_gguf(base) else pretrained})
    checkpoint = checkpoint._replace(manifest=with_changes(checkpoint.manifest, base, changes))
    if is_gguf(base):
        for name in ("revision", "subfolder", "variant", "use_safetensors"):
            arguments.pop(name, None)
    elif settings.pruner != "none":
        for name in ("revision", "use_safetensors"):
            arguments.pop(name, None)
    return checkpoint


def read_dtype(arguments: dict[str, Any]) -> str:
    """Return the dtype among the arguments by its one name, and put it there as every engine takes it: "float32" for "torch.float32"."""
    given = arguments.get("dtype")
    if given is None:
        # lm_eval's classes take no None.
        arguments.pop("dtype", None)
        return plain_dtype(None)
    check_dtype(given)
    if isinstance(given, str):
        arguments["dtype"] = given.removeprefix("torch.")
    return plain_dtype(given)


def read_trust(arguments: dict[str, Any]) -> bool:
    """Return whether code of the model may be run, and put the truth value among the arguments; a text such as "no" is not true.

    Raises:
        UserError: The value is neither true nor false.
    """
    value = arguments.get("trust_remote_code")
    if value is None or (isinstance(value, str) and value.strip().lower() in ("false", "0", "none", "")):
        value = False
    elif isinstance(value, str) and value.strip().lower() in ("true", "1"):
        value = True
    if not isinstance(value, bool | int) or value not in (0, 1):
        raise UserError(
            f"trust_remote_code {str(value)[:100]!r} is neither True nor False: give True only if you trust the code"
        )
    if "trust_remote_code" in arguments:
        arguments["trust_remote_code"] = bool(value)
    return bool(value)


def loaded_files(checkpoint: Checkpoint, arguments: Mapping[str, Any]) -> ModelFiles:
    """Return where the files of a checkpoint are that an engine loads with these arguments."""
    return ModelFiles(
        checkpoint.path,
        str(arguments.get("revision") or "main"),
        str(arguments.get("subfolder") or ""),
        arguments.get("variant"),
        read_use_safetensors(arguments.get("use_safetensors")),
    )


def show_user_errors(action: Callable[[], Result]) -> Result:
    """Return the result of `action`. A UserError is printed and raised again, because lm_eval does not print it."""
    try:
        return action()
    except UserError as error:
        error.show()
        raise

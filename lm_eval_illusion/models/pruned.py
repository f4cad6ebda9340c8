"""What our models have in common, whatever engine runs them: pruning arguments, refusals, provenance."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from lm_eval.api.model import LM, CacheHook
from lm_eval.utils import simple_parse_args_string

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.arguments import check_with_pruning, refuse_doubled
from lm_eval_illusion.models.command_checks import refusal, refuse_flags
from lm_eval_illusion.pruning.checkpoint_store import Checkpoint
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel
from lm_eval_illusion.pruning.prune import pruned_checkpoint
from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS, read_settings

Made = TypeVar("Made")


class PrunedModel(LM):  # type: ignore[misc]
    """To stand before one of lm_eval's models: a pruned checkpoint is run, and results.config says which."""

    model_name: ClassVar[str]
    """As given to lm_eval's --model."""
    checkpoint: Checkpoint

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: dict[str, Any] | None = None) -> PrunedModel:
        """As lm_eval's; here a user's mistake is shown in one line and ends lm_eval with exit code 2."""
        return cls.create_from_arg_obj(simple_parse_args_string(arg_string), additional_config)

    @classmethod
    def create_from_arg_obj(cls, arg_dict: dict[str, Any], additional_config: dict[str, Any] | None = None) -> PrunedModel:
        """As lm_eval's; here a user's mistake is shown in one line and ends lm_eval with exit code 2."""
        show_user_errors(lambda: cls.refuse_command(sys.argv))
        show_user_errors(lambda: refuse_doubled(arg_dict, additional_config))
        made: PrunedModel = show_user_errors(lambda: super(PrunedModel, cls).create_from_arg_obj(arg_dict, additional_config))
        return made

    @classmethod
    def refuse_command(cls, argv: Sequence[str]) -> None:
        """Refuse what the running command asks and this model can't do, before any pruning is done.

        Raises:
            UserError: names the flag.
        """
        refuse_flags(argv, cls.model_name)

    def set_cache_hook(self, cache_hook: CacheHook) -> None:
        """lm_eval calls this only for --use_cache."""
        error = refusal("--use_cache", self.model_name)
        error.show()
        raise error

    def get_model_info(self) -> dict[str, Any]:
        """The engine's information and, under `illusion`, what was pruned and how: it goes into results.config."""
        engines: dict[str, Any] = getattr(super(), "get_model_info", dict)()
        return {**engines, "illusion": {**self.checkpoint.manifest.provenance(), **self.measured()}}

    def measured(self) -> dict[str, Any]:
        """What is measured of the model as it was loaded. Where the engine shows no weights the manifest holds: None if dense."""
        return {}

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        context_ids, continuation_ids = super()._encode_pair(context, continuation)
        if not continuation_ids:
            # The continuation merged into the context's last token; scored alone it is at least scored.
            continuation_ids = self.tok_encode(continuation, add_special_tokens=False)
        return context_ids, continuation_ids


def resolve_checkpoint(pretrained: str, arguments: dict[str, Any], not_with_pruning: Sequence[str]) -> Checkpoint:
    """The checkpoint of `pretrained` that the pruning arguments among `arguments` ask for, made if the store has it not.

    They are taken out of `arguments`, and so is the revision of a base model that was pruned: the checkpoint is of that revision, but has
    none itself. `not_with_pruning`: arguments that name another model than the checkpoint.

    Raises:
        UserError: an argument is ill-formed, or goes ill with pruning.
    """
    settings = read_settings(**{name: arguments.pop(name) for name in PRUNING_ARGUMENTS if name in arguments})
    if settings.pruner != "none":
        check_with_pruning(arguments, not_with_pruning)
    base = BaseModel(
        pretrained,
        revision=str(arguments.get("revision") or "main"),
        dtype=arguments.get("dtype") or "auto",
        trust_remote_code=bool(arguments.get("trust_remote_code", False)),
        tokenizer=arguments.get("tokenizer"),
    )
    checkpoint = pruned_checkpoint(base, settings)
    if settings.pruner != "none":
        arguments.pop("revision", None)
    return checkpoint


def show_user_errors(action: Callable[[], Made]) -> Made:
    """What the action returns; a user's mistake in it is shown before it goes on to lm_eval, which shows none."""
    try:
        return action()
    except UserError as error:
        error.show()
        raise

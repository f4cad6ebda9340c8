"""`served`: lm_eval's API models for a server that speaks OpenAI's protocol, with seeded samples and checked scores."""

from __future__ import annotations

import sys
from typing import Any

from lm_eval.utils import simple_parse_args_string

from lm_eval_illusion.models.arguments import refuse_blank, refuse_doubled
from lm_eval_illusion.models.command_checks import is_lm_eval, read_named, refuse_flags, scored_tasks
from lm_eval_illusion.models.pruned import show_user_errors
from lm_eval_illusion.models.served_address import hide_secrets
from lm_eval_illusion.models.served_base import ServedBase
from lm_eval_illusion.models.served_chat import ServedChat
from lm_eval_illusion.models.served_completions import Served
from lm_eval_illusion.plugin import SERVED_MODEL_NAME


class ServedModel(ServedBase):
    """What lm_eval makes for `--model served`: `Served` or `ServedChat`, by the end of `base_url`."""

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: dict[str, Any] | None = None) -> ServedBase:
        """Create the model as lm_eval does; a mistake of the user is shown in one line and ends lm_eval with exit code 2."""
        return cls.create_from_arg_obj(simple_parse_args_string(arg_string), additional_config)

    @classmethod
    def create_from_arg_obj(cls, arg_dict: dict[str, Any], additional_config: dict[str, Any] | None = None) -> ServedBase:
        """Create the model for the kind of completions that `base_url` names. A command with tasks that score has them checked at once."""

        def create() -> ServedBase:
            refuse_flags(sys.argv, SERVED_MODEL_NAME)
            refuse_blank(arg_dict)
            refuse_doubled(arg_dict, {name: value for name, value in (additional_config or {}).items() if name != "batch_size"})
            is_chat = str(arg_dict.get("base_url") or "").rstrip("/").endswith("/chat/completions")
            model_class = ServedChat if is_chat else Served
            model = model_class(**arg_dict)
            hide_secrets(arg_dict)
            if is_lm_eval(sys.argv) and scored_tasks(read_named(sys.argv[1:])):
                model.check_scores()
            return model

        return show_user_errors(create)

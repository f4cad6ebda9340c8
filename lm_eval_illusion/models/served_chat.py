"""The chat completions of a server, which applies the model's chat template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lm_eval.api.instance import Instance
from lm_eval.models.api_models import JsonChatStr
from lm_eval.models.openai_completions import LocalChatCompletion

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.pruned import show_user_errors
from lm_eval_illusion.models.served_arguments import COMPLETIONS
from lm_eval_illusion.models.served_base import WITHOUT_SCORES, ServedBase


class ServedChat(ServedBase, LocalChatCompletion):  # type: ignore[misc]
    """The chat completions of a server, which applies the model's chat template: the views that generate."""

    def __init__(self, **arguments: Any) -> None:
        """As `ServedBase`; a tokenizer is not used."""
        super().__init__(**{**arguments, "tokenizer_backend": None, "tokenizer": None})

    def check_scores(self) -> None:
        """Refuse.

        Raises:
            UserError: Always.
        """
        raise UserError(
            f"chat completions give no scores of choices: give base_url=...{COMPLETIONS} and tokenizer=, or {WITHOUT_SCORES}"
        )

    def loglikelihood(self, requests: list[Instance], **_: Any) -> list[tuple[float, bool]]:
        """Refuse.

        Raises:
            UserError: Always.
        """
        show_user_errors(self.check_scores)
        return []

    def as_sent(self, prompt: Any, settings: Mapping[str, Any]) -> Any:
        """Return the messages.

        Raises:
            UserError: The run has no chat template.
        """
        if not isinstance(prompt, JsonChatStr):
            raise UserError(
                f"{self.endpoint.shown} applies the model's chat template: add --apply_chat_template, or give base_url=...{COMPLETIONS}"
            )
        return prompt

    def trial_prompt(self, text: str) -> JsonChatStr:
        """Return a message of the user."""
        return cast(JsonChatStr, self.apply_chat_template([{"role": "user", "content": text}]))

"""The lm_eval task classes that YAMLs of ours name: for what a YAML alone can't say. Importing this module imports lm_eval."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.views.prompts import Turn
from lm_eval_illusion.views.spec import generation_kwargs, view_named
from lm_eval_illusion.views.twin import TWIN, TWIN_METRICS


class YamlTask(ConfigurableTask):  # type: ignore[misc]
    """lm_eval's task of a YAML with the key `class`, which lm_eval passes on to its own class and refuses there."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config={name: value for name, value in config.items() if name != "class"})


class ConversationTask(YamlTask):
    """A view whose prompt has a held-out example. Under a chat template the example is a turn of the user and one of the assistant.

    Without a chat template the prompt is the text of the view, as in every other task.
    """

    def fewshot_context(
        self,
        doc: Mapping[str, Any],
        num_fewshot: int,
        system_instruction: str | None = None,
        apply_chat_template: bool = False,
        fewshot_as_multiturn: bool = False,
        chat_template: Callable[..., Any] | None = None,
        gen_prefix: str | None = None,
    ) -> Any:
        """Return the prompt as lm_eval makes it, with the text of the user replaced by the turns of the view.

        The example is a turn whatever --fewshot_as_multiturn says: within the user's message it is no example of an answer.
        """

        def with_turns(messages: Sequence[Mapping[str, str]], **options: Any) -> Any:
            return chat_template(_with_turns(messages, self.turns(doc)), **options) if chat_template else None

        return super().fewshot_context(
            doc,
            num_fewshot,
            system_instruction=system_instruction,
            apply_chat_template=apply_chat_template,
            fewshot_as_multiturn=fewshot_as_multiturn,
            chat_template=with_turns if chat_template else None,
            gen_prefix=gen_prefix,
        )

    def turns(self, doc: Mapping[str, Any]) -> Sequence[Turn]:
        """Return the turns of an item's prompt.

        Raises:
            UserError: The metadata of the task names no view with turns.
        """
        name = (self.config.metadata or {}).get("view")
        view = view_named(str(name))
        if view is None or view.turns is None:
            raise UserError(
                f"metadata.view of {self.config.task} is {str(name)[:100]!r}, no view with an example: use the YAML of ours"
            )
        return view.turns(doc)


def _with_turns(messages: Sequence[Mapping[str, str]], turns: Sequence[Turn]) -> list[Mapping[str, str]]:
    """Replace the last message of the user by turns; the messages before it (system) and after it (a prefix of the answer) stay."""
    last = max(number for number, message in enumerate(messages) if message["role"] == "user")
    replaced = [{"role": turn.role, "content": turn.content} for turn in turns]
    return [*messages[:last], *replaced, *messages[last + 1 :]]


class TwinTask(YamlTask):
    """The twin: the choices of an item are scored, and its prompt is answered greedily. lm_eval collects requests by their own type."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        # A logger has a filter once, however often it is added.
        logging.getLogger("lm_eval.api.group").addFilter(is_no_mixed_group)

    def construct_requests(self, doc: Mapping[str, Any], ctx: str, **settings: Any) -> list[Instance]:
        """Return the requests of the recognition view, in the order of the choices, and that of the production view."""
        scored: list[Instance] = super().construct_requests(doc, ctx, **settings)
        arguments = (ctx, generation_kwargs(TWIN.production.name))
        answer = Instance("generate_until", doc, arguments, idx=len(scored), metadata=settings["metadata"])
        return [*scored, answer]

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        """Return the metrics of an item; with --predict_only those of lm_eval, whose own method expects the scores alone."""
        is_scored_by_us = callable(self.config.process_results)
        metrics: dict[str, Any] = super().process_results(doc, results if is_scored_by_us else results[:-1])
        return metrics


def is_no_mixed_group(record: logging.LogRecord) -> bool:
    """Return False for lm_eval's warning that some tasks in a group do not log the metrics of its twins: our groups are made so."""
    message = record.getMessage()
    return " is missing in " not in message or not any(f"metric '{metric},none'" in message for metric in TWIN_METRICS)

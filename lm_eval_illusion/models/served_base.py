"""What completions and chat completions of a server have in common: samples with seeds, requests, what the results file says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any, TypeVar

from lm_eval.api.instance import Instance
from lm_eval.api.model import CacheHook
from lm_eval.models.api_models import JsonChatStr
from lm_eval.models.openai_completions import LocalCompletionsAPI

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.first_line import Answer, line_bounds
from lm_eval_illusion.models.command_checks import line_settings, refusal, refuse_changed_settings, view_of_request
from lm_eval_illusion.models.pruned import show_user_errors
from lm_eval_illusion.models.served_address import ServedAddress, secrets_of, without_password
from lm_eval_illusion.models.served_arguments import read_arguments, read_url
from lm_eval_illusion.models.served_refused import LIMIT, refused_setting, without_settings
from lm_eval_illusion.models.served_requests import RequestRefusedError, post
from lm_eval_illusion.models.served_seeds import (
    SEED_PROMPT,
    greedy_trials,
    problem_of_greedy,
    problem_of_seeds,
    seed_of_sample,
    seed_trials,
)
from lm_eval_illusion.models.served_server import RunningServer, chosen_model, find_server
from lm_eval_illusion.models.served_settings import letter_constraint, request_settings
from lm_eval_illusion.plugin import SERVED_MODEL_NAME
from lm_eval_illusion.progress import for_tasks, progress, report_warning
from lm_eval_illusion.views import GENERATED_LETTERS

Given = TypeVar("Given")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

WITHOUT_SCORES = (
    "recognition by a generated letter works: --tasks mqa_illusion_core_served, or mqa_illusion_en_mc_letters_generated"
)
WITHHELD = "content_filter"
"""Why OpenAI and Azure leave out an answer, or the rest of it."""
_INSTALL = "pip install 'lm-eval[api]'"


class ServedBase(LocalCompletionsAPI):  # type: ignore[misc]
    """What completions and chat completions have in common. Every request goes through `model_call`, one prompt at a time.

    Each of the k samples of a prompt has its own seed, made from the prompt and the number of the sample as in the other engines: no seed
    depends on order or on num_concurrent. Repeats of a greedy request are asked once. Scores are asked for after a check of them.
    """

    server: RunningServer
    has_checked_scores = False
    has_checked_greedy = False
    has_checked_seeds = False
    has_told_withheld = False
    left_out: frozenset[str] = frozenset()

    def __init__(self, base_url: str | None = None, model: str | None = None, **arguments: Any) -> None:
        """Find the server at `base_url`, which ends in `/v1/completions` or `/v1/chat/completions`, and its model.

        `model`: its name there; left out, the only one that the server has. `tokenizer`: a folder or a name on the hub, which scores need.
        All other arguments are those of lm_eval's local-completions.

        Raises:
            UserError: The server can't be reached or does not have the model; an argument has a wrong value; a package is missing.
        """
        url = read_url(base_url)
        checked = read_arguments(arguments)
        adds_bos = checked.get("add_bos_token")
        try:
            super().__init__(base_url=url, model=model, **checked)
        except ModuleNotFoundError as error:
            raise UserError(
                f"--model {SERVED_MODEL_NAME} needs packages of lm_eval ({one_line(error, 200)}): {_INSTALL}"
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"the arguments of {SERVED_MODEL_NAME} do not fit ({one_line(error, 300)}): give model=, base_url= and, for scores,"
                " tokenizer= with the folder or the name of the model's tokenizer; the others are those of lm_eval's local-completions"
            ) from error
        self.endpoint = ServedAddress(self._client(), url, max(1, self.max_retries), secrets_of(self.header, url))
        self.server = find_server(self.endpoint)
        self.model = chosen_model(self.server, model)
        if adds_bos is None and self.tokenizer is not None:
            # As the Hugging Face classes: a model that was trained with a token before the text gets it.
            self.add_bos_token = _adds_bos(self.tokenizer)

    def get_model_info(self) -> dict[str, Any]:
        """Return what is known of the server, for results.config."""
        server = self.server
        return {
            "served": {
                "model": self.model,
                "base_url": without_password(server.url),
                "server": server.kind,
                "server_version": server.version,
                "dtype": server.dtype,
                "letters": "constrained" if letter_constraint(server) else "free",
                "left_out": sorted(self.left_out),
            }
        }

    def set_cache_hook(self, cache_hook: CacheHook) -> None:
        """Refuse --use_cache, the only flag for which lm_eval calls this.

        Raises:
            UserError: Always.
        """
        error = refusal("--use_cache", SERVED_MODEL_NAME)
        error.show()
        raise error

    def model_call(
        self, messages: Any, *, generate: bool = True, gen_kwargs: dict[str, Any] | None = None, **_: Any
    ) -> dict[str, Any]:
        """Send one request with lm_eval's payload, and return the answer.

        Raises:
            UserError: The server refuses it, or can't be reached.
        """
        settings = dict(gen_kwargs or {})
        end_text = self.eos_string if self.tokenizer is not None or self._eos_string else None
        payload = self._create_payload(
            self.create_message(messages), generate=generate, gen_kwargs=settings, seed=self._seed, eos=end_text
        )
        # OpenAI refuses an empty list, and lm_eval makes [None] where no end is known.
        if not any(payload.get("stop") or []):
            payload.pop("stop", None)
        return self._post(without_settings(payload, self.left_out))

    def _post(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a request; one that is refused for a setting that changes nothing is sent without it, now and from then on."""
        try:
            return post(self.endpoint, payload)
        except RequestRefusedError as error:
            name = refused_setting(payload, error.problem)
            if name is None:
                raise
            answer = self._post(without_settings(payload, frozenset({name})))
            if name not in self.left_out:
                self.left_out |= {name}
                if name != LIMIT:
                    self._warn(f"refuses {name}, which is left out: {error.problem}")
            return answer

    def check_scores(self) -> None:
        """Check the scores of the server once.

        Raises:
            UserError: They can't be had, or are wrong.
        """
        raise NotImplementedError

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return the answers in the order of the requests; k repeats of a sampled request get k samples.

        Raises:
            UserError: A request of our views has other decoding settings than its view; the server refuses it or can't be reached.
        """
        return show_user_errors(lambda: self._generate(requests, disable_tqdm))

    def _generate(self, requests: list[Instance], disable: bool) -> list[str]:
        refuse_changed_settings(requests)
        asked: list[tuple[Any, dict[str, Any]]] = []
        places: list[int] = []
        for _, repeats in groupby(requests, key=id):
            for sample, request in enumerate(repeats):
                settings = request_settings(line_settings(request) or request.args[1], self.server)
                if settings["temperature"] > 0:
                    settings = {"seed": seed_of_sample(_text_of(request.args[0]), sample), **settings}
                if sample == 0 or "seed" in settings:
                    asked.append((request.args[0], {**settings, **self._constraint(request)}))
                places.append(len(asked) - 1)
        self.check_decoding(samples=any("seed" in settings for _, settings in asked))
        with (
            for_tasks(request.task_name for request in requests),
            progress("generating", len(asked), "Requesting answers", disable) as done,
        ):
            answers = self._each(lambda request: self._answer(*request), asked, done)
        return [answers[place] for place in places]

    def check_decoding(self, samples: bool) -> None:
        """Log a line if the server samples at temperature 0, and, before `samples`, if it does not use seeds or the temperature."""
        if not self.has_checked_greedy:
            self.has_checked_greedy = True
            self._warn(problem_of_greedy(self._trial_texts(greedy_trials(self.server))))
        if samples and not self.has_checked_seeds:
            self.has_checked_seeds = True
            self._warn(problem_of_seeds(self._trial_texts(seed_trials(self.server))))

    def _trial_texts(self, trials: Sequence[Mapping[str, Any]]) -> list[str]:
        prompt = self.trial_prompt(SEED_PROMPT)
        return list(self._each(lambda settings: self._answer(prompt, settings), trials, lambda _: None))

    def _warn(self, problem: str | None) -> None:
        if problem is not None:
            logger.warning("%s %s", self.server, problem)
            report_warning(f"{self.server} {problem}")

    def trial_prompt(self, text: str) -> Any:
        """Return a prompt in the form in which lm_eval hands prompts to this model."""
        return text

    def _constraint(self, request: Instance) -> dict[str, Any]:
        view = view_of_request(request)
        return letter_constraint(self.server) if view is not None and view.name == GENERATED_LETTERS else {}

    def _answer(self, prompt: Any, settings: Mapping[str, Any]) -> Answer:
        """Return the answer to one prompt, with whether it was cut at the token limit before its line ended."""
        output = self.model_call([self.as_sent(prompt, settings)], gen_kwargs=dict(settings))
        text = self.parse_generations(output)[0] or ""
        reason = output["choices"][0].get("finish_reason")
        if reason == WITHHELD and not self.has_told_withheld:
            self.has_told_withheld = True
            self._warn(f"withheld an answer ({WITHHELD}): what is left of it counts as the model's")
        reached_limit = reason == "length" and line_bounds(text)[1] is None
        return Answer(text, reached_limit)

    def as_sent(self, prompt: Any, settings: Mapping[str, Any]) -> Any:
        """Return a prompt as the server gets it."""
        return prompt

    def _each(self, ask: Callable[[Given], Result], given: Sequence[Given], done: Callable[[int], Any]) -> list[Result]:
        """Return what `ask` returns for each, in this order, with num_concurrent of them at a time."""
        results = []
        with ThreadPoolExecutor(max(1, self._concurrent)) as pool:
            futures = [pool.submit(ask, one) for one in given]
            try:
                for future in futures:
                    results.append(future.result())
                    done(1)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return results

    def _client(self) -> Any:
        import httpx

        headers = {name: value for name, value in self.header.items() if value.strip() != "Bearer"}
        verify = self.ca_cert_path if self.verify_certificate and self.ca_cert_path else self.verify_certificate
        return httpx.Client(headers=headers, verify=verify, timeout=httpx.Timeout(self.timeout, connect=10))


def _text_of(prompt: Any) -> str:
    return str(prompt.prompt) if isinstance(prompt, JsonChatStr) else str(prompt)


def _adds_bos(tokenizer: Any) -> bool:
    begins = tokenizer.bos_token_id
    return begins is not None and tokenizer("a").input_ids[0] == begins

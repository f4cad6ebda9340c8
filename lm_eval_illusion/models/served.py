"""`served`: lm_eval's API models for a server that speaks OpenAI's protocol, with seeded samples and checked scores."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any, TypeVar, cast

from lm_eval.api.instance import Instance
from lm_eval.api.model import CacheHook
from lm_eval.models.api_models import JsonChatStr, TemplateAPI
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI
from lm_eval.utils import simple_parse_args_string

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.first_line import Answer, line_bounds
from lm_eval_illusion.inference.sampling import seed_of
from lm_eval_illusion.models.arguments import refuse_blank, refuse_doubled
from lm_eval_illusion.models.command_checks import (
    is_lm_eval,
    line_settings,
    read_named,
    refusal,
    refuse_changed_settings,
    refuse_flags,
    scored_tasks,
    view_of_request,
)
from lm_eval_illusion.models.pruned import show_user_errors
from lm_eval_illusion.models.served_check import CANDIDATES, Scores, ScoresError, problem_of_scores, read_scores, score_of
from lm_eval_illusion.models.served_requests import ServedAddress, post
from lm_eval_illusion.models.served_server import TEXT_ONLY, RunningServer, chosen_model, find_server
from lm_eval_illusion.models.served_settings import letter_constraint, request_settings
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.plugin import SERVED_MODEL_NAME
from lm_eval_illusion.progress import for_tasks, progress, report_warning
from lm_eval_illusion.pruning.settings import nearest
from lm_eval_illusion.views import GENERATED_LETTERS

Given = TypeVar("Given")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
MOST_SEEDS = 2**31
"""Seeds are smaller: llama.cpp has 32 bits, and takes the largest number of them for "no seed"."""
WITHOUT_SCORES = (
    "recognition by a generated letter works: --tasks mqa_illusion_core_served, or mqa_illusion_en_mc_letters_generated"
)
_SEED_TRIAL = {"do_sample": True, "temperature": 1.0, "max_gen_toks": 16, "until": []}
_SEED_PROMPT = "Once upon a time"
_INSTALL = "pip install 'lm-eval[api]'"


class ServedModel(LocalCompletionsAPI):  # type: ignore[misc]
    """What completions and chat completions have in common. Every request goes through `model_call`, one prompt at a time.

    Each of the k samples of a prompt has its own seed, made from the prompt and the number of the sample as in the other engines: no seed
    depends on order or on num_concurrent. Repeats of a greedy request are asked once. Scores are asked for after a check of them.
    """

    server: RunningServer
    has_checked_scores = False
    has_checked_seeds = False

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: dict[str, Any] | None = None) -> ServedModel:
        """Create the model as lm_eval does; a mistake of the user is shown in one line and ends lm_eval with exit code 2."""
        return cls.create_from_arg_obj(simple_parse_args_string(arg_string), additional_config)

    @classmethod
    def create_from_arg_obj(cls, arg_dict: dict[str, Any], additional_config: dict[str, Any] | None = None) -> ServedModel:
        """Create the model for the kind of completions that `base_url` names. A command with tasks that score has them checked at once."""

        def create() -> ServedModel:
            refuse_flags(sys.argv, SERVED_MODEL_NAME)
            refuse_blank(arg_dict)
            refuse_doubled(arg_dict, {name: value for name, value in (additional_config or {}).items() if name != "batch_size"})
            is_chat = str(arg_dict.get("base_url") or "").rstrip("/").endswith("/chat/completions")
            model_class = ServedChat if is_chat else Served
            # One prompt at a time, on the server's device.
            model = model_class(**arg_dict)
            if is_lm_eval(sys.argv) and scored_tasks(read_named(sys.argv[1:])):
                model.check_scores()
            return model

        return show_user_errors(create)

    def __init__(self, base_url: str | None = None, model: str | None = None, **arguments: Any) -> None:
        """Find the server at `base_url`, which ends in `/v1/completions` or `/v1/chat/completions`, and its model.

        `model`: its name there; left out, the only one that the server has. `tokenizer`: a folder or a name on the hub, which scores need.
        All other arguments are those of lm_eval's local-completions.

        Raises:
            UserError: The server can't be reached or does not have the model; an argument has a wrong value; a package is missing.
        """
        url = _read_url(base_url)
        _refuse_unknown(arguments)
        has_tokenizer = bool(arguments.get("tokenizer"))
        backend = arguments.pop("tokenizer_backend", "huggingface" if has_tokenizer else None)
        adds_bos = arguments.get("add_bos_token")
        arguments["batch_size"] = 1
        try:
            super().__init__(base_url=url, model=model, tokenizer_backend=backend, **arguments)
        except ModuleNotFoundError as error:
            raise UserError(
                f"--model {SERVED_MODEL_NAME} needs packages of lm_eval ({one_line(error, 200)}): {_INSTALL}"
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"the arguments of {SERVED_MODEL_NAME} do not fit ({one_line(error, 300)}): give model=, base_url= and, for scores,"
                " tokenizer= with the folder or the name of the model's tokenizer; the others are those of lm_eval's local-completions"
            ) from error
        self.endpoint = ServedAddress(self._client(), url, max(1, self.max_retries))
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
                "base_url": server.url,
                "server": server.kind,
                "server_version": server.version,
                "dtype": server.dtype,
                "letters": "constrained" if letter_constraint(server) else "free",
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
        return post(self.endpoint, payload)

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
                    settings = {"seed": _seed(request.args[0], sample), **settings}
                if sample == 0 or "seed" in settings:
                    asked.append((request.args[0], {**settings, **self._constraint(request)}))
                places.append(len(asked) - 1)
        if any("seed" in settings for _, settings in asked):
            self.check_seeds()
        with (
            for_tasks(request.task_name for request in requests),
            progress("generating", len(asked), "Requesting answers", disable) as done,
        ):
            answers = self._each(lambda request: self._answer(*request), asked, done)
        return [answers[place] for place in places]

    def check_seeds(self) -> None:
        """Log one line if the server does not use seeds: four short samples of one prompt, two of them with the same seed."""
        if self.has_checked_seeds:
            return
        self.has_checked_seeds = True
        settings = request_settings(_SEED_TRIAL, self.server)
        prompt = self.trial_prompt(_SEED_PROMPT)
        texts = self._each(lambda seed: self._answer(prompt, {"seed": seed, **settings}), [11, 12, 13, 11], lambda _: None)
        if not any(texts):
            return
        warning = None
        if len(set(texts)) == 1:
            warning = f"{self.server} gives the same text for different seeds at temperature 1: ten samples may be one"
        elif texts[0] != texts[-1]:
            warning = f"{self.server} gives different texts for the same seed: samples differ, and another run will have others"
        if warning is not None:
            logger.warning(warning)
            report_warning(warning)

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
        reached_limit = output["choices"][0].get("finish_reason") == "length" and line_bounds(text)[1] is None
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


class Served(ServedModel):
    """The completions of a server: all views but beam search."""

    def check_scores(self) -> None:
        """Check the scores of the server once.

        Raises:
            UserError: They can't be had, or are wrong; the message says what this server can do.
        """
        if self.has_checked_scores:
            return
        if self.tokenizer is None:
            raise UserError(
                f"scores of {self.model} need its tokenizer: give tokenizer= with a folder or a name on the hub; without it,"
                f" {WITHOUT_SCORES}"
            )
        try:
            problem = problem_of_scores(self._scores, self._next_tokens, self.tok_encode)
        except UserError as error:
            problem = f"refuses the request ({one_line(error, 300)})"
        if problem is not None:
            raise UserError(f"{self.server} can't score choices, it {problem}: {WITHOUT_SCORES}")
        self.has_checked_scores = True

    def loglikelihood(self, requests: list[Instance], **settings: Any) -> list[tuple[float, bool]]:
        """Score as lm_eval does, after a check of the server's scores.

        Raises:
            UserError: The scores are wrong, or the server can't be reached.
        """
        show_user_errors(self.check_scores)
        scores: list[tuple[float, bool]] = show_user_errors(lambda: super(Served, self).loglikelihood(requests, **settings))
        return scores

    def _loglikelihood_tokens(self, requests: Sequence[Any], disable_tqdm: bool = False, **_: Any) -> list[tuple[float, bool]]:
        inputs, starts, _keys = self.batch_loglikelihood_requests([requests])

        def score(given: tuple[list[int], int]) -> tuple[float, bool]:
            try:
                return score_of(self._scores(given[0]), given[1])
            except ScoresError as error:
                raise UserError(f"{self.server} can't score all choices, it {error}: {WITHOUT_SCORES}") from error

        with progress("scoring", len(inputs), "Requesting scores", disable_tqdm) as done:
            return self._each(score, list(zip(inputs, starts, strict=True)), done)

    def tok_encode(self, string: Any, left_truncate_len: int | None = None, **_: Any) -> Any:
        """Return the tokens of a text, with the token before it that the model was trained with, unless a chat template wrote it."""
        begins = self.tokenizer.bos_token
        is_written = bool(begins) and string.startswith(begins)
        ids: list[int] = self.tokenizer(string, add_special_tokens=self.add_bos_token and not is_written).input_ids
        return ids[-left_truncate_len:] if left_truncate_len else ids

    def as_sent(self, prompt: Any, settings: Mapping[str, Any]) -> Any:
        """Return the tokens of the prompt where the tokenizer is known, so that scores and answers have the same ones.

        Raises:
            UserError: A chat template is asked for without a tokenizer.
        """
        if isinstance(prompt, JsonChatStr):
            raise UserError(
                f"--apply_chat_template needs the model's own template here: give tokenizer=, or base_url=...{CHAT}, where the server"
                " applies it"
            )
        if self.tokenizer is None or self._takes_text:
            return prompt
        longest = self.max_length - int(settings.get("max_gen_toks", self._max_gen_toks))
        return self.tok_encode(prompt, left_truncate_len=max(1, longest))

    def create_message(self, messages: Any, generate: bool = False) -> Any:
        """Return one prompt, a text or its tokens, without a list around it: every server takes that form."""
        prompt = messages[0]
        return self._text(prompt) if self._takes_text and not isinstance(prompt, str) else prompt

    @property
    def _takes_text(self) -> bool:
        """Whether prompts are sent as text, which the server tokenizes: it refuses tokens, or the user asked for it."""
        return not self.tokenized_requests or self.server.kind in TEXT_ONLY

    def _text(self, ids: Sequence[int]) -> str:
        """Return the text of tokens without the one before the text, which the server adds."""
        begins = self.tokenizer.bos_token_id
        own = ids[1:] if self.add_bos_token and ids and ids[0] == begins else ids
        return str(self.tokenizer.decode(own, clean_up_tokenization_spaces=False))

    def _scores(self, ids: Sequence[int]) -> Scores:
        return read_scores(self.model_call([list(ids)], generate=False), len(ids))

    def _next_tokens(self, ids: Sequence[int]) -> dict[str, float]:
        payload = {
            "model": self.model,
            "prompt": self.create_message([list(ids)]),
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": CANDIDATES,
        }
        found = post(self.endpoint, payload)["choices"][0].get("logprobs")
        tops = found.get("top_logprobs") if isinstance(found, dict) else None
        return {text: float(value) for text, value in (tops[0] if tops else {}).items() if value is not None}


class ServedChat(ServedModel, LocalChatCompletion):  # type: ignore[misc]
    """The chat completions of a server, which applies the model's chat template: the views that generate."""

    def __init__(self, **arguments: Any) -> None:
        """As `ServedModel`; a tokenizer is not used."""
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
                f"{self.server.url} applies the model's chat template: add --apply_chat_template, or give base_url=...{COMPLETIONS}"
            )
        return prompt

    def trial_prompt(self, text: str) -> JsonChatStr:
        """Return a message of the user."""
        return cast(JsonChatStr, self.apply_chat_template([{"role": "user", "content": text}]))


def _read_url(base_url: str | None) -> str:
    url = str(base_url or "").rstrip("/")
    if not url.startswith(("http://", "https://")) or not url.endswith((COMPLETIONS, CHAT)):
        raise UserError(
            f"base_url {url or 'is missing'!r} is no address of completions: give e.g. base_url=http://127.0.0.1:8000{COMPLETIONS},"
            f" or ...{CHAT} for the model's chat template"
        )
    return url


def _refuse_unknown(arguments: Mapping[str, Any]) -> None:
    """Refuse an argument that lm_eval's class would ignore.

    Raises:
        UserError: There is such an argument; the message names the most similar known one.
    """
    classes = (TemplateAPI, LocalCompletionsAPI, LocalChatCompletion)
    names = {name for model_class in classes for name in inspect.signature(model_class.__init__).parameters}
    # Their own names of what `served` sets.
    known = sorted(names - {"self", "kwargs", "pretrained"})
    for name in arguments:
        if name not in known:
            raise UserError(
                f"argument {shown(name)} is unknown{nearest(name[:100], known) or ':'} served takes {', '.join(known)}"
            )


def _seed(prompt: Any, sample: int) -> int:
    """Return the seed of a prompt's n-th sample, an integer in [0, 2^31)."""
    text = prompt.prompt if isinstance(prompt, JsonChatStr) else str(prompt)
    return seed_of(text, sample) % MOST_SEEDS


def _adds_bos(tokenizer: Any) -> bool:
    begins = tokenizer.bos_token_id
    return begins is not None and tokenizer("a").input_ids[0] == begins

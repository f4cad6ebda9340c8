"""The completions of a server: scores after a check of them, and generated text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.api_models import JsonChatStr

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.pruned import show_user_errors
from lm_eval_illusion.models.served_arguments import CHAT
from lm_eval_illusion.models.served_base import WITHOUT_SCORES, ServedBase
from lm_eval_illusion.models.served_check import CANDIDATES, ScoringServer, problem_of_scores
from lm_eval_illusion.models.served_requests import RequestRefusedError
from lm_eval_illusion.models.served_scores import NextToken, Scores, ScoresError, read_next_logprobs, read_scores, score_of
from lm_eval_illusion.models.served_server import TEXT_ONLY
from lm_eval_illusion.models.served_settings import request_settings
from lm_eval_illusion.progress import progress


class Served(ServedBase):
    """The completions of a server: all views but beam search."""

    refuses_tokens = False

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
            problem = problem_of_scores(
                ScoringServer(self._scores, self._next_token, self.tok_encode, self.tokenizer.get_vocab())
            )
        except RequestRefusedError as error:
            problem = error.problem
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

    def _post(self, payload: dict[str, Any]) -> dict[str, Any]:
        """As the other requests; a server that refuses a prompt of tokens gets its text, now and from then on."""
        prompt = payload["prompt"]
        if self.refuses_tokens and not isinstance(prompt, str):
            payload = {**payload, "prompt": self._text(prompt)}
        try:
            return super()._post(payload)
        except RequestRefusedError:
            if isinstance(payload["prompt"], str):
                raise
            try:
                answer = super()._post({**payload, "prompt": self._text(prompt)})
            except RequestRefusedError:
                answer = None
            # Refused in both forms: the reason is another one, and stands in the first refusal.
            if answer is None:
                raise
        self.refuses_tokens = True
        return answer

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

    def _next_token(self, ids: Sequence[int]) -> NextToken:
        """Ask for the log-probabilities at temperature 1, where a server that applies it gives the model's own, and for the likeliest."""
        prompt = [list(ids)]
        drawn = request_settings({"do_sample": True, "temperature": 1.0, "max_gen_toks": 1, "until": []}, self.server)
        greedy = request_settings({"max_gen_toks": 1, "until": []}, self.server)
        logprobs = read_next_logprobs(self.model_call(prompt, gen_kwargs={**drawn, "logprobs": CANDIDATES}))
        return NextToken(logprobs, self.parse_generations(self.model_call(prompt, gen_kwargs=greedy))[0] or "")

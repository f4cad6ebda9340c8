"""`lm-eval-illusion judge`: ask a judge about the greedy answers of runs, and write its verdicts beside the samples."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import for_terminal, print_for_terminal
from lm_eval_illusion.judging.cache import CacheEntry, default_cache, remember
from lm_eval_illusion.judging.client import ask_all
from lm_eval_illusion.judging.endpoint import Endpoint
from lm_eval_illusion.judging.plan import JudgingPlan, Price, money, overview, plan_of, sampled
from lm_eval_illusion.judging.prompt import PROMPT_VERSION, verdict_of
from lm_eval_illusion.judging.replies import CUT, Completion
from lm_eval_illusion.judging.verdict_file import check_verdicts, write_verdicts
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.progress import is_terminal, progress
from lm_eval_illusion.results import join_truncated
from lm_eval_illusion.results.greedy_answers import GreedyAnswer, answer_files, read_answers
from lm_eval_illusion.results.join_views import views_below
from lm_eval_illusion.results.judge_files import DIFFERENT, EMPTY, SAME, UNCLEAR, VERDICTS, JudgeRow, judge_folder
from lm_eval_illusion.results.outcomes import PRODUCTION
from lm_eval_illusion.views import TWIN

EXIT_MISSING = 1
"""The exit code if some answers have no verdict, because their requests failed."""
LOGGED_REQUESTS = 100
"""Requests from one line of progress to the next, where there is no terminal."""


@dataclass(frozen=True)
class JudgeOptions:
    """The options of `lm-eval-illusion judge` that are not those of the endpoint; its --help describes them."""

    concurrency: int = 8
    limit: int | None = None
    sample_seed: int = 0
    cache: Path | None = None
    dry_run: bool = False
    price: Price | None = None


@dataclass
class _Replies:
    """The replies by key, and which of them came in this run."""

    entries: dict[str, CacheEntry]
    new: list[Completion] = field(default_factory=list)


def judge_command(paths: Sequence[Path], endpoint: Endpoint, options: JudgeOptions) -> int:
    """Judge the greedy answers of the runs below `paths`; return the exit code: 0, or 1 if answers are left without a verdict.

    Raises:
        UserError: There is nothing to judge, the endpoint refuses the requests, or a file can't be read or written.
    """
    cache = options.cache or default_cache()
    files = answer_files(views_below(paths))
    if not files:
        views = f"{PRODUCTION.name} or {TWIN.name}"
        raise UserError(f"no greedy answers in {join_truncated(paths)}: run lm_eval with the tasks of the view {views}")
    answers = [answer for file in files for answer in sampled(list(read_answers(file)), options.limit, options.sample_seed)]
    plan = plan_of(answers, endpoint, cache)
    print_for_terminal(f"judge {endpoint.model}: {overview(plan, endpoint, options.price)}")
    if foreign := sorted({entry.base_url for entry in plan.known.values()} - {endpoint.base_url}):
        print_for_terminal(
            f"cached replies came also from {join_truncated(foreign)}: give another --cache if other weights have this name there"
        )
    if options.dry_run:
        return 0
    if endpoint.sends_key_in_clear:
        print(for_terminal(f"lm-eval-illusion: the key goes to {endpoint.base_url} without encryption"), file=sys.stderr)
    for folder in dict.fromkeys(judge_folder(file.samples_file) for file in files):
        check_verdicts(folder, endpoint.model)
    replies = _Replies(dict(plan.known))
    failures = _ask(plan, endpoint, options.concurrency, cache, replies)
    judged = [(judge_folder(answer.file.samples_file), _row(answer, key, endpoint, replies)) for answer, key in plan.answers]
    by_folder: dict[Path, list[JudgeRow]] = defaultdict(list)
    for folder, row in judged:
        if row is not None:
            by_folder[folder].append(row)
    written = [write_verdicts(folder, rows_there) for folder, rows_there in by_folder.items()]
    rows = [row for rows_there in by_folder.values() for row in rows_there]
    print_for_terminal(_usage(replies.new, options.price))
    print_for_terminal(_verdicts(rows))
    if written:
        print_for_terminal(f"written: {join_truncated(written)}")
    return _missing(len(plan.answers) - len(rows), failures)


def _ask(plan: JudgingPlan, endpoint: Endpoint, concurrency: int, cache: Path, replies: _Replies) -> dict[str, str]:
    """Ask about what is not in the cache, and remember each reply as it comes; return the failures."""
    to_ask = plan.to_ask
    if not to_ask:
        return {}
    is_shown = is_terminal()
    with progress("judging", len(to_ask), "judging", disable=not is_shown) as count:

        def keep(key: str, completion: Completion) -> None:
            entry = CacheEntry(key=key, prompt_version=PROMPT_VERSION, base_url=endpoint.base_url, completion=completion)
            remember(cache, entry)
            replies.entries[key] = entry
            replies.new.append(completion)

        ended = 0

        def end() -> None:
            nonlocal ended
            ended += 1
            count(1)
            # Without a terminal there is no bar, and a log should tell that the command goes on.
            if not is_shown and ended % LOGGED_REQUESTS == 0:
                print(f"lm-eval-illusion: judging, {ended:,} of {len(to_ask):,} requests done", file=sys.stderr, flush=True)

        return ask_all(endpoint, to_ask, min(concurrency, len(to_ask)), keep, end, has_replies=bool(plan.known))


def _row(answer: GreedyAnswer, key: str | None, endpoint: Endpoint, replies: _Replies) -> JudgeRow | None:
    """Return the line of the judge file for an answer; None if there is no reply."""
    entry = None if key is None else replies.entries.get(key)
    if key is not None and entry is None:
        return None
    return JudgeRow(
        judge=endpoint.model,
        prompt_version=PROMPT_VERSION,
        samples=answer.file.samples_file.name,
        variant=answer.file.variant.variant,
        language=answer.file.language,
        id=answer.id,
        verdict=EMPTY if entry is None else verdict_of(entry.completion.reply),
        content=answer.content,
        reply=None if entry is None else entry.completion.reply,
        served_model=None if entry is None else entry.completion.model,
        produced=answer.produced,
    )


def _usage(new: Sequence[Completion], price: Price | None) -> str:
    """Return what was used, as the replies state it."""
    stated = [(one.tokens_in, one.tokens_out) for one in new if one.tokens_in is not None and one.tokens_out is not None]
    tokens_in, tokens_out = sum(one[0] for one in stated), sum(one[1] for one in stated)
    of = "" if len(stated) == len(new) else f", as {len(stated):,} of the replies state"
    cost = f", cost {money(price.of(tokens_in, tokens_out))}" if price is not None else ""
    cut = sum(one.finish == CUT for one in new)
    hint = f"; {cut:,} were cut at --max-tokens, so give more" if cut else ""
    return f"used: {len(new):,} replies, {tokens_in:,} tokens in, {tokens_out:,} out{of}{cost}{hint}"


def _verdicts(rows: Sequence[JudgeRow]) -> str:
    counts = Counter(row.verdict for row in rows)
    judged = [row for row in rows if row.verdict in (SAME, DIFFERENT)]
    agreeing = sum((row.verdict == SAME) == row.produced for row in judged)
    numbers = ", ".join(f"{counts[verdict]:,} {verdict}" for verdict in VERDICTS)
    example = next((f"; an unclear reply: {shown(row.reply)}" for row in rows if row.verdict == UNCLEAR), "")
    return f"verdicts: {numbers}; rules and judge agree on {agreeing:,} of {counts[SAME] + counts[DIFFERENT]:,}{example}"


def _missing(missing: int, failures: dict[str, str]) -> int:
    """Say how many answers have no verdict, and how to go on; return the exit code."""
    if not missing:
        return 0
    ((reason, _),) = Counter(failures.values()).most_common(1) or [("", 0)]
    print(
        for_terminal(
            f"lm-eval-illusion: {missing:,} answers have no verdict, most often because {reason}: run the same command again, which"
            " asks only about these"
        ),
        file=sys.stderr,
    )
    return EXIT_MISSING

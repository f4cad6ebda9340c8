"""`lm-eval-illusion judge`: a second opinion on the greedy answers by a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from lm_eval_illusion.cli.options import name, number, path, whole_number
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import LARGEST_LIMIT, LARGEST_SEED

if TYPE_CHECKING:
    from lm_eval_illusion.cli.options import Subparsers
    from lm_eval_illusion.judging.plan import Price

MOST_CONCURRENT = 256
MOST_TRIES = 100
MOST_TOKENS = 1 << 20
MOST_SECONDS = 86_400
LARGEST_PRICE = 1e6


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "judge",
        help="ask a model behind an OpenAI-compatible endpoint about the greedy answers of runs (exit code 1: some have no verdict)",
    )
    parser.add_argument(
        "paths", nargs="+", type=path, metavar="DIR", help="folder that lm_eval wrote with --output_path and --log_samples"
    )
    parser.add_argument(
        "--base-url", type=name, required=True, metavar="URL", help="address of the endpoint, such as http://localhost:8000/v1"
    )
    parser.add_argument("--model", type=name, required=True, help="the model that judges, as the endpoint calls it")
    parser.add_argument(
        "--api-key-env",
        type=name,
        default=None,
        metavar="VARIABLE",
        help="environment variable that holds the key, such as OPENAI_API_KEY (default: no key is sent)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be asked and what it costs, and send nothing")
    for side, word in (("in", "read"), ("out", "written")):
        parser.add_argument(
            f"--price-{side}",
            type=number,
            default=None,
            metavar="PRICE",
            help=f"price of a million tokens that the judge has {word}",
        )
    parser.add_argument(
        "--limit",
        type=whole_number(1, LARGEST_LIMIT, example=50),
        default=None,
        help="judge so many items of each task, the same in each variant: a cheap estimate of the agreement (default: all)",
    )
    parser.add_argument(
        "--sample-seed",
        type=whole_number(0, LARGEST_SEED, example=1),
        default=0,
        help="which items --limit takes (default: %(default)s)",
    )
    parser.add_argument(
        "--concurrency",
        type=whole_number(1, MOST_CONCURRENT, example=8),
        default=8,
        help=f"requests at a time, 1 to {MOST_CONCURRENT} (default: %(default)s)",
    )
    parser.add_argument(
        "--max-tokens",
        type=whole_number(1, MOST_TOKENS, example=1024),
        default=1024,
        help="limit of a reply; a verdict is one word, but a thinking model needs more before it (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0, LARGEST_SEED, example=1),
        default=0,
        help="seed that is sent with each request (default: %(default)s)",
    )
    parser.add_argument(
        "--request",
        type=name,
        default=None,
        metavar="JSON",
        help='fields to add to each request, null to remove one, such as \'{"chat_template_kwargs": {"enable_thinking": false}}\'',
    )
    parser.add_argument(
        "--tries",
        type=whole_number(1, MOST_TRIES, example=6),
        default=6,
        help="requests for one answer before it is left without a verdict (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=whole_number(1, MOST_SECONDS, example=120),
        default=120,
        help="seconds that a request may take (default: %(default)s)",
    )
    parser.add_argument(
        "--cache", type=path, default=None, metavar="FOLDER", help="replies on disk (default: in the user's cache)"
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Judge the answers; return the exit code."""
    from lm_eval_illusion.judging.command import JudgeOptions, judge_command
    from lm_eval_illusion.judging.endpoint import Endpoint, read_base_url, read_fields, read_key

    endpoint = Endpoint(
        base_url=read_base_url(parsed.base_url),
        model=parsed.model,
        key=read_key(parsed.api_key_env),
        max_tokens=parsed.max_tokens,
        seed=parsed.seed,
        fields=read_fields(parsed.request),
        tries=parsed.tries,
        timeout=parsed.timeout,
    )
    options = JudgeOptions(
        concurrency=parsed.concurrency,
        limit=parsed.limit,
        sample_seed=parsed.sample_seed,
        cache=parsed.cache,
        dry_run=parsed.dry_run,
        price=_price(parsed.price_in, parsed.price_out),
    )
    return judge_command(parsed.paths, endpoint, options)


def _price(tokens_in: float | None, tokens_out: float | None) -> Price | None:
    """Return the price of both kinds of tokens; None if none is given."""
    from lm_eval_illusion.judging.plan import Price

    if tokens_in is None and tokens_out is None:
        return None
    if tokens_in is None or tokens_out is None:
        raise UserError("--price-in and --price-out belong together: give both or neither")
    for option, price in (("--price-in", tokens_in), ("--price-out", tokens_out)):
        if math.isnan(price) or not 0 <= price <= LARGEST_PRICE:
            raise UserError(
                f"{option} {price:g} is not from 0 to {LARGEST_PRICE:,.0f}: give the price of a million tokens, e.g. 0.15"
            )
    return Price(tokens_in, tokens_out)

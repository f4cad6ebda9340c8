"""The command `lm-eval-illusion`: run, demo, report, pair, prune, sweep."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lm_eval_illusion.errors import EXIT_USER_ERROR, UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; exit code 0, 2 after one line on a user's mistake, or 3 where a gate of `report` fails."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["run"]:
            # Everything after `run` is lm_eval's own, --help included: argparse must not see it.
            return run(arguments[1:])
        parsed = _parser().parse_args(arguments)
        if parsed.command == "demo":
            return demo(parsed)
        if parsed.command == "pair":
            return pair(parsed)
        if parsed.command == "prune":
            return prune(parsed)
        if parsed.command == "sweep":
            return sweep(parsed)
        return report(parsed)
    except UserError as error:
        error.show()
        return EXIT_USER_ERROR


def run(arguments: list[str]) -> int:
    """Forward to lm_eval's own command, with our model and tasks registered."""
    from lm_eval.__main__ import cli_evaluate

    from lm_eval_illusion.named_tasks import read_named
    from lm_eval_illusion.plugin import index_ours_first, register

    register()
    index_ours_first(read_named(arguments).tasks)
    sys.argv = ["lm_eval", "run", *(arguments or ["--help"])]
    cli_evaluate()
    return 0


def demo(parsed: argparse.Namespace) -> int:
    """Evaluate the embedded model dense and pruned, then report."""
    from lm_eval_illusion.demo import run_demo

    run_demo(parsed.out, parsed.limit)
    return 0


def report(parsed: argparse.Namespace) -> int:
    """Report what lm_eval wrote."""
    from lm_eval_illusion.report import ReportOptions, report_command

    options = ReportOptions(
        recognition=parsed.recognition,
        dense=parsed.dense,
        pairs=tuple(parsed.pair),
        on=parsed.on,
        noise=tuple(parsed.noise) if parsed.noise else None,
        fail_if=tuple(parsed.fail_if),
        format=parsed.format,
    )
    return report_command(parsed.paths, parsed.out, options)


def pair(parsed: argparse.Namespace) -> int:
    """Make a task folder of questions."""
    from lm_eval_illusion.pairing.folder import pair_command

    return pair_command(parsed.items, parsed.name, parsed.out, parsed.seed, parsed.limit)


def prune(parsed: argparse.Namespace) -> int:
    """Write a pruned checkpoint with a model card."""
    from lm_eval_illusion.arguments import PRUNING_ARGUMENTS, read_settings
    from lm_eval_illusion.base_models import BaseModel
    from lm_eval_illusion.export import export_command

    given = {name: value for name in PRUNING_ARGUMENTS if (value := getattr(parsed, name)) is not None}
    base = BaseModel(parsed.pretrained, parsed.revision, parsed.dtype, parsed.trust_remote_code)
    return export_command(base, read_settings(**given), parsed.out, parsed.push_to_hub)


def sweep(parsed: argparse.Namespace) -> int:
    """Evaluate a grid of cells and report."""
    from lm_eval_illusion.sweep.needs import read_needs
    from lm_eval_illusion.sweep.run import SweepOptions, sweep_command
    from lm_eval_illusion.sweep.study import Study, read_study

    flags = {name: value for name in Study.model_fields if (value := getattr(parsed, name, None)) is not None}
    study = read_study(parsed.study, flags)
    given = {name: getattr(parsed, name) for name in ("address", "cpus_per_cell", "gpus_per_cell", "memory_per_cell")}
    needs = read_needs(parsed.engine, {name: value for name, value in given.items() if value is not None})
    return sweep_command(study, parsed.out, SweepOptions(parsed.dry_run, parsed.retry_failed, parsed.log_json, needs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lm-eval-illusion",
        description="What a pruned language model still recognises but can no longer say.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="lm_eval with our model and tasks: takes lm_eval's own arguments")
    demo_parser = commands.add_parser("demo", help="the embedded model, dense and pruned four ways, and the report (offline)")
    demo_parser.add_argument("--out", type=Path, default=Path("lm-eval-illusion-demo"), help="folder to write into")
    demo_parser.add_argument("--limit", type=_item_count, default=None, help="items a language (default: fits 4 minutes)")
    _add_report(commands)
    _add_pair(commands)
    _add_prune(commands)
    _add_sweep(commands)
    return parser


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "report",
        help="recognition, production and recognition-only errors of runs, against the dense model; exit code 3: a gate fails",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="DIR", help="what lm_eval wrote with --log_samples")
    parser.add_argument(
        "--out", type=Path, default=None, help="folder for report.html, report.json, report.md, figures and tables"
    )
    parser.add_argument(
        "--recognition",
        choices=["acc", "acc_norm", "letters"],
        default="acc",
        help="what counts as recognised: acc or acc_norm of the view mc, or the view mc_letters",
    )
    parser.add_argument(
        "--dense",
        metavar="BASE_MODEL",
        default=None,
        help="take every other model for a compressed variant of this one (of models that were pruned or quantised elsewhere)",
    )
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="MC_TASK=GEN_TASK[:METRIC[,FILTER]]",
        help="any two tasks or groups of lm_eval, joined document by document; may be given several times",
    )
    parser.add_argument(
        "--on", metavar="FIELD", default=None, help="of --pair: the document field to join on (default: doc_hash)"
    )
    parser.add_argument(
        "--noise",
        nargs=2,
        type=Path,
        metavar="RUN",
        default=None,
        help="two runs of the dense model: what flips between them is noise",
    )
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help="e.g. 'recognition_only_rate > 0.05 at wanda-0.6', 'vs_dense.induced_rate.low > 10%% in fi': exit code 3 where it holds",
    )
    parser.add_argument(
        "--format",
        choices=["table", "markdown", "csv", "json"],
        default="table",
        help="what is printed: tables, the leaderboard as Markdown or CSV, or report.json",
    )


def _add_pair(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("pair", help="any questions with right answers -> a task folder for lm_eval --include_path")
    parser.add_argument(
        "items", type=Path, metavar="ITEMS.jsonl", help="id, lang, question, answer [context, aliases, choices, gold]"
    )
    parser.add_argument("--name", required=True, help="what the family is called: lm_eval --tasks NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--seed", type=int, default=0, help="of distractors and places of the answers (default: 0)")
    parser.add_argument("--limit", type=_positive, default=None, help="items a language at most (default: all)")


def _add_prune(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "prune", help="a pruned model as an ordinary Hugging Face folder with a model card, for any engine"
    )
    parser.add_argument("--pretrained", required=True, metavar="MODEL", help="a folder, a name on the hub, or embedded")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--push-to-hub", metavar="REPOSITORY", default=None, help="upload it there too (after hf auth login)")
    parser.add_argument("--revision", default="main", help="of the base model (default: main)")
    parser.add_argument("--dtype", default="auto", help="to load the base model in (default: its own)")
    parser.add_argument("--trust-remote-code", action="store_true", help="run code that the base model brings")
    # As text: what is wrong with a value is said by the same check, in the same words, as for pruned-hf.
    for name in ("pruner", "sparsity", "mask_structure", "owl_lambda", "owl_m", "calibration", "calibration_language"):
        parser.add_argument(f"--{name.replace('_', '-')}", default=None, help="as the argument of pruned-hf")
    for name in ("calibration_samples", "calibration_length", "pruning_seed", "store"):
        parser.add_argument(f"--{name.replace('_', '-')}", default=None, help="the same")


def _add_sweep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "sweep", help="a grid of models, methods and sparsities, resumed where it stopped; exit code 1: a cell failed"
    )
    parser.add_argument(
        "study", nargs="?", type=Path, default=None, metavar="STUDY.yaml", help="the grid; or give it by the flags"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a folder a cell, and the report; run it again to resume"
    )
    for name in ("pretrained", "pruner", "mask_structure", "calibration_language", "tasks"):
        parser.add_argument(f"--{name.replace('_', '-')}", nargs="+", default=None, help="as in a study: one or several")
    parser.add_argument("--sparsity", nargs="+", type=float, default=None, help="the same")
    parser.add_argument("--pruning-seed", nargs="+", type=int, default=None, help="the same")
    parser.add_argument("--limit", type=_positive, default=None, help="items a task (default: all)")
    parser.add_argument("--batch-size", type=_positive, default=None, help="rows at once (default: 64)")
    parser.add_argument("--dry-run", action="store_true", help="list the cells and what is done")
    parser.add_argument("--retry-failed", action="store_true", help="run the cells again that failed before")
    parser.add_argument("--log-json", action="store_true", help="a JSON object a line in place of text")
    parser.add_argument(
        "--engine", choices=["local", "ray"], default="local", help="one cell after the other here (default), or tasks of Ray"
    )
    parser.add_argument("--address", default=None, help="of --engine ray: of a cluster (default: start one on this machine)")
    parser.add_argument("--cpus-per-cell", type=float, default=None, help="of --engine ray (default: 1)")
    parser.add_argument("--gpus-per-cell", type=float, default=None, help="the same (default: 1 where there are any)")
    parser.add_argument("--memory-per-cell", type=float, default=None, metavar="GIB", help="the same (default: not counted)")


def _positive(text: str) -> int:
    if _whole(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on: give how many items a language to keep")
    return _whole(text)


def _item_count(text: str) -> int:
    if not 1 <= _whole(text) <= 200:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 200: the embedded set has 200 items a language")
    return _whole(text)


def _whole(text: str) -> int:
    """A whole number of at most nine digits; 0 for anything else, "²" among it, which isdigit lets pass."""
    return int(text) if text.isdecimal() and len(text) <= 9 else 0


if __name__ == "__main__":
    sys.exit(main())

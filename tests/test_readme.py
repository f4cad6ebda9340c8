"""README.md and docs/: every command runs, in its order, from one empty folder; tables and links agree with the code.

The commands share this process, or run in one that is forked, and have one small model: an import of lm_eval costs seconds.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from lm_eval_illusion.cli import main
from lm_eval_illusion.items import read_items
from lm_eval_illusion.plugin import register, tasks_folder
from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS
from tests.gguf_files import write_gguf
from tests.models.vllm_stand_in import with_stub
from tests.prepared_process import run_command, start_function
from tests.standard_text import keep_standard_text
from tests.test_architecture import MAY_IMPORT
from tests.tiny_models import save_tiny

ROOT = Path(__file__).parents[1]
PAGES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
README = PAGES[ROOT / "README.md"]
NOT_RUN = re.compile(r"<!-- not run: .+ -->\n$")
FEW_TASKS = {
    "mqa_illusion": "mqa_illusion_en,mqa_illusion_fi",
    "mqa_illusion_core": "mqa_illusion_en_twin,mqa_illusion_en_sample",
}


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a page, without those that a comment excludes with a reason."""
    found = re.finditer(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [match.group(1) for match in found if not NOT_RUN.search(text[: match.start()])]


def all_blocks(language: str) -> list[str]:
    return [block for text in PAGES.values() for block in blocks(text, language)]


def commands() -> list[str]:
    """Each command once, in the order of the pages."""
    lines = [line for block in all_blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
    return list(dict.fromkeys(" ".join(line.split()) for line in lines))


def write_questions(path: Path) -> None:
    """Questions with a passage, as a user of `pair` may have them."""
    rows = []
    for item in list(read_items(tasks_folder() / "mqa_illusion" / "items" / "en.jsonl"))[:40]:
        row = {name: item[name] for name in ("id", "lang", "question", "answer", "answer_type")}
        rows.append({**row, "context": f"A passage that names {item['answer']} and others."})
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def on_few_items(program: str, arguments: list[str], tasks_before: set[str]) -> list[str]:
    """The arguments with a small limit. Tasks that ran as they are written become those of one or two languages."""
    if program == "lm_eval" or arguments[0] == "run":
        tasks = arguments[arguments.index("--tasks") + 1]
        repeated, is_slow = tasks in tasks_before, "pruned-vllm" in arguments  # a stand-in for vLLM is slow
        tasks_before.add(tasks)
        few = FEW_TASKS.get(tasks, tasks) if repeated or is_slow else tasks
        return [few if argument == tasks else argument for argument in arguments] + ["--limit", "1"]
    return ["5" if before == "--limit" else argument for before, argument in zip(["", *arguments], arguments, strict=False)]


def run_in_this_process(program: str, arguments: list[str]) -> int:
    """Run a command; lm_eval indexes our tasks and those of --include_path, but not its own thousands."""
    from lm_eval.__main__ import cli_evaluate
    from lm_eval.tasks import _index

    register()
    build, its_own = _index.TaskIndex.build, Path(_index.__file__).parent

    def build_others(paths, **options):
        return build([path for path in paths if path != its_own], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_index.TaskIndex, "build", staticmethod(build_others))
        if program == "lm-eval-illusion":
            patch.setattr(sys, "argv", sys.argv)  # `run` replaces it
            return main(arguments)
        patch.setattr(sys, "argv", [program, *arguments])
        cli_evaluate()
    return 0


def run_with_vllm(program: str, arguments: list[str]) -> int | None:
    # vLLM needs a GPU: a stand-in runs in its place, in a process of its own, because it stays imported.
    running = start_function(run_in_this_process, program, arguments, environment=with_stub())
    _, errors = running.communicate()
    print(errors[-2000:])
    return running.returncode


def test_every_command_is_of_a_known_program():
    assert {command.split()[0] for command in commands()} == {"make", "lm_eval", "lm-eval-illusion"}


def test_every_code_block_has_a_known_language():
    fences = [line for text in PAGES.values() for line in re.findall(r"^```(.*)$", text, flags=re.MULTILINE)]
    assert set(fences[::2]) <= {"sh", "python", "yaml", "mermaid"}
    assert set(fences[1::2]) == {""}


@pytest.mark.slow
def test_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    save_tiny("llama", tmp_path / "my-model")
    keep_standard_text(tmp_path / "store", window=1024)
    write_gguf(tmp_path / "my-gguf" / "my-model.Q4_1.gguf", "Q4_1")
    write_questions(tmp_path / "questions.jsonl")
    (study,) = all_blocks("yaml")
    (tmp_path / "STUDY.yaml").write_text(study)
    tasks_before: set[str] = set()
    for command in commands():
        program, *arguments = shlex.split(command)
        if program == "make" or ("ray" in arguments and find_spec("ray") is None):
            continue  # make is tested below; Ray is an extra, which CI has
        few = on_few_items(program, arguments, tasks_before)
        if arguments[:1] == ["sweep"]:
            # Its cells run in a process of their own, which is forked here: a new one takes seconds to import everything.
            code = run_command(few).returncode
        else:
            code = (run_with_vllm if "pruned-vllm" in arguments else run_in_this_process)(program, few)
        # A random model may well fail a gate.
        assert code in ((0, 3) if "--fail-if" in arguments else (0,)), command
    assert (tmp_path / "report" / "report.json").is_file()
    for block in dict.fromkeys(all_blocks("python")):
        namespace: dict = {}
        exec(block, namespace)
        assert (namespace["checkpoint"] / "config.json").is_file()
        assert {row["variant"] for row in namespace["report"]["rows"]} == {"dense", "sparsegpt-0.5"}
        assert namespace["matches"]("It is Paris.", ["Paris"], "en")


@pytest.mark.parametrize("target", ["demo", "real", "test", "check"])
def test_make_targets_do_what_the_readme_says(target):
    # Not run here: one runs these very tests, test_demo.py runs what another does.
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"make {target}" in commands()
    runs = {"demo": "lm-eval-illusion demo", "real": "benchmarks.real_model", "test": "pytest", "check": "mypy"}
    assert runs[target] in done.stdout


def test_every_pruning_argument_is_explained():
    rows = re.findall(r"^\| `(\w+)` \|", PAGES[ROOT / "docs" / "reference.md"], flags=re.MULTILINE)
    assert [row for row in rows if row in PRUNING_ARGUMENTS] == list(PRUNING_ARGUMENTS)


def test_the_table_of_packages_equals_the_rules_that_the_code_is_checked_by():
    text = PAGES[ROOT / "docs" / "architecture.md"]
    table = text[text.index("| package |") :].split("\n\n")[0]
    rows = [[text.strip() for text in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
    assert {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in rows} == MAY_IMPORT
    assert all(row[1] for row in rows)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", PAGES[page]):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_lines_are_wrapped(page):
    lines = [line for line in PAGES[page].splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > 128] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 200

"""Language files: each one is valid, an invalid one is named, and a new one is enough to add a language."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from lm_eval_illusion import languages
from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.languages import Language, language, language_codes, prompt_words, read_language
from lm_eval_illusion.matching import f1, matches, normalise
from lm_eval_illusion.matching.text.cldr import is_written_in_latin, locale_of
from lm_eval_illusion.pairing.answer_types import is_wholly_latin
from lm_eval_illusion.views import open_prompt

FILES = sorted(languages.FOLDER.glob("*.toml"))
PROMPT = '[prompt]\nquestion = "Demando"\nanswer = "Respondo"\ncontext = "Kunteksto"\noptions = "Elektoj"\n'
ESPERANTO = f"""{PROMPT}
[words]
articles = ["La"]
[numbers]
before_decade = 'jaroj'
[dates]
year_words = ["jaro"]
fillers = ["an"]
"""


def test_every_file_is_valid():
    faults = []
    for file in FILES:
        try:
            words = read_language(file).prompt
        except UserError as error:
            faults.append(str(error))
            continue
        texts = (words.question, words.answer, words.context, words.options)
        faults += [f"{file.stem}: prompt word {text!r}" for text in texts if not text.strip() == text != ""]
        # A full-width colon has its space in itself.
        if (words.colon == "：") != (words.delimiter == ""):
            faults.append(f"{file.stem}: delimiter {words.delimiter!r} behind colon {words.colon!r}")
        if not locale_of(file.stem):
            faults.append(f"{file.stem}: no locale of CLDR")
    assert not faults, "\n".join(faults)


def test_every_section_of_a_file_has_a_comment():
    faults = []
    for file in FILES:
        lines = file.read_text(encoding="utf-8").splitlines()
        sections = [number for number, line in enumerate(lines) if line.startswith("[")]
        # The comment of a section stands above it, or above its first key.
        without = [n for n in sections if not (lines[n - 1].startswith("#") or lines[n + 1].startswith("#"))]
        faults += [f"{file.name}: {lines[n]}" for n in without]
    assert not faults, "\n".join(faults)


def test_no_value_of_a_file_is_the_default():
    defaults = {name: msgspec.to_builtins(getattr(Language(), name), str_keys=True) for name in Language.__struct_fields__}
    faults = []
    for file in FILES:
        written = msgspec.toml.decode(file.read_bytes())
        record = msgspec.to_builtins(read_language(file), enc_hook=lambda pattern: pattern.pattern, str_keys=True)
        for name, section in written.items():
            default = {} if name == "prompt" else defaults[name]
            faults += [f"{file.name}: {name}.{key} is in no record" for key in section.keys() - record[name].keys()]
            faults += [f"{file.name}: {name}.{key} = {value!r}" for key, value in section.items() if default.get(key) == value]
    assert not faults, "\n".join(faults)


def test_every_language_of_the_embedded_items_has_a_file():
    assert set(embedded_languages()) <= set(language_codes()) == {file.stem for file in FILES}


def test_the_pages_state_how_many_languages_have_a_file():
    docs = Path(__file__).parents[2] / "docs"
    usage, matching, concepts = (
        " ".join((docs / name).read_text(encoding="utf-8").split()) for name in ("usage.md", "matching.md", "concepts.md")
    )
    measured = [file for file in FILES if not read_language(file).failures.not_identified]
    assert f"Prompts exist in {len(FILES)} languages" in usage
    assert f"Of the {len(FILES)} files, {len(FILES) - len(measured)} are short" in matching
    assert f"of those {len(measured)} that may be identified" in concepts


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (PROMPT.replace("question", "frage"), ["unknown field `frage`", "$.prompt", "[prompt]", "question, answer, context"]),
        (PROMPT.replace('options = "Elektoj"\n', ""), ["missing required field `options`", "[prompt]"]),
        (PROMPT.replace('"Elektoj"', "3"), ["Expected `str`, got `int`", "$.prompt.options"]),
        (f"{PROMPT}[word]\nspaces = false\n", ["unknown field `word`", "prompt, spelling, words, numbers, dates"]),
        (f"{PROMPT}[words]\nspaces = 'no'\n", ["Expected `bool`, got `str`", "$.words.spaces", "[words]"]),
        (f"{PROMPT}[words]\narticles = 'la'\n", ["Expected `array`, got `str`", "$.words.articles"]),
        (f"{PROMPT}[words]\narticles = ['la', 1]\n", ["Expected `str`, got `int`", "$.words.articles[1]"]),
        (f"{PROMPT}[dates]\ncentury = '(jar'\n", ["'(jar' is no regular expression", "$.dates.century", "[dates]"]),
        (f"{PROMPT}[dates]\ncentury = 19\n", ["Expected a regular expression, got `19`", "$.dates.century"]),
        (f"{PROMPT}[dates.month_names]\n13 = ['x']\n", ["month_names needs numbers of months from 1 to 12", "$.dates"]),
        (f"{PROMPT}[[dates.limits]]\nmost = 12\n", ["either before_number or after_number", "[dates.limits]"]),
        (f"{PROMPT}[numbers.ordinal_suffixes]\none = 'a'\n", ['needs the key "other"', "[numbers]"]),
        (f"{PROMPT}[spelling.replacements]\n", ["Expected `array`, got `object`", "find, replace, decomposed"]),
        ("[words]\nspaces = false\n", ["section [prompt] is missing", "question, answer, context, options"]),
        ("[prompt\n", ["not a TOML file in UTF-8", "line 1"]),
    ],
)
def test_an_error_names_the_file_the_key_and_what_is_allowed(tmp_path, text, messages):
    file = tmp_path / "eo.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        read_language(file)
    assert "\n" not in str(raised.value)
    assert all(message in str(raised.value) for message in [str(file), *messages]), str(raised.value)


def test_a_file_in_another_encoding_is_an_error(tmp_path):
    file = tmp_path / "fr.toml"
    file.write_bytes('[prompt]\nanswer = "Réponse"\n'.encode("latin-1"))
    with pytest.raises(UserError, match=re.escape(str(file))):
        read_language(file)


@pytest.fixture
def with_esperanto(tmp_path, monkeypatch):
    """A folder with one language file takes the place of the packaged folder."""
    folder = tmp_path / "languages"
    folder.mkdir()
    (folder / "eo.toml").write_text(ESPERANTO, encoding="utf-8")
    monkeypatch.setattr(languages, "FOLDER", folder)
    languages.language.cache_clear()
    yield
    languages.language.cache_clear()


@pytest.mark.usefixtures("with_esperanto")
def test_a_new_file_is_enough_for_prompts_and_matching():
    assert language_codes() == ("eo",)
    item = {"lang": "eo", "question": "Kiu?", "context": ""}
    assert open_prompt(item) == "Demando: Kiu?\nRespondo:"
    assert normalise("La Tero", "eo") == "tero"
    assert matches("en la jaro 1990", ["jaro 1990"], "eo")
    assert matches("la 12-an de marto, 2004", ["12 marto 2004"], "eo")
    assert not matches("la jaroj 1990", ["1990"], "eo")
    with pytest.raises(UserError, match="'en' has no prompt words: use one of eo, or add the file"):
        prompt_words("en")


@pytest.mark.usefixtures("with_esperanto")
def test_a_new_file_is_enough_to_pair_questions(tmp_path):
    cities = "Parizo Madrido Romo Oslo Vieno Lisbono Ateno Dublino Varsovio Prago".split()
    rows = [{"id": city, "lang": "eo", "question": f"Kiu estas urbo {n}?", "answer": city} for n, city in enumerate(cities)]
    source, out = tmp_path / "cities.jsonl", tmp_path / "out"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(["pair", str(source), "--name", "cities", "--out", str(out)]) == 0
    tasks = [line for file in out.rglob("*.yaml") for line in file.read_text(encoding="utf-8").splitlines()]
    assert {"task: cities_eo_mc", "task: cities_eo_gen"} <= set(tasks)
    assert len((out / "items" / "eo.jsonl").read_text(encoding="utf-8").splitlines()) == len(cities) - 1


def test_a_language_without_a_file_has_the_default_rules_and_no_prompts():
    assert language("nso") == Language()
    assert matches("ka di 12 Mei 2004", ["12 Mei 2004"], "nso")
    assert f1("a b", ["a b"], "nso") == 1.0
    with pytest.raises(UserError, match="'nso' has no prompt words"):
        prompt_words("nso")


@pytest.mark.parametrize("code", ["../record", "", ".", "en/../en", "EN"])
def test_a_code_is_no_path(code):
    assert language(code) == Language()


def test_starting_the_command_reads_no_language_file():
    code = (
        "import sys; opened = []; sys.addaudithook(lambda event, args: event == 'open' and opened.append(str(args[0])))\n"
        "import lm_eval_illusion.cli, lm_eval_illusion.views\n"
        "assert not [name for name in opened if name.endswith('.toml')], opened"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("code", ["../../x", "", "en/fi", "fi\n", "é", "en-", "a" * 36, "x" * 10_000])
def test_a_malformed_code_is_refused_as_such(code):
    with pytest.raises(
        UserError, match=r"is no language code: give at most 35 letters, digits and hyphens, as in fi$"
    ) as error:
        prompt_words(code)
    assert len(str(error.value)) < 150


def test_a_well_formed_code_without_a_file_is_told_what_to_add():
    with pytest.raises(UserError, match=r"'zh-Hant' has no prompt words: use one of .*, or add the file .*zh-Hant\.toml"):
        prompt_words("zh-Hant")


def test_prompt_words_are_in_the_script_that_cldr_names():
    # Pairing asks CLDR whether a language is written in Latin letters, also for a language without a file.
    latin = {code for code in language_codes() if is_wholly_latin(prompt_words(code).question)}
    assert latin == {code for code in language_codes() if is_written_in_latin(code)}

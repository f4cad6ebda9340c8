"""An entry of the store is used only if it is, byte by byte and owner by owner, what was stored for the request."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.checkpoint_files import EntryError
from lm_eval_illusion.pruning.checkpoint_store import get_or_create, verify
from lm_eval_illusion.pruning.entry_check import check_entry
from lm_eval_illusion.pruning.manifest import manifest_text, read_manifest
from lm_eval_illusion.pruning.manifest_check import Asked
from lm_eval_illusion.pruning.store_trust import VARIABLE, Trust, read_trust
from tests.pruning.test_checkpoint_store import CONTENT, fail, make, manifest

NOBODY = 65534
WEIGHTS = "model.safetensors"
needs_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def entry(tmp_path):
    return Path(get_or_create(str(tmp_path / "store"), "key", make).path)


def forge(entry, **changes):
    """Write the entry's manifest as this package would, with other fields."""
    (entry / "manifest.json").write_text(manifest_text(replace(read_manifest(entry), **changes)))


def edit(entry, **changes):
    """Change the text of the manifest, as with an editor."""
    path = entry / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}, indent=2))


def add_and_list(entry, name):
    files = {**read_manifest(entry).files, name: hashlib.sha256(b"x").hexdigest()}
    if name != "manifest.json":
        (entry / name).write_text("x")
    forge(entry, files=files)


def move_into_folder(entry):
    """A link on the way to a file."""
    (entry.parent / "elsewhere").mkdir()
    shutil.move(entry / "config.json", entry.parent / "elsewhere")
    (entry / "sub").symlink_to(entry.parent / "elsewhere")
    files = read_manifest(entry).files
    forge(entry, files={"sub/config.json": files["config.json"], WEIGHTS: files[WEIGHTS]})


def bind_socket(path):
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def replace_file(make_other):
    def damage(entry):
        shutil.copy(entry / WEIGHTS, entry.parent / "copy")
        (entry / WEIGHTS).unlink()
        make_other(entry / WEIGHTS, entry.parent / "copy")

    return damage


DAMAGES = {
    "a byte": lambda entry: (entry / WEIGHTS).write_text(CONTENT[:-1] + "x"),
    "missing file": lambda entry: (entry / "config.json").unlink(),
    "extra evil.py": lambda entry: (entry / "evil.py").write_text("import os"),
    "extra folder": lambda entry: (entry / "sub").mkdir(),
    "extra link": lambda entry: (entry / "link").symlink_to("/"),
    "extra fifo": lambda entry: os.mkfifo(entry / "fifo"),
    "file as link": replace_file(lambda path, copy: path.symlink_to(copy)),
    "file as fifo": replace_file(lambda path, copy: os.mkfifo(path)),
    "file as folder": replace_file(lambda path, copy: path.mkdir()),
    "file as socket": replace_file(lambda path, copy: bind_socket(path)),
    "link on the way": move_into_folder,
    "no files": lambda entry: forge(entry, files={}),
    "other key": lambda entry: forge(entry, key="other"),
    "no key": lambda entry: forge(entry, key=None),
    "listed outside": lambda entry: forge(entry, files={**read_manifest(entry).files, "../copy.json": "0"}),
    "listed manifest": lambda entry: add_and_list(entry, "manifest.json"),
    "listed code": lambda entry: add_and_list(entry, "modeling.py"),
    "listed pickle": lambda entry: add_and_list(entry, "pytorch_model.bin"),
    "listed adapter": lambda entry: add_and_list(entry, "adapter_config.json"),
    "impossible sparsity": lambda entry: forge(entry, sparsity_measured=1e308),
    "edited sparsity": lambda entry: edit(entry, sparsity_measured=0.9),
    "edited unimportant field": lambda entry: edit(entry, calibration_pipeline="basic"),
    "unknown field": lambda entry: edit(entry, more=1),
    "blank": lambda entry: (entry / "manifest.json").write_bytes((entry / "manifest.json").read_bytes() + b"\n"),
    "deep manifest": lambda entry: (entry / "manifest.json").write_text("[" * 1_000_000),
    "wrong types": lambda entry: edit(entry, files=[1], versions=3),
    "huge number": lambda entry: (entry / "manifest.json").write_text('{"pruning_seed": ' + "9" * 10_000 + "}"),
    "NaN": lambda entry: edit(entry, sparsity_measured=float("nan")),
    "not UTF-8": lambda entry: (entry / "manifest.json").write_bytes(b'{"recipe": "\xff"}'),
    "surrogate": lambda entry: (entry / "manifest.json").write_text('{"recipe": "\\ud800"}'),
    "1 GB manifest": lambda entry: os.truncate(entry / "manifest.json", 1 << 30),
    "a byte, and others may write": lambda entry: ((entry / WEIGHTS).write_text(CONTENT[:-1] + "x"), entry.chmod(0o777)),
}
WRITABLE = {
    "group may write a file": ("config.json", 0o664),
    "others may write the manifest": ("manifest.json", 0o646),
    "others may write the folder": ("", 0o757),
    "sticky folder": ("", 0o1777),
}


def test_an_untouched_entry_and_its_copy_have_no_fault(entry, tmp_path):
    assert verify(entry) is None
    shutil.copytree(entry, tmp_path / "copy" / "key")
    assert verify(tmp_path / "copy" / "key") is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_set_aside_and_made_again_with_one_line(entry, damage, caplog):
    DAMAGES[damage](entry)
    assert verify(entry) is not None
    remade = get_or_create(str(entry.parent), "key", make)
    assert verify(Path(remade.path)) is None
    assert (entry / WEIGHTS).read_text() == CONTENT
    (record,) = caplog.records
    message = record.getMessage()
    assert message.startswith(f"pruned checkpoint {entry} is corrupt (")
    assert message.endswith("): set aside as key.corrupt-1 and made again")
    assert message.isprintable()
    assert len(message) < 800


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize("store_mode", [0o755, 0o1777])
def test_an_entry_that_others_may_write_is_refused_and_kept_with_the_command_that_mends_it(entry, name, store_mode):
    store, (path, mode) = entry.parent, WRITABLE[name]
    store.chmod(store_mode)
    (entry / path).chmod(mode)
    # A store with the sticky bit stays open to the team.
    mended = store if store_mode == 0o755 else entry
    with pytest.raises(UserError) as error:
        get_or_create(str(store), "key", fail, name="wanda-0.5 of a")
    command = f"chmod -R g-w,o-w {mended}"
    assert str(error.value) == (
        f"the checkpoint key (wanda-0.5 of a) in store {store} can't be trusted ({path or 'the folder'} may be changed by other users"
        f" (mode {mode:04o})): run `{command}` if nobody else has changed it, otherwise delete {entry}, or give store=FOLDER or"
        " store=off"
    )
    assert os.system(command) == 0
    assert get_or_create(str(store), "key", fail).path == str(entry)
    assert store.stat().st_mode & 0o7777 == store_mode
    assert not list(store.glob("*.corrupt*"))


def test_a_store_that_became_writable_as_a_whole_is_mended_by_the_one_command_that_is_given(entry):
    store = entry.parent
    assert os.system(f"chmod -R g+w {store}") == 0
    with pytest.raises(UserError, match=f"run `(chmod -R g-w,o-w {store})`") as error:
        get_or_create(str(store), "key", fail)
    assert os.system(f"chmod g-w {store}") == 0
    with pytest.raises(UserError, match=f"run `chmod -R g-w,o-w {store}`"):
        get_or_create(str(store), "key", fail)
    assert os.system(str(error.value).split("`")[1]) == 0
    assert get_or_create(str(store), "key", fail).path == str(entry)


@needs_root
def test_another_trusted_users_writable_entry_is_for_this_user_to_mend(entry, monkeypatch):
    monkeypatch.setenv(VARIABLE, "nobody")
    for path in (entry, *entry.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    entry.chmod(0o775)
    with pytest.raises(UserError, match=f"ask nobody to run `chmod -R g-w,o-w {entry}`"):
        get_or_create(str(entry.parent), "key", fail)


def test_two_swapped_entries_are_both_made_again(tmp_path):
    def make_other(folder):
        (folder / WEIGHTS).write_text("other")
        return manifest()

    one, other = (Path(get_or_create(str(tmp_path), key, it).path) for key, it in (("one", make), ("other", make_other)))
    one.rename(tmp_path / "temporary")
    other.rename(one)
    (tmp_path / "temporary").rename(other)
    assert (get_or_create(str(tmp_path), "one", make).path, one.joinpath(WEIGHTS).read_text()) == (str(one), CONTENT)
    assert (get_or_create(str(tmp_path), "other", make_other).path, other.joinpath(WEIGHTS).read_text()) == (
        str(other),
        "other",
    )
    assert {path.name for path in tmp_path.glob("*.corrupt-1")} == {"one.corrupt-1", "other.corrupt-1"}


@pytest.mark.parametrize("is_dangling", [False, True])
def test_an_entry_that_is_a_link_is_set_aside_and_its_target_is_left_alone(entry, tmp_path, is_dangling):
    target = tmp_path / "target"
    entry.rename(target)
    entry.symlink_to(tmp_path / "missing" if is_dangling else target)
    assert get_or_create(str(entry.parent), "key", make).path == str(entry)
    assert not entry.is_symlink()
    assert (entry.parent / "key.corrupt-1").is_symlink()
    assert (target / WEIGHTS).read_text() == CONTENT


@pytest.mark.parametrize("what", [Path.touch, os.mkfifo])
def test_an_entry_that_is_no_folder_is_set_aside(tmp_path, what):
    what(tmp_path / "key")
    assert (Path(get_or_create(str(tmp_path), "key", make).path) / WEIGHTS).read_text() == CONTENT


def test_a_store_behind_a_link_is_used(entry, tmp_path):
    (tmp_path / "link").symlink_to(entry.parent)
    assert get_or_create(str(tmp_path / "link"), "key", fail).path == str(entry)


def test_an_entry_of_an_earlier_version_is_made_again_with_one_line(entry, caplog):
    old = json.loads((entry / "manifest.json").read_text())
    del old["checksum"]
    old["stamps"] = {name: [1, 2] for name in old["files"]}
    (entry / "manifest.json").write_text(json.dumps(old, indent=2))
    get_or_create(str(entry.parent), "key", make)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"pruned checkpoint {entry} is of an earlier version of lm-eval-illusion: set aside as key.corrupt-1 and made again"
    )


@needs_root
def test_another_users_entry_is_refused_until_the_user_is_trusted(entry, monkeypatch):
    for path in (entry, *entry.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    with pytest.raises(UserError) as error:
        get_or_create(str(entry.parent), "key", fail, name="wanda-0.5 of a")
    assert str(error.value) == (
        f"the checkpoint key (wanda-0.5 of a) in store {entry.parent} belongs to nobody, who is not trusted: set {VARIABLE}=nobody to"
        " trust this user, or give store=FOLDER or store=off"
    )
    assert entry.is_dir()
    monkeypatch.setenv(VARIABLE, "nobody")
    assert get_or_create(str(entry.parent), "key", fail).path == str(entry)


@needs_root
@pytest.mark.parametrize("name", [WEIGHTS, "manifest.json"])
def test_another_users_file_in_an_own_entry_is_a_fault(entry, name):
    os.chown(entry / name, NOBODY, NOBODY)
    assert verify(entry) == f"{name} belongs to nobody, who is not trusted"
    get_or_create(str(entry.parent), "key", make)
    assert (entry.parent / "key.corrupt-1").is_dir()


def test_the_owner_of_the_folder_is_compared(entry):
    owner = entry.stat().st_uid
    with pytest.raises(EntryError, match=r"the folder belongs to .*, who is not trusted"):
        check_entry(entry, "key", None, Trust(frozenset({owner + 1})))
    check_entry(entry, "key", None, Trust(frozenset({owner, owner + 1})))


def test_what_was_asked_for_is_compared_with_the_manifest(entry):
    # `make` measures no layers, so that this entry is never what a request asks for.
    asked = Asked(manifest(), sparsity=0.5, calibration=None, allows_code=False)
    with pytest.raises(EntryError, match="a measurement or the recipe is missing"):
        check_entry(entry, "key", asked, read_trust({}))


def test_a_configuration_that_names_code_needs_the_users_trust(tmp_path):
    def make_with_code(folder):
        (folder / "config.json").write_text('{"auto_map": {"AutoModelForCausalLM": "evil--modeling.Model"}}')
        return manifest()

    entry = Path(get_or_create(str(tmp_path), "key", make_with_code).path)
    assert verify(entry) == "config.json names Python code to run (trust_remote_code was not given)"
    # With it, this check passes, and a later one finds that nothing was measured.
    asked = Asked(manifest(), sparsity=None, calibration=None, allows_code=True)
    with pytest.raises(EntryError, match="a measurement or the recipe is missing"):
        check_entry(entry, "key", asked, read_trust({}))

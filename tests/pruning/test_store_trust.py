"""Who is trusted with a store: this user, root, named users; and which permissions let others write."""

from __future__ import annotations

import os
import pwd

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.store_trust import VARIABLE, Trust, owner_name, read_trust, refuse_untrusted_store

NOBODY = 65534


def status(mode, owner):
    """A file of this mode and owner."""
    return os.stat_result((mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))


def test_this_user_and_root_are_trusted_without_being_named(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert read_trust({}).owners == {0, 1234}


@pytest.mark.parametrize("named", [f"{NOBODY}", f" {NOBODY} , ", pwd.getpwuid(NOBODY).pw_name])
def test_named_users_are_trusted(named):
    assert read_trust({VARIABLE: named}).owners == {0, os.geteuid(), NOBODY}


@pytest.mark.parametrize(
    "named", ["no-such-user", "root,no-such-user", "-1", "4294967295", "1" * 5000, "٣", "x" * 10_000, "\udcff"]
)
def test_an_unknown_user_is_one_short_line(named):
    with pytest.raises(UserError, match=f"{VARIABLE} names .* who is not a user of this machine: give names or ids") as error:
        read_trust({VARIABLE: named})
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("mode", "owner", "fault"),
    [
        (0o100644, 7, None),
        (0o100600, 8, None),
        (0o040755, 7, None),
        (0o100644, 4_000_000_009, "belongs to 4000000009, who is not trusted"),
        (0o100664, 7, "may be changed by other users (mode 0664)"),
        (0o100646, 7, "may be changed by other users (mode 0646)"),
        # The sticky bit does not protect a file's content, nor a folder from additions.
        (0o041777, 7, "may be changed by other users (mode 1777)"),
    ],
)
def test_a_file_of_a_checkpoint_must_be_of_a_trusted_user_and_writable_by_none_but_the_owner(mode, owner, fault):
    trust = Trust(frozenset({7, 8}))
    assert trust.fault(status(mode, owner)) == fault
    # A platform without owners.
    assert Trust(None).fault(status(mode, owner)) is None


def test_the_owner_of_a_store_must_be_trusted(tmp_path):
    owner = tmp_path.stat().st_uid
    refuse_untrusted_store(tmp_path, Trust(frozenset({owner})))
    name = owner_name(owner)
    with pytest.raises(UserError) as error:
        refuse_untrusted_store(tmp_path, Trust(frozenset({owner + 1})))
    assert str(error.value) == (
        f"store {tmp_path} belongs to {name}, who is not trusted: set {VARIABLE}={name} to trust this user, or give store=FOLDER or"
        " store=off"
    )


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o555, 0o1777, 0o3775])
def test_a_store_that_others_can_only_add_to_is_accepted(tmp_path, mode):
    tmp_path.chmod(mode)
    refuse_untrusted_store(tmp_path, read_trust({}))


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o720, 0o2775])
@pytest.mark.parametrize("is_link", [False, True])
def test_a_store_that_others_may_change_is_refused_with_the_command_that_mends_it(tmp_path, mode, is_link):
    store = tmp_path / "a store"
    store.mkdir()
    if is_link:
        (tmp_path / "a link").symlink_to(store)
        store = tmp_path / "a link"
    store.chmod(mode)
    (store / "entry").mkdir()
    (store / "entry" / "file").touch()
    (store / "entry").chmod(0o775)
    (store / "entry" / "file").chmod(0o666)
    command = f"chmod -R g-w,o-w '{store}'"
    with pytest.raises(
        UserError, match=f"may be changed by other users .mode {mode:04o}.*: run `{command}` to mend it with all"
    ):
        refuse_untrusted_store(store, read_trust({}))
    assert os.system(command) == 0
    refuse_untrusted_store(store, read_trust({}))
    assert [path.stat().st_mode & 0o777 for path in (store / "entry", store / "entry" / "file")] == [0o755, 0o644]


def test_a_store_that_is_missing_or_no_folder_is_left_to_its_user(tmp_path):
    refuse_untrusted_store(tmp_path / "missing", read_trust({}))
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        refuse_untrusted_store(tmp_path / "file", read_trust({}))

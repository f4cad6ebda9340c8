"""The folder of a job: its processes make a checkpoint once, other jobs do not see it, and the last process deletes it."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from lm_eval_illusion.pruning import job_folder
from lm_eval_illusion.pruning.checkpoint_store import get_or_create
from lm_eval_illusion.pruning.job_folder import PREFIX, enter_job_folder, job_identity, path_of_job
from tests.pruning.test_checkpoint_store import make, manifest

JOB = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
# Not `fork`: the process of the tests has threads, and a lock that one of them holds would stay locked in the child.
CONTEXT = multiprocessing.get_context("forkserver")


class Rank:
    """A process of a job that asks for the entry `key` with store=off, and then waits until it is told to end."""

    def __init__(self, environment, make=make):
        self.pipe, end = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=_run, args=(tempfile.tempdir, environment, make, end), daemon=True)
        self.process.start()

    def checkpoint(self):
        assert self.pipe.poll(20), "no checkpoint after 20 s"
        return Path(self.pipe.recv())

    def end(self):
        self.pipe.send("end")
        self.process.join()
        assert self.process.exitcode == 0

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


def _run(temporary, environment, make, end):
    tempfile.tempdir = temporary
    for name in ("WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        os.environ.pop(name, None)
    os.environ.update(environment)
    atexit._clear()  # those of pytest
    end.send(get_or_create("off", "key", make).path)
    end.recv()
    # multiprocessing ends its processes without calling the functions registered with `atexit`.
    atexit._run_exitfuncs()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def exits(monkeypatch):
    """The functions that this process would call at its end."""
    registered = []
    monkeypatch.setattr(atexit, "register", lambda function, *arguments: registered.append(lambda: function(*arguments)))
    return registered


def count(temporary):
    """Return a `make` that takes a while and writes a line into a file each time it runs."""
    return partial(_counted, temporary)


def _counted(temporary, folder):
    with (temporary / "makes").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.1)
    return make(folder)


def makes(temporary):
    return (temporary / "makes").read_text().split()


def job_folders(temporary):
    return list(temporary.glob(f"{PREFIX}*"))


@pytest.mark.parametrize(
    "launcher",
    [
        JOB,
        {**JOB, "LOCAL_WORLD_SIZE": "1", "TORCHELASTIC_RUN_ID": "a"},
        {"OMPI_COMM_WORLD_SIZE": "2"},
        {"SLURM_NTASKS": "4", "MASTER_ADDR": "node1"},
    ],
)
def test_processes_of_one_launcher_have_one_identity(launcher):
    identities = {job_identity({**launcher, "RANK": rank, "LOCAL_RANK": rank, "SLURM_PROCID": rank}) for rank in "01"}
    assert len(identities) == 1
    assert None not in identities


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, {"WORLD_SIZE": "x"}])
def test_one_process_is_no_job(environment):
    assert job_identity(environment) is None


@pytest.mark.parametrize("change", [{"MASTER_PORT": "29501"}, {"MASTER_ADDR": "127.0.0.2"}, {"TORCHELASTIC_RUN_ID": "b"}])
def test_other_jobs_have_other_identities(change):
    assert job_identity({**JOB, **change}) != job_identity(JOB)


def test_a_job_without_a_rendezvous_is_named_by_its_launcher(monkeypatch):
    slurm = {"SLURM_NTASKS": "2"}
    identity = job_identity(slurm)
    # A launcher with the same number: this process, which started later.
    monkeypatch.setattr(os, "getppid", os.getpid)
    assert job_identity(slurm) != identity


def test_two_ranks_make_a_checkpoint_once_and_the_last_deletes_it(temporary):
    ranks = [Rank({**JOB, "RANK": rank}, count(temporary)) for rank in "01"]
    checkpoints = {rank.checkpoint() for rank in ranks}
    assert len(checkpoints) == len(makes(temporary)) == 1
    (checkpoint,) = checkpoints
    (folder,) = job_folders(temporary)
    assert checkpoint.parent == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    ranks[0].end()
    assert (checkpoint / "model.safetensors").is_file()
    ranks[1].end()
    assert job_folders(temporary) == []


def test_unrelated_jobs_share_nothing(temporary):
    ranks = [Rank({**JOB, "MASTER_PORT": port}, count(temporary)) for port in ("29500", "29501")]
    assert len({rank.checkpoint() for rank in ranks}) == len(makes(temporary)) == 2
    ranks[0].end()
    assert len(job_folders(temporary)) == 1
    ranks[1].end()
    assert job_folders(temporary) == []


def test_a_killed_rank_does_not_stop_the_others(temporary):
    first = Rank(JOB, partial(_hang, temporary))
    wait_for(temporary / "started")
    second = Rank(JOB)
    assert not second.pipe.poll(0.1), "the second rank did not wait"
    first.kill()
    assert (second.checkpoint() / "model.safetensors").is_file()
    second.end()
    assert job_folders(temporary) == []


def _hang(temporary, folder):
    (temporary / "started").touch()
    time.sleep(60)
    return manifest()


def wait_for(file):
    for _ in range(3000):
        if file.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"no {file.name} after 30 s")


def test_the_folder_of_a_killed_job_is_deleted_by_the_next_one(temporary):
    killed = Rank(JOB)
    killed.checkpoint()
    running = Rank({**JOB, "MASTER_PORT": "1"})
    checkpoint = running.checkpoint()
    killed.kill()
    assert len(job_folders(temporary)) == 2
    next_job = Rank({**JOB, "MASTER_PORT": "2"})
    assert {checkpoint.parent, next_job.checkpoint().parent} == set(job_folders(temporary))
    assert (checkpoint / "model.safetensors").is_file()
    next_job.end()
    running.end()


@pytest.mark.parametrize("planted", ["link", "open", "file", "other_user"])
def test_a_folder_that_another_user_could_change_is_not_used(temporary, caplog, planted):
    if planted == "other_user" and os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    identity = job_identity(JOB)
    folder, elsewhere = path_of_job(identity), temporary / "elsewhere"
    if planted == "file":
        folder.touch(mode=0o600)
    else:
        (elsewhere if planted == "link" else folder).mkdir(mode=0o700)
    if planted == "link":
        folder.symlink_to(elsewhere)
    elif planted == "open":
        folder.chmod(0o777)
    elif planted == "other_user":
        os.chown(folder, 65534, 65534)
    assert enter_job_folder(identity) is None
    assert "is not a private folder of this user: each process of this job prunes by itself" in caplog.text
    ranks = [Rank(JOB, count(temporary)) for _ in range(2)]
    assert {rank.checkpoint().parent for rank in ranks} == {temporary}
    assert len(makes(temporary)) == 2
    for rank in ranks:
        rank.end()
    assert [path.name for path in temporary.glob("lm-eval-illusion-*")] == [folder.name]


def test_the_end_of_a_forked_child_deletes_nothing(temporary):
    process = CONTEXT.Process(target=_fork_while_holding, args=(str(temporary),))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert job_folders(temporary) == []


def _fork_while_holding(temporary):
    tempfile.tempdir = temporary
    atexit._clear()
    folders = [enter_job_folder(("job",)), Path(get_or_create("off", "key", make).path)]
    if (child := os.fork()) == 0:
        # As at the end of a child that leaves by sys.exit.
        atexit._run_exitfuncs()
        os._exit(0)
    os.waitpid(child, 0)
    assert all(folder.is_dir() for folder in folders)
    atexit._run_exitfuncs()
    assert not any(folder.exists() for folder in folders)


def test_a_folder_that_was_deleted_while_its_lock_was_waited_for_is_made_again(temporary, exits, monkeypatch):
    open_lock, opened = job_folder._open_lock, []

    def open_then_delete(folder):
        opened.append(open_lock(folder))
        if len(opened) == 1:
            # As the last process does that held the lock.
            shutil.rmtree(folder)
        return opened[-1]

    monkeypatch.setattr(job_folder, "_open_lock", open_then_delete)
    folder = enter_job_folder(("job",))
    assert os.path.samestat((folder / "processes").stat(), os.fstat(opened[1]))
    exits[0]()
    assert job_folders(temporary) == []


def test_a_process_that_enters_while_the_folder_is_deleted_gets_a_new_one(temporary, exits, monkeypatch):
    delete, entered = shutil.rmtree, []

    def delete_slowly(folder, **options):
        if not entered:
            entered.append(enter_job_folder(("job",)))
        delete(folder, **options)

    enter_job_folder(("job",))
    monkeypatch.setattr(shutil, "rmtree", delete_slowly)
    exits[0]()
    assert (entered[0] / "processes").is_file()
    exits[1]()
    assert job_folders(temporary) == []


def test_processes_that_come_and_go_never_see_the_folder_vanish(temporary):
    processes = [CONTEXT.Process(target=_come_and_go, args=(str(temporary),)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert job_folders(temporary) == []


def _come_and_go(temporary):
    tempfile.tempdir = temporary
    atexit._clear()
    for number in range(40):
        mark = enter_job_folder(("job",)) / f"{os.getpid()}-{number}"
        mark.touch()
        os.sched_yield()
        assert mark.exists()
        atexit._run_exitfuncs()

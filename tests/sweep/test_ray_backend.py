"""Cells on a Ray cluster of two nodes on this machine: the same report as without Ray, and with a node that is lost midway."""

from __future__ import annotations

import time

import psutil
import pytest

from tests.sweep.sweeps import CELLS, finished, report_of, start
from tests.tiny_models import save_tiny

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

OBJECT_STORE = {"object_store_memory": 80 << 20}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with a model, a store, and a sweep without Ray."""
    folder = tmp_path_factory.mktemp("sweeps")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LM_EVAL_ILLUSION_STORE", str(folder / "store"))
        patch.setenv("OMP_NUM_THREADS", "1")
        code, _, errors = finished(start(save_tiny("llama", folder / "model"), folder / "local"))
        assert code == 0, errors[-2000:]
        yield folder


@pytest.fixture
def cluster(here):
    from ray.cluster_utils import Cluster

    # The head runs no cells: a sweep can lose any other node.
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **OBJECT_STORE})
    yield cluster
    cluster.shutdown()


def running(out):
    return list((out / ".unfinished").glob("*.step"))


def wait_until(condition, process):
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def test_two_nodes_and_one_lost_midway_give_the_report_without_ray(here, cluster):
    nodes = [cluster.add_node(num_cpus=1, **OBJECT_STORE) for _ in range(2)]
    on_cluster = ["--engine", "ray", "--address", cluster.address]
    code, events, errors = finished(start(here / "model", here / "two", *on_cluster))
    assert (code, errors) == (0, "")
    assert sorted(event["number"] for event in events) == list(range(1, CELLS + 1))
    assert {event["state"] for event in events} == {"done"}
    assert report_of(here / "two") == report_of(here / "local")

    process = start(here / "model", here / "lost", *on_cluster)
    wait_until(lambda: len(running(here / "lost")) == 2, process)
    cluster.remove_node(nodes[0])
    code, events, errors = finished(process)
    assert (code, errors) == (0, "")
    assert {event["state"] for event in events} == {"done"}
    assert report_of(here / "lost") == report_of(here / "local")


def test_a_local_cluster_keeps_a_failed_cell_and_goes_on(here):
    on_ray = ["--engine", "ray", "--log-json"]
    missing = str(here / "missing")
    code, events, errors = finished(start(here / "model", here / "failed", missing, *on_ray))
    assert code == 1
    assert sorted(event["state"].split(":")[0] for event in events) == ["done"] * CELLS + ["failed"] * CELLS
    assert errors.count("--retry-failed runs it again") == CELLS
    assert "Traceback" not in errors
    assert "is neither a folder" in next((here / "failed" / "failed").iterdir()).read_text()
    assert report_of(here / "failed") == report_of(here / "local")
    code, events, _ = finished(start(here / "model", here / "failed", missing, *on_ray))
    assert (code, {event["state"] for event in events}) == (1, {"done before", "failed before"})


def test_where_ray_itself_is_lost_no_cell_is_given_up(here):
    process = start(here / "model", here / "without", "--engine", "ray")
    wait_until(lambda: running(here / "without"), process)
    next(child for child in psutil.Process(process.pid).children() if child.name() == "raylet").kill()
    code, _, errors = finished(process)
    assert code == 2
    assert "Ray itself was lost on this machine: run the same command again" in errors
    assert not (here / "without" / "failed").exists()
    code, _, errors = finished(start(here / "model", here / "without", "--engine", "ray"))
    assert (code, errors) == (0, "")
    assert report_of(here / "without") == report_of(here / "local")


def test_cells_that_are_killed_for_want_of_memory_fail_and_are_not_run_for_ever(here, monkeypatch):
    # Ray kills a worker when its node's memory is used beyond a share; here it always is.
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.001")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    code, events, errors = finished(start(here / "model", here / "killed", "--engine", "ray"))
    assert code == 1
    assert [event["state"].partition(":")[2][:31] for event in events] == [" its node ran out of memory 4 t"] * CELLS
    assert len(errors.splitlines()) == CELLS


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--cpus-per-cell", "4096"], "no node has 4096 CPU: the largest has"),
        (["--address", "127.0.0.1:1"], "--address 127.0.0.1:1: no Ray cluster answers there"),
    ],
)
def test_what_no_cluster_can_give_is_one_line(here, flags, said):
    code, events, errors = finished(start(here / "model", here / "none", "--engine", "ray", *flags))
    assert (code, events) == (2, [])
    assert said in errors
    assert len(errors.splitlines()) == 1

"""Cells on Ray: the same report as without Ray, also after a node or Ray itself is lost."""

from __future__ import annotations

from contextlib import suppress

import psutil
import pytest

from tests.prepared_process import wait_until
from tests.sweep.sweeps import SHORT_CELLS, SHORT_GRID, report_of, start, states_of, wait_for
from tests.tiny_models import save_tiny

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

OBJECT_STORE = {"object_store_memory": 80 << 20}
ON_RAY = ["--engine", "ray"]


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory):
    """A folder with a model, a store, and a sweep without Ray."""
    folder = tmp_path_factory.mktemp("sweeps")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LM_EVAL_ILLUSION_STORE", str(folder / "store"))
        patch.setenv("OMP_NUM_THREADS", "1")
        code, _, errors = wait_for(start(save_tiny("llama", folder / "model"), folder / "local", grid=SHORT_GRID))
        assert code == 0, errors[-2000:]
        yield folder


def start_on_ray(sweeps, name, *more):
    return start(sweeps / "model", sweeps / name, *more, *ON_RAY, grid=SHORT_GRID)


@pytest.fixture
def cluster(sweeps):
    from ray.cluster_utils import Cluster

    # The head runs no cells: a sweep can lose any other node.
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **OBJECT_STORE})
    yield cluster
    cluster.shutdown()


def running_cells(out):
    return list((out / ".unfinished").glob("*.step"))


def test_two_nodes_give_the_report_without_ray_also_if_one_is_lost(sweeps, cluster):
    nodes = [cluster.add_node(num_cpus=1, **OBJECT_STORE) for _ in range(2)]
    address = ["--address", cluster.address]
    code, events, errors = wait_for(start_on_ray(sweeps, "two", *address))
    assert (code, errors) == (0, "")
    assert sorted(event["number"] for event in events) == list(range(1, SHORT_CELLS + 1))
    assert states_of(events) == ["done"] * SHORT_CELLS
    assert report_of(sweeps / "two") == report_of(sweeps / "local")

    process = start_on_ray(sweeps, "lost", *address)
    wait_until(lambda: len(running_cells(sweeps / "lost")) == 2, process)
    cluster.remove_node(nodes[0])
    code, events, errors = wait_for(process)
    assert (code, errors) == (0, "")
    assert states_of(events) == ["done"] * SHORT_CELLS
    assert report_of(sweeps / "lost") == report_of(sweeps / "local")


def test_a_sweep_resumes_after_ray_is_lost_and_keeps_a_failed_cell(sweeps):
    out = sweeps / "resumed"
    process = start_on_ray(sweeps, "resumed")
    wait_until(lambda: running_cells(out), process)
    raylet = next(child for child in psutil.Process(process.pid).children() if child.name() == "raylet")
    # Workers notice the loss only after some seconds, and could finish their cells until then.
    for lost in [raylet, *raylet.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            lost.kill()
    code, events, errors = wait_for(process)
    assert code == 2
    assert len(events) < SHORT_CELLS
    assert "Ray itself was lost on this machine: run the same command again" in errors
    # No cell failed by it.
    assert not (out / "failed").exists()

    missing = str(sweeps / "missing")
    code, events, errors = wait_for(start_on_ray(sweeps, "resumed", missing))
    assert code == 1
    assert [state.removesuffix(" before") for state in sorted(states_of(events))] == ["done"] * SHORT_CELLS + [
        "failed"
    ] * SHORT_CELLS
    assert errors.count("--retry-failed runs it again") == SHORT_CELLS
    assert "Traceback" not in errors
    assert "is neither a folder" in next((out / "failed").iterdir()).read_text()
    assert report_of(out) == report_of(sweeps / "local")
    code, events, _ = wait_for(start_on_ray(sweeps, "resumed", missing))
    assert (code, states_of(events)) == (1, ["done before"] * SHORT_CELLS + ["failed before"] * SHORT_CELLS)


def test_a_cell_that_runs_out_of_memory_fails_after_a_few_tries(sweeps, monkeypatch):
    # Ray kills a worker when its node uses more memory than this share; here it always does.
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.001")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    code, events, errors = wait_for(start_on_ray(sweeps, "killed"))
    assert code == 1
    assert [event["state"].partition(":")[2][:31] for event in events] == [" its node ran out of memory 4 t"] * SHORT_CELLS
    assert len(errors.splitlines()) == SHORT_CELLS


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--cpus-per-cell", "4096"], "no node has 4096 CPU: the largest has"),
        (["--address", "127.0.0.1:1"], "--address 127.0.0.1:1: no Ray cluster answers there"),
    ],
)
def test_an_impossible_request_to_ray_is_one_line(sweeps, flags, message):
    code, events, errors = wait_for(start_on_ray(sweeps, "none", *flags))
    assert (code, events) == (2, [])
    assert message in errors
    assert len(errors.splitlines()) == 1

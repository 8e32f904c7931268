"""The real worker: it answers while it trains, and stops whatever the model does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from netbuilder.app.templates import open_template
from netbuilder.compiler.report import Report
from netbuilder.engine.client import WorkerClient
from netbuilder.engine.protocol import (
    ExportProgress,
    WorkerDied,
    WorkerError,
    WorkerReady,
    WorkerStarted,
)
from netbuilder.errors import DocumentError, ExportError, ProblemsError, RunError
from netbuilder.graph import edits
from netbuilder.graph.history import History
from netbuilder.storage import format
from netbuilder.training.records.folder import RunFolder, read_events
from tests.engine.workers import LONG, PATIENCE_S, Asked, Ears, begin, patched, project, waves

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and process groups")
Start = Callable[..., tuple[WorkerClient, Ears]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts clients of real workers, and ends them after the test."""
    clients = []

    def make(command: list[str] | None = None) -> tuple[WorkerClient, Ears]:
        ears = Ears()
        client = WorkerClient(ears, command=command, back_off_s=())
        clients.append(client)
        client.start()
        return client, ears

    yield make
    for client in clients:
        client.close()


def test_a_day_in_the_life(start: Start, tmp_path: Path) -> None:
    client, ears = start()
    ears.wait(WorkerStarted)
    assert Asked(client, "status").reply().result["run"] is None
    assert ears.wait(WorkerReady).torch
    report = Report.from_json(Asked(client, "analyse", {"project": project()}).reply().result)
    assert report.ok
    assert all(graph.code for graph in report.graphs.values())
    params = {"project": project(), "source": False}
    bare = Report.from_json(Asked(client, "analyse", params).reply().result)
    assert bare.problems == report.problems
    assert not any(graph.code for graph in bare.graphs.values())
    run = tmp_path / "run"
    params = {"project": project(), "run": str(run), "overrides": LONG}
    training = Asked(client, "train", params)
    ears.wait_for_event("metrics")
    # While it trains it answers everything else.
    assert Asked(client, "pause").reply().result == {"running": True}
    ears.wait_for_event("paused")
    assert Asked(client, "status").reply().result["paused"]
    assert isinstance(Asked(client, "train", params).reply().error, RunError)
    sample = Asked(client, "sample", {"data": project()["data"], "count": 3}).reply().result
    assert len(sample["shown"]["image"]) == 3
    Asked(client, "resume").reply()
    ears.wait_for_event("resumed")
    ears.wait_for_event("metrics")
    client.stop_training()
    result = training.reply().result
    assert result["status"] == "stopped"
    assert RunFolder(run).status()["status"] == "stopped"
    # Replies overtake events; the last event tells that all have come.
    ears.wait_for_event("finished")
    # Of what comes fast the window hears the latest of each kind, of all else everything.
    heard = [m.data["seq"] for m in ears.messages if hasattr(m, "data")]
    events, _ = read_events(run)
    latest = {event.event: event.seq for event in events}
    fast = ("metrics", "epoch", "preview", "checkpoint")
    assert {e.seq for e in events if e.event not in fast} <= set(heard)
    assert set(latest.values()) <= set(heard)
    answer = Asked(client, "predict", {"run": str(run), "inputs": ["sample:0"]}).reply().result
    assert len(answer["outputs"]["logits"][0]) == 10
    again = Asked(client, "train", params | {"resume": True})
    ears.wait_for_event("metrics")
    client.stop_training()
    assert again.reply().result["steps"] > result["steps"]


def test_an_export_can_be_called_off(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    client, ears = start()
    ears.wait(WorkerReady)
    out = tmp_path / "digits.onnx"
    first = Asked(client, "export", {"project": project(), "to": "onnx", "out": str(out)})
    waits = Asked(client, "export", {"project": project(), "to": "code", "out": str(out)})
    worker = psutil.Process(Asked(client, "status").reply().result["pid"])
    # It tells how far it is: here its own process has begun.
    while ears.wait(ExportProgress).what != "Building the network":
        pass
    assert worker.children(recursive=True)
    assert Asked(client, "cancel").reply().result == {"exports": 2}
    for asked in (first, waits):
        error = asked.reply().error
        assert isinstance(error, ExportError)
        assert "cancelled" in str(error)
    assert not out.exists()
    assert worker.children(recursive=True) == []
    assert not [path for path in temporary.rglob("*") if path.is_file()]
    # The next one is not called off by that.
    asked = Asked(client, "export", {"project": project(), "to": "code", "out": str(out)})
    assert asked.reply().result["verified"]
    assert Asked(client, "cancel").reply().result == {"exports": 0}


def test_mistakes_are_answered_as_what_they_are(start: Start, tmp_path: Path) -> None:
    client, _ = start()
    error = Asked(client, "analyse", {"project": {"netbuilder": "what"}}).reply().error
    assert isinstance(error, DocumentError)
    assert isinstance(Asked(client, "brew").reply().error, WorkerError)
    assert isinstance(Asked(client, "train", {"project": project()}).reply().error, WorkerError)
    document = open_template("digits_mlp")
    network = document.network("main")
    assert network is not None
    history = History(document)
    wire = next(iter(network.wires))
    edits.delete(history, network, [wire])
    broken = {"project": format.to_json(document), "run": str(tmp_path / "run")}
    refused = Asked(client, "train", broken).reply().error
    assert isinstance(refused, ProblemsError)
    assert any(problem.node for problem in refused.problems)
    assert not (tmp_path / "run").exists()


def test_what_a_model_prints_or_reads_does_not_get_between(start: Start, tmp_path: Path) -> None:
    command = patched(
        """
        import os, sys, torch
        plain = torch.nn.ReLU.forward
        def forward(self, x):
            print('{"event": "hello", "pid": 1, "version": "forged"}', flush=True)
            os.write(1, b"\\xff\\x1b[2J no newline")
            assert sys.stdin.read() == ""
            return plain(self, x)
        torch.nn.ReLU.forward = forward
        """
    )
    client, ears = start(command)
    run = {"run": str(tmp_path / "run"), "overrides": {"training.steps": 3}}
    result = Asked(client, "train", {"project": waves(), **run}).reply().result
    assert result["status"] == "finished"
    assert client.ignored == 0
    assert [m.version for m in ears.messages if isinstance(m, WorkerStarted)] != ["forged"]


TERM, KILL = 128 + signal.SIGTERM, -signal.SIGKILL
ENDLESS = [
    pytest.param("while True: pass", TERM, id="python loop"),
    pytest.param("ctypes.PyDLL(None).pause()", KILL, id="native code that holds the interpreter"),
    pytest.param(
        "while True: torch.mm(big, big)", TERM, id="native code", marks=pytest.mark.nightly
    ),
]


@posix_only
@pytest.mark.parametrize(("body", "code"), ENDLESS)
def test_a_model_that_never_returns_is_ended(
    start: Start, tmp_path: Path, body: str, code: int
) -> None:
    command = patched(
        f"""
        import ctypes, torch
        big = torch.zeros(2000, 2000)
        def forward(self, x):
            {body}
        def enter(self, x):
            # Shapes are worked out on the meta device; only the training hangs.
            if x.device.type == "meta":
                return x
            open({str(tmp_path / "inside")!r}, "w").close()
            return forward(self, x)
        torch.nn.ReLU.forward = enter
        """
    )
    client, ears = start(command)
    pid = ears.wait(WorkerStarted).pid
    training = Asked(client, "train", {"project": waves(), "run": str(tmp_path / "run")})
    until = time.monotonic() + PATIENCE_S
    while not (tmp_path / "inside").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert (tmp_path / "inside").exists()
    client.stop_training(grace_s=0.5)
    assert isinstance(training.reply(10.0).error, WorkerError)
    died = ears.wait(WorkerDied)
    assert "did not stop" in died.message
    assert died.training
    assert died.exit_code == code
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert RunFolder(tmp_path / "run").status()["status"] == "crashed"


@posix_only
def test_sigterm_keeps_the_training(tmp_path: Path) -> None:
    worker = begin(tmp_path / "run")
    worker.send_signal(signal.SIGTERM)
    # Not communicate(): closing stdin would stop it too.
    assert worker.wait(PATIENCE_S) == 0
    worker.communicate()
    assert RunFolder(tmp_path / "run").status()["status"] == "stopped"


def test_layers_that_pytorch_lacks_are_told_after_it_is_ready(start: Start) -> None:
    _, ears = start(patched("import torch\ndel torch.nn.Mish\n"))
    assert ears.wait(WorkerReady).lacks == frozenset()
    assert ears.wait(WorkerReady).lacks == {"torch.nn.Mish"}

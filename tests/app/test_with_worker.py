"""The session with a real worker: what the window will do, without a window."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.events import ReportArrived, RunChanged, RunEvent, SessionEvent, WorkerChanged
from netbuilder.app.session import Session
from netbuilder.app.trying import Trial
from netbuilder.engine.client import WorkerClient
from netbuilder.engine.protocol import Message, WorkerStarted
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph import blocks, edits
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of

WAIT_S = 90.0


class Loop:
    """The window's thread, and the session on it."""

    def __init__(self) -> None:
        self.queue: queue.Queue[Callable[[], None]] = queue.Queue()
        self.events: list[SessionEvent] = []
        self.pids: list[int] = []
        self.session = Session(self.queue.put, self._client)
        self.session.subscribe(self.events.append)

    def _client(self, on_message: Callable[[Message], None]) -> WorkerClient:
        def hear(message: Message) -> None:
            if isinstance(message, WorkerStarted):
                self.pids.append(message.pid)
            on_message(message)

        return WorkerClient(hear)

    def until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.queue.get(timeout=WAIT_S)()

    def heard(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made = Loop()
    yield made
    made.session.close()


def test_from_a_template_to_a_trained_network_and_a_file(loop: Loop, tmp_path: Path) -> None:
    session = loop.session
    session.new("digits_mlp")
    edits.set_project(session.history, training={"epochs": 2, "batch_size": 64, "threads": 1})
    session.start_worker()
    loop.until(lambda: session.report is not None)
    assert session.report is not None
    assert session.report.ok
    assert session.report.graphs[session.graph.id].parameters == 50826
    samples: list[dict[str, Any] | NetbuilderError] = []
    session.sample_data(samples.append)
    session.train(tmp_path / "run")
    loop.until(lambda: session.run is not None and not session.run.active)
    assert session.run is not None
    assert session.run.status == "finished", session.run.fault
    assert session.run.epoch == 2
    assert (session.run.metrics["val/accuracy"] or 0) > 0.5
    kinds = [event.event.event for event in loop.heard(RunEvent)]
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    loop.until(lambda: bool(samples))
    assert isinstance(samples[0], dict)
    done: list[dict[str, Any] | NetbuilderError] = []
    session.export(ExportOptions("safetensors"), tmp_path / "x.safetensors", done.append)
    loop.until(lambda: bool(done))
    assert isinstance(done[0], dict), done[0]
    assert (tmp_path / "x.safetensors").is_file()


def test_a_worker_killed_in_training_costs_the_run_and_nothing_else(
    loop: Loop, tmp_path: Path
) -> None:
    session = loop.session
    session.new("digits_mlp")
    edits.set_project(session.history, training={"epochs": 100_000, "threads": 1})
    session.start_worker()
    session_run = tmp_path / "run"
    loop.until(lambda: session.report is not None)
    session.train(session_run)
    loop.until(lambda: session.run is not None and session.run.step > 0)
    added = edits.add_node(session.history, session.graph, "torch.nn.ReLU", name="while_training")
    before = session.document.copy()
    reports = len(loop.heard(ReportArrived))
    os.kill(loop.pids[-1], signal.SIGKILL)
    loop.until(lambda: session.run is not None and not session.run.active)
    assert session.run is not None
    assert session.run.status == "crashed"
    assert session.run.fault is not None
    assert "SIGKILL" in session.run.fault.message
    assert session.document == before
    assert session.graph.nodes[added.id].name == "while_training"
    states = [event.state for event in loop.heard(WorkerChanged)]
    assert "restarting" in states
    edits.delete(session.history, session.graph, [added.id])
    loop.until(lambda: len(loop.heard(ReportArrived)) > reports and len(loop.pids) == 2)
    assert session_rows(session_run.parent) == ["crashed"]
    assert loop.heard(RunChanged)[-1].run.status == "crashed"


def session_rows(folder: Path) -> list[str]:
    from netbuilder.app.run_table import rows

    return [row.status for row in rows(folder)]


@pytest.mark.nightly
def test_a_training_stops_when_asked(loop: Loop, tmp_path: Path) -> None:
    session = loop.session
    session.new("digits_mlp")
    edits.set_project(session.history, training={"epochs": 100_000, "threads": 1})
    session.start_worker()
    loop.until(lambda: bool(loop.pids))
    session.train(tmp_path / "run")
    loop.until(lambda: session.run is not None and session.run.step > 0)
    session.stop()
    loop.until(lambda: session.run is not None and not session.run.active)
    assert session.run is not None
    assert session.run.status == "stopped"
    assert session_rows(tmp_path) == ["stopped"]
    assert len(loop.pids) == 1


def test_a_fix_is_tried_and_costs_and_help_are_told(loop: Loop) -> None:
    session = loop.session
    session.new("digits_cnn")
    graph, history = session.graph, session.history
    conv = graph.named("conv2")
    assert conv is not None
    with history.step("Add a skip"):
        (wire,) = graph.wires_out_of(conv.id)
        total = edits.insert_layer(history, graph, wire.id, "torch.add", None, ports_of)
        (into,) = graph.wires_into(conv.id)
        skip = End(into.source, into.source_port)
        edits.connect(history, graph, skip, End(total.id, "other"), ports_of)
    session.start_worker()
    loop.until(lambda: session.report is not None)
    assert session.report is not None
    problem = next(p for p in session.report.problems if p.node == total.id)
    tried: list[Trial | NetbuilderError] = []
    session.try_fix(problem.fixes[0], tried.append)
    helped: list[dict[str, Any] | NetbuilderError] = []
    session.layer_help("torch.nn.Conv2d", helped.append)
    loop.until(lambda: bool(tried and helped))
    (trial,) = tried
    assert isinstance(trial, Trial)
    assert trial.good
    assert trial.lines[0] == "+ conv2d  N×16×8×8 → N×32×8×8  544 parameters"
    assert isinstance(helped[0], dict)
    assert helped[0]["parameters"]["stride"].startswith("Stride of the convolution")
    session.apply_fix(problem.fixes[0])
    before = session.report
    loop.until(lambda: session.report is not before)
    assert session.report.ok
    costs: list[Mapping[str, int]] = []
    session.costs(costs.append)
    loop.until(lambda: bool(costs))
    assert costs[0][conv.id] == 8 * 8 * 3 * 3 * 16 * 32


def test_shapes_in_a_block_are_those_of_the_use_one_came_from(loop: Loop) -> None:
    session = loop.session
    history, graph = session.history, session.graph
    block = edits.add_graph(history, "block", "half")
    x = edits.add_node(history, block, "netbuilder.BlockInput", name="x")
    pool = edits.add_node(
        history, block, "torch.nn.MaxPool2d", name="pool", params={"kernel_size": 2}
    )
    y = edits.add_node(history, block, "netbuilder.Output", name="y")
    edits.connect(history, block, End(x.id, "output"), End(pool.id, "input"), ports_of)
    edits.connect(history, block, End(pool.id, "output"), End(y.id, "input"), ports_of)
    image = edits.add_node(history, graph, "netbuilder.Input", params={"shape": [1, 16, 16]})
    one, two = (blocks.place(history, graph, block) for _ in range(2))
    out = edits.add_node(history, graph, "netbuilder.Output")
    edits.connect(history, graph, End(image.id, "output"), End(one.id, "x"), ports_of)
    edits.connect(history, graph, End(one.id, "y"), End(two.id, "x"), ports_of)
    edits.connect(history, graph, End(two.id, "y"), End(out.id, "input"), ports_of)
    session.start_worker()
    loop.until(lambda: session.report is not None)

    def shown() -> str:
        return session.graph_report().nodes[pool.id].outputs["output"].text

    session.enter(two.id)
    assert shown() == "N×1×4×4"
    session.leave()
    session.enter(one.id)
    assert shown() == "N×1×8×8"
    session.show(block.id)
    assert shown() == "N×1×8×8"

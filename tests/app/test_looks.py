"""What a training shows is read as it is; what can't be understood is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.looks import Looks, TensorLook, Watcher, along
from netbuilder.graph import edits
from netbuilder.layers.catalogue import ports_of
from netbuilder.training.observing.watching import FILE, WATCH
from tests.drawing import Drawing


def tensor(mean: float) -> dict[str, Any]:
    return {"shape": [2, 3], "mean": mean, "std": 1.0, "min": 0.0, "max": 2.0, "dead": 0.5}


def shown(graph: str, nodes: dict[str, list[float]]) -> dict[str, Any]:
    """A look in which nodes gave tensors with these means."""
    entries = {id: {"outputs": [tensor(m) for m in means]} for id, means in nodes.items()}
    return {"step": 7, "nodes": {graph: entries}}


def test_a_watcher_asks_and_reads_each_look_once(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    assert watcher.poll() is None
    assert (tmp_path / WATCH).exists()
    (tmp_path / FILE).write_text(json.dumps(shown("g", {"n": [1.5]})))
    found = watcher.poll()
    assert found is not None
    look = found.node("g", "n")
    assert look is not None
    assert found.step == 7
    assert look.outputs == (TensorLook((2, 3), 1.5, 1.0, 0.0, 2.0, 0.5),)
    assert watcher.poll() is None
    watcher.leave()
    assert not (tmp_path / WATCH).exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"nodes": 3}', '{"nodes": {"g": 3}}', '{"nodes": {"g": {"n": []}}}',
     '{"nodes": {"g": {"n": {"outputs": {"a": 1}, "ms": "x", "gradient": [1]}}}}',
     "[" * 100_000],
)  # fmt: skip
def test_nonsense_is_no_look(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    found = Watcher(tmp_path).poll()
    for nodes in (found or Looks()).nodes.values():
        for look in nodes.values():
            assert look.ms is None
            assert look.outputs == ()


def test_a_run_that_is_gone_shows_nothing(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path / "gone")
    assert watcher.poll() is None
    watcher.leave()


def test_a_wire_carries_what_the_port_behind_it_gave() -> None:
    d = Drawing()
    x = d.input(5, 4)
    lstm = d.add("LSTM", x, hidden_size=3, batch_first=True)
    first = d.output((lstm, "output"), name="a")
    second = d.output((lstm, "c_n"), name="b")
    dot = edits.add_node(d.history, d.graph, "netbuilder.Reroute")
    into = d.graph.wire_into(second.id, "input")
    assert into is not None
    edits.insert_on_wire(d.history, d.graph, into.id, dot.id, ports_of)
    looks = Looks.of(shown(d.graph.id, {x.id: [0.25], lstm.id: [1.0, 2.0]}))

    def mean(node: str, port: str) -> float | None:
        wire = d.graph.wire_into(node, port)
        assert wire is not None
        found = along(looks, d.document, d.graph, wire, ports_of)
        return found.mean if found is not None else None

    assert mean(lstm.id, "input") == 0.25
    assert mean(first.id, "input") == 1.0
    # Also behind the dot, and before it.
    assert mean(second.id, "input") == 2.0
    assert mean(dot.id, "input") == 2.0


def test_a_drawing_that_has_changed_since_shows_no_wrong_figures() -> None:
    d = Drawing()
    lstm = d.add("LSTM", d.input(5, 4), hidden_size=3, batch_first=True)
    first = d.output((lstm, "output"), name="a")
    d.output((lstm, "h_n"), name="b")
    looks = Looks.of(shown(d.graph.id, {lstm.id: [1.0]}))
    wire = d.graph.wire_into(first.id, "input")
    assert wire is not None
    # The training had one wired port, now there are two: which was it?
    assert along(looks, d.document, d.graph, wire, ports_of) is None

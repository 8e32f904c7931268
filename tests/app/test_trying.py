"""Fixes are tried on a copy: what they would do is told before anybody clicks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netbuilder.app.session import Session
from netbuilder.app.trying import Trial, compare, fixed_copy
from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.engine.protocol import Message, Reply, WorkerError
from netbuilder.errors import Fix, NetbuilderError, Problem
from tests.drawing import Drawing

OnReply = Callable[[Reply], None]


class Client:
    """A worker that answers when the test says so."""

    def __init__(self, on_message: Callable[[Message], None]) -> None:
        self.asked: list[tuple[Mapping[str, Any], OnReply]] = []

    def start(self) -> None: ...
    def close(self) -> None: ...
    def leave(self) -> None: ...
    def stop_training(self) -> None: ...

    def request(
        self, method: str, params: Mapping[str, Any], on_reply: OnReply = lambda reply: None
    ) -> int:
        self.asked.append((params, on_reply))
        return len(self.asked)

    def answer(self, report: Report | None = None, **reply: Any) -> Mapping[str, Any]:
        params, on_reply = self.asked.pop(0)
        on_reply(Reply(1, **reply) if reply else Reply(1, (report or Report()).to_json()))
        return params


def begun() -> tuple[Session, list[Client], Drawing, Fix]:
    """A session on a network with a wrong layer, and the fix for it."""
    clients: list[Client] = []

    def make(on_message: Callable[[Message], None]) -> Client:
        clients.append(Client(on_message))
        return clients[-1]

    session = Session(lambda action: action(), make)
    drawing = Drawing()
    drawing.document, drawing.history = session.document, session.history
    drawing.graph = session.graph
    x = drawing.input(3, 8, 8, name="image")
    head = drawing.add("Linear", x, name="head", in_features=192, out_features=10)
    drawing.output(head, name="logits")
    session.start_worker()
    arguments = {
        "graph": session.graph.id,
        "node": head.id,
        "port": "input",
        "layer": "torch.nn.Flatten",
    }
    return session, clients, drawing, Fix("Insert Flatten", "insert_before", arguments)


def error(drawing: Drawing, message: str = "It does not fit.") -> Problem:
    return Problem("error", "shape.mismatch", message, graph=drawing.graph.id)


def shaped(drawing: Drawing, ids: list[str]) -> dict[str, GraphReport]:
    tensor = TensorReport(("N", 192), "float32", "N×192")
    nodes = {id: NodeReport({"input": tensor}, {"output": tensor}, 1920) for id in ids}
    return {drawing.graph.id: GraphReport(nodes)}


def test_a_trial_changes_nothing_and_asks_about_the_fixed_copy() -> None:
    session, clients, _, fix = begun()
    state, before = session.history.state, session.document.copy()
    heard: list[Trial | NetbuilderError] = []
    session.try_fix(fix, heard.append)
    assert session.document == before
    assert session.history.state == state
    assert heard == []
    project = clients[0].answer()["project"]
    layers = [node["layer"] for graph in project["graphs"] for node in graph["nodes"]]
    assert "torch.nn.Flatten" in layers
    (trial,) = heard
    assert isinstance(trial, Trial)
    assert trial.good
    assert trial.verdict == "No problems are left then."


def test_new_and_changed_nodes_are_told_with_their_shapes() -> None:
    _, _, drawing, fix = begun()
    new = fixed_copy(drawing.document, fix)
    graph = new.graph(drawing.graph.id)
    before = Report((error(drawing),))
    after = Report((), shaped(drawing, list(graph.nodes)))
    trial = compare(drawing.document, new, before, after, fix)
    assert trial.lines == (
        "+ flatten  N×192 → N×192  1,920 parameters",
        "head       N×192 → N×192",
    )


def test_what_would_go_wrong_next_is_told() -> None:
    _, _, drawing, fix = begun()
    new = fixed_copy(drawing.document, fix)
    first = error(drawing)
    same = compare(drawing.document, new, Report((first,)), Report((first,)), fix)
    assert (same.verdict, same.good) == ("The error stays: It does not fit.", False)
    other = Problem("error", "shape.rank", "One dim too many.", graph=drawing.graph.id)
    worse = compare(drawing.document, new, Report((first,)), Report((other,)), fix)
    assert (worse.verdict, worse.good) == ("Then: One dim too many.", False)
    two = Report((first, error(drawing, "And this.")))
    fewer = compare(drawing.document, new, two, Report((first,)), fix)
    assert (fewer.verdict, fewer.good) == ("1 error left then.", True)
    warned = Problem("warning", "w", "Mind this.")
    left = compare(drawing.document, new, Report((first,)), Report((warned,)), fix)
    assert left.verdict == "No errors are left then, 1 warning."


def test_only_the_latest_of_several_waits() -> None:
    session, clients, _, fix = begun()
    heard: list[int] = []
    for number in range(4):
        session.try_fix(fix, lambda _, number=number: heard.append(number))  # type: ignore[misc]
    assert len(clients[0].asked) == 1
    clients[0].answer()
    assert len(clients[0].asked) == 1
    clients[0].answer()
    assert heard == [3]
    assert clients[0].asked == []


def test_a_fix_that_no_longer_fits_and_a_worker_that_fails_are_told() -> None:
    session, clients, _, fix = begun()
    heard: list[Trial | NetbuilderError] = []
    gone = Fix("Insert Flatten", "insert_before", {**fix.arguments, "node": "gone"})
    session.try_fix(gone, heard.append)
    session.try_fix(fix, heard.append)
    clients[0].answer(error=WorkerError("The worker is away."))
    session.try_fix(fix, heard.append)
    clients[0].answer(result={"problems": 5})
    assert [str(told) for told in heard] == [
        "The wire is not there any more.",
        "The worker is away.",
        "The worker sent a report that can't be read.",
    ]

"""What the window is told of costs: of the network, and of a block in the use that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netbuilder.app.costing import Costing, Costs
from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import Reply
from tests.drawing import Drawing


def network() -> dict[str, Any]:
    outer = {"id": "use", "macs": 70, "kept_bytes": 8}
    inner = {"id": "conv", "macs": 70, "kept_bytes": 4}
    return {"nodes": [outer], "blocks": [{"path": "PATH/use", "nodes": [inner]}]}


class Worker:
    """Keeps what it is asked until it is told to answer."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[Reply], None]] = []

    def ask(self, method: str, params: Mapping[str, Any], on_done: Callable[[Reply], None]) -> None:
        assert method == "summary"
        assert params["network"] == "main"
        self.waiting.append(on_done)

    def answer(self, told: dict[str, Any]) -> None:
        self.waiting.pop()(Reply(1, {"networks": {"main": told}}))


def test_a_use_of_a_block_has_costs_of_its_own() -> None:
    worker, heard = Worker(), list[Costs]()
    costing, graph, report = Costing(worker.ask), Drawing().graph, Report()
    told = network()
    told["blocks"][0]["path"] = f"{graph.id}/use"
    costing.begin(dict, graph, report, heard.append, f"{graph.id}/use")
    worker.answer(told)
    assert heard == [{"conv": 70}]
    assert heard[0].kept == {"conv": 4}
    costing.begin(dict, graph, report, heard.append, f"{graph.id}/use")
    assert not worker.waiting, "it is known for this report and use"
    costing.begin(dict, graph, report, heard.append)
    worker.answer(told)
    assert heard[2] == {"use": 70}


def test_a_use_that_is_not_there_costs_nothing() -> None:
    worker, heard = Worker(), list[Costs]()
    graph = Drawing().graph
    Costing(worker.ask).begin(dict, graph, Report(), heard.append, f"{graph.id}/gone")
    worker.answer(network())
    assert heard == [{}]
    assert heard[0].kept == {}

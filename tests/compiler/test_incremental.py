"""What is remembered between analyses: after any edits the answer is that of a fresh one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.probe import Cache
from netbuilder.compiler.report import GraphReport, Report
from netbuilder.errors import ChangeError
from netbuilder.graph import edits
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, Mute, Node
from netbuilder.graph.rules import End
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import ports_of
from netbuilder.layers.dims import symbol
from netbuilder.storage import format, reading
from tests.drawing import Drawing

N = symbol("N")
FIELDS = {"image": TensorType((N, 3, 16, 16)), "label": TensorType((N,), "int64", 10)}
EDITS, ROUND = 60, 6
VALUES: dict[str, tuple[Json, ...]] = {
    "out_channels": (3, 4, 8, 0, "wide", "=2*channels", 4.0),
    "out_features": (3, 10, 12, -1, True),
    "kernel_size": (1, 3, 5, (3, 1), 99),
    "padding": (0, 1, (1, 0)),
    "stride": (1, 2),
    "p": (0.0, 0.5, 1.0, 2.0),
    "shape": ((3, 16, 16), (1, 16, 16), (3, 9, "W"), ("T",)),
    "field": ("image", "label", "sound"),
    "network": ("main", "other"),
    "values": ({"channels": 4}, {"channels": 6}, {}),
    "repeat": (1, 2),
    "bias": (True, False),
}
LAYERS = ("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Flatten", "Softmax", "Dropout", "Linear")


def subject() -> Drawing:
    """A network with a block that is used twice, shared weights, a detour and a training step."""
    d = Drawing()
    d.add_graph("block", "unit", parameters=({"name": "channels", "default": 4},))
    x = d.add("netbuilder.BlockInput", name="x")
    x = d.add("Conv2d", x, name="conv", out_channels="=channels", kernel_size=3, padding=1)
    x = d.add("BatchNorm2d", x, name="norm")
    d.output(d.add("ReLU", x, name="relu"), name="y")
    d.graph = d.document.of_kind("network")[0]
    x = d.input(3, 16, 16, name="image")
    x = d.add("Conv2d", x, name="stem", out_channels=4, kernel_size=3, padding=1)
    one = d.add("netbuilder.Block", x, name="one", block="unit", values={"channels": 4})
    two = d.add("netbuilder.Block", one, name="two", block="unit", values={"channels": 4})
    x = d.add("torch.add", one, two, name="sum")
    x = d.add("MaxPool2d", x, name="pool", kernel_size=2, stride=2)
    first = d.add("Conv2d", x, name="first", out_channels=4, kernel_size=3, padding=1)
    again = d.add("Conv2d", first, name="again", out_channels=4, kernel_size=3, padding=1)
    edits.set_node(d.history, d.graph, again.id, shares=first.id)
    x = d.add("Dropout", again, name="dropout", p=0.5)
    x = d.add("Linear", d.add("Flatten", x, name="flatten"), name="head", out_features=10)
    d.output(x, name="logits")
    d.add_graph("step", "train", updates=["main"])
    image = d.add("netbuilder.DataField", name="image", field="image")
    label = d.add("netbuilder.DataField", name="label", field="label")
    call = d.add("netbuilder.NetworkCall", image, name="main", network="main")
    loss = d.add("CrossEntropyLoss", call, label, name="cross_entropy")
    d.add("netbuilder.Objective", loss, name="loss")
    d.history = History(d.document)
    assert analyse(d.document, FIELDS).ok
    return d


class Person:
    """Does something random to a drawing."""

    def __init__(self, d: Drawing, seed: int) -> None:
        self.d = d
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()

    def act(self) -> None:
        """One edit; what the rules refuse is none."""
        rng = self.random
        graph = rng.choice(list(self.d.document.graphs.values()))
        actions = [self.set, self.set, self.set, self.add, self.connect, self.cut]
        actions += [self.mute, self.rename, self.share, self.undo, self.undo, self.undo, self.redo]
        action = rng.choice(actions)
        try:
            action(graph, rng.choice(list(graph.nodes.values())))
        except ChangeError:
            return
        self.done[action.__name__] += 1

    def set(self, graph: Graph, node: Node) -> None:
        names = [name for name in VALUES if name in node.params] or list(VALUES)
        name = self.random.choice(names)
        value = self.random.choice(VALUES[name])
        edits.set_parameters(self.d.history, graph, [node.id], {name: value})
        self.d.history.seal()

    def add(self, graph: Graph, node: Node) -> None:
        outputs = ports_of(self.d.document, graph, node).outputs
        layer = f"torch.nn.{self.random.choice(LAYERS)}"
        new = edits.add_node(self.d.history, graph, layer, params={})
        if outputs:
            end = End(node.id, outputs[0].name)
            edits.connect(self.d.history, graph, end, End(new.id, "input"), ports_of)

    def connect(self, graph: Graph, node: Node) -> None:
        other = self.random.choice(list(graph.nodes.values()))
        outputs = ports_of(self.d.document, graph, node).outputs
        inputs = ports_of(self.d.document, graph, other).inputs
        if not outputs or not inputs:
            raise ChangeError("nothing to connect")
        source = End(node.id, self.random.choice(outputs).name)
        target = End(other.id, self.random.choice(inputs).name)
        edits.connect(self.d.history, graph, source, target, ports_of)

    def cut(self, graph: Graph, node: Node) -> None:
        found = [wire.id for wire in graph.wires_at([node.id])]
        if not found or self.random.random() < 0.3:
            found = [node.id]
        edits.delete(self.d.history, graph, [self.random.choice(found)], ports_of=ports_of)

    def mute(self, graph: Graph, node: Node) -> None:
        how: Mute = self.random.choice(("", "muted", "bypassed"))
        edits.set_mute(self.d.history, graph, [node.id], how)

    def rename(self, graph: Graph, node: Node) -> None:
        edits.rename(self.d.history, graph, node.id, f"name{self.random.randrange(40)}")

    def share(self, graph: Graph, node: Node) -> None:
        other = self.random.choice(["", *graph.nodes])
        edits.set_node(self.d.history, graph, node.id, shares=other)

    def undo(self, graph: Graph, node: Node) -> None:
        self.d.history.undo()

    def redo(self, graph: Graph, node: Node) -> None:
        self.d.history.redo()


def ordered(report: Report) -> Report:
    """Problems of one node come in the order of its wires, which is that of the edits."""
    return replace(report, problems=tuple(sorted(report.problems, key=repr)))


def without_code(report: Report) -> Report:
    def bare(graphs: Mapping[str, GraphReport]) -> dict[str, GraphReport]:
        return {id: replace(graph, code="", lines={}) for id, graph in graphs.items()}

    uses = {block: bare(found) for block, found in report.uses.items()}
    return replace(report, graphs=bare(report.graphs), uses=uses, source=False)


@pytest.mark.parametrize("seed", range(5))
def test_after_any_edits_the_report_is_that_of_a_fresh_analysis(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(subject(), seed)
    document, cache = person.d.document, Cache()
    seen: Counter[str] = Counter()
    for number in range(EDITS):
        if number % ROUND == 0:
            # Back to what has no mistakes: behind one nothing is known that could be wrong.
            while person.d.history.undo():
                pass
        else:
            person.act()
        known = analyse(document, FIELDS, cache)
        # Other nodes, wires and graphs with the same content, of which nothing is known.
        monkeypatch.setattr(reading, "_nodes_before", {})
        fresh = analyse(format.from_json(format.to_json(document)), FIELDS, Cache())
        assert ordered(known) == ordered(fresh), person.done
        bare = analyse(document, FIELDS, cache, source=False)
        assert ordered(bare) == ordered(without_code(fresh))
        seen["sound" if fresh.ok else "faulty"] += 1
        seen["code"] += any(graph.code for graph in fresh.graphs.values())
        seen.update(problem.code for problem in fresh.problems)
    # The test is about something: many kinds of edits and of mistakes, and code as well.
    assert len(person.done) >= 7
    assert sum(person.done.values()) > EDITS / 2
    assert len(seen) > 8
    assert seen["code"] > EDITS / 6


def test_shared_weights_are_told_at_one_node() -> None:
    d = subject()
    main, cache = d.document.of_kind("network")[0], Cache()
    again = main.named("again")
    assert again is not None

    def told(node: str) -> int:
        found = main.named(node)
        assert found is not None
        return analyse(d.document, FIELDS, cache).graphs[main.id].nodes[found.id].parameters

    assert (told("first"), told("again")) == (148, 0)
    edits.set_node(d.history, main, again.id, shares="")
    assert (told("first"), told("again")) == (148, 148)

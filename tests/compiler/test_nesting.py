"""Random drawings of blocks in blocks: the module is what its drawing says, node by node."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.compiler.analyse import compile_document
from netbuilder.compiler.build import build_network, network_source
from netbuilder.graph import blocks, edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.layers.catalogue import ports_of
from tests.compiler.nesting import Interpreter, Nested

PUSH = range(8)
NIGHT = range(8, 150)
SEEDS = [*PUSH, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in NIGHT)]


def drawn(seed: int) -> Document:
    document = Nested(Random(seed)).draw()
    errors = [p.message for p in compile_document(document, {}).problems if p.severity == "error"]
    assert errors == []
    return document


@pytest.mark.parametrize("seed", SEEDS)
def test_a_module_computes_what_is_drawn(seed: int) -> None:
    document = drawn(seed)
    torch.manual_seed(seed)
    module = build_network(document, "main").eval()
    network = document.network("main")
    assert network is not None
    names = [n.name for n in network.ordered() if n.layer == "netbuilder.Input"]
    given = {name: torch.randn(2, 3, 5) for name in names}
    with torch.no_grad():
        found = module(*given.values())
        expected = list(Interpreter(document, module).run(network, "", given, {}).values())
    found = [found] if isinstance(found, torch.Tensor) else list(found)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    _is_its_source(document, module, given)


def _is_its_source(document: Document, module: nn.Module, given: dict[str, torch.Tensor]) -> None:
    """The printed code makes the same module, and needs nothing of ours."""
    text = network_source(document, "main").text
    assert "netbuilder" not in text
    namespace: dict[str, Any] = {}
    exec(text, namespace)  # noqa: S102
    again = [v for v in namespace.values() if isinstance(v, type)][-1]().eval()
    again.load_state_dict(module.state_dict())
    with torch.no_grad():
        one, other = again(*given.values()), module(*given.values())
    pairs = zip(one, other, strict=True) if isinstance(one, tuple) else [(one, other)]
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    "seed", [*SEEDS[:2], *(pytest.param(s, marks=pytest.mark.nightly) for s in range(2, 20))]
)
def test_keys_of_weights_stay_under_edits_that_are_not_theirs(seed: int) -> None:
    document = drawn(seed)
    before = _shapes(document)
    history, r = History(document), Random(seed)
    for block in document.of_kind("block"):
        blocks.rename(history, block, f"other_{block.name}")
        edits.add_node(history, block, "torch.nn.Linear", params={"out_features": 3})
    for graph in list(document.graphs.values()):
        nodes = list(graph.nodes)
        edits.move(history, graph, {id: (r.random() * 900, r.random() * 900) for id in nodes})
        edits.set_node(history, graph, r.choice(nodes), note="A note.", collapsed=True)
        for wire in r.sample(list(graph.wires.values()), min(2, len(graph.wires))):
            dot = edits.add_node(history, graph, "netbuilder.Reroute")
            edits.insert_on_wire(history, graph, wire.id, dot.id, ports_of)
    block = edits.add_graph(history, "block", "fresh")
    edits.add_node(history, block, "torch.nn.Linear", params={"out_features": 3})
    assert _shapes(document) == before


def _shapes(document: Document) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = build_network(document, "main").state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}

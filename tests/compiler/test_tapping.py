"""A tap hears every node, and changes nothing."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netbuilder.app.templates import open_template
from netbuilder.compiler.build import build_network, build_networks, build_step, locate_error
from netbuilder.compiler.tapping import tap
from netbuilder.data import datasets, settings
from netbuilder.data.settings import field_types
from netbuilder.graph.document import Document
from tests.compiler.nesting import Nested
from tests.drawing import Drawing

Heard = list[tuple[tuple[str, str], tuple[Any, ...]]]


def heard(module: nn.Module, *inputs: Tensor, **fields: Tensor) -> tuple[Any, Heard]:
    """What a module gives while it is tapped, and all that was heard."""
    found: Heard = []
    with tap(module, lambda place, values, seconds: found.append((place, values))):
        result = module(*inputs, **fields)
    return result, found


def names(document: Document, found: Heard) -> list[str]:
    return [document.graph(graph).nodes[node].name for (graph, node), _ in found]


def test_a_network_tells_each_node_in_order_with_what_it_gave() -> None:
    d = Drawing()
    x = d.input(4)
    first = d.add("Linear", x, out_features=6, name="first")
    second = d.add("torch.exp", first, name="second")
    d.output(d.add("torch.add", first, second, name="sum"))
    module = build_network(d.document, "main").eval()
    x_value = torch.randn(3, 4)
    expected = module(x_value)
    result, found = heard(module, x_value)
    assert torch.equal(result, expected)
    assert names(d.document, found) == ["input", "first", "second", "sum"]
    (given, *values) = [value for _, (value,) in found]
    assert torch.equal(given, x_value)
    assert torch.equal(values[1], torch.exp(values[0]))
    assert torch.equal(values[2], expected)
    # Afterwards it is as before: nothing is heard, nothing is left.
    assert not found[4:]
    assert "forward" not in vars(module)
    assert torch.equal(module(x_value), expected)
    assert len(found) == 4


def test_used_outputs_come_in_the_order_of_their_ports() -> None:
    d = Drawing()
    x = d.input(5, 4)
    lstm = d.add("LSTM", x, hidden_size=3, batch_first=True)
    d.output((lstm, "output"), name="a")
    d.output((lstm, "c_n"), name="b")
    module = build_network(d.document, "main").eval()
    (output, cell), found = heard(module, torch.randn(2, 5, 4))
    _, (_, values) = found
    assert len(values) == 2
    assert torch.equal(values[0], output)
    assert torch.equal(values[1], cell)


@pytest.mark.parametrize("template", ["digits_cnn", "digits_lstm", "autoencoder"])
def test_a_step_is_heard_with_its_networks(template: str) -> None:
    document = open_template(template)
    networks = build_networks(document)
    data = document.project.data
    (graph,) = document.of_kind("step")
    step = build_step(document, graph.name, field_types(data), networks)
    part = datasets.prepare(settings.read(data)).train
    batch = {name: part[name][:4] for name in step.fields}
    step.module.eval()
    loss, metrics, _ = step.module(**batch)
    (again, other, _), found = heard(step.module, **batch)
    assert torch.equal(loss, again)
    assert metrics.keys() == other.keys()
    told = set(names(document, found))
    for each in document.graphs.values():
        for node in each.ordered():
            if node.layer.startswith(("torch.", "netbuilder.Input", "netbuilder.DataField")):
                assert node.name in told


@pytest.mark.parametrize("seed", range(6))
def test_blocks_in_blocks_and_loops_are_heard_and_unchanged(seed: int) -> None:
    document = Nested(Random(seed)).draw()
    torch.manual_seed(seed)
    module = build_network(document, "main").eval()
    network = document.network("main")
    assert network is not None
    count = sum(node.layer == "netbuilder.Input" for node in network.ordered())
    given = [torch.randn(2, 3, 5) for _ in range(count)]
    with torch.no_grad():
        expected = module(*given)
        result, found = heard(module, *given)
    pairs = (
        zip(expected, result, strict=True) if isinstance(result, tuple) else [(expected, result)]
    )
    assert all(torch.equal(one, other) for one, other in pairs)
    assert found
    assert all(node in document.graph(graph).nodes for (graph, node), _ in found)


def test_an_error_under_a_tap_is_told_at_its_node() -> None:
    d = Drawing()
    d.output(d.add("Linear", d.input(4), out_features=2, name="first"))
    module = build_network(d.document, "main")
    with pytest.raises(RuntimeError) as caught:
        heard(module, torch.randn(3, 5))
    located = locate_error(caught.value)
    assert located is not None
    assert located.name == "first"
    assert "forward" not in vars(module)

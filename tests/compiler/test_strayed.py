"""What an own layer gives that is no tensor is told at that layer, not at the one that took it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import netbuilder as nb
from netbuilder.compiler import build, strayed
from netbuilder.data.settings import field_types
from netbuilder.layers import own, trusted
from netbuilder.layers.trusted import Trust
from tests.own_files import declared, project

SOURCE = """import torch
from torch import nn


class A(nn.Module):
    def forward(self, x):
        return [x] if len(x) == 7 and x.device.type == "cpu" else x
"""
TOLD = "'gate' failed: it gives a list of 1, not a tensor (my_layers.py, line 6: def forward)"


@pytest.fixture(autouse=True)
def _trusted() -> Iterator[None]:
    with trusted.given(Trust.of([SOURCE.encode()], {})):
        yield


def located(module: torch.nn.Module, **inputs: torch.Tensor) -> build.Located:
    with pytest.raises((TypeError, AttributeError, RuntimeError)) as caught:
        module(**inputs)
    found = build.locate_error(caught.value)
    assert found is not None
    return found


def test_in_a_chain() -> None:
    found = located(project(SOURCE, "A").module(), input=torch.rand(7, 8))
    assert (found.name, found.message) == ("gate", TOLD)


def test_in_statements() -> None:
    made = project(SOURCE, "A")
    net = made.network()
    both = net.add("torch.add", name="both")
    net.connect(net["input"], both["input"])
    net.connect(net["gate"], both["other"])
    net.connect(both, net["head"]["input"])
    found = located(made.module(), input=torch.rand(7, 8))
    assert (found.name, found.message) == ("gate", TOLD)


def test_in_a_block() -> None:
    made = nb.Project()
    made.set(code=declared(my_layers=SOURCE))
    own.use(made.document.project)
    block = made.add_block("Gated")
    one, gate, end = (
        block.add("netbuilder.BlockInput", name="x"),
        block.add("own.my_layers.A", name="gate"),
        block.add("netbuilder.Output"),
    )
    block.connect(one, gate)
    block.connect(gate, end)
    net = made.add_network("main")
    begin = net.add("netbuilder.Input", shape=(8,))
    use = net.add("netbuilder.Block", block="Gated")
    head = net.add("torch.nn.Linear", name="head", out_features=3)
    net.connect(begin, use)
    net.connect(use, head)
    net.connect(head, net.add("netbuilder.Output"))
    found = located(made.module(), input=torch.rand(7, 8))
    assert (found.graph, found.message) == (block.graph.id, TOLD)


def test_at_the_end_of_a_network_where_the_step_fails() -> None:
    made = nb.template("digits_mlp")
    made.set(code=declared(my_layers=SOURCE))
    own.use(made.document.project)
    net = made.network()
    last, output = net.nodes[-2], net.nodes[-1]
    gate = net.add("own.my_layers.A", name="gate")
    net.connect(last, gate)
    net.connect(gate, output["input"])
    fields = field_types(made.document.project.data)
    networks = build.build_networks(made.document)
    step = build.build_step(made.document, "train", fields, networks)
    batch = {"image": torch.rand(7, 1, 8, 8), "label": torch.zeros(7, dtype=torch.int64)}
    found = located(step.module, **batch)
    assert (found.graph, found.message) == (net.graph.id, TOLD)


def test_what_fails_on_tensors_is_told_where_it_fails() -> None:
    module = project(SOURCE, "A").module()
    found = located(module, input=torch.rand(6, 5))
    assert found.name == "head"


def test_a_network_that_can_not_be_followed_is_left_alone() -> None:
    made = project(SOURCE, "A")
    graph = made.network().graph
    assert strayed.maker(made.document, (graph.id, "gone")) is None
    assert strayed.maker(made.document, (graph.id, made.network()["head"].id)) is None

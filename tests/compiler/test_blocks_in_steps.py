"""A block in a training step: the same numbers as drawn out, and no weights of its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_flatten

from netbuilder.app.templates import open_template
from netbuilder.compiler.build import build_networks, build_step
from netbuilder.data.settings import field_types
from netbuilder.engine import tasks
from netbuilder.graph import blocks, edits, grouping, inlining
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of


def problems(document: Document) -> list[tuple[str, str]]:
    report = tasks.analyse(document, source=False)
    return [(problem.code, problem.message) for problem in report.problems]


def found(graph: Graph, name: str) -> Node:
    node = graph.named(name)
    assert node is not None
    return node


@pytest.fixture
def contrast() -> tuple[History, Graph]:
    """A step that turns its pictures in two ways, drawn without blocks."""
    history = History(open_template("contrastive"))
    step = next(g for g in history.document.of_kind("step") if g.name == "contrast")
    for name in ("view1", "view2"):
        inlining.ungroup(history, step, found(step, name).id)
    return history, step


def computed(document: Document) -> list[Any]:
    """What the step gives for the same pictures, weights and chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = build_networks(document)
        step = build_step(document, "contrast", field_types(document.project.data), networks)
        results = step.module(torch.rand(16, 1, 8, 8))
    flat, _ = tree_flatten(results)
    return [each.detach() for each in flat if isinstance(each, torch.Tensor)]


def test_a_block_gives_what_its_layers_gave(contrast: tuple[History, Graph]) -> None:
    history, step = contrast
    assert list(history.document.of_kind("block")) == []
    plain, blocked = computed(history.document), computed(open_template("contrastive"))
    assert len(plain) == len(blocked) > 1
    assert all(torch.equal(*pair) for pair in zip(plain, blocked, strict=True))
    names = ("a_little", "turn_and_shift", "grid", "sample")
    chosen = [found(step, name).id for name in names]
    grouping.group(history, step, chosen, ports_of, "view")
    assert problems(history.document) == []


def test_weights_in_a_step_are_told(contrast: tuple[History, Graph]) -> None:
    history, step = contrast
    wire = step.wire_into(found(step, "sample").id, "input")
    assert wire is not None
    conv = {"out_channels": 1, "kernel_size": 1}
    with history.step("A convolution between"):
        edits.delete(history, step, [wire.id])
        node = edits.add_node(history, step, "torch.nn.Conv2d", name="conv", params=conv)
        begin = End(found(step, "image").id, "output")
        edits.connect(history, step, begin, End(node.id, "input"), ports_of)
        end = End(found(step, "sample").id, "input")
        edits.connect(history, step, End(node.id, "output"), end, ports_of)
    assert [code for code, _ in problems(history.document)] == ["step.weights"]
    grouping.group(history, step, [node.id], ports_of, "inside")
    assert problems(history.document) == [
        (
            "step.weights",
            "'inside' has weights: no training step teaches them, no checkpoint keeps them.",
        )
    ]


def test_a_block_that_calls_a_network_is_refused(contrast: tuple[History, Graph]) -> None:
    history, step = contrast
    inner = edits.add_graph(history, "block", "inner")
    outer = edits.add_graph(history, "block", "outer")
    edits.add_node(
        history, inner, "netbuilder.NetworkCall", name="call", params={"network": "encoder"}
    )
    blocks.place(history, outer, inner)
    blocks.place(history, step, outer)
    told = [message for code, message in problems(history.document) if code == "block.step"]
    assert told == [
        "'inner' calls the network 'encoder', and a training step calls its networks itself."
    ]

"""Counts against numbers worked out by hand, and against the built module."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

import netbuilder as nb
from netbuilder.analysis import costs
from netbuilder.app.templates import open_template, templates
from netbuilder.compiler.build import build_network
from netbuilder.errors import NetbuilderError, ProblemsError
from netbuilder.graph.document import Document
from tests.analysis.references import REFERENCES, Reference, kept_bytes, macs


def by_name(network: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in network["nodes"]}


def test_a_small_network_by_hand() -> None:
    project = nb.Project()
    net = project.add_network("main")
    image = net.add("netbuilder.Input", name="image", shape=(1, 8, 8))
    conv1 = net.add("torch.nn.Conv2d", name="conv1", out_channels=32, kernel_size=3, padding=1)
    relu = net.add("torch.nn.ReLU", name="relu")
    conv2 = net.add("torch.nn.Conv2d", name="conv2", out_channels=64, kernel_size=3, stride=2)
    flat = net.add("torch.nn.Flatten", name="flat")
    head = net.add("torch.nn.Linear", name="head", out_features=10)
    logits = net.add("netbuilder.Output", name="logits")
    chain = [image, conv1, relu, conv2, flat, head, logits]
    for source, target in itertools.pairwise(chain):
        net.connect(source, target)
    network = costs.summary(project.document, None, {})["networks"]["main"]
    assert network["inputs"] == {"image": ["N", 1, 8, 8]}
    assert network["outputs"] == {"logits": ["N", 10]}
    nodes = by_name(network)
    assert nodes["conv1"]["macs"] == 8 * 8 * 32 * 1 * 9
    assert nodes["conv2"]["macs"] == 3 * 3 * 64 * 32 * 9
    assert nodes["head"]["macs"] == 3 * 3 * 64 * 10
    assert nodes["relu"]["macs"] == 0
    assert nodes["conv2"]["parameters"] == 64 * 32 * 9 + 64
    assert nodes["conv2"]["inputs"] == {"input": ["N", 32, 8, 8]}
    assert network["macs"] == sum(node["macs"] for node in network["nodes"])
    assert network["parameters"] == sum(node["parameters"] for node in network["nodes"])
    assert network["trainable"] == network["parameters"]


@pytest.mark.parametrize("id", [info.id for info in templates()])
def test_templates_have_the_parameters_that_they_say(id: str) -> None:
    document = open_template(id)
    said = next(info.networks for info in templates() if info.id == id)
    found = costs.summary(document, None, {})["networks"]
    assert {name: network["parameters"] for name, network in found.items()} == dict(said)
    for name, network in found.items():
        with torch.device("meta"):
            network_of = build_network(document, name)
        assert network["parameters"] == sum(weight.numel() for weight in network_of.parameters())
        kinds = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
        multiplies = any(isinstance(module, kinds) for module in network_of.modules())
        assert network["macs"] > 0 or not multiplies


# -- against PyTorch's own tools --------------------------------------------------------------

SINGLE = [reference for reference in REFERENCES if reference.there]


def found(reference: Reference, batch: int = 1) -> dict[str, Any]:
    shapes = {name: (batch, *shape[1:]) for name, shape in reference.shapes.items()}
    result: dict[str, Any] = costs.summary(reference.draw().document, "main", shapes)
    network: dict[str, Any] = result["networks"]["main"]
    return network


@pytest.mark.parametrize("reference", SINGLE, ids=[r.name for r in SINGLE])
def test_costs_are_those_that_pytorch_finds_in_the_same_written_by_hand(
    reference: Reference,
) -> None:
    network = found(reference)
    module = reference.module()
    assert network["parameters"] == sum(weight.numel() for weight in module.parameters())
    assert network["macs"] == macs(reference) > 0
    if reference.by_hand:
        assert network["macs"] == reference.by_hand
    assert network["macs"] == sum(node["macs"] for node in network["nodes"])
    kept, wanted = found(reference, 5)["kept_bytes"], kept_bytes(reference, 5)
    assert kept == pytest.approx(wanted, rel=0.02 if reference.copies else 0)
    assert kept > 0
    assert network["kept_bytes"] == sum(node["kept_bytes"] for node in network["nodes"])


def test_what_is_in_a_block_is_told_for_each_use() -> None:
    network = found(next(r for r in REFERENCES if r.name == "blocks"))
    nodes = by_name(network)
    one, two = network["blocks"]
    assert [use["block"] for use in (one, two)] == ["part", "part"]
    assert [use["path"].split("/")[1] for use in (one, two)] == [
        nodes["one"]["id"],
        nodes["two"]["id"],
    ]
    fc = [by_name(use)["fc"] for use in (one, two)]
    assert [node["macs"] for node in fc] == [16 * 24, 3 * 24 * 24], "all repetitions together"
    assert [node["macs"] for node in fc] == [nodes[name]["macs"] for name in ("one", "two")]
    assert [node["parameters"] for node in fc] == [16 * 24 + 24, 24 * 24 + 24]
    assert fc[0]["inputs"] == {"input": ["N", 16]}
    relu = by_name(one)["relu"]
    assert relu["kept_bytes"] == relu["output_bytes"] == 4 * 24
    for name, use in (("one", one), ("two", two)):
        for cost in ("macs", "kept_bytes"):
            assert nodes[name][cost] == sum(node[cost] for node in use["nodes"])


def test_weights_of_one_node_at_two_places_count_once_and_work_twice() -> None:
    network = found(next(r for r in REFERENCES if r.name == "shared weights"))
    nodes = by_name(network)
    assert [nodes[name]["parameters"] for name in ("one", "two")] == [16 * 16 + 16, 0]
    assert [nodes[name]["macs"] for name in ("one", "two")] == [16 * 16, 16 * 16]


def test_what_comes_out_is_counted_where_it_is_made() -> None:
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="image", shape=(2, 4, 4))
    flat = net.add("torch.nn.Flatten", name="flat")
    head = net.add("torch.nn.Linear", name="head", out_features=3)
    y = net.add("netbuilder.Output", name="y")
    for source, target in itertools.pairwise([x, flat, head, y]):
        net.connect(source, target)
    network = costs.summary(project.document, None, {"image": [5, 2, 4, 4]})["networks"]["main"]
    nodes = by_name(network)
    assert nodes["flat"]["output_bytes"] == nodes["image"]["output_bytes"] == 5 * 32 * 4
    assert nodes["head"]["output_bytes"] == 5 * 3 * 4
    assert network["output_bytes"] == 5 * 3 * 4, "a view is no memory of its own"
    assert network["kept_bytes"] == nodes["head"]["kept_bytes"] == 5 * 32 * 4


def recurrent() -> Document:
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="signal", shape=("T", 3))
    memory = net.add("torch.nn.LSTM", name="memory", hidden_size=5, batch_first=True)
    y = net.add("netbuilder.Output", name="y")
    net.connect(x, memory["input"])
    net.connect(memory["output"], y)
    return project.document


def test_a_length_can_be_given_and_has_a_default() -> None:
    one_step = 4 * 5 * (3 + 5)
    default = costs.summary(recurrent(), None, {})["networks"]["main"]
    assert default["macs"] == costs.FREE_SIZE * one_step
    assert by_name(default)["memory"]["macs"] == default["macs"]
    given = costs.summary(recurrent(), "main", {"signal": [1, 7, 3]})["networks"]["main"]
    assert given["macs"] == 7 * one_step
    assert given["inputs"] == {"signal": ["N", "T", 3]}
    two = costs.summary(recurrent(), "main", {"signal": [2, 7, 3]})["networks"]["main"]
    assert two["macs"] == 2 * given["macs"]


def test_attention_is_counted_whole() -> None:
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="x", shape=(6, 8))
    attend = net.add("torch.nn.MultiheadAttention", name="attend", num_heads=2, batch_first=True)
    y = net.add("netbuilder.Output", name="y")
    for port in ("query", "key", "value"):
        net.connect(x, attend[port])
    net.connect(attend, y)
    network = costs.summary(project.document, None, {})["networks"]["main"]
    projections, products = 4 * 6 * 8 * 8, 2 * 6 * 6 * 8
    assert network["macs"] == by_name(network)["attend"]["macs"] == projections + products


def test_another_size_of_input_is_worked_out_without_touching_the_project() -> None:
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="image", shape=(3, 8, 8))
    c = net.add("torch.nn.Conv2d", name="conv", out_channels=4, kernel_size=3, padding=1)
    y = net.add("netbuilder.Output", name="y")
    net.connect(x, c)
    net.connect(c, y)
    before = project.document.copy()
    sizes = {"image": [1, 3, 16, 16]}
    network = costs.summary(project.document, None, sizes)["networks"]["main"]
    assert network["inputs"] == {"image": ["N", 3, 16, 16]}
    assert network["macs"] == 16 * 16 * 4 * 3 * 9
    assert project.document == before


def test_sizes_that_do_not_fit_are_refused() -> None:
    document = open_template("digits_cnn")
    with pytest.raises(NetbuilderError, match="no input 'picture'"):
        costs.summary(document, None, {"picture": [1, 2]})
    with pytest.raises(NetbuilderError, match="4 sizes: Nx1x8x8"):
        costs.summary(document, None, {"image": [1, 8, 8]})
    with pytest.raises(ProblemsError, match="no network called 'other'"):
        costs.summary(document, "other", {})

"""Counts against numbers worked out by hand, and against the built module."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import netbuilder as nb
from netbuilder.analysis import costs
from netbuilder.app.templates import open_template, templates
from netbuilder.compiler.build import build_network
from netbuilder.errors import NetbuilderError, ProblemsError
from netbuilder.graph.document import Document


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
        built = sum(weight.numel() for weight in build_network(document, name).parameters())
        assert network["parameters"] == built
        assert network["macs"] > 0


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

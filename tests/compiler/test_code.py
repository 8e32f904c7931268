"""The source that a person reads, as a good engineer lays it out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.app import templates
from netbuilder.compiler.build import build_network, locate_error, network_source
from netbuilder.graph.model import Node
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import layers
from tests.compiler.reading import one_line
from tests.drawing import Drawing
from tests.layers.cases import case
from tests.layers.harness import Network

RULES = "E,F,W,I,UP,B,RET,SIM"
RUN = [id for id, kind in layers().items() if kind.role is Role.LAYER]


def ruff(*arguments: str) -> str:
    """What ruff says with its own settings."""
    command = [sys.executable, "-m", "ruff", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def refused(folder: Path) -> str:
    """What ruff's formatter or linter would change in the sources of a folder."""
    # Comments of shapes may be longer than a line.
    checked = ruff("check", "--isolated", "--select", RULES, "--ignore", "E501", str(folder))
    return ruff("format", "--isolated", "--diff", str(folder)) + checked


def test_ruff_has_nothing_to_say_of_the_templates(tmp_path: Path) -> None:
    for info in templates.templates():
        document = templates.open_template(info.id)
        for network in document.of_kind("network"):
            source = network_source(document, network.name)
            (tmp_path / f"{info.id}_{network.name}.py").write_text(source.text, "utf-8")
    assert len(list(tmp_path.iterdir())) >= 6
    assert refused(tmp_path) == ""


def test_ruff_has_nothing_to_say_of_any_layer(tmp_path: Path) -> None:
    for id in RUN:
        drawing = Network(layers()[id], case(id, 0)).drawing
        source = network_source(drawing.document, "main")
        (tmp_path / f"{id.replace('.', '_').lower()}.py").write_text(source.text, "utf-8")
    assert refused(tmp_path) == ""


def test_long_names_are_laid_out_too(tmp_path: Path) -> None:
    d = Drawing()
    long = "a_name_of_some_fifty_characters_that_nobody_would_take"
    x = d.input(3, 32, 32, name=f"{long}_1")
    y = d.input(3, 32, 32, name=f"{long}_2")
    both = d.add("torch.cat", x, y, name=f"{long}_3", dim=1)
    conv = d.add(
        "torch.nn.Conv2d", both, name=f"{long}_4", out_channels=64, kernel_size=3, padding="same"
    )
    lstm = d.add(
        "torch.nn.LSTM",
        d.input("T", 8, name=f"{long}_5"),
        name=f"{long}_6",
        hidden_size=4,
        batch_first=True,
    )
    values: list[Node | tuple[Node, str]] = [conv, *((lstm, p) for p in ("output", "h_n", "c_n"))]
    for i, value in enumerate(values):
        d.output(value, name=f"{long}_out{i}")
    source = network_source(d.document, "main").text
    assert len(max((line.partition("#")[0].rstrip() for line in source.splitlines()), key=len)) < 89
    (tmp_path / "long.py").write_text(source, "utf-8")
    assert refused(tmp_path) == ""
    outputs = build_network(d.document, "main")(
        torch.zeros(2, 3, 32, 32), torch.zeros(2, 3, 32, 32), torch.zeros(2, 5, 8)
    )
    assert len(outputs) == 4


# -- chains ------------------------------------------------------------------------------------


def chain(input: str = "input") -> Drawing:
    d = Drawing()
    x = d.input(8, name=input)
    x = d.add("torch.nn.Linear", x, name="hidden", out_features=16)
    x = d.add("torch.nn.ReLU", x, name="relu")
    d.output(d.add("torch.nn.Linear", x, name="head", out_features=4), name="logits")
    return d


CHAIN = '''\
from torch import nn


class Main(nn.Sequential):
    """input N×8 -> logits N×4."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(8, 16)  # N×16
        self.relu = nn.ReLU()  # N×16
        self.head = nn.Linear(16, 4)  # N×4
'''


def test_a_chain_is_an_nn_sequential_with_the_nodes_names() -> None:
    d = chain()
    assert network_source(d.document, "main").text == CHAIN
    model = build_network(d.document, "main")
    assert isinstance(model, nn.Sequential)
    assert list(model.state_dict()) == ["hidden.weight", "hidden.bias", "head.weight", "head.bias"]
    x = torch.randn(3, 8)
    first, _, second = model
    assert torch.equal(model(x), second(torch.relu(first(x))))
    assert torch.equal(model(input=x), model(x)), "an input goes by its name too"


def test_a_chain_whose_input_has_another_name_keeps_it() -> None:
    d = chain("pixels")
    model = build_network(d.document, "main")
    assert not isinstance(model, nn.Sequential)
    assert model(pixels=torch.zeros(1, 8)).shape == (1, 4)


@pytest.mark.parametrize("what", ["side", "function", "two"])
def test_what_is_no_chain_is_none(what: str) -> None:
    d = Drawing()
    x = d.input(8, name="input")
    first = d.add("torch.nn.Linear", x, name="first", out_features=8)
    match what:
        case "side":
            d.output(d.add("torch.add", d.add("torch.nn.ReLU", first), first))
        case "function":
            d.output(d.add("torch.mean", d.add("torch.nn.ReLU", first), dim=1))
        case "two":
            d.output(d.add("torch.nn.ReLU", first), name="a")
            d.output(first, name="b")
    assert "nn.Sequential" not in one_line(network_source(d.document, "main").text)


def test_an_error_inside_a_chain_is_located_at_its_node() -> None:
    d = chain()
    model: Any = build_network(d.document, "main")
    model.head = nn.Linear(7, 4)
    with pytest.raises(RuntimeError) as caught:
        model(torch.zeros(3, 8))
    located = locate_error(caught.value)
    assert located is not None
    assert located.name == "head"
    assert "'head' failed with input 3×16 float32" in located.message

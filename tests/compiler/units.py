"""Drawings of blocks, and what the compiler says of them."""

from __future__ import annotations

from typing import Any

from netbuilder.compiler.analyse import compile_document
from netbuilder.errors import Problem
from netbuilder.graph.model import Node
from tests.drawing import Drawing

CHANNELS = {"name": "channels", "default": 64, "help": ""}
STRIDE = {"name": "stride", "default": 1, "help": ""}


def new(*parameters: dict[str, Any], name: str = "unit") -> Drawing:
    """A drawing in which the block is open; `main` is its empty network."""
    d = Drawing()
    d.add_graph("block", name, parameters=parameters)
    return d


def close(d: Drawing) -> None:
    """Back to the network."""
    d.graph = d.document.of_kind("network")[0]


def conv(d: Drawing, x: Node, name: str, **params: Any) -> Node:
    usual = {"out_channels": "=channels", "kernel_size": 3, "padding": 1, "bias": False}
    return d.add("Conv2d", x, name=name, **{**usual, **params})


def simple(*, channels: Any = "=channels") -> Drawing:
    """A block of convolution, norm and activation."""
    d = new(CHANNELS, STRIDE)
    x = d.add("netbuilder.BlockInput", name="x")
    h = conv(d, x, "conv", out_channels=channels, stride="=stride")
    h = d.add("BatchNorm2d", h, name="bn")
    d.output(d.add("ReLU", h, name="act"), name="y")
    close(d)
    return d


def use(d: Drawing, *sources: Node, name: str, block: str = "unit", **params: Any) -> Node:
    return d.add("netbuilder.Block", *sources, name=name, block=block, **params)


def problems(d: Drawing) -> list[Problem]:
    return list(compile_document(d.document, {}).problems)


def codes(d: Drawing) -> list[str]:
    return [problem.code for problem in problems(d) if problem.severity == "error"]

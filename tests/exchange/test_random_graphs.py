"""Small random networks survive every way out and in: file, Python module and ONNX."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from netbuilder.compiler.build import build_network
from netbuilder.engine import tasks
from netbuilder.exchange.bring import importing
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph.document import Document
from netbuilder.storage import format
from tests.drawing import Drawing
from tests.exchange.around import go_around, layers

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]

FLAT = ("Linear", "LayerNorm", "ReLU", "Tanh", "GELU", "Dropout", "torch.add", "torch.cat")
SPATIAL = (
    "Conv2d",
    "BatchNorm2d",
    "ReLU",
    "SiLU",
    "MaxPool2d",
    "AvgPool2d",
    "torch.add",
    "torch.mul",
)
WEIGHTY = frozenset({"torch.nn.Linear", "torch.nn.Conv2d", "torch.nn.LayerNorm"})
"""Layers that come back from ONNX one for one."""


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A network of a few layers in a row, with sums and products of what was before."""
    d = Drawing()
    picture = draw(st.booleans())
    x = d.input(*((2, 8, 8) if picture else (6,)), name="x")
    before = [x]
    for kind in draw(st.lists(st.sampled_from(SPATIAL if picture else FLAT), max_size=6)):
        match kind:
            case "Linear":
                x = d.add(kind, x, out_features=draw(st.sampled_from([4, 6])))
            case "Conv2d":
                x = d.add(kind, x, out_channels=draw(st.sampled_from([2, 4])), kernel_size=1)
            case "LayerNorm":
                x = d.add(kind, x)
            case "MaxPool2d" | "AvgPool2d":
                x = d.add(kind, x, kernel_size=3, stride=1, padding=1)
            case "torch.add" | "torch.mul":
                x = d.add(kind, x, d.add("Tanh", x))
            case "torch.cat":
                x = d.add("Linear", d.add(kind, x, before[-1], dim=1), out_features=6)
            case _:
                x = d.add(kind, x)
        before.append(x)
    d.output(x, name="y")
    return d.document


def counted(document: Document) -> Counter[str]:
    """How often each layer is in the network, without ends."""
    graph = document.network("main")
    assert graph is not None
    kinds = (node.layer for node in graph.nodes.values())
    return Counter(kind for kind in kinds if kind not in ("netbuilder.Input", "netbuilder.Output"))


@given(documents())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_file_and_the_module_come_back(document: Document) -> None:
    """Equal as documents; as a module with the same layers and the same numbers."""
    assert format.from_json(format.to_json(document)) == document
    torch.manual_seed(1)
    module = build_network(document, "main").eval()
    graph = document.network("main")
    assert graph is not None
    x = next(node for node in graph.nodes.values() if node.name == "x")
    shape = tuple(x.params["shape"])
    found = importing.from_module(module, torch.randn(2, *shape))
    assert found.unsupported == ()
    assert found.verified, found.notes
    assert counted(found.document) == counted(document)


@given(documents())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_printed_code_stands_alone(document: Document) -> None:
    """The file that is exported as code computes the same with the same weights."""
    torch.manual_seed(1)
    module = build_network(document, "main").eval()
    with TemporaryDirectory() as folder:
        out = Path(folder) / "net.py"
        tasks.export(document, ExportOptions("code"), out)
        names = runpy.run_path(str(out))
    alone: nn.Module = names[type(module).__name__]().eval()
    alone.load_state_dict(module.state_dict())
    graph = document.network("main")
    assert graph is not None
    x = next(node for node in graph.nodes.values() if node.name == "x")
    for batch in (1, 3):
        value = torch.randn(batch, *x.params["shape"])
        with torch.no_grad():
            torch.testing.assert_close(alone(value), module(value), rtol=0, atol=0)


@given(documents())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.filterwarnings("ignore")
def test_onnx_goes_around(document: Document) -> None:
    """Both files are equal, and layers with weights are as many as in the original."""
    with TemporaryDirectory() as folder:
        found = go_around(document, "main", Path(folder))
    assert max(found.errors.values()) < 1e-5
    come, gone = Counter(layers(found.brought)), counted(document)
    for kind in WEIGHTY:
        assert come[kind] == gone[kind], (come, gone)

"""A layer that the installed PyTorch does not have yet is told as that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import netbuilder as nb
from netbuilder.compiler import libraries
from netbuilder.engine import devices
from netbuilder.errors import ProblemsError


@pytest.fixture
def _older(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A PyTorch without Mish."""
    monkeypatch.delattr(torch.nn, "Mish")
    libraries.lacks.cache_clear()
    yield
    libraries.lacks.cache_clear()


def drawn() -> nb.Project:
    project = nb.Project()
    net = project.add_network("main")
    nodes = [
        net.add("netbuilder.Input", shape=(4,)),
        net.add("torch.nn.Mish", name="mish"),
        net.add("netbuilder.Output"),
    ]
    net.connect(nodes[0], nodes[1])
    net.connect(nodes[1], nodes[2])
    return project


@pytest.mark.usefixtures("_older")
def test_the_node_needs_a_newer_pytorch() -> None:
    (problem,) = drawn().check()
    assert (problem.severity, problem.code) == ("error", "layer.newer_torch")
    assert problem.message.startswith("'mish' needs a newer PyTorch")
    assert torch.__version__ in problem.message
    with pytest.raises(ProblemsError, match="needs a newer PyTorch"):
        drawn().module()


@pytest.mark.usefixtures("_older")
def test_the_window_is_told() -> None:
    assert "torch.nn.Mish" in devices.lacks()


def test_this_pytorch_has_it() -> None:
    assert drawn().check() == []
    assert "torch.nn.Mish" not in devices.lacks()
    assert not libraries.lacks("netbuilder.Input")
    assert not libraries.lacks("torch.nn.functional.relu")
    assert libraries.lacks("torch.nn.functional.relu_of_tomorrow")

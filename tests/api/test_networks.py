"""A project whose networks use one another: trained, resumed, exported."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

import netbuilder as nb
from netbuilder.api import GraphRef, NodeRef
from netbuilder.engine import trained
from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.records.folder import RunFolder


def chain(graph: GraphRef, *nodes: NodeRef) -> NodeRef:
    for source, target in pairwise(nodes):
        graph.connect(source, target)
    return nodes[-1]


def project() -> nb.Project:
    """An autoencoder around an encoder; one step trains both, through either."""
    made = nb.Project()
    made.set(title="Codes", data={"source": "netbuilder.Diabetes"})
    for name, call in (("autoencoder", True), ("encoder", False)):
        net = made.add_network(name)
        x = net.add("netbuilder.Input", name="features", shape=(10,))
        if not call:
            fc = net.add("torch.nn.Linear", name="fc", out_features=4, bias=False)
            norm = net.add("torch.nn.BatchNorm1d", name="norm")
            chain(net, x, fc, norm, net.add("netbuilder.Output", name="code"))
        else:
            inner = net.add("netbuilder.NetworkCall", name="code", network="encoder")
            head = net.add("torch.nn.Linear", name="decoder", in_features=4, out_features=10)
            end = net.add("netbuilder.Output", name="rebuilt")
            chain(net, head, end)
            rest = (net, x, inner, head)
    chain(*rest)
    step = made.add_step(updates=("autoencoder", "encoder"), optimizer={"kind": "Adam"})
    x = step.add("netbuilder.DataField", name="features", field="features")
    whole = step.add("netbuilder.NetworkCall", name="whole", network="autoencoder")
    alone = step.add("netbuilder.NetworkCall", name="alone", network="encoder")
    wrong = step.add("torch.nn.MSELoss", name="mse")
    size = step.add("torch.nn.L1Loss", name="size")
    both = step.add("torch.add", name="sum")
    chain(step, x, whole, wrong, both)
    step.connect(x, wrong)
    chain(step, x, alone, size, both)
    zero = step.add("torch.sub", name="zero")
    step.connect(alone, zero["input"])
    step.connect(alone, zero["other"])
    step.connect(zero, size)
    chain(step, both, step.add("netbuilder.Objective", name="loss"))
    return made


def weights(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    checkpoint, _ = RunFolder.open(path).read_checkpoint("last")
    return checkpoints.networks(checkpoint)


def test_networks_that_share_are_trained_resumed_and_exported(tmp_path: Path) -> None:
    made = project()
    assert [p.message for p in made.check()] == []
    settings: dict[str, Any] = {"seed": 1, "device": "cpu", "batch_size": 64}
    whole = nb.train(made, tmp_path / "whole", epochs=4, **settings)
    nb.train(made, tmp_path / "parts", epochs=2, **settings)
    parts = nb.train(made, tmp_path / "parts", resume=True, epochs=4, **settings)
    assert parts.metrics == whole.metrics
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    for name, tensors in one.items():
        assert all(torch.equal(other[name][key], tensor) for key, tensor in tensors.items())
    # What both have is the same in both.
    for key, tensor in one["encoder"].items():
        assert torch.equal(one["autoencoder"][f"encoder.{key}"], tensor)
    encoder = trained.load(tmp_path / "whole", "encoder").module
    rebuild: Any = trained.load(tmp_path / "whole", "autoencoder").module
    x = torch.randn(3, 10)
    assert torch.equal(rebuild(x), rebuild.decoder(encoder(x)))


@pytest.mark.nightly
def test_a_network_in_another_goes_into_onnx(tmp_path: Path) -> None:
    answer = nb.export_onnx(project(), tmp_path / "x.onnx", network="autoencoder")
    assert answer["verified"] is True

"""Weights that go: what stays computes what it must, and what can't go is told."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import netbuilder as nb
from netbuilder.app.templates import open_template
from netbuilder.compiler import build
from netbuilder.errors import ExportError, NetbuilderError
from netbuilder.exchange.smaller import pruning
from netbuilder.graph.document import Document


def lively(document: Document, network: str = "main", seed: int = 0) -> nn.Module:
    """A network in which nothing is as it was made: norms have learnt something too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build.build_network(document, network)
        for key, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(0.2 * torch.rand_like(tensor) + 0.1 * torch.randn_like(tensor))
                if key.endswith("running_var"):
                    tensor.abs_().add_(0.5)
    return module.eval()


def chain(*layers: tuple[str, dict[str, Any]], shape: tuple[Any, ...]) -> Document:
    project = nb.Project()
    net = project.add_network("main")
    last = net.add("netbuilder.Input", shape=shape)
    for name, params in layers:
        node = net.add(name if "." in name else f"torch.nn.{name}", **params)
        net.connect(last, node)
        last = node
    net.connect(last, net.add("netbuilder.Output"))
    return project.document


def test_a_chain_of_all_that_can_go() -> None:
    document = chain(
        ("Conv2d", {"out_channels": 8, "kernel_size": 3, "name": "a"}),
        ("BatchNorm2d", {}),
        ("PReLU", {"num_parameters": 8}),
        ("ConvTranspose2d", {"out_channels": 12, "kernel_size": 2, "stride": 2, "name": "b"}),
        ("InstanceNorm2d", {"affine": True}),
        ("Dropout2d", {}),
        ("Upsample", {"scale_factor": 2}),
        ("Conv2d", {"out_channels": 6, "kernel_size": 3, "bias": False, "name": "c"}),
        ("MaxPool2d", {"kernel_size": 2}),
        ("Flatten", {}),
        ("Linear", {"out_features": 20, "name": "d"}),
        ("BatchNorm1d", {}),
        ("GELU", {}),
        ("Linear", {"out_features": 3, "name": "e"}),
        shape=(2, 8, 8),
    )
    module = lively(document)
    found = pruning.structured(document, "main", module, 0.5)
    assert dict(found.cut) == {"a": (8, 4), "b": (12, 6), "c": (6, 3), "d": (20, 10)}
    assert [(each.name, each.reason) for each in found.refusals] == [
        ("e", "it is what its graph gives.")
    ]
    assert found.error < 1e-5
    small = build.build_network(found.document, "main").eval()
    small.load_state_dict(found.weights)
    images = torch.rand(2, 2, 8, 8)
    with torch.no_grad():
        assert not torch.allclose(small(images), module(images), rtol=1e-2)
    # Those that count least went.
    norms = module.get_parameter("a.weight").flatten(1).norm(dim=1)
    stay = norms.argsort(descending=True)[:4].sort().values
    assert torch.equal(found.weights["a.weight"], module.get_parameter("a.weight")[stay])
    assert torch.equal(found.weights["a.bias"], module.get_parameter("a.bias")[stay])
    # The project that it was made of is as it was.
    assert document.network("main") is not None
    assert build.build_network(document, "main").get_parameter("a.weight").shape[0] == 8


@pytest.mark.parametrize(
    ("template", "cut"),
    [
        ("vit_small", {"encoder_layer.widen": (3 * 128, 3 * 64)}),
        ("unet", {"double_conv.conv1": (352, 176)}),
    ],
)
def test_blocks_lose_the_same_number_at_each_of_their_uses(
    template: str, cut: dict[str, tuple[int, int]]
) -> None:
    document = open_template(template)
    found = pruning.structured(document, "main", lively(document), 0.5)
    assert dict(found.cut) == cut
    assert found.error < 1e-4
    # It can be cut again, also where uses work their sizes out.
    again = pruning.structured(found.document, "main", lively(found.document), 0.3)
    ((before, after),) = again.cut.values()
    (size,) = cut.values()
    # Of a size that 0.7 does not divide, the document and the weights keep the same number.
    assert before == size[1]
    assert after == pytest.approx(0.7 * before, abs=3)


@pytest.mark.parametrize(
    ("layers", "shape", "reason"),
    [
        ([("LayerNorm", {"normalized_shape": (8,)})], (4,), "(LayerNorm) mixes them"),
        ([("Softmax", {"dim": 1})], (4,), "(Softmax) mixes them"),
        ([("MaxPool1d", {"kernel_size": 2})], (6, 4), "another dim than that of its channels"),
        ([("BatchNorm1d", {})], (6, 4), "another dim than that of its channels"),
        ([("Conv1d", {"out_channels": 2, "kernel_size": 1})], (6, 4), "reads another dim"),
        ([("Flatten", {})], (6, 4), "mixes its channels with another dim"),
    ],
)
def test_what_mixes_features_keeps_them(
    layers: list[tuple[str, dict[str, Any]]], shape: tuple[int, ...], reason: str
) -> None:
    first, last = ("Linear", {"out_features": 8}), ("Linear", {"out_features": 2})
    document = chain(first, *layers, last, shape=shape)
    with pytest.raises(ExportError, match="No channels") as refusal:
        pruning.structured(document, "main", lively(document), 0.5)
    assert reason in refusal.value.hint


def test_groups_and_free_sizes_stay() -> None:
    document = chain(
        ("Conv1d", {"out_channels": 8, "kernel_size": 1, "groups": 2, "name": "grouped"}),
        ("Conv1d", {"out_channels": 8, "kernel_size": 1, "name": "before"}),
        ("Conv1d", {"out_channels": 8, "kernel_size": 1, "groups": 8, "name": "depthwise"}),
        ("AdaptiveAvgPool1d", {"output_size": 1}),
        ("Flatten", {}),
        ("Linear", {"out_features": 2, "name": "head"}),
        shape=(2, "T"),
    )
    with pytest.raises(ExportError) as refusal:
        pruning.structured(document, "main", lively(document), 0.5)
    for words in (
        "grouped: it works in groups of channels.",
        "before: 'depthwise' works in groups of channels.",
        "depthwise: it works in groups of channels.",
    ):
        assert words in refusal.value.hint


def test_shared_weights_and_values_that_go_elsewhere_stay() -> None:
    document = chain(
        ("Linear", {"out_features": 4, "name": "a"}),
        ("Linear", {"out_features": 4, "name": "b"}),
        ("Linear", {"out_features": 4, "name": "c"}),
        shape=(4,),
    )
    network = document.network("main")
    assert network is not None
    named = {node.name: node for node in network.nodes.values()}
    from dataclasses import replace

    from netbuilder.graph.changes import Changed

    with document.editing():
        before = named["b"]
        document.apply(Changed(network.id, before, replace(before, shares=named["a"].id)))
    with pytest.raises(ExportError) as refusal:
        pruning.structured(document, "main", lively(document), 0.5)
    assert "a: 'a' shares its weights with 'b'." in refusal.value.hint


def test_a_block_of_two_networks_stays_as_both_know_it() -> None:
    document = open_template("vit_small")
    project = nb.Project(document)
    other = project.add_network("other")
    start = other.add("netbuilder.Input", shape=(5, 64))
    values = {"heads": 4, "hidden": 32}
    use = other.add("netbuilder.Block", block="encoder_layer", values=values)
    other.connect(start, use)
    other.connect(use, other.add("netbuilder.Output"))
    with pytest.raises(ExportError) as refusal:
        pruning.structured(document, "main", lively(document), 0.5)
    assert "its block is used in 'other' as well." in refusal.value.hint


def test_the_smallest_weights_become_zero() -> None:
    document = open_template("digits_mlp")
    module = lively(document)
    state = pruning.zeroed(module, 0.7)
    own = module.state_dict()
    names = [key for key in own if key.endswith("weight")]
    zeros = sum(int((state[key] == 0).sum()) for key in names)
    assert zeros == int(0.7 * sum(own[key].numel() for key in names))
    largest = max(float(own[key][state[key] == 0].abs().max()) for key in names)
    smallest = min(float(state[key][state[key] != 0].abs().min()) for key in names)
    assert largest <= smallest
    for key in own.keys() - set(names):
        assert torch.equal(state[key], own[key])


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_some_and_not_all_is_to_go(share: float) -> None:
    with pytest.raises(NetbuilderError, match="can't be pruned"):
        pruning.check_share(share)

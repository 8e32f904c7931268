"""Templates of published networks are these networks: torchvision's weights, its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

import netbuilder as nb
from tests.templates import published

Weights = Mapping[str, Tensor]


def in_order(weights: Weights) -> Weights:
    return weights


def scale_last(weights: Weights) -> Weights:
    """ConvNeXt keeps the scale of a block before the layers that it follows."""
    ordered: dict[str, Tensor] = {}
    waiting: dict[str, Tensor] = {}
    for name, value in weights.items():
        if name.endswith("layer_scale"):
            waiting = {name: value}
            continue
        ordered[name] = value
        if name.endswith("block.5.bias"):
            ordered |= waiting
    return ordered


NETWORKS: dict[str, Callable[[Weights], Weights]] = {
    "alexnet": in_order,
    "convnext_tiny": scale_last,
    "densenet121": in_order,
    "efficientnet_b0": in_order,
    "googlenet": in_order,
    "mobilenet_v2": in_order,
    "resnet18": in_order,
    "resnet50": in_order,
    "resnet152": in_order,
    "squeezenet1_1": in_order,
    "vgg16": in_order,
}


def reference(id: str) -> nn.Module:
    models = published.torchvision_models()
    more = {"aux_logits": False, "init_weights": False} if id == "googlenet" else {}
    made: nn.Module = getattr(models, id)(weights=None, **more)
    return made


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("id", NETWORKS)
def test_a_template_computes_what_torchvision_does(id: str) -> None:
    theirs = reference(id).double().eval()
    published.randomise(theirs)
    ours = nb.template(id).module().double().eval()
    published.give(ours, NETWORKS[id](theirs.state_dict()))
    # Other sizes than that of training tell whether the rounding of strides is the same.
    for count, size in ((1, 224), (2, 131)):
        image = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(size))
        with torch.no_grad():
            wanted, got = theirs(image.double()), ours(image.double())
        assert wanted.std() > 1e-3 * wanted.abs().max()
        assert published.difference(got, wanted) <= 1e-9


@pytest.mark.nightly
@pytest.mark.parametrize("id", NETWORKS)
def test_a_template_trains_as_torchvision_does(id: str) -> None:
    with torch.device("meta"):
        theirs = reference(id)
    ours = nb.template(id).module()
    norms = (nn.BatchNorm2d, "eps", "momentum", "affine", "track_running_stats")
    assert published.settings(ours, *norms) == published.settings(theirs, *norms)
    assert published.settings(ours, nn.Dropout, "p") == published.settings(theirs, nn.Dropout, "p")


@pytest.mark.nightly
@pytest.mark.parametrize("id", ["convnext_tiny", "efficientnet_b0", "swin_t"])
def test_blocks_are_skipped_as_often_as_in_torchvision(id: str) -> None:
    with torch.device("meta"):
        theirs, ours = reference(id), nb.template(id).module()
    wanted = {
        round(float(getattr(block.stochastic_depth, "p", 0)), 12)
        for block in theirs.modules()
        if hasattr(block, "stochastic_depth") and getattr(block, "use_res_connect", True)
    }
    got = [m for m in ours.modules() if type(m).__name__ == "StochasticDepth"]
    assert {round(float(getattr(each, "p", 0)), 12) for each in got} == wanted
    assert len(wanted) >= 9

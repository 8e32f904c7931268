"""Networks are called in another mode, and are in their own afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.parts import calls

Call = Callable[..., Any]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), nn.Dropout(0.5), nn.Linear(4, 2)
    )


def modes(module: nn.Module) -> list[bool]:
    return [each.training for each in module.modules()]


@pytest.mark.parametrize("call", [calls.evaluated, calls.frozen])
@pytest.mark.parametrize("resting", ["0", "", "2"])
def test_every_module_is_in_its_own_mode_again(call: Call, resting: str) -> None:
    """A part that is frozen in eval mode must not wake up."""
    net = network()
    resting_module = net.get_submodule(resting)
    for module in resting_module.modules() if resting == "0" else [resting_module]:
        module.training = False
    before = modes(net)
    averages = net.state_dict()["0.1.running_mean"].clone()
    x = torch.randn(8, 4)
    first, second = call(net, x), call(net, x)
    # In eval mode all of it, whatever mode it was in: no dropout, no new running averages.
    assert torch.equal(first, second)
    assert torch.equal(net.state_dict()["0.1.running_mean"], averages)
    assert modes(net) == before


@pytest.mark.parametrize("call", [calls.evaluated, calls.frozen])
def test_modes_come_back_after_a_failure(call: Call) -> None:
    net = network()
    net[0].eval()
    before = modes(net)
    with pytest.raises(RuntimeError):
        call(net, torch.randn(8, 5))
    assert modes(net) == before


def test_a_frozen_call_passes_gradients_to_its_inputs_alone() -> None:
    net = network()
    x = torch.randn(8, 4, requires_grad=True)
    calls.frozen(net, x).sum().backward()
    assert x.grad is not None
    assert all(parameter.grad is None for parameter in net.parameters())

"""Cases of `netbuilder.layers.gradient`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.layers.cases.common import Generator, elementwise

CASES: Mapping[str, Generator] = {
    "torch.Tensor.detach": elementwise(),
    "netbuilder.GradientReversal": elementwise(scale=[0.5, 2.0]),
    "netbuilder.GradientScale": elementwise(scale=[0.5, -2.0]),
    "netbuilder.GradientClip": elementwise(limit=[0.5, 2.0]),
    "netbuilder.StraightThrough": elementwise(function="sign"),
}

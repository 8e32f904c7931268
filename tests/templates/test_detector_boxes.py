"""The network that reads the detector's maps finds the boxes that made them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import netbuilder as nb
from netbuilder.data import arrays
from netbuilder.data.made.scenes import Scenes


class Sure(nn.Module):
    """A detector that knows the maps of some scenes."""

    def __init__(self, heat: Tensor, geometry: Tensor) -> None:
        super().__init__()
        self.heat, self.geometry = heat, geometry

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return torch.logit(self.heat, 1e-4), self.geometry


@pytest.mark.templates
def test_peaks_become_the_boxes_of_the_scenes() -> None:
    scenes = {k: torch.from_numpy(v) for k, v in arrays.load(Scenes(count=40, size=64)).items()}
    reader = nb.template("detector_small").module("boxes").eval()
    reader.detector = Sure(scenes["heat"], scenes["geometry"])
    with torch.no_grad():
        box, confidence, kind = reader(scenes["image"])
    assert box.shape == (40, 8, 4)
    for number, (boxes, kinds) in enumerate(zip(scenes["boxes"], scenes["kinds"], strict=True)):
        sure = confidence[number] > 0.99
        found = sorted(
            [*b.tolist(), int(k) + 1]
            for b, k in zip(box[number][sure], kind[number][sure], strict=True)
        )
        told = sorted([*b.tolist(), int(k)] for b, k in zip(boxes, kinds, strict=True) if k)
        assert len(found) == len(told)
        for one, other in zip(found, told, strict=True):
            assert one == pytest.approx(other, abs=1e-3)

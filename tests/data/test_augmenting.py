"""Augmentation: what each kind does to samples and to what belongs to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from netbuilder.data import datasets, settings
from netbuilder.data.augmentation import IGNORED
from netbuilder.data.augmenting import Augmenter
from netbuilder.data.sources import Field
from netbuilder.data.statistics import Statistics
from netbuilder.errors import NetbuilderError

IMAGE = Field("image", (3, 8, 8))
MASK = Field("mask", (8, 8), "int64", high=4)
LABEL = Field("label", (), "int64", high=3, classes=("a", "b", "c"))
TEXT = Field("text", (200,), "int64", high=50)


def augmenter(*fields: Field, statistics: Any = None, **kind: Any) -> Augmenter:
    read = settings.read({"augment": [kind]})
    return Augmenter(read.augment, fields, statistics or {})


def batch(count: int = 64) -> dict[str, Tensor]:
    """Pictures whose channels say where each place is, and masks that say the same."""
    generator = torch.Generator().manual_seed(1)
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    place = torch.stack([rows + 1, columns + 1, rows * 0 + 1])
    mask = ((rows >= 4) * 2 + (columns >= 4)).long()
    return {
        "image": place.expand(count, 3, 8, 8).clone(),
        "mask": mask.expand(count, 8, 8).clone(),
        "label": torch.randint(0, 3, (count,), generator=generator),
    }


@pytest.mark.parametrize(
    "kind",
    [
        {"kind": "flip", "vertical": True},
        {"kind": "crop", "padding": 2},
        {"kind": "crop", "smallest": 0.5},
        {"kind": "rotate", "degrees": 40.0},
    ],
    ids=lambda kind: "-".join(map(str, kind.values())),
)
def test_masks_move_with_their_pictures(kind: dict[str, Any]) -> None:
    varied = augmenter(IMAGE, MASK, LABEL, **kind)(batch(), 0, 0, 0)
    image, mask = varied["image"], varied["mask"]
    assert not torch.equal(image, batch()["image"])
    row, column, there = image[:, 0], image[:, 1], image[:, 2] > 0.999
    # Where a place is far from the middle, its mask must be that of the place it came from.
    row, column = row / image[:, 2].clamp_min(0.1) - 1, column / image[:, 2].clamp_min(0.1) - 1
    clear = there & ((row - 3.5).abs() > 1) & ((column - 3.5).abs() > 1)
    assert clear.float().mean() > 0.2
    wanted = (row >= 4) * 2 + (column >= 4) * 1
    assert torch.equal(mask[clear], wanted[clear])
    assert torch.equal(varied["label"], batch()["label"])


def test_what_would_not_move_with_pictures_is_told() -> None:
    boxes = Field("boxes", (3, 4))
    with pytest.raises(NetbuilderError, match="boxes would not change with the pictures"):
        augmenter(IMAGE, boxes, kind="flip")(batch(), 0)
    augmenter(IMAGE, boxes, kind="flip", fields=["image"])(batch(), 0)
    with pytest.raises(NetbuilderError, match="can't change 'label'"):
        augmenter(IMAGE, LABEL, kind="flip", fields=["label"])(batch(), 0)
    with pytest.raises(NetbuilderError, match="fits no field"):
        augmenter(LABEL, kind="flip")(batch(), 0)
    second = Field("high", (3, 16, 16))
    with pytest.raises(NetbuilderError, match="which of image, high"):
        augmenter(IMAGE, second, kind="cutout")(batch(), 0)


def test_whole_pixels_are_not_blurred() -> None:
    image = augmenter(IMAGE, LABEL, kind="crop", padding=3)(batch(), 0)["image"]
    assert torch.equal(image[:, 2], (image[:, 2] > 0.5).float())
    assert torch.allclose(image[:, 0], image[:, 0].round(), atol=1e-4)


def test_colour_keeps_what_it_should_and_knows_units() -> None:
    grey = {"image": torch.rand(32, 1, 8, 8), "label": torch.zeros(32, dtype=torch.long)}
    only = {"contrast": 0.0, "saturation": 0.0}
    image = Field("image", (1, 8, 8))
    varied = augmenter(image, kind="colour", brightness=0.3, **only)(grey, 0)["image"]
    factor = (varied / grey["image"]).flatten(1)
    assert torch.allclose(factor, factor[:, :1].expand_as(factor), atol=1e-4)
    assert 0.7 <= factor.min() < 0.9
    assert 1.1 < factor.max() <= 1.3
    # Of normalised pictures the values of the data are brightened, not those of the network.
    scale = Statistics(torch.full((1, 1, 1), 0.5), torch.full((1, 1, 1), 0.25))
    normal = {"image": scale.normalise(grey["image"])}
    again = augmenter(
        image, kind="colour", statistics={"image": scale}, brightness=0.3, **only
    )(normal, 0)["image"]  # fmt: skip
    assert torch.allclose(scale.restore(again), varied, atol=1e-5)
    colours = torch.rand(16, 3, 8, 8)
    turned = augmenter(
        IMAGE, kind="colour", brightness=0.0, hue=0.3, **only
    )({"image": colours}, 0)["image"]  # fmt: skip
    # Turning hues moves colours about the axis of greys: their sums stay.
    assert torch.allclose(turned.sum(1), colours.sum(1), atol=1e-4)
    assert (turned - colours).abs().mean() > 0.05


def test_cutout_hides_a_square_of_the_picture_alone() -> None:
    given = batch()
    varied = augmenter(IMAGE, MASK, kind="cutout", size=0.5)(given, 0)
    assert ((varied["image"][:, 2] == 0).flatten(1).sum(1) == 16).all()
    assert torch.equal(varied["mask"], given["mask"])
    few = augmenter(IMAGE, kind="cutout", probability=0.25)(batch(400), 0)["image"]
    assert 60 < int((few[:, 2] == 0).flatten(1).any(1).sum()) < 140


def test_noise_has_its_deviation_and_leaves_targets_alone() -> None:
    features, target = Field("features", (50,)), Field("target", (1,))
    given = {"features": torch.zeros(200, 50), "target": torch.zeros(200, 1)}
    varied = augmenter(features, target, kind="noise", deviation=0.5)(given, 0)
    assert varied["features"].std().item() == pytest.approx(0.5, rel=0.05)
    assert torch.equal(varied["target"], given["target"])


def test_mixup_mixes_labels_as_it_mixes_samples() -> None:
    given = batch()
    given["image"] = given["label"].float().view(-1, 1, 1, 1).expand(-1, 3, 8, 8).clone()
    varied = augmenter(IMAGE, LABEL, kind="mixup", alpha=1.0)(given, 0)
    soft = varied["label_soft"]
    assert torch.allclose(soft.sum(1), torch.ones(64))
    wanted = (soft * torch.arange(3.0)).sum(1)
    assert torch.allclose(varied["image"][:, 0, 0, 0], wanted, atol=1e-5)
    assert torch.equal(varied["label"], given["label"])
    assert (soft.gather(1, given["label"][:, None]) >= 0.5).all()
    assert (soft.max(1).values < 0.999).float().mean() > 0.3


def test_mixup_mixes_targets_of_numbers() -> None:
    features, target = Field("features", (1,)), Field("target", (1,))
    given = {"features": torch.rand(64, 1), "target": torch.rand(64, 1)}
    given["target"] = 3 * given["features"]
    varied = augmenter(features, target, kind="mixup", alpha=1.0)(given, 0)
    assert torch.allclose(varied["target"], 3 * varied["features"], atol=1e-5)
    assert not torch.equal(varied["features"], given["features"])


def test_cutmix_mixes_labels_by_area_and_masks_by_place() -> None:
    given = batch()
    given["image"] = given["label"].float().view(-1, 1, 1, 1).expand(-1, 3, 8, 8).clone()
    given["mask"] = given["label"].view(-1, 1, 1).expand(-1, 8, 8).clone()
    varied = augmenter(IMAGE, MASK, LABEL, kind="cutmix")(given, 0)
    shares = torch.stack(
        [(varied["mask"] == label).flatten(1).float().mean(1) for label in range(3)]
    )
    assert torch.allclose(varied["label_soft"], shares.T, atol=1e-5)
    assert torch.equal(varied["image"][:, 0], varied["mask"].float())
    assert (shares.max(0).values < 1).float().mean() > 0.3


def test_tokens_are_hidden_as_in_bert() -> None:
    text = torch.randint(4, 50, (100, 200), generator=torch.Generator().manual_seed(0))
    text[:, 150:] = 0
    varied = augmenter(TEXT, kind="token_masking", mask=3, keep=[0])({"text": text}, 0)
    masked, hidden = varied["text_masked"], varied["text_hidden"]
    sought = hidden != IGNORED
    assert torch.equal(varied["text"], text)
    assert torch.equal(hidden[sought], text[sought])
    assert not sought[:, 150:].any()
    assert sought[:, :150].float().mean().item() == pytest.approx(0.15, rel=0.1)
    assert torch.equal(masked[~sought], text[~sought])
    assert (masked[sought] == 3).float().mean().item() == pytest.approx(0.8, rel=0.1)
    stay = (masked[sought] == text[sought]).float().mean().item()
    assert stay == pytest.approx(0.1 + 0.1 / 50, rel=0.2)


@pytest.mark.parametrize("kind", ["flip", "crop", "rotate", "colour", "cutout", "mixup", "cutmix"])
def test_the_same_is_drawn_for_the_same_batch_alone(kind: str) -> None:
    varies = augmenter(IMAGE, LABEL, kind=kind)
    given = batch()
    given["image"] = torch.rand_like(given["image"])
    first = varies(given, 1, 2, 3)["image"]
    before = torch.get_rng_state()
    assert torch.equal(varies(given, 1, 2, 3)["image"], first)
    assert torch.equal(torch.get_rng_state(), before)
    for other in ((0, 2, 3), (1, 0, 3), (1, 2, 0)):
        assert not torch.equal(varies(given, *other)["image"], first)


DIGITS: dict[str, Any] = {"source": "netbuilder.Digits", "augment": [{"kind": "mixup"}]}


def test_what_augmentations_add_is_a_field_like_others() -> None:
    types = settings.field_types(DIGITS)
    assert str(types["label_soft"]) == "N×10"
    data = datasets.prepare(settings.read(DIGITS))
    assert torch.equal(data.validation["label_soft"].argmax(1), data.validation["label"])
    assert data.train["label_soft"].max() == 1
    assert [field.name for field in data.fields] == ["image", "label", "label_soft"]


def test_the_validation_part_is_masked_always_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "source": "netbuilder.PythonCode",
        "params": {"letters": 10_000},
        "augment": [{"kind": "token_masking"}],
    }
    first, again = (datasets.prepare(settings.read(values)) for _ in range(2))
    assert torch.equal(first.validation["text_hidden"], again.validation["text_hidden"])
    share = (first.validation["text_hidden"] != IGNORED).float().mean().item()
    assert share == pytest.approx(0.15, rel=0.2)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({**DIGITS, "augment": [{"kind": "swirl"}]}, "no augment 'swirl'"),
        (
            {**DIGITS, "augment": [{"kind": "flip", "fields": ["picture"]}]},
            "can't change 'picture'",
        ),
        ({"source": "netbuilder.Diabetes", "augment": [{"kind": "flip"}]}, "'flip': it fits no"),
    ],
)
def test_wrong_settings_are_told(values: dict[str, Any], text: str) -> None:
    with pytest.raises(NetbuilderError, match=text):
        settings.field_types(values)


def test_arrays_stay_as_they_are() -> None:
    """The training part itself is not varied: only batches of it are."""
    plain = datasets.prepare(settings.read({"source": "netbuilder.Digits"}))
    varied = datasets.prepare(settings.read({**DIGITS, "augment": [{"kind": "flip"}]}))
    assert np.array_equal(plain.train["image"], varied.train["image"])
    assert torch.equal(plain.validation["image"], varied.validation["image"])

"""Images with masks: paired by name, classes by value, and pairs that can't be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netbuilder.app import fitting
from netbuilder.data import datasets, pictures, places
from netbuilder.data.loading import Dataset
from netbuilder.data.masks import MaskFolder
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import propose
from netbuilder.data.reading import opening
from netbuilder.data.reading.npy import CorruptSample
from netbuilder.data.settings import read, source_of
from netbuilder.engine import tasks
from netbuilder.errors import NetbuilderError, ProblemsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty images whose right half is light; their masks say so, as 0 and 255."""
    root = tmp_path / "halves"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for at in range(20):
        values = np.full((16, 16), 20 + at, np.uint8)
        values[:, 8:] = 200
        Image.fromarray(values).convert("RGB").save(root / "images" / f"{at}.jpg")
        mask = np.zeros((16, 16), np.uint8)
        mask[:, 8:] = 255
        Image.fromarray(mask).save(root / "masks" / f"{at}.png")
    return root


def dataset(folder: Path, **more: Any) -> Dataset:
    found = propose(folder)
    params = {**found.params, **more}
    with places.given(Places(None, (str(folder),))):
        return datasets.prepare(read({"source": found.source, "params": params}))


def test_pairs_are_read(folder: Path) -> None:
    (folder / "images" / "alone.jpg").write_bytes((folder / "images" / "1.jpg").read_bytes())
    found = propose(folder)
    assert (found.task, found.count) == ("segmentation", 20)
    assert found.notes == ("1 images have no mask.",)
    data = dataset(folder)
    image, mask = data.train["image"], data.train["mask"]
    assert image.shape == (16, 3, 16, 16)
    assert mask.shape == (16, 16, 16)
    assert ((image[:, 0] > 0.5) == (mask == 1)).float().mean() > 0.97
    assert data.notes[0][0] == "aside"


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_masks_keep_their_values_at_any_size(folder: Path, fit: str) -> None:
    mask = dataset(folder, height=11, width=23, fit=fit).train["mask"]
    assert mask.shape[1:] == (11, 23)
    assert set(np.unique(mask.numpy()).tolist()) == {0, 1}


def test_values_are_classes_in_the_order_given(tmp_path: Path) -> None:
    values = np.array([[7, 300], [0, 7]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    found = pictures.read_ids(tmp_path / "a.png", (2, 2), (300, 0, 7))
    assert found.tolist() == [[2, 0], [1, 2]]
    with pytest.raises(CorruptSample, match="the value 300, which is no class"):
        pictures.read_ids(tmp_path / "a.png", (2, 2), (0, 7))


def test_palettes_tell_numbers_not_colours(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 2)
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    image.save(tmp_path / "a.png")
    assert (pictures.read_ids(tmp_path / "a.png", (4, 4), (0, 1, 2)) == 2).all()


def test_a_bad_mask_is_passed_over(folder: Path) -> None:
    found = dataset(folder)
    Image.new("L", (16, 16), 9).save(folder / "masks" / "3.png")
    params = {**propose(folder).params, "values": [0, 255]}
    with places.given(Places(None, (str(folder),))):
        data = datasets.prepare(read({"source": MaskFolder.id, "params": params}))
    assert any("masks/3.png: the mask has the value 9" in text for _, text in data.notes)
    assert found.fingerprint != data.fingerprint


def test_colours_are_no_masks(folder: Path) -> None:
    for path in (folder / "masks").iterdir():
        Image.open(path).convert("RGB").save(path)
    with pytest.raises(NetbuilderError, match="have 0 values"):
        propose(folder)


def test_names_that_do_not_match(folder: Path) -> None:
    params = propose(folder).params
    (folder / "masks").rename(folder / "elsewhere")
    (folder / "masks").mkdir()
    with (
        places.given(Places(None, (str(folder),))),
        pytest.raises(ProblemsError, match="no images with masks of the same name"),
    ):
        datasets.prepare(read({"source": MaskFolder.id, "params": params}))


@pytest.mark.parametrize("name", ["../private", "a/b", "", ".hidden", "a\\b"])
def test_the_folders_lie_inside(name: str) -> None:
    with pytest.raises(NetbuilderError):
        source_of(read({"source": MaskFolder.id, "params": {"masks": name}}))


def test_a_template_for_masks_has_no_problems(folder: Path) -> None:
    proposal = propose(folder).to_json()
    assert "unet" in fitting.choose(proposal)
    document = fitting.begin("unet", proposal)
    assert tasks.analyse(document, source=False).problems == ()
    params = document.project.data["params"]
    assert (params["height"], params["width"]) == (32, 32)


def test_each_part_has_masks_of_the_rare_class(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in (0, 1, 2, 3):
        mask = np.zeros((16, 16), np.uint8)
        mask[:, 8:] = 255
        mask[:3, :3] = 7
        Image.fromarray(mask).save(folder / "masks" / f"{at}.png")
    params: dict[str, Any] = {
        "folder": str(folder),
        "values": (0, 7, 255),
        "height": 16,
        "width": 16,
    }
    data = {"source": MaskFolder.id, "params": params, "validation": 0.25}

    def rare(**more: Any) -> list[int]:
        with places.given(Places(None, (str(folder),))):
            found = datasets.prepare(read({**data, **more}))
        parts = (found.train["mask"], found.validation["mask"])
        return [int((part == 1).flatten(1).any(1).sum()) for part in parts]

    for seed in range(3):
        assert rare(seed=seed) == [3, 1]
    assert any(rare(seed=seed, stratify=False) != [3, 1] for seed in range(6))
    # One that can't be read is of no class.
    (folder / "masks" / "19.png").write_bytes(b"")
    with places.given(Places(None, (str(folder),))):
        strata = opening.open_source(MaskFolder(**params)).strata
        assert strata is not None
        assert sorted(strata().tolist()) == [*[0] * 15, *[1] * 4, 3]
    monkeypatch.setattr("netbuilder.data.reading.mask_reading.READ_FIRST", 10)
    with places.given(Places(None, (str(folder),))):
        notes = datasets.prepare(read(data)).notes
    assert "20 masks are too many to read before" in " ".join(text for _, text in notes)

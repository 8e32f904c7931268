"""Folders of images: what is read of them, within which limits, and what becomes of bad files."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netbuilder.data import pictures, places
from netbuilder.data.images import ImageFolder
from netbuilder.data.loading import Dataset
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import Proposal, propose
from netbuilder.data.reading import file_listing, opening
from netbuilder.data.reading.npy import CorruptSample
from netbuilder.data.settings import read
from netbuilder.errors import NetbuilderError, ProblemsError

CLASSES = ("cats", "dogs")


def picture(path: Path, value: int, size: tuple[int, int] = (12, 10), mode: str = "RGB") -> None:
    """One colour, (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour: Any = value if len(mode) == 1 else (value,) * len(mode)
    Image.new(mode, (size[1], size[0]), colour).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten images of each of two classes; those of dogs are brighter."""
    root = tmp_path / "pets"
    for at in range(10):
        picture(root / "cats" / f"{at}.png", 10 + at)
        picture(root / "dogs" / f"{at}.jpg", 200 + at)
    return root


def source(folder: Path, **values: Any) -> ImageFolder:
    params: dict[str, Any] = {"classes": CLASSES, "height": 8, "width": 8, **values}
    return ImageFolder(folder=str(folder), **params)


def dataset(folder: Path, in_memory: int = 2**20, **values: Any) -> Dataset:
    chosen = read({"source": ImageFolder.id, "validation": 0.2})
    with places.given(Places(None, (str(folder),))):
        return opening.prepare(source(folder, **values), chosen, in_memory=in_memory)


def rows(data: Dataset) -> dict[str, Any]:
    """All of the training part, in its order."""
    count = len(data.train["image"])
    return {name: np.asarray(data.train[name][list(range(count))]) for name in data.train}


def test_images_are_read_by_class(folder: Path) -> None:
    data = dataset(folder)
    found = rows(data)
    assert found["image"].shape == (16, 3, 8, 8)
    assert found["image"].dtype == np.float32
    assert found["label"].tolist() == [0] * 8 + [1] * 8
    assert (found["image"][:8] < 0.1).all()
    assert (found["image"][8:] > 0.75).all()
    assert (found["image"] <= 1.0).all()
    assert data.notes == ()


def test_in_memory_and_streamed_give_the_same_bits(folder: Path) -> None:
    (folder / "cats" / "3.png").write_bytes(b"no image")
    first, second = rows(dataset(folder)), rows(dataset(folder, in_memory=0))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert dataset(folder).fingerprint == dataset(folder, in_memory=0).fingerprint


def test_a_file_more_is_other_data(folder: Path) -> None:
    before = dataset(folder).fingerprint
    assert dataset(folder).fingerprint == before
    picture(folder / "cats" / "99.png", 3)
    assert dataset(folder).fingerprint != before


@pytest.mark.parametrize(
    ("fit", "corner", "middle"), [("crop", 255, 255), ("pad", 0, 255), ("stretch", 255, 255)]
)
def test_ways_to_bring_images_to_one_size(
    tmp_path: Path, fit: pictures.Fit, corner: int, middle: int
) -> None:
    picture(tmp_path / "wide.png", 255, (10, 40))
    found = pictures.read(tmp_path / "wide.png", (8, 8), True, fit)
    assert found.shape == (3, 8, 8)
    assert found[0, 0, 0] * 255 == corner
    assert found[0, 4, 4] * 255 == middle


def test_a_crop_is_of_the_middle(tmp_path: Path) -> None:
    values = np.zeros((8, 24), np.uint8)
    values[:, 8:16] = 255
    Image.fromarray(values).save(tmp_path / "a.png")
    assert pictures.read(tmp_path / "a.png", (8, 8), False).min() > 0.9
    assert pictures.read(tmp_path / "a.png", (8, 8), False, "stretch").min() == 0.0


@pytest.mark.parametrize(
    ("mode", "value", "shown"),
    [
        ("1", 1, 1.0),
        ("L", 51, 0.2),
        ("P", 0, 0.0),
        ("LA", (0, 0), 1.0),
        ("RGBA", (255, 0, 0, 0), 1.0),
        ("I;16", 13107, 0.2),
    ],
)
def test_modes(tmp_path: Path, mode: str, value: Any, shown: float) -> None:
    Image.new(mode, (4, 4), value).save(tmp_path / "a.png")
    for colour in (False, True):
        found = pictures.read(tmp_path / "a.png", (4, 4), colour)
        assert found.shape == (3 if colour else 1, 4, 4)
        assert np.allclose(found, shown, atol=1e-6)


def test_cameras_turn_images(tmp_path: Path) -> None:
    values = np.zeros((4, 8), np.uint8)
    values[:, :4] = 255
    image = Image.fromarray(values)
    exif = image.getexif()
    exif[0x0112] = 3  # turned by 180 degrees
    image.save(tmp_path / "a.png", exif=exif)
    found = pictures.read(tmp_path / "a.png", (4, 8), False)
    assert found[0, 0, 0] == 0.0
    assert found[0, 0, 7] == 1.0


# -- files of strangers --------------------------------------------------------------------------


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and has next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(100))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def huge(path: Path) -> None:
    path.write_bytes(png_header(60_000, 60_000))


def empty_inside(path: Path) -> None:
    path.write_bytes(png_header(100, 100))


def cut(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, format="JPEG")
    path.write_bytes(path.read_bytes()[:1500])


def svg(path: Path) -> None:
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")


def postscript(path: Path) -> None:
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(x) print\n")


def fits(path: Path) -> None:
    path.write_bytes(b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800))


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def nothing(path: Path) -> None:
    path.write_bytes(b"")


BAD = (huge, empty_inside, cut, svg, postscript, fits, pipe, nothing)


@pytest.mark.parametrize("damage", BAD, ids=lambda damage: damage.__name__)
def test_bad_files_are_corrupt_samples(tmp_path: Path, damage: Any) -> None:
    damage(tmp_path / "a.png")
    with pytest.raises(CorruptSample):
        pictures.read(tmp_path / "a.png", (8, 8), True)


@pytest.mark.parametrize("side", [60_000, 8000])
def test_a_huge_image_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    (tmp_path / "a.png").write_bytes(png_header(side, side))
    with pytest.raises(CorruptSample, match="more than 50,000,000 pixels"):
        pictures.read(tmp_path / "a.png", (8, 8), True)


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "a.png", 1)
    with pytest.raises(CorruptSample, match="larger than"):
        pictures.content(tmp_path / "a.png", 10)


def test_decoding_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr("netbuilder.data.pictures.time.monotonic", clock)
    with pytest.raises(CorruptSample, match="too long"):
        pictures.read(tmp_path / "a.png", (8, 8), True)


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), value) for value in (255, *range(200))]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert pictures.read(tmp_path / "a.gif", (4, 4), False).min() == 1.0


def test_bad_files_are_passed_over_and_counted(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for at in range(120):
        picture(root / CLASSES[at % 2] / f"{at:03}.png", at, (4, 4))
    svg(root / "cats" / "010.png")
    data = dataset(root)
    assert any("1 sample can't be used" in text for _, text in data.notes)
    assert len(data.train["image"]) == 96
    for at in range(20, 30, 2):
        svg(root / "cats" / f"{at:03}.png")
    with pytest.raises(ProblemsError, match="of 120 samples can't be used") as caught:
        dataset(root)
    assert caught.value.problems[0].code == "data.corrupt"
    assert "Up to 1 %" in caught.value.hint


def test_what_is_no_image_is_left_out(folder: Path) -> None:
    (folder / "cats" / "Thumbs.db").write_text("x")
    (folder / "cats" / ".hidden.png").write_text("x")
    (folder / "notes.txt").write_text("x")
    listing = file_listing.look(folder, pictures.SUFFIXES)
    assert listing.count == 20
    assert listing.others == 2


def test_links_that_lead_outside_are_left_out(folder: Path, tmp_path: Path) -> None:
    picture(tmp_path / "private" / "secret.png", 1)
    (folder / "cats" / "link.png").symlink_to(tmp_path / "private" / "secret.png")
    (folder / "others").symlink_to(tmp_path / "private")
    (folder / "cats" / "same.png").symlink_to(folder / "cats" / "1.png")
    listing = file_listing.look(folder, pictures.SUFFIXES)
    assert "cats/same.png" in [file.path for file in listing.files["cats"]]
    assert listing.outside == 2
    assert listing.count == 21
    with places.given(Places(None, (str(tmp_path),))):
        assert file_listing.look(folder, pictures.SUFFIXES).count == 23


def test_a_link_in_a_circle_ends(folder: Path) -> None:
    (folder / "cats" / "again").symlink_to(folder)
    assert file_listing.look(folder, pictures.SUFFIXES).count == 20


@pytest.mark.parametrize("what", ["gone", "replaced"])
def test_files_that_change_while_one_trains_are_corrupt(folder: Path, what: str) -> None:
    data = dataset(folder, in_memory=0)
    feed = data.train.feed  # type: ignore[attr-defined]
    path = folder / "cats" / "0.png"
    path.unlink()
    if what == "replaced":
        picture(path, 77, (9, 9))
    rows(data)
    assert len(feed.corrupt) == 1


def test_a_folder_that_goes_ends_it(folder: Path) -> None:
    data = dataset(folder, in_memory=0)
    folder.rename(folder.with_name("elsewhere"))
    assert data.train.feed._samples.reader.changed() == "pets"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"classes": ("cats", "birds")}, "no images of the class 'birds'"),
        ({"classes": ("cats",)}, "of one class, 'cats'"),
    ],
)
def test_folders_that_do_not_fit_the_settings(
    folder: Path, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(ProblemsError, match=words) as caught:
        dataset(folder, **values)
    assert caught.value.hint


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(ProblemsError, match="no samples"):
        dataset(tmp_path / "none", classes=())
    with pytest.raises(ProblemsError, match="There is no folder"):
        dataset(tmp_path / "missing", classes=())


# -- proposals -----------------------------------------------------------------------------------


def test_a_proposal_of_classes(folder: Path) -> None:
    (folder / "cats" / "Thumbs.db").write_text("x")
    (folder / "empty").mkdir()
    found = propose(folder)
    assert found.task == "classification"
    assert found.count == 20
    assert found.params == {
        "folder": str(folder),
        "classes": ["cats", "dogs"],
        "height": 12,
        "width": 10,
    }
    assert found.settings == {"normalise": ["image"]}
    assert [field.name for field in found.fields] == ["image", "label"]
    assert found.fields[1].classes == CLASSES
    assert len(found.notes) == 2
    chosen = read({"source": found.source, "params": found.params, **found.settings})
    assert chosen.params["classes"] == ("cats", "dogs")


def test_a_proposal_without_classes(tmp_path: Path) -> None:
    for at in range(5):
        picture(tmp_path / "all" / f"{at}.png", at, (200, 100 + at), "L")
    found = propose(tmp_path / "all")
    assert (found.task, found.count) == ("reconstruction", 5)
    assert found.fields[0].shape == (1, 64, 64)


def test_of_parts_that_were_made_before_the_training_part_is_used(folder: Path) -> None:
    root = folder.parent / "parts"
    for part in ("train", "test"):
        for name in CLASSES:
            picture(root / part / name / "a.png", 1)
    found: Proposal = propose(root)
    assert found.params["folder"] == str(root / "train")
    assert found.fields[1].classes == CLASSES
    assert "'test' stay aside" in found.notes[0]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("http://169.254.169.254/x", "a path on this computer"),
        ("//host/share", "not one of the network"),
        ("\\\\host\\share", "not one of the network"),
        ("/dev/zero", "not of devices"),
        ("/nowhere/at/all", "There is nothing at"),
        ("a\nb", "control characters"),
    ],
)
def test_what_is_no_place_for_data(path: str, words: str) -> None:
    with pytest.raises(NetbuilderError, match=words):
        propose(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NetbuilderError, match="no file or folder"):
        propose(tmp_path / "pipe")

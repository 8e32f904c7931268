"""Files and words that a person gives a trained network, read as the training read its data."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from netbuilder.data import recordings
from netbuilder.data.images import ImageFolder
from netbuilder.data.made.tones import Tones
from netbuilder.data.reading.npy import Array
from netbuilder.data.reading.sound_reading import formed
from netbuilder.data.sounds import WavFolder
from netbuilder.data.sources import Digits, Field, Source
from netbuilder.data.table_columns import CategoryColumn, NumberColumn, WholeColumn
from netbuilder.data.tables import Table
from netbuilder.data.text_files import TextFiles
from netbuilder.engine import giving, giving_rows, prediction, using
from netbuilder.engine.meaning import Meaning
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.specs import TensorSpec


def field_of(source: Source, name: str) -> tuple[TensorSpec, Field]:
    """An input that this field feeds."""
    field = next(each for each in source.fields() if each.name == name)
    return TensorSpec(name, ("N", *field.shape), field.dtype), field


# -- pictures ------------------------------------------------------------------------------


def test_a_picture_is_brought_to_the_size_of_the_training(tmp_path: Path) -> None:
    pixels = np.zeros((30, 60, 3), np.uint8)
    pixels[:, 15:45, 0] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    source = ImageFolder(folder="/x", classes=("a", "b"), height=6, width=6)
    found = giving.of_file(tmp_path / "wide.png", *field_of(source, "image"), source)
    assert found.shape == (3, 6, 6)
    assert found[0].min() > 0.8, "its middle, as in the training"
    stretched = source.model_copy(update={"fit": "stretch"})
    found = giving.of_file(tmp_path / "wide.png", *field_of(stretched, "image"), stretched)
    assert found[0, :, 0].max() == 0.0


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255)])
def test_ink_on_paper_is_ink_where_the_data_counts_ink(
    tmp_path: Path, paper: int, ink: int
) -> None:
    pixels = np.full((40, 40), paper, np.uint8)
    pixels[10:30, 18:22] = ink
    Image.fromarray(pixels).save(tmp_path / "one.png")
    found = giving.of_file(tmp_path / "one.png", *field_of(Digits(), "image"), Digits())
    assert found[0, 0].max() == 0.0
    assert found[0, 3:5, 3:5].min() > 0.3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no image"),
        (b"RIFF0000WAVE", "no image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "no image"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(NetbuilderError, match=words) as caught:
        giving.of_file(tmp_path / "x.png", *field_of(Digits(), "image"), Digits())
    assert "takes a picture" in caught.value.hint


def test_a_picture_of_too_many_pixels_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (40, 40)).save(tmp_path / "x.png")
    monkeypatch.setattr("netbuilder.data.pictures.MAX_PIXELS", 1000)
    with pytest.raises(NetbuilderError, match="more than 1,000 pixels"):
        giving.of_file(tmp_path / "x.png", *field_of(Digits(), "image"), Digits())


# -- recordings ----------------------------------------------------------------------------


def record(path: Path, rate: int, seconds: float) -> None:
    points = np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((points * 20_000).astype("<i2").tobytes())


@pytest.mark.parametrize("form", ["mel", "wave"])
@pytest.mark.parametrize("seconds", [0.2, 3.0])
def test_a_recording_is_heard_as_in_the_training(tmp_path: Path, form: Any, seconds: float) -> None:
    record(tmp_path / "a.wav", 44_100, seconds)
    source = WavFolder(folder="/x", classes=("a", "b"), rate=8000, length=4000, form=form)
    name = "audio" if form == "wave" else "spectrogram"
    spec, field = field_of(source, name)
    assert giving.kind_of(field, source) == "sound"
    points = recordings.wave(tmp_path / "a.wav", 8000, 4000)
    found, heard = giving.recording(tmp_path / "a.wav", field, source)
    assert np.array_equal(found, formed(source, points)[name])
    assert np.array_equal(giving.of_file(tmp_path / "a.wav", spec, field, source), found)
    told = heard.to_json()
    assert (told["own_rate"], told["rate"], told["seconds"]) == (44_100, 8000, 0.5)
    assert told["own_seconds"] == pytest.approx(seconds)
    assert max(told["high"]) == pytest.approx(20_000 / 32_768, abs=0.02)
    json.dumps(told)


def test_tones_take_a_recording_too(tmp_path: Path) -> None:
    record(tmp_path / "a.wav", 8000, 0.1)
    source = Tones(length=512)
    found = giving.of_file(tmp_path / "a.wav", *field_of(source, "audio"), source)
    assert found.shape == (1, 512)


# -- numbers -------------------------------------------------------------------------------

FOUR = TensorSpec("x", ("N", 4), "float32")


def test_numbers_of_files(tmp_path: Path) -> None:
    rows = np.arange(8.0).reshape(2, 4)
    np.save(tmp_path / "a.npy", np.asfortranarray(rows))
    (tmp_path / "a.json").write_text(json.dumps(rows.tolist()))
    (tmp_path / "a.csv").write_text("0,1,2,3\n4,5,6,7\n")
    for name in ("a.npy", "a.json", "a.csv"):
        assert np.array_equal(giving.of_file(tmp_path / name, FOUR, None, None), rows), name


@pytest.mark.parametrize("name", ["a.npy", "a.json", "a.csv", "a.bin"])
def test_what_holds_no_numbers_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("one, two")
    with pytest.raises(NetbuilderError) as caught:
        giving.of_file(tmp_path / name, FOUR, None, None)
    assert name in str(caught.value)
    assert "N×4" in caught.value.hint


def test_a_header_that_promises_more_is_not_believed(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((1000, 4)))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(1000, 4)", b"(10**9,4)"[:9])[:200])
    with pytest.raises(NetbuilderError, match="holds no numbers"):
        giving.of_file(tmp_path / "a.npy", FOUR, None, None)


# -- words ---------------------------------------------------------------------------------

WORDS = TextFiles(
    path="/t", tokens="word", vocabulary=("bad", "good"), samples="documents", length=4
)
LETTERS = TextFiles(path="/t", vocabulary=("a", "b"), length=5)


def said(text: str, source: Source, name: str = "text") -> Array:
    spec, field = field_of(source, name)
    return giving.of_words(text, spec, field, source, {name: field})


def test_a_text_is_filled_up_as_samples_are() -> None:
    assert said("good", WORDS).tolist() == [5, 0, 0, 0]
    assert said("[4, 5, 0, 0]", WORDS).tolist() == [4, 5, 0, 0]
    assert said("text:[4, 5]", WORDS).tolist() == [1, 1, 1, 1]


def test_a_language_model_gets_the_end_of_a_text() -> None:
    fields = {field.name: field for field in LETTERS.fields()}
    spec = TensorSpec("letters", ("N", "T"), "int64")
    found = giving.of_words("abbbb", spec, None, LETTERS, fields)
    assert found.tolist() == [5, 5, 5, 5], "as many as it saw"
    assert giving.of_words("a", spec, None, LETTERS, fields).tolist() == [4]
    with pytest.raises(NetbuilderError, match="empty"):
        giving.of_words("", spec, None, LETTERS, fields)


def test_classes_by_name_and_by_number() -> None:
    assert said("7", Digits(), "label") == 7
    with pytest.raises(NetbuilderError, match="no class 'seven'"):
        said("seven", Digits(), "label")


def test_words_are_no_picture() -> None:
    with pytest.raises(NetbuilderError, match="can't be 'hello': it takes a picture's file"):
        said("hello", Digits(), "image")


# -- rows ----------------------------------------------------------------------------------

HOUSES = Table(
    path="/houses.csv",
    columns=(
        NumberColumn(name="size"),
        CategoryColumn(name="town", classes=("Rom", "Ulm")),
        WholeColumn(name="price", use="target"),
    ),
)
PORTS = {"x": "features"}


def rows_of(given: Any) -> list[list[float]]:
    found = giving_rows.given([given], PORTS, [], HOUSES)
    assert found is not None
    rows: list[list[float]] = found["x"].tolist()
    return rows


def test_rows_in_many_forms(tmp_path: Path) -> None:
    wanted = [[90.5, 0.0, 1.0]]
    for form in ("90.5,Ulm", " 90.5 , Ulm,1000", '{"size": 90.5, "town": "Ulm"}'):
        assert rows_of(form) == wanted, form
    for name, text in (
        ("named.csv", "town,note,size\nUlm,x,90.5\n"),
        ("plain.csv", "90.5,Ulm\n"),
        ("whole.csv", "90.5,Ulm,1000\n"),
        ("a.json", '[{"size": 90.5, "town": "Ulm"}]'),
    ):
        (tmp_path / name).write_text(text)
        assert rows_of(tmp_path / name) == wanted, name
    (tmp_path / "two.csv").write_text("size,town\n1,Rom\n2,Ulm\n")
    assert rows_of(tmp_path / "two.csv") == [[1, 1, 0], [2, 0, 1]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("size,town\n1,Rom\n2,Paris\n", "Line 3 of 'a.csv': 'Paris' in 'town'"),
        ("size,town\n1,Rom,3\n", "line 2 of 'a.csv': 3 cells, not 2"),
        ("size,town\n", "no rows"),
        ("1\n", "line 1 of 'a.csv': 1 cells, not 2"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(NetbuilderError, match=words):
        rows_of(tmp_path / "a.csv")


def test_a_line_of_other_cells_says_which_there_are() -> None:
    with pytest.raises(NetbuilderError, match="2 values, not 1: size, town"):
        rows_of("90")


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving_rows, "MAX_ROWS", 2)
    (tmp_path / "a.csv").write_text("size,town\n" + 3 * "1,Rom\n")
    with pytest.raises(NetbuilderError, match="more than 2 rows"):
        rows_of(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("size,town\n" + 2 * "1,Rom\n")
    assert len(rows_of(tmp_path / "a.csv")) == 2


def test_a_text_of_a_file_with_what_belongs_to_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("good bad")
    ports = {"text": "text", "where": "mask"}
    for given in (tmp_path / "a.txt", "good bad", "text:good bad"):
        found = giving_rows.given([given], ports, [], WORDS)
        assert found is not None
        assert found["text"].tolist() == [[5, 4, 0, 0]]
        assert found["where"].tolist() == [[1, 1, 0, 0]]
    assert giving_rows.given(["sample:0"], ports, [], WORDS) is None
    assert giving_rows.given(["[4, 5, 0, 0]"], ports, [], WORDS) is None


# -- answers -------------------------------------------------------------------------------


def test_classes_without_names_are_told_by_their_numbers() -> None:
    field = Field("label", (), "int64", high=3)
    assert field.names == ("0", "1", "2")
    told = using._told("y", [[0.0, 5.0, 1.0]], Meaning(targets={"y": "label"}), {"label": field})
    assert told["kind"] == "classes"
    assert [guess["name"] for guess in told["guesses"]] == ["1", "2", "0"]
    assert prediction._class(torch.tensor([0.0, 5.0, 1.0]), field.names)["index"] == 1

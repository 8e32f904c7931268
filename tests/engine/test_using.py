"""A trained network is asked in a person's words, and answers in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netbuilder.app.templates import open_template
from netbuilder.engine import drawings, giving, tasks, using
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.specs import TensorSpec
from netbuilder.graph import edits
from netbuilder.graph.history import History


def trained(id: str, folder: Path, **overrides: Any) -> Path:
    """A run of a template with few epochs."""
    run = folder / id
    values = {f"training.{name}": value for name, value in overrides.items()}
    tasks.train(open_template(id), run, overrides={"training.threads": 1, **values})
    return run


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It reads digits, and well."""
    return trained("digits_cnn", tmp_path_factory.mktemp("r"), epochs=4)


def one_by_hand() -> list[list[float]]:
    """A one, small, in the corner of a large sheet, as a hand draws it."""
    sheet = np.zeros((120, 120), np.float32)
    sheet[20:60, 28:34] = 1.0
    return sheet.tolist()


def test_what_can_be_asked(reader: Path) -> None:
    about = using.describe(reader)
    (network,) = about["networks"]
    (image,) = network["inputs"]
    assert (image["name"], image["kind"], image["shape"]) == ("image", "image", [1, 8, 8])
    assert image["invert"]
    assert network["sample"]
    assert about["generators"] == about["columns"] == []


def test_a_drawing_is_read(reader: Path) -> None:
    wish = {"inputs": {"image": {"pixels": one_by_hand(), "fit": True}}}
    told = using.ask(reader, wish)
    (answer,) = told["answers"]
    assert answer["kind"] == "classes"
    assert answer["guesses"][0]["name"] == "1"
    odds = [guess["probability"] for guess in answer["guesses"]]
    assert odds == sorted(odds, reverse=True)
    assert len(odds) == 5
    seen = np.array(told["seen"]["image"])
    assert seen.shape == (1, 8, 8)
    assert seen[0, :, 3:5].max() > 0.5, "it stands in the middle"
    assert seen[0, 0].max() > 0.5, "from top"
    assert seen[0, 7].max() > 0.5, "to bottom"


def test_a_photograph_of_ink_on_paper_is_turned_around(reader: Path, tmp_path: Path) -> None:
    paper = 255 - (np.array(one_by_hand()) * 255).astype(np.uint8)
    Image.fromarray(paper[10:70, 1:61]).save(tmp_path / "one.png")
    wish = {"inputs": {"image": {"path": str(tmp_path / "one.png"), "invert": True}}}
    seen = np.array(using.ask(reader, wish)["seen"]["image"])
    assert seen[0, 0, 0] == pytest.approx(0.0, abs=0.01)
    assert seen.max() > 0.3


def test_a_sample_comes_with_what_is_right(reader: Path) -> None:
    told = using.ask(reader, {"sample": 3})
    assert set(told["expected"]) == {"logits"}
    assert told["answers"][0]["guesses"][0]["name"] in map(str, range(10))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"pixels": "x"}, "no picture"),
        ({"pixels": []}, "no picture"),
        ({"pixels": [[float("nan")]]}, "no picture"),
        ({"path": "nowhere.png"}, "can't be used"),
        ({}, "is not given"),
        ({"values": "many"}, "needs numbers"),
    ],
)
def test_what_is_no_picture_is_told(reader: Path, value: dict[str, Any], words: str) -> None:
    with pytest.raises(NetbuilderError, match=words):
        using.ask(reader, {"inputs": {"image": value}})


def test_an_empty_sheet_is_a_picture_too() -> None:
    assert drawings.drawing([[0.0] * 9] * 9, (1, 4, 4), fit=True).max() == 0
    assert drawings.drawing([[1.0] * 9] * 9, (3, 4, 4)).shape == (3, 4, 4)


def test_pictures_numbers_and_noise(tmp_path: Path) -> None:
    copier = trained("autoencoder", tmp_path, epochs=1)
    networks = {each["name"]: each for each in using.describe(copier)["networks"]}
    name, network = next((n, each) for n, each in networks.items() if each["sample"])
    answers = using.ask(copier, {"network": name, "sample": 0})["answers"]
    assert {answer["kind"] for answer in answers} <= {"image", "values"}
    assert network["inputs"][0]["kind"] == "image"
    painter = trained("gan_mlp", tmp_path, epochs=1)
    about = {each["name"]: each for each in using.describe(painter)["networks"]}
    (noise,) = about["generator"]["inputs"]
    assert (noise["kind"], about["generator"]["sample"]) == ("noise", False)
    wish = {"network": "generator", "inputs": {noise["name"]: {"seed": 4}}}
    assert using.ask(painter, wish) == using.ask(painter, wish)
    assert using.ask(painter, wish)["answers"][0]["kind"] == "image"


def test_numbers_are_told_as_numbers(tmp_path: Path) -> None:
    run = trained("mlp_regression", tmp_path, epochs=1)
    (answer,) = using.ask(run, {"inputs": {"features": {"values": [0.0] * 10}}})["answers"]
    assert answer["kind"] == "values"
    assert answer["count"] == 1


def test_a_network_for_use_takes_what_the_trained_one_takes(tmp_path: Path) -> None:
    document = open_template("detector_small")
    data = {**document.project.data, "params": {"count": 8, "size": 64}}
    edits.set_project(History(document), data=data)
    values = {"training.threads": 1, "training.epochs": 1, "training.batch_size": 4}
    tasks.train(document, tmp_path / "run", overrides=values)
    about = {each["name"]: each for each in using.describe(tmp_path / "run")["networks"]}
    assert [each["kind"] for each in about["boxes"]["inputs"]] == ["image"]
    told = using.ask(tmp_path / "run", {"network": "boxes", "sample": 0})["answers"]
    assert {answer["output"]: answer["kind"] for answer in told} == {
        "box": "values",
        "confidence": "values",
        "class_number": "values",
    }, "numbers of boxes are no words"
    for number in (-1, 10**12):
        with pytest.raises(NetbuilderError, match=f"There is no sample {number}"):
            using.ask(tmp_path / "run", {"network": "boxes", "sample": number})


@pytest.mark.parametrize("seed", ["many", 10**30, 1.5, None])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    spec = TensorSpec("noise", ("N", 4), "float32")
    with pytest.raises(NetbuilderError, match="'noise' needs a whole number"):
        giving.array(spec, None, None, {"seed": seed}, {})
    assert giving.array(spec, None, None, {"seed": -1}, {})[0].shape == (4,)


def test_a_language_model_says_what_comes_next(tmp_path: Path) -> None:
    document = open_template("rnn_text")
    data = {**document.project.data, "params": {"letters": 10_000, "length": 16}}
    edits.set_project(History(document), data=data)
    tasks.train(document, tmp_path / "run", overrides={"training.threads": 1, "training.steps": 2})
    (network,) = using.describe(tmp_path / "run")["networks"]
    assert [each["kind"] for each in network["inputs"]] == ["text"]
    assert not network["sample"]
    wish = {"inputs": {"letters": {"text": "def a(b): return (b" * 9}}}
    (answer,) = using.ask(tmp_path / "run", wish)["answers"]
    assert answer["output"] == "scores: what comes next"
    assert len(answer["guesses"]) == using.GUESSES
    for guess in answer["guesses"]:
        assert len(guess["name"]) == 1 or guess["name"].startswith("(")
    with pytest.raises(NetbuilderError, match="no part of this text"):
        using.ask(tmp_path / "run", {"inputs": {"letters": {"text": "ы"}}})

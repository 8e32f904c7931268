"""The recipes of docs/preparing.md, run as they are written: an exported file is used by itself."""

from __future__ import annotations

import re
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netbuilder.app import fitting
from netbuilder.data import places
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import propose
from netbuilder.engine import tasks
from netbuilder.exchange.options import ExportOptions

RECIPES = Path(__file__).parents[2] / "docs" / "preparing.md"
FIRST, *BLOCKS = re.findall(r"```python\n(.*?)```", RECIPES.read_text(encoding="utf-8"), re.DOTALL)
RECIPE = dict(zip(("picture", "row", "text", "sound"), BLOCKS, strict=True))
Random = np.random.Generator


def pictures(folder: Path, random: Random) -> str:
    for at, name in enumerate(("cats", "dogs")):
        (folder / "data" / name).mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(100 * at, 155 + 100 * at, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "data" / name / f"{number}.png")
    Image.fromarray(random.integers(0, 255, (60, 90, 3), np.uint8)).save(folder / "photo.png")
    return "photo.png"


def rows(folder: Path, random: Random) -> str:
    lines = [f"{random.uniform(20, 200):.1f},{('Rom', 'Ulm')[at % 2]}" for at in range(60)]
    told = (f"{line},{at * 1000}.5" for at, line in enumerate(lines))
    (folder / "data.csv").write_text("size,town,price\n" + "\n".join(told))
    return '{"size": 90.5, "town": "Rom"}'


def text(folder: Path, random: Random) -> str:
    (folder / "data.txt").write_text("It was the best of times, it was the worst of times. " * 90)
    return "It was"


def sound(folder: Path, random: Random) -> str:
    def record(path: Path, pitch: float) -> None:
        points = np.sin(pitch * np.arange(8000) / 16_000) + random.normal(0, 0.1, 8000)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes((points * 20_000).clip(-32_768, 32_767).astype("<i2").tobytes())

    for name, pitch in (("low", 1500.0), ("high", 9000.0)):
        (folder / "data" / name).mkdir(parents=True)
        for number in range(12):
            record(folder / "data" / name / f"{number}.wav", pitch)
    record(folder / "sound.wav", 4000.0)
    return "sound.wav"


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("kind", "make", "template", "named"),
    [
        ("picture", pictures, "digits_mlp", "data"),
        ("row", rows, "mlp_regression", "data.csv"),
        ("text", text, "rnn_text", "data.txt"),
        ("sound", sound, "digits_mlp", "data"),
    ],
)
def test_a_recipe_says_what_the_run_says(
    kind: str,
    make: Callable[[Path, Random], str],
    template: str,
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = make(tmp_path, np.random.default_rng(0))
    document = fitting.begin(template, propose(tmp_path / named).to_json())
    few = {"training.threads": 1, "training.epochs": 1, "training.batch_size": 8}
    with places.given(Places(None, (str(tmp_path),))):
        tasks.train(document, tmp_path / "run", overrides=few)
    exported = tasks.export(
        tmp_path / "run", ExportOptions("onnx", prepared="probabilities"), tmp_path / "m.onnx"
    )
    assert exported["verified"]
    said = tasks.predict(
        tmp_path / "run", [tmp_path / given if (tmp_path / given).is_file() else given]
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(FIRST + RECIPE[kind], names)  # noqa: S102 - of our own pages
    if "classes" in said:
        (told,) = next(iter(said["classes"].values()))
        assert names["result"] == (told["class"], pytest.approx(told["probability"], rel=1e-4))
    elif kind == "text":
        last = np.array(next(iter(said["outputs"].values())))[0, -1]
        assert np.allclose(names["scores"], last, atol=1e-4)
    else:
        assert np.allclose(names["result"], next(iter(said["outputs"].values())), rtol=1e-4)

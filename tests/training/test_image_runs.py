"""Training on folders of images: what is told before it starts, and what goes wrong meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netbuilder.app import fitting
from netbuilder.data import places
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import propose
from netbuilder.data.reading import opening
from netbuilder.engine import tasks
from netbuilder.errors import ProblemsError
from netbuilder.graph.document import Document
from netbuilder.training.control import Control
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder


def write(root: Path, count: int, classes: tuple[str, ...] = ("dark", "light")) -> Path:
    """So many images of each class; noise around the class's grey."""
    random = np.random.default_rng(3)
    for at, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for number in range(count):
            values = random.normal(60 + 120 * at, 20, (8, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(values).save(root / name / f"{number:03}.png")
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "greys", 50)


def project(folder: Path) -> Document:
    return fitting.begin("digits_cnn", propose(folder).to_json())


def train(document: Document, run: Path, folder: Path, **values: Any) -> dict[str, Any]:
    settings = {"training.epochs": 2, "training.batch_size": 16, "training.checkpoint_s": 1e6}
    named = {name.replace("__", "."): value for name, value in values.items()}
    resume, stop = named.pop("resume", False), named.pop("stop", 0)
    control, listen = Control(), named.pop("listen", lambda event: None)

    def hear(event: Event) -> None:
        listen(event)
        if stop and event.event == "metrics" and event.step >= stop:
            control.stop()

    with places.given(Places(None, (str(folder),))):
        return tasks.train(
            document,
            run,
            overrides={**settings, **named},
            resume=resume,
            listen=hear,
            control=control,
        )


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing fits in memory."""
    monkeypatch.setattr(opening, "IN_MEMORY", 0)


def test_one_learns_and_the_other_way_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train(project(folder), tmp_path / "a", folder)
    assert first["status"] == "finished"
    monkeypatch.setattr(opening, "IN_MEMORY", 0)
    second = train(project(folder), tmp_path / "b", folder)
    assert second["metrics"] == first["metrics"]
    stored = [RunFolder(tmp_path / name).read_json("data.json") for name in "ab"]
    assert stored[0] == stored[1]


@pytest.mark.nightly
def test_processes_read_the_same_images(folder: Path, tmp_path: Path, streamed: None) -> None:
    alone = train(project(folder), tmp_path / "alone", folder)
    several = train(project(folder), tmp_path / "several", folder, data__workers=2)
    assert several["metrics"] == alone["metrics"]


def test_a_run_goes_on_from_images(folder: Path, tmp_path: Path, streamed: None) -> None:
    whole = train(project(folder), tmp_path / "whole", folder)
    assert train(project(folder), tmp_path / "parts", folder, stop=2)["status"] == "stopped"
    rest = train(project(folder), tmp_path / "parts", folder, resume=True)
    assert rest["status"] == "finished"
    assert rest["metrics"] == whole["metrics"]


def test_bad_images_are_told_when_the_training_starts(folder: Path, tmp_path: Path) -> None:
    document = project(folder)
    (folder / "dark" / "007.png").write_bytes(b"no image")
    result = train(document, tmp_path / "run", folder)
    assert result["status"] == "finished"
    said = "1 sample can't be used (dark/007.png: it is no image that can be read)"
    assert any(said in text for text in result["warnings"])


@pytest.mark.parametrize("gone", [1, 40])
def test_images_that_go_meanwhile(folder: Path, tmp_path: Path, streamed: None, gone: int) -> None:
    def remove(event: Any) -> None:
        if event.event == "epoch" and event.epoch == 1:
            for number in range(gone):
                (folder / "light" / f"{number:03}.png").unlink(missing_ok=True)

    result = train(project(folder), tmp_path / "run", folder, listen=remove)
    if gone == 1:
        assert result["status"] == "finished"
        assert any("1 sample can't be used" in text for text in result["warnings"])
    else:
        assert (result["status"], result["epochs"]) == ("failed", 1)
        assert "samples can't be used" in result["error"]["message"]
        assert RunFolder.open(tmp_path / "run").read_checkpoint("last")[0].info["step"] == 5


def test_a_folder_that_goes_meanwhile(folder: Path, tmp_path: Path, streamed: None) -> None:
    def rename(event: Any) -> None:
        if event.event == "epoch" and event.epoch == 1:
            folder.rename(folder.with_name("elsewhere"))

    result = train(project(folder), tmp_path / "run", folder, listen=rename)
    assert result["status"] == "failed"
    assert "'greys' was changed or removed" in result["error"]["message"]


def refused(document: Document, run: Path, folder: Path, **values: Any) -> dict[str, Any]:
    """The problems by code."""
    with pytest.raises(ProblemsError) as caught:
        train(document, run, folder, **values)
    return {problem.code: problem for problem in caught.value.problems}


def test_a_single_image_names_the_layer_that_needs_more(tmp_path: Path) -> None:
    folder = write(tmp_path / "greys", 50)
    document = project(folder)
    for name in ("dark", "light"):
        for path in sorted((folder / name).iterdir())[1:]:
            path.unlink()
    found = refused(document, tmp_path / "run", folder, training__batch_size=1)
    problem = found["data.batch_norm"]
    assert "'main.norm" in problem.message
    network = document.network("main")
    assert network is not None
    assert problem.graph == network.id
    assert network.nodes[problem.node].name.startswith("norm")
    assert "batch_size" in problem.hint


@pytest.mark.parametrize(
    ("what", "code"),
    [("empty", "data.classes"), ("few", "data.batch"), ("removed", "data.file")],
)
def test_what_stands_against_it(folder: Path, tmp_path: Path, what: str, code: str) -> None:
    document = project(folder)
    if what == "removed":
        folder.rename(folder.with_name("elsewhere"))
    else:
        kept = {"empty": 0, "few": 3}[what]
        for name in ("dark", "light"):
            for path in sorted((folder / name).iterdir())[kept:]:
                path.unlink()
    problem = refused(document, tmp_path / "run", folder)[code]
    assert problem.hint

"""The report of a run: one page that needs nothing, runs nothing and tells no secrets."""

from __future__ import annotations

import json
import math
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.figures import plots, run_report
from netbuilder.app.templates import open_template
from netbuilder.cli.main import main
from netbuilder.errors import DocumentError, RunError
from netbuilder.storage import format
from netbuilder.training import artifacts
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder

EVIL = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """Tags and texts of a page; an end without its beginning is noted."""

    VOID = ("meta",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def event(seq: int, kind: Any, epoch: int, **values: Any) -> Event:
    return Event(seq, 0.0, kind, epoch, 0, values)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    document = open_template("digits_mlp")
    folder = RunFolder.create(tmp_path / "run-1", format.dumps(document).encode())
    for epoch in range(1, 4):
        values = {"train/loss": 2.0 / epoch, "val/loss": 3.0 / epoch, "val/accuracy": epoch / 4}
        tables = {"accuracy": {"classes": ["cat", EVIL], "matrix": [[3, 1], [0, 4]]}}
        folder.append(event(epoch, "epoch", epoch, best=epoch == 2, tables=tables, **values))
    folder.write_json(
        "status.json",
        {
            "status": "finished",
            "epoch": 3,
            "epochs": 3,
            "metrics": {"val/loss": 1.0, "val/accuracy": 0.75},
            "best": {"monitor": "val/loss", "value": 1.5, "epoch": 2},
        },
    )
    folder.write_json("notes.json", {"note": EVIL})
    about = {"torch": "2.13", "host": "secret-machine", "home": "/home/somebody", "threads": 2}
    folder.write_json("environment.json", about)
    folder._close_events()
    return folder.path


def test_it_has_everything_in_one_page(run: Path, tmp_path: Path) -> None:
    assert main(["report", str(run), "-o", str(tmp_path / "r.html")]) == 0
    page = Page((tmp_path / "r.html").read_text())
    assert not page.crossed
    assert not page.open
    text = " ".join(page.texts)
    for word in ("run-1", "Curves", "accuracy", "Confusion", "Settings", "Environment", "2.13"):
        assert word in text
    for node in open_template("digits_mlp").network("main").ordered():  # type: ignore[union-attr]
        assert node.name in page.texts
    assert text.count("validation") >= 2
    assert "Best val/loss" in text
    # Three of four: light words on the strong ground, as in 4 of 4.
    assert (tmp_path / "r.html").read_text().count("<td class=much") == 2


def test_files_that_were_made_smaller_are_in_it(run: Path) -> None:
    assert "Smaller files" not in run_report.report(run)
    (run / "artifacts").mkdir()
    row = {"name": "int8", "file": "int8.onnx", "kind": "int8", "bytes": 1234, "parameters": 99}
    row |= {"metrics": {"val/accuracy": 0.9}, "latency_ms": {"1": 0.5}, "against": None}
    artifacts.keep(run, [row])
    page = Page(run_report.report(run))
    assert {"Smaller files", "int8", "1.2 KB", "0.5 ms"} <= set(page.texts)


def test_it_fetches_nothing_and_runs_nothing(run: Path) -> None:
    text = run_report.report(run)
    page = Page(text)
    assert not {"script", "img", "iframe", "link", "object", "embed", "base"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "href"]
    assert "default-src 'none'" in text
    assert "url(" not in text.replace("url(#arrow)", "")
    assert EVIL in page.texts


def test_it_tells_no_machine_and_no_person(run: Path) -> None:
    text = run_report.report(run)
    assert "secret-machine" not in text
    assert "somebody" not in text
    assert str(run.parent) not in text


def test_what_is_damaged_is_left_out(run: Path) -> None:
    (run / "project.netb").write_bytes(b"{")
    (run / "environment.json").write_bytes(b"\xff")
    (run / "status.json").write_bytes(b"[]")
    (run / "data.json").write_text(json.dumps({"parts": 3, "fields": [1, {"shape": None}]}))
    assert "can't be read" in run_report.report(run)


def test_no_run_and_no_place_are_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        run_report.report(tmp_path)
    with pytest.raises(DocumentError, match="no folder"):
        run_report.write(run, tmp_path / "none" / "r.html")


POINTS: dict[str, list[tuple[float, float]]] = {
    "nothing": [],
    "not finite": [(1.0, math.nan), (2.0, math.inf)],
    "one": [(1.0, 2.0)],
    "flat": [(1.0, 0.0), (2.0, 0.0)],
    "large": [(1.0, 1e300), (2.0, -1e300)],
    "small": [(1.0, 1e-300), (2.0, 2e-300)],
}


@pytest.mark.parametrize("name", POINTS)
def test_any_curve_is_drawn_inside_its_plot(name: str) -> None:
    text = plots.plot({name: POINTS[name]})
    assert bool(text) == any(math.isfinite(y) for _, y in POINTS[name])
    assert "nan" not in text.replace("nothing", "")
    for part in text.split('d="M')[1:]:
        for pair in part.split('"')[0].split("L"):
            x, y = map(float, pair.split(","))
            assert 0 <= x <= plots.WIDTH
            assert 0 <= y <= plots.HEIGHT


def test_a_long_curve_keeps_its_peaks() -> None:
    points = [(float(at), 0.0) for at in range(100_000)]
    points[4321] = (4321.0, 9.0)
    thin = plots.thinned(points)
    assert len(thin) <= plots.MOST_POINTS
    assert (4321.0, 9.0) in thin
    assert list(thin) == sorted(thin)

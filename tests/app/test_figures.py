"""Graphs as texts: every node and wire is there, and no name means anything in the language."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from netbuilder.app.figures import texts
from netbuilder.app.figures.figure import HEIGHT, Box, Figure, chosen, figure, short
from netbuilder.app.templates import open_template
from netbuilder.cli.main import main

EVIL = (
    r'a"]--> x; click n1 "javascript:alert(1)" %%{init}%% <b> \input{/etc/passwd} $x$ & # ~ ^ | {'
)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawn() -> Figure:
    document = open_template("resnet18_small")
    return figure(document, document.network("main"))  # type: ignore[arg-type]


@pytest.fixture
def evil() -> Figure:
    boxes = {
        "n1": Box(EVIL, EVIL, 0.0, 0.0, "linear"),
        "n2": Box("×…ä", "末", 200.0, 100.0, "?"),
    }
    return Figure(EVIL, boxes, (("n1", "n2"), ("n2", "n1")), "down")


def test_all_nodes_and_wires_are_in_each(drawn: Figure) -> None:
    assert len(drawn.boxes) > 5
    svg = ElementTree.fromstring(texts.svg(drawn))
    assert len(svg.findall(f"{SVG}rect")) == len(drawn.boxes)
    assert len(svg.findall(f"{SVG}path")) == len(drawn.wires)
    assert {box.name for box in drawn.boxes.values()} <= {
        text.text for text in svg.iter(f"{SVG}text")
    }
    mermaid = texts.mermaid(drawn)
    assert mermaid.startswith("flowchart TD\n")
    assert mermaid.count("-->") == len(drawn.wires)
    assert len(re.findall(r'^    n\d+\["', mermaid, re.MULTILINE)) == len(drawn.boxes)
    tikz = texts.tikz(drawn)
    assert tikz.count(r"\node[") == len(drawn.boxes)
    assert tikz.count(r"\draw[->]") == len(drawn.wires)


def test_names_mean_nothing_in_mermaid(evil: Figure) -> None:
    lines = texts.mermaid(evil).splitlines()
    assert len(lines) == 5
    for line in lines[1:3]:
        inner = re.fullmatch(r'    n\d\["(.*)<br/>(.*)"\]', line)
        assert inner
        for part in inner.groups():
            assert re.fullmatch(r"[\w .\-+]*", re.sub(r"#\d+;", "", part))
    assert lines[3:] == ["    n1 --> n2", "    n2 --> n1"]


def test_names_mean_nothing_in_tex(evil: Figure) -> None:
    text = texts.tikz(evil)
    assert r"\input{" not in text
    inside = text.partition(r"at (96,24) {")[2].partition("\n")[0]
    assert len(inside) > 200
    inside = inside.replace(r"\fit{3.44cm}", "").replace(r"}\\\scriptsize{", "")[1:]
    plain = re.sub(
        r"\\(textbackslash|textasciicircum|textasciitilde|textless|textgreater)\{\}", "", inside
    )
    plain = re.sub(r"\\(textbar|textquotedbl|ldots)\{\}|\\[{}$&#%_]", "", plain)
    plain = plain.replace("-{}-", "--").removesuffix("}};")
    assert not set(plain) & set("\\{}$&#%_^~")


def test_names_mean_nothing_in_svg(evil: Figure) -> None:
    tree = ElementTree.fromstring(texts.svg(evil))
    assert EVIL in {text.text for text in tree.iter(f"{SVG}text")}
    assert not list(tree.iter(f"{SVG}b"))


def test_an_empty_graph_and_long_names_are_drawn() -> None:
    empty = Figure("none", {}, (), "right")
    for writer in texts.WRITERS.values():
        assert writer(empty)
    assert short("x" * 500).endswith("…")
    assert short("a\n\x1b[31m b") == "a [31m b"


def test_some_nodes_alone(drawn: Figure) -> None:
    document = open_template("resnet18_small")
    graph = document.network("main")
    assert graph is not None
    first = graph.ordered()[0].id
    part = figure(document, graph, [first])
    assert len(part.boxes) == 1
    assert not part.wires
    assert graph.name in [each.name for each in chosen(document)]


@pytest.mark.parametrize("kind", ["svg", "mmd", "tex"])
def test_the_command_writes_by_the_ending(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"g.{kind}"
    assert main(["new", "digits_mlp", "-o", str(tmp_path / "p.netb")]) == 0
    capsys.readouterr()
    assert main(["figure", str(tmp_path / "p.netb"), "-o", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["graph"] == "main"
    assert path.stat().st_size > 200


def test_what_it_does_not_know_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["new", "digits_mlp", "-o", str(tmp_path / "p.netb")])
    assert main(["figure", str(tmp_path / "p.netb"), "-o", str(tmp_path / "g.gif")]) == 2
    assert (
        main(["figure", str(tmp_path / "p.netb"), "--graph", "no", "-o", str(tmp_path / "g.svg")])
        == 2
    )
    assert "train" in capsys.readouterr().err


def test_wires_lead_around_nodes() -> None:
    document = open_template("resnet18_small")
    (graph,) = chosen(document, ["basic_block"])
    about = figure(document, graph)
    courses = list(about.courses())
    assert len(courses) == len(about.wires)
    for course in courses:
        for box in about.boxes.values():
            inside = [
                (x, y)
                for x, y in course.points
                if box.x < x < box.x + box.width and box.y < y < box.y + HEIGHT
            ]
            assert not inside
    # The way around the convolutions is no straight line.
    assert max(len(course.segments) for course in courses) > 1


def test_texts_stay_in_their_nodes() -> None:
    boxes = {"n1": Box("W" * 40, "short", 0.0, 0.0, "linear")}
    drawn = Figure("long", boxes, (), "down")
    wide, usual = ElementTree.fromstring(texts.svg(drawn)).iter(f"{SVG}text")
    assert 0 < float(wide.get("textLength", "0")) < boxes["n1"].width
    assert usual.get("textLength") is None
    assert texts.tikz(drawn).count(r"\fit{") == 2


def test_letters_of_other_languages_need_another_latex() -> None:
    def written(name: str) -> str:
        return texts.tikz(Figure("x", {"n1": Box(name, "", 0.0, 0.0, "io")}, (), "down"))

    for usual in ("naïve_Größe → ≤", "β-VAE_Ω"):
        assert "fontspec" not in written(usual)
    assert r"$\beta$" in written("β-VAE")
    for other in ("слой", "层"):
        assert "fontspec" in written(other)

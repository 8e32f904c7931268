"""Every template opens, is what it says, is laid out, and has no problem."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from netbuilder.app import resources
from netbuilder.app.templates import TemplateInfo, open_template, templates
from netbuilder.compiler.check import check
from netbuilder.engine import tasks
from netbuilder.errors import DocumentError
from netbuilder.graph import topology
from netbuilder.graph.edits import GRID
from netbuilder.storage import files, format

IDS = tuple(template.id for template in templates())
STEPS = {
    "conditional_gan": ["classify", "discriminate", "generate"],
    "cyclegan": ["generate", "judge_flowers", "judge_temples"],
    "dcgan": ["discriminate", "generate"],
    "distillation": ["teach", "distil"],
    "gan_mlp": ["discriminate", "generate"],
    "progressive_gan": [
        "criticise_4",
        "generate_4",
        "criticise_8",
        "generate_8",
        "criticise_16",
        "generate_16",
    ],
    "stacked_autoencoder": ["pretrain1", "pretrain2", "fine_tune"],
    "style_transfer": ["copy", "stylise"],
    "stylegan_small": ["criticise", "generate"],
    "wgan_gp": ["criticise", "generate"],
}
"""The steps of those that have more than one."""
HINTS = {"cyclegan": ["conv.checkerboard"]}
"""What published networks are told, and rightly so: their templates are what was published."""
NODE_WIDTH, NODE_HEIGHT = 192.0, 64.0


def info(id: str) -> TemplateInfo:
    (found,) = [template for template in templates() if template.id == id]
    return found


def test_the_templates_are_there() -> None:
    first, *rest = templates()
    assert first.id == "digits_cnn"
    # The simple before the intricate: digits, then few networks.
    places = [
        (not template.dataset.startswith("Digits"), len(template.networks), template.task)
        for template in rest
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("id", IDS)
def test_the_text_is_canonical(id: str) -> None:
    path = resources.folder("templates") / f"{id}{files.SUFFIX}"
    text = path.read_text(encoding="utf-8")
    document = format.loads(text)
    assert format.dumps(document) == text
    assert document == open_template(id)


@pytest.mark.parametrize("id", IDS)
def test_it_says_what_it_is(id: str) -> None:
    template = info(id)
    for text in (template.title, template.family, template.task, template.dataset):
        assert 2 < len(text) < 60
    assert 80 < len(template.description) < 400
    assert template.paper
    document = open_template(id)
    assert {graph.name for graph in document.of_kind("network")} == set(template.networks)
    steps = [graph.name for graph in document.of_kind("step")]
    assert steps == STEPS.get(id, steps if len(steps) > 1 else ["train"])
    assert document.project.data["source"]
    row = template.to_json()
    assert set(row) == {"id", "title", "family", "task", "dataset", "networks"}


@pytest.mark.parametrize("id", IDS)
def test_it_has_no_problem_and_the_parameters_it_names(id: str) -> None:
    document = open_template(id)
    assert check(document) == []
    report = tasks.analyse(document)
    assert [problem.code for problem in report.problems] == HINTS.get(id, [])
    assert all(problem.severity == "info" for problem in report.problems)
    counted = {
        graph.name: report.graphs[graph.id].parameters for graph in document.of_kind("network")
    }
    assert counted == info(id).networks
    assert all(report.graphs[graph].code for graph in document.graphs)


@pytest.mark.parametrize("id", IDS)
def test_it_is_laid_out_to_be_read(id: str) -> None:
    for graph in open_template(id).graphs.values():
        nodes = list(graph.nodes.values())
        for node in nodes:
            assert node.x % GRID == 0
            assert node.y % GRID == 0
        for one, other in itertools.combinations(nodes, 2):
            apart = abs(one.x - other.x) >= NODE_WIDTH + 16 or abs(one.y - other.y) >= NODE_HEIGHT
            assert apart, (one.name, other.name)
        for wire in graph.wires.values():
            assert graph.nodes[wire.source].y < graph.nodes[wire.target].y
        assert len(topology.sorted_nodes(graph)) == len(nodes)
        for frame in graph.frames.values():
            inside = [
                node
                for node in nodes
                if frame.x <= node.x <= frame.x + frame.width - NODE_WIDTH
                and frame.y <= node.y <= frame.y + frame.height - NODE_HEIGHT
            ]
            assert len(inside) > 1


def test_what_networks_share_is_counted_once() -> None:
    layers = 64 * 96 + 96 + 96 * 48 + 48
    decoders = 96 * 64 + 64 + 48 * 96 + 96
    assert info("stacked_autoencoder").parameters == layers + decoders + 48 * 10 + 10
    assert info("gan_mlp").parameters == sum(info("gan_mlp").networks.values())


def test_the_mlp_has_the_sizes_it_is_known_by() -> None:
    assert info("digits_mlp").networks == {"main": 64 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10}


@pytest.mark.parametrize(
    "id", ["", ".", "..", "nothing", "../templates/digits_cnn", "/etc/passwd", "a/b", "x\0"]
)
def test_an_id_is_no_path(id: str) -> None:
    with pytest.raises(DocumentError, match="no template") as caught:
        open_template(id)
    assert "digits_cnn" in caught.value.hint


def test_resources_are_found_in_a_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resources.find("icons/linear.svg").is_file()
    with pytest.raises(FileNotFoundError, match="no resource"):
        resources.find("icons/nothing.svg")
    wheel, checkout = tmp_path / "_data", tmp_path
    monkeypatch.setattr(resources, "roots", lambda: (wheel, checkout))
    with pytest.raises(FileNotFoundError, match="not installed completely"):
        resources.folder("resources")
    (checkout / "resources").mkdir()
    assert resources.folder("resources") == checkout / "resources"
    (wheel / "resources").mkdir(parents=True)
    assert resources.folder("resources") == wheel / "resources"

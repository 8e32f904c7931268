"""Wires: smooth, and around nodes rather than under them."""

from __future__ import annotations

import itertools
import random

import pytest

import netbuilder as nb
from netbuilder.graph.layout import Flow
from netbuilder.graph.places import Box, Places
from netbuilder.graph.routing import Course, course
from netbuilder.gui.canvas.search import MEANINGS, Entry, entries, ranked
from netbuilder.layers import catalogue


def covers(line: Course, box: Box) -> bool:
    """Whether the course passes over a box, at closely spaced points."""
    for (x1, y1), (x2, y2) in itertools.pairwise(line.points):
        for step in range(21):
            x, y = x1 + (x2 - x1) * step / 20, y1 + (y2 - y1) * step / 20
            if box.left < x < box.right and box.top < y < box.bottom:
                return True
    return False


@pytest.mark.parametrize("flow", ["down", "right"])
def test_straight_where_it_can_be(flow: Flow) -> None:
    end = (0.0, 200.0) if flow == "down" else (200.0, 0.0)
    assert course((0.0, 0.0), end, flow, lambda box: []).points == ((0.0, 0.0), end)


@pytest.mark.parametrize("flow", ["down", "right"])
def test_around_a_node_in_the_way(flow: Flow) -> None:
    node = Box(-96, 96, 96, 144)
    end = (32.0, 240.0)
    if flow == "right":
        node, end = node.turned(), (end[1], end[0])
    places = Places()
    places.put("node", node)
    line = course((0.0, 0.0), end, flow, lambda box: places.near(box).values())
    assert line.points[0] == (0.0, 0.0)
    assert line.points[-1] == end
    assert not covers(line, node)
    assert covers(course((0.0, 0.0), end, flow), node), "without obstacles it would"


def test_back_up_beside_both_nodes() -> None:
    source, target = Box(-96, 352, 96, 400), Box(-96, 0, 96, 48)
    between = Box(-96, 200, 96, 248)
    boxes = [between]
    line = course((0.0, 400.0), (0.0, 0.0), "down", lambda box: [b for b in boxes if b.meets(box)])
    assert not covers(line, between)
    assert line.points[1][1] > source.bottom, "it leaves downwards"
    assert line.points[-2][1] < target.top, "and comes in from above"


def test_hemmed_in_it_still_arrives() -> None:
    line = course((0.0, 0.0), (10.0, 300.0), "down", lambda box: [Box(-1e9, 100, 1e9, 150)])
    assert line.points[-1] == (10.0, 300.0)


def test_places_find_what_a_slow_search_finds() -> None:
    rng = random.Random(1)
    places = Places()
    boxes: dict[str, Box] = {}

    def box() -> Box:
        x, y = rng.uniform(-2000, 2000), rng.uniform(-2000, 2000)
        return Box(x, y, x + rng.uniform(1, 700), y + rng.uniform(1, 300))

    for number in range(600):
        id = f"n{number % 200}"
        if id in boxes and rng.random() < 0.3:
            places.drop(id)
            del boxes[id]
        else:
            boxes[id] = box()
            places.put(id, boxes[id])
        area = box()
        assert places.near(area) == {i: b for i, b in boxes.items() if b.meets(area)}
    assert len(places) == len(boxes)
    bounds = places.bounds()
    assert bounds is not None
    assert bounds.left == min(b.left for b in boxes.values())


# -- the search ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("linear", "Linear"),
        ("conv", "Conv2d"),
        ("conv2", "Conv2d"),
        ("cnv2", "Conv2d"),
        ("bn2", "BatchNorm2d"),
        ("batch norm 1", "BatchNorm1d"),
        ("relu", "ReLU"),
        ("norm", "LayerNorm"),
        ("drop", "Dropout"),
        ("lstm", "LSTM"),
        ("cross", "CrossEntropyLoss"),
    ],
)
def test_a_few_letters_find_the_layer(query: str, first: str) -> None:
    found = ranked(query, entries(None, None), {})
    assert found[0].title == first


@pytest.mark.parametrize(
    ("query", "first"),
    [
        *(("concat", "torch.cat"), ("reshape", "torch.reshape"), ("detach", "torch.Tensor.detach")),
        *(("attention", "torch.nn.MultiheadAttention"), ("softmax", "torch.nn.Softmax")),
        *(("residual", "torch.add"), ("skip connection", "torch.add"), ("add", "torch.add")),
        *(("embedding", "torch.nn.Embedding"), ("moe", "netbuilder.MixtureOfExperts")),
        *(("positional", "netbuilder.SinusoidalPositions"), ("upsample", "torch.nn.Upsample")),
        *(("gcn", "torch_geometric.nn.GCNConv"), ("gat", "torch_geometric.nn.GATConv")),
        *(("graph", "torch_geometric.nn.GraphConv"), ("mean", "torch.mean")),
        *(
            ("graph attention", "torch_geometric.nn.GATConv"),
            ("average pool", "torch.nn.AvgPool2d"),
        ),
        *(("mean pool", "torch_geometric.nn.global_mean_pool"), ("average", "torch.mean")),
        *(("slice", "torch.Tensor.__getitem__"), ("index", "torch.Tensor.__getitem__")),
        *(("vae", "netbuilder.ReparametrisedNormal"), ("noise", "netbuilder.Noise")),
        *(("reparameterize", "netbuilder.ReparametrisedNormal"), ("dense", "torch.nn.Linear")),
        *(("resize", "torch.nn.functional.interpolate"), ("convolution", "torch.nn.Conv2d")),
        *(("squeeze excitation", "netbuilder.SqueezeExcite"), ("random", "torch.randn_like")),
    ],
)
def test_what_people_call_it_finds_the_layer(query: str, first: str) -> None:
    project = nb.template("digits_cnn")
    offered = entries(project.document, project.network().graph)
    found = [entry for entry in ranked(query, offered, {}) if not entry.refusal]
    assert found[0].layer == first


def test_usage_decides_among_equals() -> None:
    offered = [Entry("a", "Alpha one", "x", ""), Entry("b", "Alpha two", "x", "")]
    assert ranked("alpha", offered, {})[0].layer == "a"
    assert ranked("alpha", offered, {"b": 3})[0].layer == "b"
    assert ranked("", offered, {"b": 3})[0].layer == "b"
    assert ranked("zz", offered, {}) == []


def test_what_words_mean_is_there() -> None:
    assert set(MEANINGS.values()) <= set(catalogue.available())

"""Samplers and penalties in a step: their code, what does not fit them, and previews on request."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import BuiltStep, build_network, build_step
from netbuilder.errors import Problem
from netbuilder.graph.model import Node
from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.drawing import Drawing

N = symbol("N")
FIELDS = {
    "image": TensorType((N, 4)),
    "text": TensorType((N, 6), "int64", 9),
}


def drawing(more: Callable[[Drawing, Node, Node], object]) -> Drawing:
    """A critic of four numbers, a writer of nine letters, and a step that trains the critic."""
    d = Drawing()
    x = d.input(4, name="image")
    d.output(d.add("Linear", x, name="score", out_features=1), name="scores")
    d.add_graph("network", "writer")
    x = d.input("T", name="letters", dtype="int64", high=9)
    x = d.add("Embedding", x, name="embedding", embedding_dim=5)
    d.output(d.add("Linear", x, name="head", out_features=9), name="odds")
    d.add_graph("network", "denoiser")
    x, t = d.input(4, name="noisy"), d.input(name="time", dtype="int64", high=10)
    t = d.add("netbuilder.TimestepEmbedding", t, name="waves", channels=4)
    d.output(d.add("torch.add", x, t, name="sum"), name="noise")
    d.add_graph("step", "train", updates=["main"])
    image = d.add("netbuilder.DataField", name="image", field="image")
    text = d.add("netbuilder.DataField", name="text", field="text")
    more(d, image, text)
    return d


def loss(d: Drawing, image: Node) -> Node:
    score = d.add("netbuilder.NetworkCall", image, name="main", network="main")
    mean = d.add("torch.mean", score, name="mean")
    d.add("netbuilder.Objective", mean, name="loss")
    return score


def problems(d: Drawing) -> list[Problem]:
    found = analyse(d.document, FIELDS).problems
    return [p for p in found if p.node and p.code != "node.unused"]


def built(d: Drawing) -> BuiltStep:
    names = ("main", "writer", "denoiser")
    networks = {name: build_network(d.document, name) for name in names}
    return build_step(d.document, "train", FIELDS, networks)


def sampled(d: Drawing, image: Node, text: Node) -> None:
    loss(d, image)
    write = d.add("netbuilder.TextSampler", text, name="write", network="writer", length=3)
    d.add("netbuilder.Preview", write, name="written", kind="text")
    paint = d.add(
        "netbuilder.DiffusionSampler", image, name="paint", network="denoiser", shape=(4,), steps=10
    )
    d.add("netbuilder.Preview", paint, name="painted")
    d.add("netbuilder.Preview", image, name="given")


def test_what_previews_alone_need_runs_when_asked() -> None:
    step = built(drawing(sampled))
    assert step.asks
    assert step.previews == {"written": "text", "painted": "auto", "given": "auto"}
    calls = []
    networks = dict(step.module.named_children())
    networks["writer"].register_forward_hook(lambda *_: calls.append("writer"))
    networks["denoiser"].register_forward_hook(lambda *_: calls.append("denoiser"))
    batch = {"image": torch.randn(5, 4), "text": torch.randint(0, 9, (5, 6))}
    value, metrics, shown = step.module(**batch)
    assert value.requires_grad
    assert (metrics, shown, calls) == ({}, {}, [])
    with torch.no_grad():
        again, _, shown = step.module.eval()(**batch, previews=True)
    assert torch.equal(again, value)
    assert (
        calls == ["writer"] * 3 + ["denoiser"] * 10 or calls == ["denoiser"] * 10 + ["writer"] * 3
    )
    assert shown["written"].shape == (4, 9)
    assert torch.equal(shown["written"][:, :6], batch["text"][:4])
    assert shown["painted"].shape == (5, 4)
    assert shown["given"] is batch["image"]


def test_previews_of_what_is_there_anyway_are_not_asked_for() -> None:
    def draw(d: Drawing, image: Node, text: Node) -> None:
        d.add("netbuilder.Preview", loss(d, image), name="scores")

    step = built(drawing(draw))
    assert not step.asks
    _, _, shown = step.module(image=torch.randn(5, 4))
    assert shown["scores"].shape == (5, 1)


def test_a_penalty_alone_teaches_the_network() -> None:
    def draw(d: Drawing, image: Node, text: Node) -> None:
        noise = d.add("torch.randn_like", image, name="noise")
        penalty = d.add("netbuilder.GradientPenalty", image, noise, name="slope", network="main")
        d.add("netbuilder.Objective", penalty, name="loss")

    d = drawing(draw)
    assert problems(d) == []
    step = built(d)
    value, _, _ = step.module(image=torch.randn(5, 4))
    value.backward()
    assert all(
        p.grad is not None for n, p in step.module.named_parameters() if n.endswith("weight")
    )
    with torch.no_grad():
        value, _, _ = step.module.eval()(image=torch.randn(5, 4))
    assert value > 0


def penalty(network: str, **params: object) -> Callable[[Drawing, Node, Node], object]:
    def draw(d: Drawing, image: Node, text: Node) -> None:
        loss(d, image)
        node = d.add(
            "netbuilder.GradientPenalty", image, image, name="slope", network=network, **params
        )
        d.add("torchmetrics.MeanMetric", node, name="watched")

    return draw


def writing(network: str) -> Callable[[Drawing, Node, Node], object]:
    def draw(d: Drawing, image: Node, text: Node) -> None:
        loss(d, image)
        node = d.add("netbuilder.TextSampler", text, name="write", network=network)
        d.add("netbuilder.Preview", node, name="written", kind="text")

    return draw


def painting(network: str, **params: object) -> Callable[[Drawing, Node, Node], object]:
    def draw(d: Drawing, image: Node, text: Node) -> None:
        loss(d, image)
        node = d.add("netbuilder.DiffusionSampler", image, name="paint", network=network, **params)
        d.add("netbuilder.Preview", node, name="painted")

    return draw


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (penalty("denoiser"), "The input 'time' of 'slope' is not connected."),
        (penalty("writer"), "The network 'writer' takes N×T int64 as 'letters', gets N×4 float32"),
        (writing("main"), "The network 'main' takes N×4 float32 as 'image', gets N×T int64"),
        (painting("main", shape=(4,)), "calls 'main' with 2 tensors; it takes 1: image."),
        (painting("denoiser", shape=(5,), steps=10), "takes N×4 float32 as 'noisy', gets N×5"),
        (painting("denoiser", shape=(4,), steps=50), "ids up to 49, the network knows 10"),
        (painting("denoiser", shape=(4,), steps=10, jumps=20), "20 of 10 steps can't be gone."),
    ],
)
def test_a_network_that_does_not_fit_is_told_at_the_node(
    draw: Callable[[Drawing, Node, Node], object], told: str
) -> None:
    (problem, *_) = [p for p in problems(drawing(draw)) if p.severity == "error"]
    assert told in problem.message
    assert problem.hint


def test_a_network_that_no_step_updates_is_told() -> None:
    def draw(mode: str) -> Callable[[Drawing, Node, Node], object]:
        def inside(d: Drawing, image: Node, text: Node) -> None:
            loss(d, image)
            said = d.add("netbuilder.NetworkCall", text, name="say", network="writer", mode=mode)
            d.add("torchmetrics.MeanMetric", said, name="watched")

        return inside

    (problem,) = problems(drawing(draw("train")))
    assert problem.code == "step.untaught"
    assert "No step updates 'writer'" in problem.message
    assert [fix.title for fix in problem.fixes] == ["Set mode to frozen", "Train 'writer' too"]
    for mode in ("frozen", "eval"):
        assert problems(drawing(draw(mode))) == []

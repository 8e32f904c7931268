"""Weights whose names tell nothing find their places by the shapes of layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import netbuilder as nb
from netbuilder.exchange.foreign.guessing import guess
from netbuilder.exchange.foreign.slots import Slot

Shapes = dict[str, tuple[int, ...]]


def slots(shapes: Shapes) -> dict[str, Slot]:
    return {key: Slot(shape, "float32") for key, shape in shapes.items()}


def pairs(own: Shapes, theirs: Shapes, *, ordered: bool = True) -> dict[str, str]:
    found = guess(slots(own), slots(theirs), ordered=ordered)
    return {key: "+".join(source.keys) for key, source in found.items()}


def linear(name: str, out: int, into: int) -> Shapes:
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


BLOCKS = [
    linear(f"blocks.{at}.attention", 12, 4)
    | linear(f"blocks.{at}.out", 4, 4)
    | norm(f"blocks.{at}.norm", 4)
    for at in range(11)
]
OWN: Shapes = {key: shape for block in BLOCKS for key, shape in block.items()}


def test_names_are_put_in_order_by_their_numbers_where_the_file_keeps_none() -> None:
    theirs = [
        {f"h.{at}.ln.gamma": (4,), f"h.{at}.ln.beta": (4,)}
        | linear(f"h.{at}.dense", 4, 4)
        | linear(f"h.{at}.qkv", 12, 4)
        for at in range(11)
    ]
    inside = {key: shape for block in theirs for key, shape in block.items()}
    found = pairs(OWN, dict(sorted(inside.items())), ordered=False)
    # A bias is that of its own layer, though others have its shape.
    assert found["blocks.10.out.bias"] == "h.10.dense.bias"
    assert found["blocks.2.norm.weight"] == "h.2.ln.gamma"
    assert found["blocks.9.attention.weight"] == "h.9.qkv.weight"
    assert found.keys() == OWN.keys()
    # One layer more or less, and there is no telling which.
    fewer = {key: shape for key, shape in inside.items() if "h.3.ln" not in key}
    assert not [key for key in pairs(OWN, fewer, ordered=False) if "norm" in key]


def test_rows_that_repeat_meet_rows_that_are_as_long() -> None:
    own = {key: s for at in range(3) for key, s in norm(f"stage.{at}.norm", 4).items()}
    own |= norm("last", 4)
    theirs = norm("classifier.0", 4)
    theirs |= {key: s for at in range(3) for key, s in norm(f"features.{at}.1", 4).items()}
    found = pairs(own, theirs, ordered=False)
    assert found["last.bias"] == "classifier.0.bias"
    assert found["stage.2.norm.weight"] == "features.2.1.weight"


def test_the_order_of_a_file_counts_where_it_keeps_one() -> None:
    own = norm("a", 4) | linear("b", 4, 4) | norm("c", 4)
    theirs = norm("extra", 9) | norm("z", 4) | linear("y", 4, 4) | norm("x", 4)
    assert pairs(own, theirs)["a.bias"] == "z.bias"
    assert pairs(own, theirs)["c.bias"] == "x.bias"
    # The last layer is the head, whatever else looks the same.
    heads = linear("body", 4, 3) | linear("aux", 2, 4) | linear("fc", 2, 4)
    assert pairs(linear("b", 4, 3) | linear("h", 2, 4), heads)["h.bias"] == "fc.bias"
    # What stands elsewhere and has just one partner is found all the same.
    moved = {"class_token": (1, 1, 4), **linear("b", 4, 3), "places": (1, 7, 4), "s": (5, 1, 1)}
    own = linear("p", 4, 3) | {"t.weight": (1, 4), "q.weight": (7, 4), "scale.weight": (5,)}
    assert list(pairs(own, moved).values()) == [
        "b.weight",
        "b.bias",
        "class_token",
        "places",
        "s",
    ]


@pytest.mark.parametrize("file", ["theirs.pt", "theirs.safetensors"])
def test_apart_and_turned_the_values_are_the_same(file: str, tmp_path: Path) -> None:
    attention, mlp = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 8)
    first, second = nn.Linear(8, 8).state_dict(), nn.Linear(8, 8).state_dict()
    assert attention.in_proj_weight is not None
    parts = zip(
        ("query", "key", "value"),
        attention.in_proj_weight.detach().chunk(3),
        attention.in_proj_bias.detach().chunk(3),
        strict=True,
    )
    state = {"token": torch.randn(1, 1, 1, 4)}
    for name, weight, bias in parts:
        state |= {f"h.0.self.{name}.weight": weight, f"h.0.self.{name}.bias": bias}
    state |= {f"h.0.dense.{key}": value for key, value in attention.out_proj.state_dict().items()}
    mlp_state = mlp.state_dict()
    if file.endswith(".pt"):
        # All matrices the other way round: with three apart nobody does both.
        state = {"token": state["token"], "h.0.c_fc.weight": mlp_state["weight"].T.contiguous()}
        state |= {"h.0.c_fc.bias": mlp_state["bias"]}
        # In their order, which is not that of their names.
        for name, values in (("z", first), ("a", second)):
            state |= {f"{name}.weight": values["weight"].T, f"{name}.bias": values["bias"]}
        torch.save(state, tmp_path / file)
    else:
        state |= {f"h.0.fc.{key}": value for key, value in mlp_state.items()}
        state |= {f"h.10.fc.{key}": value for key, value in second.items()}
        state |= {f"h.9.fc.{key}": value for key, value in first.items()}
        save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / file)
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="x", shape=(3, 4))
    att = net.add("torch.nn.MultiheadAttention", name="att", embed_dim=4, num_heads=2)
    wide = net.add("torch.nn.Linear", name="wide", out_features=8)
    one = net.add("torch.nn.Linear", name="one", out_features=8)
    two = net.add("torch.nn.Linear", name="two", out_features=8)
    y = net.add("netbuilder.Output", name="y")
    for port in ("query", "key", "value"):
        net.connect(x, att[port])
    for source, target in ((att, wide), (wide, one), (one, two), (two, y)):
        net.connect(source, target)
    before = nb.weights(project, tmp_path / file)
    assert before["in_order"] > before["matched"] == 0
    assert project.document.project.weights == {}
    answer = nb.weights(project, tmp_path / file, by_order=True, apply=True)
    own = project.module("main").state_dict()
    for key, value in mlp_state.items():
        assert torch.equal(own[f"wide.{key}"], value)
        assert torch.equal(own[f"one.{key}"], first[key])
        assert torch.equal(own[f"two.{key}"], second[key])
    if file.endswith(".pt"):
        assert answer["matched"] == 6
    else:
        assert answer["matched"] == answer["of"] == 10
        assert torch.equal(own["att.in_proj_weight"], attention.in_proj_weight)
        assert torch.equal(own["att.in_proj_bias"], attention.in_proj_bias)
        assert torch.equal(own["att.out_proj.weight"], attention.out_proj.weight)
    assert bool(answer["notes"]) == file.endswith(".safetensors")
    whys = {item["key"]: item["why"] for item in answer["items"] if item["state"] == "order"}
    assert ("other way round" in whys["wide.weight"]) == file.endswith(".pt")

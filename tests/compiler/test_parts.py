"""The source of parts: complete, once each, and under names that nothing else takes."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import torch

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network, build_step, network_source
from netbuilder.compiler.parts import Part, all_names, names, parts
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import layers
from netbuilder.layers.dims import symbol
from tests.drawing import Drawing

N = symbol("N")
USED = sorted({kind.part for kind in layers().values() if kind.part})


def listed(*wanted: str) -> list[str]:
    return [name for part in parts(wanted) for name in part.names]


def test_each_definition_comes_after_what_it_needs() -> None:
    assert listed("capsules.CapsuleRouting") == ["squashed", "CapsuleRouting"]
    assert listed("constants.Buffer") == ["INITIALISERS", "initial", "Buffer"]
    reversal = ["ScaledGradient", "scale_gradient", "GradientReversal"]
    assert listed("gradient.GradientReversal") == reversal
    assert listed("vision.LayerNorm2d") == ["LayerNorm2d"]


def test_two_of_one_file_share_what_both_need() -> None:
    both = listed("capsules.Squash", "capsules.PrimaryCapsules")
    assert sorted(both) == ["PrimaryCapsules", "Squash", "squashed"]
    assert both[0] == "squashed"
    assert names(["capsules.Squash", "vision.PatchEmbed"]) == {"squashed", "Squash", "PatchEmbed"}


def test_the_order_does_not_depend_on_that_of_the_nodes() -> None:
    one = parts(["vision.PatchEmbed", "constants.ClassToken"])
    assert one == parts(["constants.ClassToken", "vision.PatchEmbed"])


def imports(*wanted: str) -> set[str]:
    return {line for part in parts(wanted) for line in part.imports}


def test_imports_are_those_that_the_definitions_use() -> None:
    assert imports("capsules.CapsuleLength") == {"import torch", "from torch import nn"}
    assert imports("positions.AlibiBias") == {
        "import math",
        "import torch",
        "from torch import nn",
    }
    assert imports("gradient.GradientClip") == {
        "import torch",
        "from torch import nn",
        "from collections.abc import Callable",
        "from typing import Any",
    }


def test_a_name_that_no_file_has_is_refused() -> None:
    with pytest.raises(KeyError):
        parts(["capsules.Nothing"])


@pytest.mark.parametrize("name", USED)
def test_every_part_stands_by_itself(name: str) -> None:
    """Its text runs alone, line lengths and docstring as in code that a person would write."""
    found: list[Part] = parts([name])
    head = sorted({line for part in found for line in part.imports})
    text = "\n\n\n".join(["\n".join(head), *(part.text for part in found)])
    ast.parse(text)
    space: dict[str, Any] = {"__name__": "alone"}
    exec(compile(text, "alone", "exec"), space)  # noqa: S102
    kind = space[name.partition(".")[2]]
    assert issubclass(kind, torch.nn.Module)
    assert kind.__doc__
    assert max(map(len, text.splitlines())) <= 88
    assert "netbuilder" not in text
    assert set().union(*(part.names for part in found)) <= all_names()


# -- in networks -----------------------------------------------------------------------------


def image_network(name: str = "main") -> Drawing:
    d = Drawing()
    d.graph = d.document.network(name) or d.add_graph("network", name)
    x = d.add("netbuilder.SqueezeExcite", d.input(8, 4, 4, name="image"), name="gate")
    d.output(d.add("netbuilder.LayerNorm2d", x, name="norm"), name="out")
    return d


def text_of(d: Drawing) -> str:
    assert [p.message for p in analyse(d.document, {}).problems if p.severity == "error"] == []
    return network_source(d.document, "main").text


def test_a_network_brings_its_parts_and_needs_no_netbuilder() -> None:
    text = text_of(image_network())
    assert text.index("class LayerNorm2d") < text.index("class Main")
    assert text.count("class SqueezeExcite(nn.Module):") == 1
    assert "self.gate = SqueezeExcite(8)" in text
    assert "import torch.nn.functional as F" in text
    assert "netbuilder" not in text
    space: dict[str, Any] = {"__name__": "alone"}
    exec(compile(text, "alone", "exec"), space)  # noqa: S102
    assert space["Main"]()(torch.zeros(2, 8, 4, 4)).shape == (2, 8, 4, 4)


def test_two_nodes_of_one_layer_share_its_source() -> None:
    d = Drawing()
    x = d.add("netbuilder.Squash", d.input(3, 4), name="first")
    d.output(d.add("netbuilder.Squash", x, name="second"))
    text = text_of(d)
    assert text.count("class Squash(") == text.count("def squashed(") == 1


@pytest.mark.parametrize("name", ["SqueezeExcite", "squeeze_excite", "LayerNorm2d"])
def test_a_network_named_like_a_part_gets_another_class(name: str) -> None:
    d = image_network(name)
    model = build_network(d.document, name)
    assert model(torch.zeros(1, 8, 4, 4)).shape == (1, 8, 4, 4)
    assert type(model).__name__.endswith("Network")


@pytest.mark.parametrize("name", ["LearnableParameter", "INITIALISERS", "initial"])
def test_a_block_named_like_a_part_gets_another_class(name: str) -> None:
    d = block_network(name, "size")
    text = text_of(d)
    assert text.count("class LearnableParameter(") == 1
    model = build_network(d.document, "main")
    assert model(torch.zeros(2, 5, 6)).shape == (2, 5, 6)
    assert list(model.state_dict()) == ["use.own.weight"]


def block_network(block: str, parameter: str) -> Drawing:
    """A network with a block that adds a parameter of the size it is told."""
    d = Drawing()
    settings = [{"name": parameter, "default": 6, "help": ""}]
    d.add_graph("block", block, parameters=settings)
    own = d.add("netbuilder.LearnableParameter", name="own", shape=(f"={parameter}",))
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(d.add("torch.add", x, own), name="y")
    d.graph = d.document.of_kind("network")[0]
    d.output(d.add("netbuilder.Block", d.input(5, 6), name="use", block=block))
    return d


@pytest.mark.parametrize("name", ["LearnableParameter", "SqueezeExcite"])
def test_a_blocks_parameter_named_like_a_part_is_refused(name: str) -> None:
    """It would hide the class in the block's constructor."""
    d = block_network("unit", name)
    problems = [p for p in analyse(d.document, {}).problems if p.severity == "error"]
    told = [p for p in problems if p.code == "block.parameter"]
    assert [p.message for p in told] == [f"'{name}' is the name of a layer in code."]


def test_a_blocks_parameter_may_be_named_like_what_parts_call_themselves() -> None:
    d = block_network("unit", "initial")
    text_of(d)
    assert build_network(d.document, "main")(torch.zeros(2, 5, 6)).shape == (2, 5, 6)


@pytest.mark.parametrize("name", ["SqueezeExcite", "squashed", "Squash"])
def test_nodes_may_be_named_like_a_part(name: str) -> None:
    d = Drawing()
    x = d.add("netbuilder.Squash", d.input(8, 4, 4, name="image"), name=name)
    y = d.add("netbuilder.SqueezeExcite", x, name="gate")
    d.output(d.add("torch.add", y, x))
    text_of(d)
    assert build_network(d.document, "main")(torch.zeros(1, 8, 4, 4)).shape == (1, 8, 4, 4)


def test_an_input_may_be_named_like_a_part() -> None:
    d = Drawing()
    d.output(d.add("netbuilder.Squash", d.input(3, 4, name="Squash"), name="squashed"))
    text_of(d)
    assert build_network(d.document, "main")(torch.zeros(2, 3, 4)).shape == (2, 3, 4)


def test_a_training_step_brings_its_parts() -> None:
    d = Drawing()
    d.output(d.add("Linear", d.input(4, name="x"), out_features=4))
    d.add_graph("step", "train", updates=["main"])
    call = d.add("netbuilder.NetworkCall", d.add("netbuilder.DataField", field="x"), network="main")
    loss = d.add("netbuilder.KLToStandardNormal", call, call, name="kl")
    d.add("netbuilder.Objective", loss)
    fields = {"x": TensorType((N, 4))}
    assert [p.message for p in analyse(d.document, fields).problems] == []
    step = build_step(d.document, "train", fields, {"main": build_network(d.document, "main")})
    value, _, _ = step.module(x=torch.zeros(3, 4))
    value.backward()
    assert value.shape == ()


def test_constants_go_where_the_network_goes() -> None:
    """A bare `torch.arange` in forward would stay on the CPU."""
    d = Drawing()
    steps = d.add("torch.arange", name="steps", end=4, dtype="float32")
    weights = d.add("torch.tensor", name="weights", data=((0.5, 1.0, 2.0, 4.0),))
    x = d.add("torch.add", d.input(4), steps, name="moved")
    d.output(d.add("torch.mul", x, weights))
    text = text_of(d)
    assert "self.steps = Constant(torch.arange(0, 4, dtype=torch.float32))" in text
    assert "self.weights = Constant(torch.tensor([[0.5, 1.0, 2.0, 4.0]]))" in text
    model = build_network(d.document, "main")
    assert model(torch.ones(1, 4)).tolist() == [[0.5, 2.0, 6.0, 16.0]]
    assert model.to("meta")(torch.ones(1, 4, device="meta")).device.type == "meta"
    assert model.state_dict() == {}


def test_what_has_no_batch_combines_with_what_has_one() -> None:
    d = Drawing()
    x = d.input("T", 6, name="x")
    table = d.add("netbuilder.SinusoidalPositions", x, add=False, name="table")
    scale = d.add("netbuilder.LearnableParameter", shape=(6,), name="scale")
    x = d.add("torch.mul", d.add("torch.add", x, table), scale)
    d.output(x)
    assert analyse(d.document, {}).problems == ()
    assert build_network(d.document, "main")(torch.zeros(2, 5, 6)).shape == (2, 5, 6)


def test_nothing_may_overwrite_a_constant() -> None:
    d = Drawing()
    own = d.add("netbuilder.LearnableParameter", shape=(4,), name="own")
    x = d.add("ReLU", own, inplace=True, name="relu")
    d.output(d.add("torch.add", d.input(4), x))
    problems = [p for p in analyse(d.document, {}).problems if p.code == "inplace.needed"]
    assert "belongs to 'own'" in problems[0].message

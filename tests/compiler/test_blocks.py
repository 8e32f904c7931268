"""Blocks: one class for all uses, shapes for each use, mistakes told where they are."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netbuilder.analysis import costs
from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network, network_source
from netbuilder.compiler.merge import Arguments
from netbuilder.compiler.report import Report
from netbuilder.graph import edits
from netbuilder.graph.fixes import apply_fix
from netbuilder.layers.catalogue import ports_of
from tests.compiler.reading import one_line
from tests.compiler.units import CHANNELS, close, codes, conv, new, problems, simple, use
from tests.drawing import Drawing


def resnet18() -> Drawing:
    d = new(CHANNELS, name="basic_block")
    x = d.add("netbuilder.BlockInput", name="x")
    h = d.add("ReLU", d.add("BatchNorm2d", conv(d, x, "conv1"), name="bn1"), name="relu1")
    h = d.add("BatchNorm2d", conv(d, h, "conv2"), name="bn2")
    d.output(d.add("ReLU", d.add("torch.add", h, x, name="add"), name="relu2"), name="y")
    d.add_graph("block", "down_block", parameters=(CHANNELS,))
    x = d.add("netbuilder.BlockInput", name="x")
    h = d.add("BatchNorm2d", conv(d, x, "conv1", stride=2), name="bn1")
    h = d.add("BatchNorm2d", conv(d, d.add("ReLU", h, name="relu1"), "conv2"), name="bn2")
    skip = conv(d, x, "shortcut", kernel_size=1, stride=2, padding=0)
    skip = d.add("BatchNorm2d", skip, name="shortcut_bn")
    d.output(d.add("ReLU", d.add("torch.add", h, skip, name="add"), name="relu2"), name="y")
    close(d)
    x = conv(d, d.input(3, 224, 224, name="image"), "conv1", out_channels=64, kernel_size=7)
    edits.set_parameters(d.history, d.graph, [x.id], {"stride": 2, "padding": 3})
    x = d.add("ReLU", d.add("BatchNorm2d", x, name="bn1"), name="relu")
    x = d.add("MaxPool2d", x, name="pool", kernel_size=3, stride=2, padding=1)
    x = use(d, x, name="layer1", block="basic_block", repeat=2)
    for stage, channels in ((2, 128), (3, 256), (4, 512)):
        values = {"channels": channels}
        x = use(d, x, name=f"down{stage}", block="down_block", values=values)
        x = use(d, x, name=f"layer{stage}", block="basic_block", values=values)
    x = d.add("AdaptiveAvgPool2d", x, name="gap", output_size=1)
    x = d.add("Linear", d.add("Flatten", x, name="flatten"), name="fc", out_features=1000)
    d.output(x, name="logits")
    return d


def test_resnet18_is_two_blocks_and_has_the_published_weights() -> None:
    d = resnet18()
    assert problems(d) == []
    text = one_line(network_source(d.document, "main").text)
    assert text.count("class ") == 3
    assert "self.layer1 = nn.Sequential(*(BasicBlock() for _ in range(2)))" in text
    assert "self.down3 = DownBlock(in_channels=128, channels=256)" in text
    assert "self.shortcut = nn.Conv2d(in_channels, channels, kernel_size=1, stride=2" in text
    assert "self.bn1 = nn.BatchNorm2d(channels)" in text
    with torch.device("meta"):
        model = build_network(d.document, "main")
    assert sum(weight.numel() for weight in model.parameters()) == 11_689_512
    assert "layer1.1.conv2.weight" in model.state_dict()
    assert "down4.shortcut_bn.running_mean" in model.state_dict()
    counted = costs.summary(d.document, None, {"image": (1, 3, 224, 224)})["networks"]["main"]
    assert counted["parameters"] == 11_689_512
    nodes = {node["name"]: node for node in counted["nodes"]}
    assert nodes["layer1"]["parameters"] == 147_968
    assert sum(node["macs"] for node in nodes.values()) == counted["macs"]
    assert nodes["layer4"]["macs"] > 0


def test_the_code_is_what_trains() -> None:
    d = simple()
    x = use(d, d.input(3, 8, 8, name="image"), name="first", values={"channels": 4, "stride": 2})
    d.output(use(d, x, name="rest", values={"channels": 4}, repeat=3), name="features")
    model = build_network(d.document, "main").eval()
    namespace: dict[str, Any] = {}
    exec(network_source(d.document, "main").text, namespace)  # noqa: S102
    again = [v for v in namespace.values() if isinstance(v, type)][-1]()
    again.load_state_dict(model.state_dict())
    image = torch.randn(2, 3, 8, 8)
    assert torch.equal(model(image), again.eval()(image))
    assert model(image).shape == (2, 4, 4, 4)


def test_the_first_of_a_row_may_take_other_sizes() -> None:
    d = simple()
    d.output(use(d, d.input(3, 8, 8), name="row", values={"channels": 16}, repeat=3))
    text = one_line(network_source(d.document, "main").text)
    assert (
        "nn.Sequential(Unit(in_channels=3, channels=16), "
        "*(Unit(in_channels=16, channels=16) for _ in range(2)))" in text
    )
    model = build_network(d.document, "main")
    assert [module.conv.in_channels for module in model.row] == [3, 16, 16]  # type: ignore[union-attr]


def test_repeat_may_be_a_parameter_of_the_block_around() -> None:
    d = simple()
    parameters = ({"name": "width", "default": 8, "help": ""}, {"name": "depth", "default": 2})
    d.add_graph("block", "stage", parameters=parameters)
    x = d.add("netbuilder.BlockInput", name="x")
    x = use(d, x, name="units", values={"channels": "=2*width"}, repeat="=depth")
    d.output(x)
    close(d)
    x = use(d, d.input(3, 8, 8), name="one", block="stage", values={"depth": 3})
    d.output(use(d, x, name="two", block="stage", values={"width": 16, "depth": 4}))
    assert problems(d) == []
    text = one_line(network_source(d.document, "main").text)
    assert text.count("class Stage") == 1
    assert "Unit(in_channels=2 * width, channels=2 * width) for _ in range(depth - 1)" in text
    model: Any = build_network(d.document, "main")
    assert len(model.one.units) == 3
    assert len(model.two.units) == 4
    assert model.two.units[3].conv.out_channels == 32


def test_a_row_with_more_inputs_gives_the_others_to_each() -> None:
    d = new(name="mix")
    x = d.add("netbuilder.BlockInput", name="x")
    m = d.add("netbuilder.BlockInput", name="m")
    h = d.add("Linear", d.add("torch.mul", x, m, name="mul"), name="fc", out_features=6)
    d.output(h, name="y")
    close(d)
    image, mask = d.input(6, name="image"), d.input(6, name="mask")
    d.output(use(d, image, mask, name="rows", block="mix", repeat=2), name="out")
    text = network_source(d.document, "main").text
    assert "for module in self.rows:" in text
    model: Any = build_network(d.document, "main")
    a, b = torch.randn(2, 6), torch.randn(2, 6)
    first, second = model.rows
    assert torch.equal(model(a, b), second(first(a, b), b))
    assert "rows.1.fc.weight" in model.state_dict()


def test_several_outputs_go_round_too() -> None:
    d = new(name="swap")
    a = d.add("netbuilder.BlockInput", name="a")
    b = d.add("netbuilder.BlockInput", name="b")
    d.output(d.add("torch.add", a, b, name="plus"), name="u")
    d.output(d.add("torch.sub", a, b, name="minus"), name="v")
    close(d)
    node = use(d, d.input(3, name="a"), d.input(3, name="b"), name="rows", block="swap", repeat=2)
    d.output((node, "v"), name="out")
    model = build_network(d.document, "main")
    a_, b_ = torch.randn(2, 3), torch.randn(2, 3)
    plus, minus = a_ + b_, a_ - b_
    assert torch.equal(model(a_, b_), plus - minus)


def test_an_expression_in_a_function_is_kept_on_self() -> None:
    d = new({"name": "length", "default": 2, "help": ""}, name="cut")
    x = d.add("netbuilder.BlockInput", name="x")
    cut = d.add("torch.narrow", x, name="cut", dim=1, start=0, length="=length")
    # A module whose name the stored number must not take.
    d.output(d.add("Linear", cut, name="length", out_features="=length", bias=False), name="y")
    close(d)
    x = d.input(9, name="x")
    x = use(d, x, name="long", block="cut", values={"length": 5})
    d.output(use(d, x, name="short", block="cut"), name="y")
    model: Any = build_network(d.document, "main")
    values = torch.randn(3, 9)
    first = model.long.length(values[:, :5])
    assert torch.equal(model(values), model.short.length(first[:, :2]))


def test_uses_that_are_built_differently_are_two_classes() -> None:
    d = simple()
    d.add_graph("block", "stage", parameters=({"name": "depth", "default": 1, "help": ""},))
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(use(d, x, name="units", values={"channels": 16}, repeat="=depth"), name="y")
    close(d)
    x = use(d, d.input(3, 8, 8), name="one", block="stage")
    d.output(use(d, x, name="three", block="stage", values={"depth": 3}), name="out")
    d.output(use(d, d.input(3, 8, 8), name="two", block="stage", values={"depth": 2}), name="more")
    assert problems(d) == []
    text = network_source(d.document, "main").text
    assert text.count("class Stage") == 2
    model: Any = build_network(d.document, "main")
    assert [len(part.units) for part in (model.one, model.three, model.two)] == [1, 3, 2]
    assert model.two.units[0].conv.in_channels == 3


def test_shapes_stand_in_the_code_where_they_are_always_the_same() -> None:
    d = simple()
    x = use(d, d.input(4, 8, 8, name="image"), name="a", values={"channels": 4})
    d.output(use(d, x, name="b", values={"channels": 4}), name="y")
    assert '"""x N×4×8×8 -> y N×4×8×8."""' in network_source(d.document, "main").text
    other = d.graph.named("b")
    assert other is not None
    edits.set_parameters(d.history, d.graph, [other.id], {"values": {"channels": 6}})
    text = one_line(network_source(d.document, "main").text)
    assert '"""x N×4×8×8 -> y."""' in text
    assert "nn.Conv2d(4, channels," in text, "what never differs is a number"


def test_what_a_number_is_written_as() -> None:
    uses = [{"a": 8, "b": 1, "on": True}, {"a": 16, "b": 1, "on": True}]
    arguments = Arguments(uses, ["=a", "=b", "=on", "=2*a"], frozenset({"a", "b", "on"}))

    def shown(*values: Any) -> str:
        return ast.unparse(arguments.stand_in(("size", "fc_size"), values))

    assert shown(8, 16) == "a"
    assert shown(16, 32) == "2 * a"
    assert shown(1, 1) == "1", "a small number may mean anything"
    assert shown(64, 64) == "64"
    assert arguments.further == {}
    assert shown(3, 5) == "size"
    assert shown(3, 5) == "size"
    assert shown(5, 7) == "fc_size"
    assert shown(6, 7) == "fc_size_2"
    assert shown(8.0, 16.0) == "fc_size_3", "8.0 is not 8 in PyTorch"


def test_uses_whose_parameters_are_lists() -> None:
    d = new(name="norm")
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(d.add("LayerNorm", x, name="norm", normalized_shape="=shape"), name="y")
    edits.set_graph(
        d.history, d.graph, settings={"parameters": [{"name": "shape", "default": [4], "help": ""}]}
    )
    close(d)
    d.output(use(d, d.input(4, name="a"), name="one", block="norm"), name="u")
    two = use(d, d.input(3, 4, name="b"), name="two", block="norm", values={"shape": [3, 4]})
    d.output(two, name="v")
    assert problems(d) == []
    model: Any = build_network(d.document, "main")
    assert model.two.norm.normalized_shape == (3, 4)


def test_blocks_in_blocks_know_their_use() -> None:
    d = simple()
    d.add_graph("block", "pair", parameters=({"name": "width", "default": 8, "help": ""},))
    x = d.add("netbuilder.BlockInput", name="x")
    inner = use(d, x, name="inner", values={"channels": "=width"})
    d.output(inner, name="y")
    close(d)
    one = use(d, d.input(3, 8, 8, name="image"), name="one", block="pair")
    two = use(d, one, name="two", block="pair", values={"width": 16}, repeat=2)
    d.output(two)
    report = Report.from_json(analyse(d.document, {}).to_json())
    main, pair, unit = (d.document.graph(id).id for id in _ids(d))
    assert set(report.uses[pair]) == {f"{main}/{one.id}", f"{main}/{two.id}"}
    assert set(report.uses[unit]) == {
        f"{main}/{one.id}/{inner.id}",
        f"{main}/{two.id}/{inner.id}",
    }
    conv_ = d.document.graph(unit).named("conv")
    assert conv_ is not None
    shapes = [
        report.uses[unit][f"{main}/{node.id}/{inner.id}"].nodes[conv_.id].outputs["output"].text
        for node in (one, two)
    ]
    assert shapes == ["N×8×8×8", "N×16×8×8"]
    assert report.graphs[unit].code.startswith("from torch import nn")
    assert report.graphs[pair].code.count("class ") == 2
    places = report.graphs[main].lines.values()
    assert (unit, conv_.id) in places
    assert (main, one.id) in places


def _ids(d: Drawing) -> tuple[str, str, str]:
    found = (d.document.network("main"), d.document.block("pair"), d.document.block("unit"))
    return tuple(graph.id for graph in found if graph is not None)  # type: ignore[return-value]


def test_blocks_pickle_into_a_fresh_process(tmp_path: Path) -> None:
    d = simple()
    d.output(use(d, d.input(3, 8, 8), name="rows", values={"channels": 4}, repeat=3))
    model = build_network(d.document, "main").eval()
    image = torch.randn(1, 3, 8, 8)
    file = tmp_path / "model.pickle"
    file.write_bytes(pickle.dumps((model, image, model(image).detach())))
    program = (
        "import pickle, sys, torch\n"
        "model, image, wanted = pickle.load(open(sys.argv[1], 'rb'))\n"
        "assert torch.equal(model(image), wanted)\n"
        "assert type(model.rows[0]) is type(model.rows[2])\n"
    )
    subprocess.run([sys.executable, "-c", program, str(file)], check=True, timeout=120)


# -- shared weights, muting, reroutes --------------------------------------------------------


def test_shared_weights_are_one_module() -> None:
    d = Drawing()
    x = d.input(6, name="x")
    one = d.add("Linear", x, name="fc", out_features=6)
    two = d.add("Linear", d.add("ReLU", one, name="act"), name="again", out_features=99)
    edits.set_node(d.history, d.graph, two.id, shares=one.id)
    d.output(two, name="y")
    assert problems(d) == []
    model: Any = build_network(d.document, "main")
    assert list(model.state_dict()) == ["fc.weight", "fc.bias"]
    values = torch.randn(2, 6)
    assert torch.equal(model(values), model.fc(torch.relu(model.fc(values))))
    report = analyse(d.document, {}).graphs[d.graph.id]
    assert report.parameters == 42
    edits.set_parameters(d.history, d.graph, [one.id], {"out_features": 7})
    told = next(problem for problem in problems(d) if problem.code == "shares.misfit")
    assert "in_features 6; here it is 7" in told.message
    apply_fix(d.history, told.fixes[0], ports_of)
    assert codes(d) == []


def test_a_block_can_share_its_weights() -> None:
    d = simple()
    one = use(d, d.input(4, 8, 8, name="image"), name="a", values={"channels": 4}, repeat=2)
    two = use(d, one, name="b")
    edits.set_node(d.history, d.graph, two.id, shares=one.id)
    d.output(two)
    assert problems(d) == []
    model: Any = build_network(d.document, "main")
    assert {name.split(".")[0] for name in model.state_dict()} == {"a"}
    assert isinstance(model.a, nn.Sequential)


def test_muted_bypassed_and_rerouted() -> None:
    d = Drawing()
    x = d.input(6, name="x")
    dot = d.add("netbuilder.Reroute", x, name="dot")
    norm = d.add("LayerNorm", d.add("netbuilder.Reroute", dot, name="dot2"), name="norm")
    side = d.add("Tanh", dot, name="side")
    d.output(d.add("torch.cat", norm, side, name="join", dim=1), name="y")
    full = build_network(d.document, "main")
    assert full(torch.zeros(2, 6)).shape == (2, 12)
    assert "dot" not in network_source(d.document, "main").text
    report = analyse(d.document, {}).graphs[d.graph.id]
    assert report.nodes[dot.id].outputs["output"].text == "N×6"
    edits.set_mute(d.history, d.graph, [norm.id], "bypassed")
    assert list(build_network(d.document, "main").state_dict()) == []
    assert analyse(d.document, {}).graphs[d.graph.id].nodes[norm.id].outputs["output"].text == "N×6"
    edits.set_mute(d.history, d.graph, [side.id], "muted")
    assert build_network(d.document, "main")(torch.zeros(2, 6)).shape == (2, 6)
    edits.set_mute(d.history, d.graph, [norm.id], "muted")
    assert "port.unwired" in codes(d)
    d.history.undo()
    d.history.undo()
    d.history.undo()
    assert build_network(d.document, "main")(torch.zeros(2, 6)).shape == (2, 12)


def test_no_argument_hides_the_class_that_is_made_beside_it() -> None:
    d = simple()
    d.add_graph("block", "outer", parameters=({"name": "Unit", "default": 4},))
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(use(d, x, name="inner", values={"channels": "=Unit"}), name="y")
    close(d)
    d.output(use(d, d.input(3, 8, 8, name="image"), name="one", block="outer"))
    assert build_network(d.document, "main")(torch.randn(2, 3, 8, 8)).shape == (2, 4, 8, 8)
    assert "self.inner = Unit2(channels=Unit)" in network_source(d.document, "main").text

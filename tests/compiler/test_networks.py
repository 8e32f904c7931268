"""Networks inside networks: one module for all that call it, in whatever mode."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.analysis import costs
from netbuilder.compiler.analyse import analyse, compile_document
from netbuilder.compiler.build import build_network, build_networks, build_step, network_source
from netbuilder.compiler.networks import in_order
from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.drawing import Drawing

FIELDS = {"image": TensorType((symbol("N"), 6)), "label": TensorType((symbol("N"),), "int64", 3)}


def call(d: Drawing, *sources: Any, network: str = "encoder", **params: Any) -> Node:
    return d.add("netbuilder.NetworkCall", *sources, network=network, **params)


def encoder(d: Drawing) -> None:
    d.add_graph("network", "encoder")
    x = d.add("Linear", d.input(6, name="image"), name="fc", out_features=4)
    x = d.add("Dropout", d.add("Tanh", x, name="act"), name="drop")
    d.output(x, name="code")


def autoencoder(mode: str = "train") -> Drawing:
    """A network that rebuilds its input through the network `encoder`, drawn before that one."""
    d = Drawing()
    edits.set_graph(d.history, d.graph, name="autoencoder")
    x = d.input(6, name="image")
    start = d.graph
    encoder(d)
    d.graph = start
    code = call(d, x, name="code", mode=mode)
    d.output(d.add("Linear", code, name="decoder", out_features=6), name="rebuilt")
    return d


def errors(d: Drawing) -> list[str]:
    found = compile_document(d.document, FIELDS).problems
    return [problem.message for problem in found if problem.severity == "error"]


def run(source: str) -> nn.Module:
    namespace: dict[str, Any] = {}
    exec(source, namespace)  # noqa: S102
    made: nn.Module = [v for v in namespace.values() if isinstance(v, type)][-1]()
    return made


def test_the_called_network_stands_before_and_is_made_inside() -> None:
    d = autoencoder()
    assert errors(d) == []
    text = network_source(d.document, "autoencoder").text
    assert text.index("class Encoder(") < text.index("class Autoencoder(")
    assert "def __init__(self, encoder: nn.Module | None = None) -> None:" in text
    assert "            encoder = Encoder()\n        self.encoder = encoder\n" in text
    alone, module = run(text).eval(), build_network(d.document, "autoencoder").eval()
    assert list(alone.state_dict()) == [
        "encoder.fc.weight",
        "encoder.fc.bias",
        "decoder.weight",
        "decoder.bias",
    ]
    alone.load_state_dict(module.state_dict())
    image = torch.randn(3, 6)
    assert torch.equal(alone(image), module(image))
    assert "Autoencoder" not in network_source(d.document, "encoder").text


def test_the_networks_of_a_project_share_what_they_call() -> None:
    d = autoencoder()
    networks: Any = build_networks(d.document)
    assert list(networks) == ["autoencoder", "encoder"]
    assert networks["autoencoder"].encoder is networks["encoder"]
    again = pickle.loads(pickle.dumps(networks))  # noqa: S301
    assert again["autoencoder"].encoder is again["encoder"]
    image = torch.randn(2, 6)
    again["autoencoder"].eval()
    networks["autoencoder"].eval()
    assert torch.equal(again["autoencoder"](image), networks["autoencoder"](image))


def test_what_two_networks_call_is_one_module_in_a_third_that_calls_both() -> None:
    d = autoencoder()
    start = d.graph
    d.add_graph("network", "scores")
    x = d.input(6, name="image")
    d.output(d.add("Linear", call(d, x, name="code"), name="head", out_features=3))
    d.add_graph("network", "both")
    x = d.input(6, name="image")
    d.output(call(d, x, network="autoencoder", name="a"))
    d.output(call(d, x, network="scores", name="b"))
    d.graph = start
    assert errors(d) == []
    assert [g.name for g in in_order(d.document)] == ["encoder", "autoencoder", "scores", "both"]
    both: Any = build_network(d.document, "both")
    assert both.autoencoder.encoder is both.scores.encoder
    assert sum(p.numel() for p in both.parameters()) == 28 + 30 + 15
    # It is there for the others alone.
    assert [name for name, _ in both.named_children()] == ["autoencoder", "scores"]
    assert run(network_source(d.document, "both").text)(torch.randn(2, 6))[1].shape == (2, 3)
    networks: Any = build_networks(d.document)
    assert networks["both"].scores.encoder is networks["encoder"]


def test_a_block_that_calls_a_network_is_given_it() -> None:
    d = autoencoder()
    start = d.graph
    d.add_graph("block", "rebuild", parameters=({"name": "encoder", "default": 5},))
    x = d.add("netbuilder.BlockInput", name="x")
    h = d.add("Linear", call(d, x, name="code"), name="wide", out_features="=encoder")
    d.output(d.add("Linear", h, name="back", out_features=6), name="y")
    d.add_graph("block", "around")
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(d.add("netbuilder.Block", x, name="inner", block="rebuild"), name="y")
    d.add_graph("network", "deep")
    x = d.input(6, name="image")
    x = d.add("netbuilder.Block", x, name="rows", block="around", repeat=2)
    d.output(d.add("netbuilder.Block", x, name="one", block="rebuild", values={"encoder": 7}))
    d.graph = start
    assert errors(d) == []
    module: Any = run(network_source(d.document, "deep").text)
    inner = {id(m.inner.encoder_network) for m in module.rows}
    assert inner == {id(module.encoder)} == {id(module.one.encoder_network)}
    assert module.one.wide.out_features == 7
    assert module(torch.randn(2, 6)).shape == (2, 6)
    assert sum(p.numel() for p in module.parameters()) == 28 + 2 * (25 + 36) + 35 + 48
    report = analyse(d.document, FIELDS)
    (deep,) = [g for g in d.document.of_kind("network") if g.name == "deep"]
    assert report.graphs[deep.id].parameters == 28 + 2 * (25 + 36) + 35 + 48


def test_rings_of_networks_are_refused_by_name() -> None:
    d = autoencoder()
    encoding = next(g for g in d.document.of_kind("network") if g.name == "encoder")
    start, d.graph = d.graph, encoding
    back = d.add("netbuilder.NetworkCall", name="back", network="autoencoder")
    image = encoding.named("image")
    act = encoding.named("act")
    assert image is not None
    assert act is not None
    d.wire(image, back, "image")
    d.graph = start
    told = errors(d)
    assert "The network 'encoder' contains itself: encoder → autoencoder → encoder." in told
    assert "The network 'autoencoder' contains itself: autoencoder → encoder → autoencoder." in told


def test_mistakes_in_a_called_network_are_told_where_it_is_called() -> None:
    d = autoencoder()
    encoding = next(g for g in d.document.of_kind("network") if g.name == "encoder")
    fc = encoding.named("fc")
    assert fc is not None
    edits.set_parameters(d.history, encoding, [fc.id], {"in_features": 5})
    told = errors(d)
    assert "The network 'encoder' has problems, so its outputs are not known." in told
    assert not any("contains itself" in message for message in told)


def test_a_network_that_calls_one_with_mistakes_is_not_built() -> None:
    d = autoencoder()
    encoding = next(g for g in d.document.of_kind("network") if g.name == "encoder")
    fc, act = encoding.named("fc"), encoding.named("act")
    assert fc is not None
    assert act is not None
    start, d.graph = d.graph, encoding
    # What comes out is known all the same.
    d.output(d.add("ReLU", fc, name="over", inplace=True), name="other")
    d.graph = start
    told = errors(d)
    assert "The network 'encoder' has problems, and 'autoencoder' calls it." in told
    assert set(compile_document(d.document, {}).sources) == set()


def test_a_step_may_update_a_network_that_another_calls() -> None:
    d = autoencoder()
    module = step(d, "train", updates=("encoder",))
    assert module.encoder is module.autoencoder.encoder
    train = d.document.of_kind("step")[0]
    alone, size = train.named("alone"), train.named("sum")
    assert alone is not None
    assert size is not None
    edits.delete(d.history, train, [alone.id])
    told = errors(d)
    assert not any("never calls it" in message for message in told)


def test_weights_are_counted_once() -> None:
    d = autoencoder()
    image = d.graph.named("image")
    assert image is not None
    twice = call(d, image, name="again")
    d.output(twice, name="code_again")
    report = analyse(d.document, FIELDS)
    nodes = {d.graph.nodes[id].name: node for id, node in report.graphs[d.graph.id].nodes.items()}
    assert nodes["code"].parameters == 28
    assert nodes["again"].parameters == 0
    assert report.graphs[d.graph.id].parameters == 58
    counted = costs.summary(d.document, "autoencoder", {})["networks"]["autoencoder"]
    assert counted["parameters"] == 58
    (code,) = [node for node in counted["nodes"] if node["name"] == "code"]
    assert (code["parameters"], code["macs"]) == (28, 24)


# -- modes -----------------------------------------------------------------------------------


def step(d: Drawing, mode: str, updates: tuple[str, ...] = ("autoencoder",)) -> Any:
    """A step that rebuilds an image, and uses the encoder's code in `mode` beside."""
    d.add_graph("step", "train", updates=updates)
    image = d.add("netbuilder.DataField", name="image", field="image")
    rebuilt = call(d, image, network="autoencoder", name="rebuilt")
    alone = call(d, image, name="alone", mode=mode)
    loss = d.add("MSELoss", rebuilt, image, name="mse")
    size = d.add("torch.mean", d.add("torch.mul", alone, alone, name="square"), name="size")
    d.add("netbuilder.Objective", d.add("torch.add", loss, size, name="sum"), name="loss")
    networks = build_networks(d.document)
    built = build_step(d.document, "train", FIELDS, networks)
    built.module.train()
    return built.module


@pytest.mark.parametrize("mode", ["train", "eval", "frozen"])
def test_a_step_trains_both_through_one_module(mode: str) -> None:
    module = step(autoencoder(), mode)
    assert module.encoder is module.autoencoder.encoder
    names = [name for name, _ in module.named_parameters()]
    assert len(names) == 4
    image = torch.randn(4, 6)
    loss, _, _ = module(image)
    loss.backward()
    assert all(p.grad is not None for p in module.parameters())
    assert module.encoder.training


@pytest.mark.parametrize("mode", ["eval", "frozen"])
def test_a_call_runs_in_its_own_mode_in_a_network_that_trains(mode: str) -> None:
    d = autoencoder(mode)
    networks: Any = build_networks(d.document)
    rebuild, encode = networks["autoencoder"].train(), networks["encoder"]
    image = torch.randn(4, 6, requires_grad=True)
    encode.eval()
    expected = rebuild.decoder(encode(image))
    encode.train()
    found = rebuild(image)
    assert torch.equal(found, expected)
    assert encode.training
    found.sum().backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert rebuild.decoder.weight.grad is not None
    assert (encode.fc.weight.grad is None) == (mode == "frozen")
    with torch.no_grad():
        assert torch.equal(rebuild(image), expected)
    exported: Any = torch.export.export(rebuild.eval(), (image.detach(),)).module()
    assert torch.equal(exported(image), expected)


def test_weights_come_back_to_what_stands_in_two_places() -> None:
    d = autoencoder()
    d.add_graph("network", "both")
    x = d.input(6, name="image")
    code = call(d, call(d, x, network="autoencoder", name="a"), name="b")
    d.output(code, name="code")
    d.add_graph("network", "student")
    d.output(call(d, d.input(6, name="image"), network="both", mode="frozen", name="teacher"))
    d.graph = d.document.of_kind("network")[0]
    assert errors(d) == []
    student: Any = build_network(d.document, "student").train()
    before = dict(student.named_parameters())
    image = torch.randn(3, 6, requires_grad=True)
    student(image).sum().backward()
    assert image.grad is not None
    after = dict(student.named_parameters())
    assert after.keys() == before.keys()
    for name, weight in before.items():
        assert after[name] is weight
        assert weight.grad is None


def test_a_step_that_is_compiled_calls_networks_in_other_files() -> None:
    d = autoencoder()
    decoder = d.graph.named("decoder")
    rebuilt = d.graph.named("rebuilt")
    assert decoder is not None
    assert rebuilt is not None
    # What is looked up by name while it is compiled: torch.
    twice = d.add("torch.roll", decoder, name="turned", shifts=1, dims=(1,))
    d.wire(twice, rebuilt, "input")
    module = step(d, "eval")
    module.autoencoder.encoder.drop.p = 0.0
    image = torch.randn(4, 6)
    with torch.no_grad():
        compiled: Any = torch.compile(module, backend="eager")
        assert torch.equal(compiled(image)[0], module(image)[0])

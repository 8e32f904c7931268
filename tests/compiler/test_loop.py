"""Loops over time: cells drawn by hand are PyTorch's own, types are found, code is a loop."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network, network_source
from netbuilder.graph import edits
from netbuilder.layers.catalogue import ports_of
from tests.compiler.cells import (
    HIDDEN,
    attend,
    close,
    copy_weights,
    drawn,
    gru,
    loop,
    lstm,
    problems,
)
from tests.drawing import Drawing

EXACT: dict[str, Any] = {"rtol": 0.0, "atol": 1e-6}


def shapes(d: Drawing, name: str) -> dict[str, str]:
    node = d.graph.named(name)
    assert node is not None
    report = analyse(d.document, {}).graphs[d.graph.id].nodes[node.id]
    return {port: tensor.text for port, tensor in report.outputs.items()}


def twin(source: str) -> nn.Module:
    """The module that the printed code makes."""
    namespace: dict[str, Any] = {}
    exec(source, namespace)  # noqa: S102
    made: nn.Module = [v for v in namespace.values() if isinstance(v, type)][-1]()
    return made


# -- what is computed ------------------------------------------------------------------------


def test_a_gru_drawn_by_hand_is_that_of_pytorch() -> None:
    d = drawn(gru, outputs=("h", "h_last"))
    assert problems(d) == []
    model: Any = build_network(d.document, "main")
    known = nn.GRU(4, 8, batch_first=True)
    copy_weights(known, model.rnn)
    for length in (1, 5, 12):
        x = torch.randn(3, length, 4, requires_grad=True)
        y = x.detach().clone().requires_grad_()
        (steps, last), (expected, final) = model(x), known(y)
        torch.testing.assert_close(steps, expected, **EXACT)
        torch.testing.assert_close(last, final[0], **EXACT)
        (steps.square().sum() + last.sum()).backward()
        (expected.square().sum() + final.sum()).backward()
        torch.testing.assert_close(x.grad, y.grad, rtol=1e-5, atol=1e-6)
    for name in ("weight", "bias"):
        own = getattr(model.rnn.state_gates, name).grad
        torch.testing.assert_close(own, getattr(known, f"{name}_hh_l0").grad, rtol=1e-5, atol=1e-5)


def test_an_lstm_has_two_states_that_may_be_wired() -> None:
    d = Drawing()
    lstm(d)
    x, h, c = d.input("T", 4, name="x"), d.input(8, name="h0"), d.input(8, name="c0")
    node = loop(d, x, h, c, block="lstm_cell")
    for port in ("h", "h_last", "c_last"):
        d.output((node, port), name=f"out_{port}")
    assert problems(d) == []
    model: Any = build_network(d.document, "main")
    known = nn.LSTM(4, 8, batch_first=True)
    copy_weights(known, model.rnn)
    x_, h_, c_ = torch.randn(2, 7, 4), torch.randn(2, 8), torch.randn(2, 8)
    expected, (h_n, c_n) = known(x_, (h_[None], c_[None]))
    for found, wanted in zip(model(x_, h_, c_), (expected, h_n[0], c_n[0]), strict=True):
        torch.testing.assert_close(found, wanted, **EXACT)
    # What is not wired begins with zeros.
    d = drawn(lstm, outputs=("h", "c_last"))
    assert problems(d) == []
    model = build_network(d.document, "main")
    copy_weights(known, model.rnn)
    expected, (_, c_n) = known(x_)
    for found, wanted in zip(model(x_), (expected, c_n[0]), strict=True):
        torch.testing.assert_close(found, wanted, **EXACT)


def test_backwards_is_forwards_on_what_is_turned_round() -> None:
    forwards = build_network(drawn(gru, outputs=("h", "h_last")).document, "main")
    d = drawn(gru, outputs=("h", "h_last"), reverse=True)
    backwards = build_network(d.document, "main")
    backwards.load_state_dict(forwards.state_dict())
    x = torch.randn(2, 6, 4)
    (steps, last), (expected, final) = backwards(x), forwards(x.flip(1))
    assert torch.equal(steps, expected.flip(1))
    assert torch.equal(last, final)
    assert "for x_t in reversed(x.unbind(1)):" in network_source(d.document, "main").text


def test_the_code_is_a_loop_as_people_write_it() -> None:
    d = drawn(gru, outputs=("h", "h_last"))
    text = network_source(d.document, "main").text
    assert (
        """
        h = x.new_zeros(x.size(0), 8)
        outputs = []
        for x_t in x.unbind(1):
            h = self.rnn(x_t, h)
            outputs.append(h)
        rnn_h = torch.stack(outputs, 1)  # N×T×8
        return rnn_h, h
"""
        in text
    )
    model = build_network(d.document, "main")
    assert next(iter(model.state_dict())) == "rnn.input_gates.weight"
    again = twin(text)
    again.load_state_dict(model.state_dict())
    x = torch.randn(2, 5, 4)
    assert all(map(torch.equal, again(x), model(x)))
    copied = pickle.loads(pickle.dumps(model))  # noqa: S301
    assert torch.equal(copied(x)[0], model(x)[0])


def test_only_what_is_used_is_kept() -> None:
    text = network_source(drawn(gru, outputs=("h_last",)).document, "main").text
    assert "append" not in text
    assert "        return h\n" in text


def test_several_sequences_constants_and_outputs() -> None:
    d = Drawing()
    attend(d)
    a, b = d.input(5, "T", name="a"), d.input(5, "T", name="b")
    scale = d.input(5, name="scale")
    node = loop(d, a, b, scale, block="sum_cell", dim=2, constants=("scale",))
    assert [p.name for p in ports_of(d.document, d.graph, node).outputs] == [
        "total",
        "y",
        "unused",
        "total_last",
    ]
    for port in ("total", "y", "total_last"):
        d.output((node, port), name=f"out_{port}")
    assert problems(d) == []
    assert shapes(d, "rnn") == {
        "total": "N×5×T",
        "y": "N×5×T",
        "unused": "N×5×T",
        "total_last": "N×5",
    }
    text = network_source(d.document, "main").text
    assert "for a_t, b_t in zip(a.unbind(2), b.unbind(2)):" in text
    assert "total, y, _ = self.rnn(a_t, b_t, scale, total)" in text
    a_, b_, s_ = torch.randn(2, 5, 9), torch.randn(2, 5, 9), torch.randn(2, 5)
    total, y, last = build_network(d.document, "main")(a_, b_, s_)
    expected = (a_ + b_) * s_[..., None]
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(total, expected.cumsum(2))
    torch.testing.assert_close(last, expected.sum(2))


def test_a_loop_may_just_be_repeated() -> None:
    d = Drawing()
    d.add_graph("block", "halve")
    h = d.add("netbuilder.BlockInput", name="h")
    d.output(d.add("torch.mul", h, d.add("Sigmoid", h, name="gate"), name="m"), name="h_next")
    close(d)
    x = d.input(6, name="x")
    node = loop(d, block="halve", steps=3)
    d.wire(x, node, "h")
    d.output((node, "h_last"), name="y")
    assert problems(d) == []
    assert "for _ in range(3):" in network_source(d.document, "main").text
    value = torch.randn(2, 6)
    expected = value
    for _ in range(3):
        expected = expected * torch.sigmoid(expected)
    torch.testing.assert_close(build_network(d.document, "main")(value), expected)


def test_ids_are_looked_up_step_by_step() -> None:
    d = Drawing()
    d.add_graph("block", "words")
    ids, h = d.add("netbuilder.BlockInput", name="ids"), d.add("netbuilder.BlockInput", name="h")
    word = d.add("Embedding", ids, name="table", embedding_dim=4)
    mixed = d.add("torch.add", word, d.add("Linear", h, name="past", out_features=4), name="sum")
    d.output(d.add("Tanh", mixed, name="act"), name="h_next")
    close(d)
    x = d.input("T", name="tokens", dtype="int64", high=20)
    d.output((loop(d, x, block="words"), "h"), name="states")
    assert problems(d) == []
    text = network_source(d.document, "main").text
    assert "h = torch.zeros(tokens.size(0), 4, device=tokens.device)" in text
    found = build_network(d.document, "main")(torch.randint(0, 20, (2, 5)))
    assert found.shape == (2, 5, 4)


def test_a_state_of_an_image_keeps_its_height_and_width() -> None:
    d = Drawing()
    d.add_graph("block", "conv_cell", parameters=(HIDDEN,))
    x, h = d.add("netbuilder.BlockInput", name="x"), d.add("netbuilder.BlockInput", name="h")
    same: Any = {"out_channels": "=hidden", "kernel_size": 3, "padding": 1}
    mixed = d.add("torch.add", d.add("Conv2d", x, **same), d.add("Conv2d", h, **same), name="sum")
    d.output(d.add("Tanh", mixed, name="act"), name="h_next")
    close(d)
    video = d.input("T", 3, "H", "W", name="video")
    node = loop(d, video, block="conv_cell", values={"hidden": 6})
    d.output((node, "h"), name="states")
    assert problems(d) == []
    assert shapes(d, "rnn")["h"] == "N×T×6×H×W"
    text = network_source(d.document, "main").text
    assert "h = video.new_zeros(video.size(0), 6, video.size(3), video.size(4))" in text
    assert build_network(d.document, "main")(torch.randn(2, 3, 3, 5, 7)).shape == (2, 3, 6, 5, 7)


# -- inside one another ------------------------------------------------------------------------


def test_a_loop_in_a_block_in_a_row_with_a_block_in_its_cell() -> None:
    d = Drawing()
    d.add_graph("block", "mlp", parameters=(HIDDEN,))
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(d.add("Tanh", d.add("Linear", x, name="fc", out_features="=hidden")), name="y")
    d.add_graph("block", "cell", parameters=(HIDDEN,))
    x, h = d.add("netbuilder.BlockInput", name="x"), d.add("netbuilder.BlockInput", name="h")
    values = {"hidden": "=hidden"}
    a = d.add("netbuilder.Block", x, name="given", block="mlp", values=values)
    b = d.add("netbuilder.Block", h, name="past", block="mlp", values=values)
    d.output(d.add("torch.add", a, b, name="sum"), name="h_next")
    d.add_graph("block", "layer", parameters=(HIDDEN,))
    x = d.add("netbuilder.BlockInput", name="x")
    there = loop(d, x, block="cell", name="there", values=values)
    back = loop(d, (there, "h"), block="cell", name="back", values=values, reverse=True)
    d.output((back, "h"), name="y")
    close(d)
    x = d.input("T", 4, name="x")
    x = d.add("netbuilder.Block", x, name="rows", block="layer", repeat=2)
    d.output(d.add("netbuilder.Block", x, name="wide", block="layer", values={"hidden": 12}))
    assert problems(d) == []
    text = network_source(d.document, "main").text
    assert text.count("class ") == 4
    assert "h = x.new_zeros(x.size(0), self.hidden)" in text
    model: Any = build_network(d.document, "main")
    assert "rows.1.back.past.fc.weight" in model.state_dict()
    given = torch.randn(2, 5, 4)

    def step(cell: Any, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        return torch.tanh(cell.given.fc(x)) + torch.tanh(cell.past.fc(h))

    value = given
    for layer, hidden in ((model.rows[0], 8), (model.rows[1], 8), (model.wide, 12)):
        for cell, order in ((layer.there, range(5)), (layer.back, reversed(range(5)))):
            state, found = torch.zeros(2, hidden), {}
            for t in order:
                state = found[t] = step(cell, value[:, t], state)
            value = torch.stack([found[t] for t in range(5)], 1)
    torch.testing.assert_close(model(given), value)


def test_loops_may_have_the_same_weights() -> None:
    d = drawn(gru, outputs=("h_last",))
    first = d.graph.named("rnn")
    x = d.graph.named("x")
    assert first is not None
    assert x is not None
    second = loop(d, x, block="gru_cell", name="again", reverse=True)
    edits.set_node(d.history, d.graph, second.id, shares=first.id)
    d.output((second, "h_last"), name="other")
    assert problems(d) == []
    model = build_network(d.document, "main")
    assert {name.partition(".")[0] for name in model.state_dict()} == {"rnn"}
    one, two = model(torch.randn(2, 5, 4))
    # Everything is the owner's, the direction too.
    assert torch.equal(one, two)


def test_names_in_the_loop_are_nobody_elses() -> None:
    d = Drawing()
    gru(d, extra=True)
    x = d.input("T", 4, name="x")
    h = d.add("Linear", x, name="h", out_features=4)
    outputs = d.add("Linear", h, name="outputs", out_features=4)
    x_t = d.add("Linear", h, name="x_t", out_features=4)
    node = loop(d, outputs, block="gru_cell", name="y")
    both = d.add("torch.cat", (node, "h"), h, x_t, dim=2, name="all")
    d.output(both)
    d.output((node, "y"))
    assert problems(d) == []
    model: Any = build_network(d.document, "main")
    value = torch.randn(2, 5, 4)
    joined, _ = model(value)
    torch.testing.assert_close(joined[..., 8:12], model.h(value))
    torch.testing.assert_close(joined[..., 12:], model.x_t(model.h(value)))


# -- exporters ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # Deprecations inside the exporter.
@pytest.mark.parametrize(
    ("cell", "reverse"), [(lstm, True), pytest.param(gru, False, marks=pytest.mark.nightly)]
)
def test_a_scan_computes_the_same(cell: Any, reverse: bool) -> None:
    d = drawn(cell, outputs=("h", "h_last"), reverse=reverse)
    plain = build_network(d.document, "main")
    scanned = build_network(d.document, "main", scanned=True)
    scanned.load_state_dict(plain.state_dict())
    x = torch.randn(3, 6, 4)
    dynamic = ({0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(scanned.eval(), (x,), dynamic_shapes=dynamic).module()
    for length in (1, 6, 11):
        x = torch.randn(2, length, 4)
        for found, wanted in zip(program(x), plain(x), strict=True):
            torch.testing.assert_close(found, wanted, **EXACT)

"""Sizes that a file declares are known before anything runs; those that it leaves free are not."""

from __future__ import annotations

import onnx.parser
import pytest

from netbuilder.exchange.onnx_in.graph import OnnxModule

CONSTANTS = """
    none = Constant <value_int = 0> ()  one = Constant <value_int = 1> ()
    last = Constant <value_int = -1> ()  far = Constant <value_int = 3> ()
    front = Constant <value_ints = [0]> ()  second = Constant <value_ints = [1]> ()
    third = Constant <value_ints = [2]> ()  end = Constant <value_ints = [9]> ()
    both = Constant <value_ints = [1, 2]> ()  two = Constant <value_ints = [2]> ()
"""
KNOWN = {
    "s = Shape (x) z = Gather (s, one)": 5,
    "s = Shape (x) z = Gather (s, last)": 6,
    "s = Shape (x) z = Gather (s, both)": [5, 6],
    "s = Shape (x) z = Slice (s, second, end)": [5, 6, 7],
    "s = Shape (x) z = Slice (s, second, third)": [5],
    "s = Shape (x) z = Slice (s, second, end, front, two)": [5, 7],
}
UNKNOWN = [
    "s = Shape (x) z = Gather (s, none)",
    "s = Shape (x) z = Slice (s, front, third)",
    "s = Shape <start = 1> (x) z = Gather (s, far)",
    "s = Shape <start = 1> (x) z = Gather (s, one)",
    "s = Shape (x) z = Slice (s, third, second)",
    "s = Identity (x) z = Gather (s, one)",
]


def made(text: str, shape: str) -> OnnxModule:
    """The module of a graph, with all that is known of its values."""
    head = '<ir_version: 8, opset_import: ["": 17]>'
    graph = f"g (float[{shape}] x) => (int64[k] z) {{ {CONSTANTS} {text} }}"
    return OnnxModule(onnx.parser.parse_model(head + graph))


@pytest.mark.parametrize("text", KNOWN)
def test_what_is_declared_is_known(text: str) -> None:
    module = made(text, "n, 5, 6" if "Gather" in text else "n, 5, 6, 7")
    assert module.fixed["z"].tolist() == KNOWN[text]


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_is_free_or_no_size_is_not(text: str) -> None:
    assert "z" not in made(text, "n, 5, 6").fixed

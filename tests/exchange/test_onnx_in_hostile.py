"""ONNX files that ask for what is not theirs, or for too much: refused in words, in time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from netbuilder.errors import DocumentError, NetbuilderError
from netbuilder.exchange.onnx_in import bringing, reading

SECRET = b"0123456789abcdef" * 4
FLOAT = onnx.TensorProto.FLOAT


def model(*nodes: onnx.NodeProto, opset: int = 17) -> onnx.ModelProto:
    """A model of these nodes, `x` to `y`."""
    graph = helper.make_graph(
        nodes or [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", FLOAT, None)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def outside(folder: Path, **said: str) -> Path:
    """A model whose weights lie where `said` says, in a folder beside the secret."""
    tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[4, 4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in said.items():
        tensor.external_data.add(key=key, value=value)
    made = model()
    made.graph.initializer.append(tensor)
    path = folder / "m.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The model's folder; a secret lies above it."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "model" / "junk").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "w").write_bytes(SECRET)
    return tmp_path / "model"


def test_weights_beside_the_model_are_read(folder: Path) -> None:
    """What lies in the model's own folder belongs to it."""
    (folder / "junk" / "w").write_bytes(b"\0" * 8 + SECRET)
    made = reading.read(outside(folder, location="junk/w", offset="8", length="64"))
    assert numpy_helper.to_array(made.graph.initializer[0]).tobytes() == SECRET
    assert not made.graph.initializer[0].external_data


PLACES = [
    "../secret",
    "junk/../../secret",
    "junk/../w",
    "./w",
    "",
    "..",
    "junk",
    "missing",
    "C:\\secret",
    "..\\secret",
    "w\0",
    "linked",
    "door/w",
    "hard",
    "pipe",
]


@pytest.mark.parametrize("place", PLACES)
def test_nothing_outside_is_read(place: str, folder: Path) -> None:
    """No way out of the folder, no link, nothing that is no file."""
    (folder / "w").write_bytes(SECRET)
    (folder / "linked").symlink_to(folder.parent / "secret")
    (folder / "door").symlink_to(folder.parent / "elsewhere")
    os.link(folder.parent / "secret", folder / "hard")
    os.mkfifo(folder / "pipe")
    with pytest.raises(DocumentError):
        reading.read(outside(folder, location=place))


def test_an_absolute_path_is_refused(folder: Path) -> None:
    """Wherever it leads."""
    with pytest.raises(DocumentError, match="own folder"):
        reading.read(outside(folder, location=str(folder.parent / "secret")))


@pytest.mark.parametrize(
    "said",
    [
        {"offset": "-1"},
        {"offset": "9" * 30},
        {"offset": "1"},
        {"length": "65"},
        {"length": "-4"},
        {"offset": "1e3"},
        {"__class__": "x"},
    ],
)
def test_places_in_a_file_are_within_it(said: dict[str, str], folder: Path) -> None:
    """Offsets and lengths are counted; other keys mean nothing good."""
    (folder / "w").write_bytes(SECRET)
    with pytest.raises(DocumentError):
        reading.read(outside(folder, location="w", **said))


def test_inner_graphs_are_looked_through(folder: Path) -> None:
    """A tensor in a branch is a tensor."""
    path = outside(folder, location="../secret")
    inner = onnx.load_model_from_string(path.read_bytes()).graph
    made = model(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner))
    path.write_bytes(made.SerializeToString())
    with pytest.raises(DocumentError, match="own folder"):
        reading.read(path)


def _huge() -> onnx.ModelProto:
    size = numpy_helper.from_array(np.array([2**20, 2**20]), "s")
    made = model(
        helper.make_node("ConstantOfShape", ["s"], ["big"]),
        helper.make_node("Add", ["x", "big"], ["y"]),
    )
    made.graph.initializer.append(size)
    return made


def _field(number: int, content: bytes) -> bytes:
    """A field of a message of protobuf, as its bytes."""
    size, head = len(content), b""
    while size > 127:
        head, size = head + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + head + bytes([size]) + content


def _nested() -> bytes:
    """An If in an If, and so on: graph, node, attribute, graph."""
    inner = b""
    for _ in range(200):
        inner = _field(1, _field(4, b"If") + _field(5, _field(6, inner)))
    return bytes([1 << 3, 8]) + _field(7, inner)


def _wrong_size() -> onnx.ModelProto:
    made = model()
    made.graph.initializer.append(
        onnx.TensorProto(name="w", data_type=FLOAT, dims=[2**40], raw_data=b"1234")
    )
    return made


def _circle() -> onnx.ModelProto:
    return model(
        helper.make_node("Add", ["x", "b"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Relu", ["b"], ["y"]),
    )


def _functions(count: int, calls: int, first: str) -> onnx.ModelProto:
    """A model of functions, each of which calls the one before it several times over."""
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    made = model(helper.make_node(f"F{count - 1}", ["x"], ["y"], domain="f"))
    made.opset_import.append(sets[1])
    for at in range(count):
        names = ["x", *(f"t{each}" for each in range(calls - 1)), "y"]
        called, domain = (f"F{at - 1}", "f") if at else (first, "f" if first != "Relu" else "")
        nodes = [
            helper.make_node(called, [a], [b], domain=domain)
            for a, b in zip(names, names[1:], strict=False)
        ]
        made.functions.append(helper.make_function("f", f"F{at}", ["x"], ["y"], nodes, sets))
    return made


def _reads_ahead() -> onnx.ModelProto:
    """A branch that reads what the graph around it makes later."""
    end = helper.make_tensor_value_info("z", FLOAT, None)
    inner = helper.make_graph([helper.make_node("Relu", ["late"], ["z"])], "i", [], [end])
    made = model(
        helper.make_node("If", ["c"], ["a"], then_branch=inner, else_branch=inner),
        helper.make_node("Relu", ["a"], ["late"]),
        helper.make_node("Relu", ["late"], ["y"]),
    )
    made.graph.initializer.append(numpy_helper.from_array(np.array(True), "c"))
    return made


HOSTILE: dict[str, Callable[[], Any]] = {
    "garbage": lambda: b"\x93NUMPY" + bytes(range(256)),
    "empty": lambda: b"",
    "nested": _nested,
    "huge": _huge,
    "circle": _circle,
    "opset": lambda: model(helper.make_node("Relu", ["x"], ["y"]), opset=999),
    "wrong size": _wrong_size,
    "functions in functions": lambda: _functions(12, 10, "Relu"),
    "functions without end": lambda: _functions(2, 1, "F1"),
    "reads ahead": _reads_ahead,
    "no maker": lambda: model(helper.make_node("Relu", ["z"], ["y"])),
    "twice": lambda: model(
        helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["x"], ["y"])
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_broken_files_are_refused_in_words(name: str, tmp_path: Path) -> None:
    """Never by an exception of somebody else's."""
    made = HOSTILE[name]()
    path = tmp_path / "m.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    with pytest.raises(NetbuilderError):
        bringing.from_onnx(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A name that is no file answers at once."""
    os.mkfifo(tmp_path / "m.onnx")
    with pytest.raises(DocumentError, match="no file"):
        reading.read(tmp_path / "m.onnx")


@pytest.mark.parametrize("attribute", ["kernel_shape", "strides", "pads", "group", "dilations"])
def test_nonsense_in_attributes_is_a_node_or_a_refusal(attribute: str, tmp_path: Path) -> None:
    """What a file says of a node may be anything."""
    value: Any = 0 if attribute == "group" else [-(2**40)] * 7
    made = model(helper.make_node("Conv", ["x", "w"], ["y"], **{attribute: value}))
    made.graph.initializer.append(numpy_helper.from_array(np.ones((4, 4, 1), np.float32), "w"))
    path = tmp_path / "m.onnx"
    path.write_bytes(made.SerializeToString())
    with contextlib.suppress(NetbuilderError):
        assert not bringing.from_onnx(path).verified


def test_a_name_of_no_letters(tmp_path: Path) -> None:
    """A name that is no UTF-8 is read or refused."""
    made = model(helper.make_node("Relu", ["x"], ["y"], name="abcdefgh")).SerializeToString()
    path = tmp_path / "m.onnx"
    path.write_bytes(made.replace(b"abcdefgh", bytes(range(248, 256))))
    with contextlib.suppress(NetbuilderError):
        assert bringing.from_onnx(path).verified

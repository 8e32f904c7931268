"""ONNX files of all kinds of bad faith, and a process that imports them within limits."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.exchange import mutants

FLOAT = onnx.TensorProto.FLOAT
Made = onnx.ModelProto | bytes


def model(*nodes: onnx.NodeProto, opset: int = 17) -> onnx.ModelProto:
    """A model of these nodes, `x` to `y`."""
    graph = helper.make_graph(
        nodes or [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", FLOAT, None)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def held(made: onnx.ModelProto, **arrays: Any) -> onnx.ModelProto:
    """The model with these constants."""
    made.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()
    )
    return made


# -- too much -------------------------------------------------------------------------------------


def _filled(*size: int) -> onnx.ModelProto:
    made = model(
        helper.make_node("ConstantOfShape", ["s"], ["big"]),
        helper.make_node("Add", ["x", "big"], ["y"]),
    )
    return held(made, s=np.array(size))


def _stretched() -> onnx.ModelProto:
    """More numbers than are allowed, of what comes in: nothing is there to be folded."""
    return held(model(helper.make_node("Expand", ["x", "s"], ["y"])), s=np.array([2**28, 1, 4]))


def _field(number: int, content: bytes) -> bytes:
    """A field of a message of protobuf, as its bytes."""
    size, head = len(content), b""
    while size > 127:
        head, size = head + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + head + bytes([size]) + content


def _doubled() -> onnx.ModelProto:
    """A row of numbers behind itself, and that behind itself: what follows rows never ends."""
    pairs = pairwise([f"d{at}" for at in range(41)])
    nodes = [helper.make_node("Concat", [one, one], [other], axis=0) for one, other in pairs]
    last = helper.make_node("ReduceSum", ["d40"], ["s"], keepdims=0)
    made = model(*nodes, last, helper.make_node("Add", ["x", "s"], ["y"]))
    made.graph.input.append(helper.make_tensor_value_info("d0", FLOAT, [1024]))
    return made


def _outer() -> onnx.ModelProto:
    """A product of two rows that are small themselves."""
    made = model(
        helper.make_node("Mul", ["a", "b"], ["c"]),
        helper.make_node("ReduceSum", ["c"], ["s"], keepdims=0),
        helper.make_node("Add", ["x", "s"], ["y"]),
    )
    return held(made, a=np.ones((20_000, 1), np.float32), b=np.ones((1, 20_000), np.float32))


def _nested() -> bytes:
    """An If in an If, and so on: graph, node, attribute, graph."""
    inner = b""
    for _ in range(200):
        inner = _field(1, _field(4, b"If") + _field(5, _field(6, inner)))
    return bytes([1 << 3, 8]) + _field(7, inner)


def _branches(depth: int) -> onnx.ModelProto:
    """Ifs in Ifs as deep as a message may be, all of them known."""
    end = helper.make_tensor_value_info("z", FLOAT, None)
    nodes = [helper.make_node("Relu", ["x"], ["z"])]
    for _ in range(depth):
        inner = helper.make_graph(nodes, "i", [], [end])
        nodes = [helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner)]
        if inner.ByteSize() > 2**20:
            break
    return held(model(*nodes, helper.make_node("Relu", ["z"], ["y"])), c=True)


def functions(count: int, calls: int, first: str) -> onnx.ModelProto:
    """A model of functions, each of which calls the one before it several times over."""
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    made = model(helper.make_node(f"F{count - 1}", ["x"], ["y"], domain="f"))
    made.opset_import.append(sets[1])
    for at in range(count):
        names = ["x", *(f"t{each}" for each in range(calls - 1)), "y"]
        called, domain = (f"F{at - 1}", "f") if at else (first, "f" if first != "Relu" else "")
        nodes = [helper.make_node(called, [a], [b], domain=domain) for a, b in pairwise(names)]
        made.functions.append(helper.make_function("f", f"F{at}", ["x"], ["y"], nodes, sets))
    return made


# -- what makes no sense ---------------------------------------------------------------------------


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


def _reads_ahead() -> onnx.ModelProto:
    """A branch that reads what the graph around it makes later."""
    end = helper.make_tensor_value_info("z", FLOAT, None)
    inner = helper.make_graph([helper.make_node("Relu", ["late"], ["z"])], "i", [], [end])
    made = model(
        helper.make_node("If", ["c"], ["a"], then_branch=inner, else_branch=inner),
        helper.make_node("Relu", ["a"], ["late"]),
        helper.make_node("Relu", ["late"], ["y"]),
    )
    return held(made, c=True)


def _sparse(**said: str) -> onnx.ModelProto:
    """A sparse constant, whose numbers lie where `said` says."""
    values = onnx.TensorProto(name="w", data_type=FLOAT, dims=[1])
    values.raw_data = b"1234"
    if said:
        values.ClearField("raw_data")
        values.data_location = onnx.TensorProto.EXTERNAL
        for key, value in said.items():
            values.external_data.add(key=key, value=value)
    places = numpy_helper.from_array(np.array([0]), "w_places")
    made = model()
    made.graph.sparse_initializer.append(
        onnx.SparseTensorProto(values=values, indices=places, dims=[4])
    )
    return made


def _outside(location: str) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[4, 4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def _in_attribute(attribute: str) -> onnx.ModelProto:
    """A constant of a node's own that lies outside: alone, sparse, or in a function."""
    if attribute == "sparse_value":
        value: Any = _sparse(location="../secret").graph.sparse_initializer[0]
    else:
        value = _outside("../secret")
    constant = helper.make_node("Constant", [], ["w"], **{attribute: value})
    return model(constant, helper.make_node("Add", ["x", "w"], ["y"]))


def _in_function() -> onnx.ModelProto:
    made = functions(1, 1, "Relu")
    constant = helper.make_node("Constant", [], ["w"], value=_outside("../secret"))
    made.functions[0].node.insert(0, constant)
    return made


def _node(op: str, weight: Any = None, **attributes: Any) -> onnx.ModelProto:
    names = ["x"] if weight is None else ["x", "w"]
    made = model(helper.make_node(op, names, ["y"], **attributes))
    return made if weight is None else held(made, w=np.asarray(weight))


_ONES = np.ones((4, 4, 1), np.float32)
_FAR = [-(2**40)] * 7
ATTRIBUTES: dict[str, Callable[[], Made]] = {
    "conv of a row": lambda: _node("Conv", np.ones(4, np.float32), kernel_shape=[3]),
    "conv of nothing": lambda: _node("Conv", np.ones((0, 0, 0), np.float32)),
    "conv groups": lambda: _node("Conv", _ONES, group=0),
    "conv kernel": lambda: _node("Conv", _ONES, kernel_shape=_FAR),
    "conv strides": lambda: _node("Conv", _ONES, strides=_FAR),
    "conv pads": lambda: _node("Conv", _ONES, pads=_FAR),
    "conv dilations": lambda: _node("Conv", _ONES, dilations=_FAR),
    "gemm of a cube": lambda: _node("Gemm", _ONES),
    "pool far": lambda: _node("MaxPool", kernel_shape=[2**40], strides=[0]),
    "order": lambda: _node("Transpose", perm=[7, -9]),
    "equation": lambda: _node("Einsum", equation="->->" * 99),
    "no dtype": lambda: _node("Cast", to=999),
    "repeats": lambda: _node("Tile", np.array([2**40, 2**40])),
    "negative": lambda: _node("Reshape", np.array([-5, -7])),
    "axis": lambda: _node("Softmax", axis=2**62),
    "lists": lambda: _node("SequenceAt", np.array(2**62)),
    "pads": lambda: _node("Pad", np.array([2**40, 0, 2**40, 0])),
}
"""Files that say of a node what no node can be."""
REFUSED: dict[str, Callable[[], Made]] = {
    "garbage": lambda: b"\x93NUMPY" + bytes(range(256)),
    "empty": lambda: b"",
    "nested": _nested,
    "huge": lambda: _filled(2**20, 2**20),
    "a little too large": lambda: _filled(2**26, 5),
    "stretched": _stretched,
    "doubled": _doubled,
    "outer": _outer,
    "circle": _circle,
    "opset": lambda: model(helper.make_node("Relu", ["x"], ["y"]), opset=999),
    "wrong size": _wrong_size,
    "functions in functions": lambda: functions(12, 10, "Relu"),
    "functions without end": lambda: functions(2, 1, "F1"),
    "reads ahead": _reads_ahead,
    "no maker": lambda: model(helper.make_node("Relu", ["z"], ["y"])),
    "twice": lambda: model(
        helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["x"], ["y"])
    ),
    "sparse": _sparse,
    "sparse outside": lambda: _sparse(location="../secret"),
    "attribute outside": lambda: _in_attribute("value"),
    "sparse attribute outside": lambda: _in_attribute("sparse_value"),
    "function outside": _in_function,
}
"""Files that are refused, each in words."""
SAID = {
    "garbage": "no ONNX",
    "empty": "no ONNX graph",
    "huge": "1,099,511,627,776 numbers",
    "a little too large": "335,544,320 numbers",
    "stretched": "2,147,483,648 numbers",
    "doubled": "numbers",
    "outer": "400,000,000 numbers",
    "circle": "no node before it makes",
    "opset": "opset 999",
    "wrong size": "should have",
    "functions in functions": "more than 100,000 nodes",
    "functions without end": "calls itself",
    "reads ahead": "no node before it makes",
    "twice": "made twice",
    "sparse": "sparse",
    "sparse outside": "own folder",
    "attribute outside": "own folder",
    "sparse attribute outside": "own folder",
    "function outside": "own folder",
}


def damaged(count: int) -> dict[str, Callable[[], Made]]:
    """Good files of which a few fields or bytes were changed."""

    def one(number: int) -> Callable[[], Made]:
        return lambda: mutants.onnx_bytes(number)

    return {"damaged name": _no_letters, **{f"damaged {at}": one(at) for at in range(1, count)}}


def _no_letters() -> bytes:
    """A name that is no UTF-8."""
    made = model(helper.make_node("Relu", ["x"], ["y"], name="abcdefgh"))
    return bytes(made.SerializeToString()).replace(b"abcdefgh", bytes(range(248, 256)))


def _shapes() -> onnx.ModelProto:
    weight = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
    made = model(
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Reshape", ["r", "s"], ["q"]),
        helper.make_node("Transpose", ["q"], ["t"], perm=[0, 2, 1]),
        helper.make_node("Softmax", ["t"], ["y"], axis=-1),
    )
    return held(made, w=weight, b=weight[0], s=np.array([0, 2, 2]))


GOOD: dict[str, Callable[[], Made]] = {"shapes": _shapes, "branches": lambda: _branches(9)}
"""Files that come in as they should."""


# -- the process ----------------------------------------------------------------------------------


def main() -> None:
    """Import the files on stdin; what became of each, at what cost, and what was opened."""
    from netbuilder.exchange import verify
    from netbuilder.exchange.bring import child
    from netbuilder.exchange.onnx_in import bringing

    first, *paths = json.load(sys.stdin)
    assert bringing.from_onnx(Path(first)).verified
    opened: list[str] = []
    asked: list[str] = []
    now = ""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and "secret" in str(arguments[0]):
            opened.append(Path(now).stem)

    sys.addaudithook(hook)
    plain = verify.session

    def session(*args: Any, **named: Any) -> Any:
        asked.append(Path(now).stem)
        return plain(*args, **named)

    verify.session = session
    answers: dict[str, Any] = {}
    for now in paths:
        start = time.process_time()
        found = child.run({"model": now, "out": f"{now}.netb", "fold": False, "kind": ""})
        if "error" in found:
            said = f"refused: {found['error']['message']}"
        else:
            said = "verified" if found["verified"] else f"not verified: {found['notes']}"
        answers[Path(now).stem] = {"said": said, "cpu": time.process_time() - start}
    # Not `getrusage`: its peak is that of the process that started this one, too.
    status = Path("/proc/self/status").read_text()
    most = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"answers": answers, "opened": opened, "asked": asked, "bytes": most * 1024}))


if __name__ == "__main__":
    main()

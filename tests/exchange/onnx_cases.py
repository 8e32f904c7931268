"""One node of ONNX at a time: models of them, and what ONNX Runtime says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from netbuilder.exchange.onnx_in.graph import OnnxModule

Array = NDArray[Any]
OPSET = 21


@dataclass(frozen=True, slots=True)
class Fixed:
    """An input that the file has."""

    array: Array


@dataclass(frozen=True, slots=True)
class Case:
    """A node with its inputs: arrays, `Fixed` ones, or None for one that is left out.

    `drawn` says whether all of it has layers, `free` whether any batch fits.
    """

    op: str
    inputs: Sequence[Array | Fixed | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = OPSET
    outputs: int = 1
    drawn: bool = True
    free: bool = True
    tolerance: float = 1e-5
    domain: str = ""

    def __str__(self) -> str:
        said = [f"{key}={value}" for key, value in self.attributes.items()]
        shapes = ["x".join(map(str, one.shape)) for one in self.given()]
        old = [f"opset{self.opset}"] if self.opset != OPSET else []
        return "-".join([self.op, *shapes, *said, *old]).replace(" ", "")

    def given(self) -> list[Array]:
        """What the caller gives."""
        return [one for one in self.inputs if isinstance(one, np.ndarray)]


def floats(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Array:
    """Random numbers."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def whole(*shape: int, low: int = 0, high: int = 5, dtype: Any = np.int64, seed: int = 0) -> Array:
    """Random whole numbers below `high`."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def truths(*shape: int, seed: int = 0) -> Array:
    """Random truths."""
    return np.random.default_rng(seed).random(shape) < 0.5


def ints(*numbers: int) -> Fixed:
    """Sizes, axes and the like."""
    return Fixed(np.array(numbers, dtype=np.int64))


def one(number: float) -> Fixed:
    """A number without dims."""
    return Fixed(np.array(number, dtype=np.float32))


IMAGE = floats(2, 3, 6, 5)


def model(cases: Sequence[Case]) -> onnx.ModelProto:
    """One graph of all cases of one opset, side by side."""
    nodes, inputs, held, outputs = [], [], [], []
    for number, case in enumerate(cases):
        names = []
        for at, given in enumerate(case.inputs):
            name = f"x{number}_{at}" if given is not None else ""
            names.append(name)
            if isinstance(given, Fixed):
                held.append(numpy_helper.from_array(given.array, name))
            elif given is not None:
                kind = helper.np_dtype_to_tensor_dtype(given.dtype)
                inputs.append(helper.make_tensor_value_info(name, kind, given.shape))
        made = [f"y{number}_{at}" for at in range(case.outputs)]
        nodes.append(
            helper.make_node(
                case.op, names, made, f"n{number}", domain=case.domain, **case.attributes
            )
        )
        outputs += [
            helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in made
        ]
    graph = helper.make_graph(nodes, "cases", inputs, outputs, held)
    for value in graph.output:
        value.ClearField("type")
    others = {"": cases[0].opset, **{case.domain: 1 for case in cases if case.domain}}
    opsets = [helper.make_opsetid(domain, version) for domain, version in others.items()]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return onnx.shape_inference.infer_shapes(proto)


def by_runtime(proto: onnx.ModelProto, arrays: Sequence[Array]) -> list[Array]:
    """What ONNX Runtime makes of these inputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [value.name for value in session.get_inputs()]
    return list(session.run(None, dict(zip(names, arrays, strict=True))))


def by_module(proto: onnx.ModelProto, arrays: Sequence[Array]) -> list[Tensor]:
    """What the module made of the graph says; every node must have a counterpart."""
    module = OnnxModule(proto)
    assert [step.why for step in module.steps if step.run is None] == []
    with torch.no_grad():
        return list(module(*(torch.from_numpy(array) for array in arrays)))


def agree(case: Case, found: Sequence[Tensor], expected: Sequence[Array]) -> None:
    """The same dtypes, shapes and numbers."""
    for mine, theirs in zip(found, expected, strict=True):
        array = mine.detach().numpy()
        assert array.dtype == theirs.dtype, case
        assert array.shape == theirs.shape, case
        np.testing.assert_allclose(array, theirs, case.tolerance, case.tolerance, err_msg=str(case))

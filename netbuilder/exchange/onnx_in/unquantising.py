"""Operators on integers, as operators on floats between the rounding that they come to.

A product of integers with their scales is the product of the numbers that they stand for, rounded
again where it becomes an integer again. So each operator of a quantised file becomes the one on
floats, with a `DequantizeLinear` before it and a `QuantizeLinear` behind it. What only moves
integers moves the numbers instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx
from onnx import helper

from netbuilder.errors import DocumentError
from netbuilder.exchange.onnx_in.inner import OURS, version

MICROSOFT = "com.microsoft"
_MOVING = frozenset(
    {"Flatten", "Gather", "Identity", "MaxPool", "Reshape", "Slice", "Squeeze", "Transpose"}
) | {"Unsqueeze"}
"""What gives some of its first input's numbers as they are."""
_OWN = frozenset({"channels_last", "opset"})
"""Attributes that only the operators on integers have."""


def unquantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without operators on integers, as far as they have a counterpart on floats.

    The model itself where there are none.
    """
    writing = _Writing(model)
    for node in model.graph.node:
        writing.take(node)
    if not writing.changed:
        return model
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:]
    made.graph.node.extend(writing.nodes)
    return made


@dataclass(frozen=True, slots=True)
class _Whole:
    """An integer value: what tells the numbers that it stands for."""

    scale: str
    zero: str


class _Stays(Exception):
    """The node stays as it is."""


@dataclass(slots=True)
class _Writing:
    model: onnx.ModelProto
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    changed: bool = False
    scaled: dict[str, _Whole] = field(default_factory=dict)
    """How integer values are to be read."""
    numbers: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """The floats that integer values stand for, by value, scale and zero point."""
    rounded: dict[str, _Whole] = field(default_factory=dict)
    """Floats that are rounded already: to round them so again changes nothing."""
    makers: dict[str, onnx.NodeProto] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    single: set[str] = field(default_factory=set)
    """Tensors of the file that are one number."""
    many: set[str] = field(default_factory=set)
    axes: bool = True

    def __post_init__(self) -> None:
        fixed = [*self.model.graph.initializer]
        for node in self.model.graph.node:
            fixed += [
                onnx.TensorProto(name=node.output[0], dims=each.t.dims)
                for each in node.attribute
                if node.op_type == "Constant" and each.HasField("t")
            ]
        self.axes = version(self.model) >= 13
        self.many = {each.name for each in fixed if math.prod(each.dims) != 1}
        self.single = {each.name for each in fixed if math.prod(each.dims) == 1}
        for node in self.model.graph.node:
            self.makers.update((name, node) for name in node.output if name)
        self.taken = {*self.makers, *(each.name for each in self.model.graph.initializer)}
        self.taken |= {each.name for each in self.model.graph.input}

    def take(self, node: onnx.NodeProto) -> None:
        """Write what a node comes to."""
        known = node.domain in (*OURS, MICROSOFT)
        rule = _RULES.get(node.op_type) if known and not _last(node) else None
        if rule is not None and self._follows(rule, node):
            self.changed = True
        elif not (node.domain in OURS and node.op_type in _MOVING and self._moved(node)):
            self.nodes.append(node)
            if node.op_type in _MOVING and node.input[0] in self.rounded:
                self.rounded[node.output[0]] = self.rounded[node.input[0]]

    def _follows(self, rule: Rule, node: onnx.NodeProto) -> bool:
        try:
            return rule(self, node)
        except _Stays:
            return False
        except (IndexError, ValueError, TypeError) as error:
            # Of operators of others nobody has checked how many values they take and give.
            raise DocumentError(
                f"The node '{(node.name or node.op_type)[:80]}' is no {node.op_type}.",
                "See whether ONNX Runtime runs the file.",
            ) from error

    def add(
        self, op: str, inputs: Sequence[str], wanted: str, named: str = "", **attributes: Any
    ) -> str:
        """A node of the standard, `named` if it stands for one; the name of what it gives."""
        name = wanted
        while name in self.taken:
            name = f"{name}_"
        self.taken.add(name)
        title = named.removesuffix("_quant") or name
        self.nodes.append(helper.make_node(op, inputs, [name], name=title, **attributes))
        return name

    def end(self, op: str, inputs: Sequence[str], node: onnx.NodeProto, **attributes: Any) -> None:
        """A node in the place of another one: it gives what that gave, under its name."""
        made = helper.make_node(op, inputs, node.output[:1], name=node.name, **attributes)
        self.nodes.append(made)

    def floats(self, value: str, scale: str, zero: str, axis: int = 1) -> str:
        """The floats that an integer value stands for."""
        key = (value, scale, zero)
        if key not in self.numbers:
            inputs = [value, scale, zero] if zero else [value, scale]
            made = self.add(
                "DequantizeLinear", inputs, self.plain(value), **self.along(scale, axis)
            )
            self.numbers[key] = made
            self.rounded[made] = _Whole(scale, zero)
        return self.numbers[key]

    def along(self, scale: str, axis: int) -> dict[str, Any]:
        """Along which dim scales lie; before opset 13 there is one for all."""
        if not self.axes and scale in self.many:
            raise _Stays
        return {"axis": axis} if self.axes else {}

    def plain(self, value: str) -> str:
        """What the floats are to be called that an integer value stands for."""
        name = value.removesuffix("_quantized")
        return f"{value}_floats" if name in self.taken else name

    def whole(self, value: str, scale: str, zero: str, node: onnx.NodeProto) -> bool:
        """Round floats to the integers that a node gives."""
        inputs = [value, scale, zero] if zero else [value, scale]
        name = f"{node.output[0]}_QuantizeLinear"
        self.nodes.append(helper.make_node("QuantizeLinear", inputs, node.output[:1], name))
        self.scaled[node.output[0]] = _Whole(scale, zero)
        return True

    def _moved(self, node: onnx.NodeProto) -> bool:
        """What moves integers whose scale is known moves what they stand for."""
        known = self.scaled.get(node.input[0]) if node.input else None
        # Where there is a scale for each place of a dim, that dim may be moved.
        if known is None or known.scale in self.many:
            return False
        if len([name for name in node.output if name]) != 1:
            return False
        value = self.floats(node.input[0], known.scale, known.zero)
        (output,) = (name for name in node.output if name)
        made = self.add(
            node.op_type,
            [value, *node.input[1:]],
            self.plain(output),
            node.name,
            **_attributes(node),
        )
        self.numbers[output, known.scale, known.zero] = made
        self.rounded[made] = known
        self.changed = True
        return self.whole(made, known.scale, known.zero, node)


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    found = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return {name: value for name, value in found.items() if name not in _OWN}


def _last(node: onnx.NodeProto) -> bool:
    """Whether channels lie last, as in what is written for one processor."""
    return any(each.name == "channels_last" and each.i for each in node.attribute)


def _given(node: onnx.NodeProto, *places: int) -> list[str]:
    """Inputs by position; empty for those that are left out."""
    return [node.input[at] if at < len(node.input) else "" for at in places]


# -- integers and back -----------------------------------------------------------------------------


def _quantise(to: _Writing, node: onnx.NodeProto) -> bool:
    value, scale, zero = _given(node, 0, 1, 2)
    if not any(each.name in ("axis", "block_size") for each in node.attribute):
        to.scaled[node.output[0]] = _Whole(scale, zero)
    # Without a zero point, what comes is uint8, whatever was before.
    if zero and to.rounded.get(value) == _Whole(scale, zero) and scale in to.single:
        to.numbers[node.output[0], scale, zero] = value
    if node.domain in OURS:
        return False
    return to.whole(value, scale, zero, node)


def _dequantise(to: _Writing, node: onnx.NodeProto) -> bool:
    value, scale, zero = _given(node, 0, 1, 2)
    made = to.numbers.get((value, scale, zero))
    if made is None:
        to.numbers[value, scale, zero] = node.output[0]
        to.rounded[node.output[0]] = _Whole(scale, zero)
        if node.domain not in OURS:
            to.end("DequantizeLinear", [value, scale, zero], node, **_attributes(node))
        return node.domain not in OURS
    to.nodes.append(helper.make_node("Identity", [made], node.output[:1], node.output[0]))
    return True


# -- products --------------------------------------------------------------------------------------


def _conv(to: _Writing, node: onnx.NodeProto) -> bool:
    x, sx, zx, w, sw, zw, so, zo, bias = _given(node, *range(9))
    inputs = [to.floats(x, sx, zx), to.floats(w, sw, zw, 0)]
    if bias:
        scale = to.add("Mul", [sx, sw], f"{bias}_scale")
        along = to.along(sw, 0)
        inputs.append(to.add("DequantizeLinear", [bias, scale], to.plain(bias), **along))
    made = to.add("Conv", inputs, to.plain(node.output[0]), node.name, **_attributes(node))
    return to.whole(made, so, zo, node)


def _matmul(to: _Writing, node: onnx.NodeProto) -> bool:
    a, sa, za, b, sb, zb, so, zo = _given(node, *range(8))
    inputs = [to.floats(a, sa, za), to.floats(b, sb, zb, 1)]
    return to.whole(to.add("MatMul", inputs, to.plain(node.output[0]), node.name), so, zo, node)


def _gemm(to: _Writing, node: onnx.NodeProto) -> bool:
    a, sa, za, b, sb, zb, c, so, zo = _given(node, *range(9))
    attributes = _attributes(node)
    factor = attributes.get("alpha", 1.0)
    rows = 0 if attributes.get("transB", 0) else 1
    inputs = [to.floats(a, sa, za), to.floats(b, sb, zb, rows)]
    if c:
        if factor != 1:
            return False
        scale = to.add("Mul", [sa, sb], f"{c}_scale")
        along = to.along(sb, 0)
        inputs.append(to.add("DequantizeLinear", [c, scale], to.plain(c), **along))
    if not so:
        to.end("Gemm", inputs, node, **attributes)
        return True
    made = to.add("Gemm", inputs, to.plain(node.output[0]), node.name, **attributes)
    return to.whole(made, so, zo, node)


def _to_float(to: _Writing, node: onnx.NodeProto) -> bool:
    a, b, sa, sb, za, zb, bias = _given(node, *range(7))
    return _product(to, node, to.floats(a, sa, za), to.floats(b, sb, zb, 1), bias)


def _dynamic(to: _Writing, node: onnx.NodeProto) -> bool:
    a, b, sb, zb, bias = _given(node, *range(5))
    parts = [f"{node.output[0]}_{part}" for part in ("whole", "scale", "zero")]
    to.nodes.append(helper.make_node("DynamicQuantizeLinear", [a], parts, name=parts[0]))
    value, scale, zero = parts
    return _product(to, node, to.floats(value, scale, zero), to.floats(b, sb, zb, 1), bias)


def _product(to: _Writing, node: onnx.NodeProto, a: str, b: str, bias: str) -> bool:
    if not bias:
        to.end("MatMul", [a, b], node)
    else:
        made = to.add("MatMul", [a, b], f"{node.output[0]}_product")
        to.end("Add", [made, bias], node)
    return True


def _scaled(to: _Writing, node: onnx.NodeProto) -> bool:
    """`Mul(Cast(MatMulInteger(a, b)), sa * sb)`, as files with measured ranges have it."""
    for product, scales in (node.input, reversed(node.input)):
        cast, both = to.makers.get(product), to.makers.get(scales)
        if cast is None or both is None or (cast.op_type, both.op_type) != ("Cast", "Mul"):
            continue
        whole = to.makers.get(cast.input[0])
        if whole is None or whole.op_type not in ("MatMulInteger", "ConvInteger"):
            continue
        a, b, za, zb = _given(whole, 0, 1, 2, 3)
        measured = to.makers.get(a)
        if measured is None or measured.op_type != "DynamicQuantizeLinear":
            continue
        sa = measured.output[1]
        if za != measured.output[2] or sa not in both.input:
            continue
        (sb,) = [name for name in both.input if name != sa] or [sa]
        conv = whole.op_type == "ConvInteger"
        inputs = [to.floats(a, sa, za), to.floats(b, sb, zb, 0 if conv else 1)]
        to.end("Conv" if conv else "MatMul", inputs, node, **_attributes(whole))
        return True
    return False


# -- everything else -------------------------------------------------------------------------------


Rule = Callable[[_Writing, onnx.NodeProto], bool]
"""Writes what a node comes to; False where it stays as it is."""


def _both(op: str) -> Rule:
    """Two integers, each with its scale."""

    def rule(to: _Writing, node: onnx.NodeProto) -> bool:
        a, sa, za, b, sb, zb, so, zo = _given(node, *range(8))
        inputs = [to.floats(a, sa, za), to.floats(b, sb, zb)]
        return to.whole(to.add(op, inputs, to.plain(node.output[0]), node.name), so, zo, node)

    return rule


def _one(op: str) -> Rule:
    """One integer, and the scale of what comes out."""

    def rule(to: _Writing, node: onnx.NodeProto) -> bool:
        x, sx, zx, so, zo = _given(node, *range(5))
        made = to.add(
            op, [to.floats(x, sx, zx)], to.plain(node.output[0]), node.name, **_attributes(node)
        )
        return to.whole(made, so, zo, node)

    return rule


def _concat(to: _Writing, node: onnx.NodeProto) -> bool:
    so, zo, *parts = node.input
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    inputs = [to.floats(value, scale, zero) for value, scale, zero in triples]
    made = to.add("Concat", inputs, to.plain(node.output[0]), node.name, **_attributes(node))
    return to.whole(made, so, zo, node)


_RULES: Mapping[str, Rule] = {
    "QuantizeLinear": _quantise,
    "DequantizeLinear": _dequantise,
    "QLinearConv": _conv,
    "QLinearMatMul": _matmul,
    "QGemm": _gemm,
    "MatMulIntegerToFloat": _to_float,
    "DynamicQuantizeMatMul": _dynamic,
    "Mul": _scaled,
    "QLinearAdd": _both("Add"),
    "QLinearMul": _both("Mul"),
    "QLinearAveragePool": _one("AveragePool"),
    "QLinearGlobalAveragePool": _one("GlobalAveragePool"),
    "QLinearLeakyRelu": _one("LeakyRelu"),
    "QLinearSigmoid": _one("Sigmoid"),
    "QLinearSoftmax": _one("Softmax"),
    "QLinearConcat": _concat,
}

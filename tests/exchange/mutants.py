"""Files with a few things wrong: fields of protobuf, values of JSON, bytes. A number makes each."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, parser

WHOLE = (0, 1, -1, 2, 7, 255, 2**31, 2**40, 2**53, 2**63 - 1, -(2**63))
BROKEN = (float("nan"), float("inf"), 1e38, -0.0, 1e-45)
NAMES = (
    *("", "x", "y", "\0", "a" * 5000, "../../etc/passwd", "<img src=x>", "é", "e\u0301", "a\nb"),
    *("class", "None", "self", "forward", "__class__", "\u202e", "ai.onnx", "com.microsoft"),
    *("If", "Loop", "Scan", "Conv", "Gather", "Range", "Resize", "Tile", "NonZero", "Attention"),
)
_FREE = '<ir_version: 8, opset_import: ["" : 17]> g '
SEEDS = (
    _FREE + "(float[n, 4] x) => (float[n, 2, 2] y) <float[4, 4] w = {1, 0, 0, 2, 0, 3, 0, 0, 0, 0,"
    " 1, 0, 0.5, 0, 0, 1}, float[4] b = {1, 2, 3, 4}, int64[3] s = {0, 2, 2}>"
    "{ h = Gemm <transB = 1> (x, w, b) r = Relu(h) q = Reshape(r, s)"
    " t = Transpose <perm = [0, 2, 1]> (q) y = Softmax <axis = -1> (t) }",
    _FREE + "(float[n, 1, 8, 8] x) => (float[n, 2] y) <float[2, 1, 3, 3] w = {1, 2, 3, 4, 5, 6, 7,"
    " 8, 9, 9, 8, 7, 6, 5, 4, 3, 2, 1}, float[2] g = {1, 2}, float[2] m = {3, 4}>"
    "{ c = Conv <pads = [1, 1, 1, 1]> (x, w, g) z = BatchNormalization (c, g, m, m, g)"
    " p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (z) a = GlobalAveragePool(p)"
    " y = Flatten(a) }",
    _FREE + "(float[n, t, 2] x, int64[n, t] i) => (float[n, t, 2] y) <float[2, 2] w = {1, 2, 3, 4},"
    " float d = {2}, float[3, 2] e = {1, 2, 3, 4, 5, 6}, float[2] g = {1, 2}>"
    "{ q = MatMul(x, w) k = Transpose <perm = [0, 2, 1]> (q) s = MatMul(q, k) f = Div(s, d)"
    " p = Softmax <axis = -1> (f) o = MatMul(p, x) l = LayerNormalization(o, g, g)"
    " r = Gather(e, i) y = Add(l, r) }",
    _FREE + "(float[n, 4] x) => (float[n, 4] y) <float k = {1}, bool c = {1}, int64 t = {3}>"
    "{ z = If (c) <then_branch = a () => (float[n, 4] u) { u = Mul(x, k) },"
    " else_branch = b () => (float[n, 4] v) { v = Neg(x) }>"
    " y = Loop (t, c, z) <body = d (int64 i, bool h, float[n, 4] s) => (bool h2, float[n, 4] s2)"
    " { h2 = Identity(h) s2 = Add(s, k) }> }",
)
"""Small graphs of most kinds: products, pictures, attention, control flow."""


def onnx_bytes(number: int) -> bytes:
    """The bytes of an ONNX file that is not as it should be."""
    random = Random(number)
    made = parser.parse_model(random.choice(SEEDS))
    if "LSTM" not in str(made) and random.random() < 0.15:
        _with_lstm(made)
    if random.random() < 0.25:
        return flipped(made.SerializeToString(), random)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        _edit(made, random)
    return bytes(made.SerializeToString())


def _with_lstm(made: onnx.ModelProto) -> None:
    """Another graph: a recurrent layer with its weights."""
    text = (
        _FREE + "(float[t, 2, 4] x) => (float[t, 1, 2, 3] y) { y = LSTM <hidden_size=3> (x, w, r) }"
    )
    made.CopyFrom(parser.parse_model(text))
    for name, size in (("w", 4), ("r", 3)):
        made.graph.initializer.append(
            numpy_helper.from_array(np.full((1, 12, size), 0.1, np.float32), name)
        )


def flipped(data: bytes, random: Random) -> bytes:
    """Bytes that were changed, cut, doubled or left out."""
    made = bytearray(data)
    at, to = sorted((random.randrange(len(data)), random.randrange(len(data))))
    match random.randrange(6):
        case 0:
            del made[at:]
        case 1:
            made[at:at] = made[at : min(to, at + 200)]
        case 2:
            del made[at : min(to, at + 40)]
        case _:
            for _ in range(random.randint(1, 5)):
                made[random.randrange(len(made))] = random.randrange(256)
    return bytes(made)


# -- protobuf -------------------------------------------------------------------------------------


def _messages(model: Any) -> list[Any]:
    found, left = [], [model]
    while left:
        message = left.pop()
        found.append(message)
        for field, value in message.ListFields():
            if field.type == field.TYPE_MESSAGE:
                left += value if field.is_repeated else [value]
    return found


def _edit(model: onnx.ModelProto, random: Random) -> None:
    """Change one field of one message somewhere."""
    every = _messages(model)
    message = random.choice(every)
    said = [field for field, _ in message.ListFields()]
    fields = said if said and random.random() < 0.75 else message.DESCRIPTOR.fields
    field = random.choice(list(fields))
    if field.type == field.TYPE_MESSAGE:
        same = [each for each in every if each.DESCRIPTOR is field.message_type]
        _edit_message(message, field, same, random)
    elif not field.is_repeated:
        if random.random() < 0.25:
            message.ClearField(field.name)
        else:
            _set(lambda value: setattr(message, field.name, value), field, random)
    else:
        values = getattr(message, field.name)
        at = random.randrange(len(values)) if len(values) else 0
        if len(values) and random.random() < 0.3:
            del values[at]
        elif len(values) and random.random() < 0.6:
            _set(lambda value: values.__setitem__(at, value), field, random)
        else:
            _set(values.append, field, random)


def _edit_message(message: Any, field: Any, same: Sequence[Any], random: Random) -> None:
    if not field.is_repeated:
        if same and random.random() < 0.6:
            other = copy.deepcopy(random.choice(same))
            if other.ByteSize() < 20_000:
                getattr(message, field.name).CopyFrom(other)
        else:
            message.ClearField(field.name)
        return
    values = getattr(message, field.name)
    if len(values) and random.random() < 0.4:
        del values[random.randrange(len(values))]
    elif same:
        other = copy.deepcopy(random.choice(same))
        values.insert(random.randrange(len(values) + 1), other)


def _set(put: Callable[[Any], None], field: Any, random: Random) -> None:
    known: dict[int, Sequence[Any]] = {
        field.TYPE_FLOAT: BROKEN,
        field.TYPE_DOUBLE: BROKEN,
        field.TYPE_STRING: NAMES,
        field.TYPE_BYTES: (b"", b"\xff", b"1234", bytes(64)),
    }
    if field.type == field.TYPE_ENUM:
        put(random.choice([each.number for each in field.enum_type.values]))
        return
    value = random.choice(known.get(field.type, WHOLE))
    try:
        put(value)
    except ValueError:  # more than its bits hold
        put(random.choice((0, 1, 2, 16, 99)))


# -- JSON -----------------------------------------------------------------------------------------

_ODD: tuple[Any, ...] = (
    *(None, True, False, 3.5, 1e308, "", "x", "a" * 3000, "__class__", "../..", "\0", "\ud800"),
    *(*WHOLE, 10**19, "NaN", [], {}, [[]], {"a": 1}, [0] * 70),
)


def changed(value: Any, random: Random) -> Any:
    """A copy of a JSON value in which some parts are others, elsewhere, or gone."""
    value = copy.deepcopy(value)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        spots = _spots(value)
        if not spots:
            break
        holder, key = random.choice(spots)
        other, at = random.choice(spots)
        match random.randrange(6):
            case 0 | 1:
                holder[key] = copy.deepcopy(random.choice(_ODD))
            case 2 | 3 if len(json.dumps(other[at])) < 20_000:
                holder[key] = copy.deepcopy(other[at])
            case 4:
                del holder[key]
            case 5 if isinstance(holder, dict):
                holder[random.choice(("x", "", "__class__", *map(str, other)))] = holder.pop(key)
    return value


def _spots(value: Any) -> list[tuple[Any, Any]]:
    """All places of a JSON value: what holds it, and its key."""
    found, left = [], [value]
    while left:
        holder = left.pop()
        pairs = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, item in pairs:
            found.append((holder, key))
            if isinstance(item, dict | list):
                left.append(item)
    return found

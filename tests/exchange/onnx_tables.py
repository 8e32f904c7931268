"""The operators without weights, with what they are tried on."""

from __future__ import annotations

import numpy as np

from tests.exchange.onnx_cases import IMAGE, Case, Fixed, floats, ints, one, truths, whole

SIGNED, BESIDE = floats(2, 3, 4), floats(2, 3, 4, seed=1)
POSITIVE = floats(2, 3, low=0.1, high=3.0)
SMALL = floats(2, 3, low=-0.95, high=0.95)
SQUARE = floats(1, 4, 4, 4)
NUMBERS = np.array([[1, 2, 3], [-4, -5, 6]], dtype=np.int64)
ODD = np.array([np.inf, -np.inf, np.nan, 1.0, -0.0], dtype=np.float32)

OF_ONE = [
    *(Case(name, [SIGNED]) for name in ("Abs", "Atan", "Ceil", "Cos", "Erf", "Exp", "Floor")),
    *(Case(name, [SIGNED]) for name in ("Neg", "Round", "Sign", "Sin", "Tan", "Identity")),
    *(Case(name, [SIGNED]) for name in ("Asinh", "Cosh", "Sinh")),
    *(Case(name, [SMALL]) for name in ("Acos", "Asin", "Atanh")),
    *(Case(name, [POSITIVE]) for name in ("Log", "Reciprocal", "Sqrt")),
    Case("Acosh", [floats(3, 4, low=1.0, high=9.0)]),
    Case("Asinh", [floats(5, low=-1000.0, high=1000.0)]),
    Case("Not", [truths(2, 3)]),
    Case("Round", [np.array([0.5, 1.5, 2.5, -0.5, -1.5], dtype=np.float32)]),
    Case("IsNaN", [ODD]),
    Case("IsInf", [ODD]),
    Case("IsInf", [ODD], {"detect_negative": 0}),
    Case("IsInf", [ODD], {"detect_positive": 0}),
    Case("Sign", [ODD[:2]]),
    Case("BitwiseNot", [whole(3, high=100, dtype=np.int32)], drawn=False),
    Case("Neg", [NUMBERS]),
]
_NUMBERS = ("Add", "Sub", "Mul", "Div")
_COMPARISONS = ("Greater", "GreaterOrEqual", "Less", "LessOrEqual")
OF_TWO = [
    *(Case(name, [SIGNED, BESIDE]) for name in (*_NUMBERS, *_COMPARISONS)),
    *(Case(name, [SIGNED, floats(4, seed=2)]) for name in (*_NUMBERS, *_COMPARISONS)),
    *(Case(name, [floats(3, 1, seed=2), SIGNED]) for name in _NUMBERS),
    *(Case(name, [SIGNED, one(0.5)]) for name in (*_NUMBERS, *_COMPARISONS)),
    *(Case(name, [one(0.5), SIGNED]) for name in (*_NUMBERS, *_COMPARISONS)),
    *(Case(name, [floats(), Fixed(np.array([2.0], np.float32))]) for name in _NUMBERS),
    *(Case(name, [NUMBERS, ints(3)]) for name in _NUMBERS),
    Case("Div", [NUMBERS, np.array([[2, -2, 4], [3, 3, -4]])]),
    Case("Equal", [whole(3, 4), whole(3, 4, seed=1)]),
    Case("Equal", [whole(3, 4), ints(2)]),
    *(Case(name, [truths(3, 4), truths(4, seed=1)]) for name in ("And", "Or", "Xor")),
    *(
        Case(f"Bitwise{name}", [whole(4), whole(4, seed=1)], drawn=False)
        for name in ("And", "Or", "Xor")
    ),
    Case("Pow", [POSITIVE, floats(2, 3, seed=1)]),
    Case("Pow", [SIGNED, one(2.0)]),
    Case("Pow", [one(2.0), SIGNED]),
    Case("Pow", [POSITIVE, ints(3)]),
    Case("Mod", [NUMBERS, np.array([[2, -2, 2], [3, 3, -4]])]),
    Case("Mod", [NUMBERS, np.array([[2, -2, 2], [3, 3, -4]])], {"fmod": 1}),
    Case("Mod", [SIGNED, BESIDE], {"fmod": 1}),
    *(
        Case(
            "BitShift",
            [whole(4, high=16, dtype=np.uint8), whole(4, high=3, dtype=np.uint8, seed=1)],
            {"direction": way},
            drawn=False,
        )
        for way in ("LEFT", "RIGHT")
    ),
]
OF_MANY = [
    *(Case(name, [SIGNED]) for name in ("Max", "Min", "Sum", "Mean")),
    *(Case(name, [SIGNED, BESIDE, floats(4)]) for name in ("Max", "Min", "Sum", "Mean")),
    *(Case(name, [SIGNED, one(0.3)]) for name in ("Max", "Min")),
    *(Case(name, [NUMBERS, ints(2)]) for name in ("Max", "Min")),
    Case("Where", [truths(2, 3, 1), SIGNED, BESIDE]),
    Case("Where", [truths(3, 4), SIGNED, one(-1.0)]),
    Case("Clip", [SIGNED, one(-1.0), one(0.5)]),
    Case("Clip", [SIGNED, None, one(0.5)]),
    Case("Clip", [SIGNED, one(-1.0)]),
    Case("Clip", [SIGNED]),
    Case("Clip", [SIGNED, one(1.0), one(-1.0)], drawn=False),
    Case("Clip", [SIGNED, np.array(-1.0, np.float32), np.array(0.5, np.float32)]),
    Case("Clip", [NUMBERS, Fixed(np.array(-3)), Fixed(np.array(2))]),
    Case("Clip", [SIGNED], {"min": -1.0, "max": 3.5e38}, opset=6),
    *(Case("Cast", [SIGNED], {"to": to}) for to in (1, 6, 7, 11)),
    Case("Cast", [SIGNED], {"to": 9}),
    Case("Cast", [NUMBERS], {"to": 1}),
    Case("CastLike", [NUMBERS, SIGNED]),
]
ACTIVATIONS = [
    *(Case(name, [SIGNED]) for name in ("Relu", "Sigmoid", "Softplus", "Softsign", "Tanh")),
    *(Case(name, [SIGNED]) for name in ("HardSwish", "Mish", "LeakyRelu", "Elu", "Celu", "Selu")),
    *(Case(name, [SIGNED], {"alpha": 0.3}) for name in ("LeakyRelu", "Elu", "Celu", "Selu")),
    Case("HardSigmoid", [SIGNED]),
    Case("HardSigmoid", [SIGNED * 3], {"alpha": 1 / 6}),
    Case("HardSigmoid", [SIGNED], {"alpha": 0.7, "beta": 0.2}),
    Case("ThresholdedRelu", [SIGNED], {"alpha": 0.6}),
    Case("Shrink", [SIGNED]),
    Case("Shrink", [SIGNED], {"lambd": 0.7, "bias": 0.7}),
    Case("Shrink", [SIGNED], {"lambd": 0.7, "bias": 0.2}),
    Case("Gelu", [SIGNED]),
    Case("Gelu", [SIGNED], {"approximate": "tanh"}),
    Case("Swish", [SIGNED], opset=24),
    Case("Swish", [SIGNED], {"alpha": 1.7}, opset=24),
    *(Case(name, [SIGNED]) for name in ("Softmax", "LogSoftmax", "Hardmax")),
    *(Case(name, [SIGNED], {"axis": 1}) for name in ("Softmax", "LogSoftmax", "Hardmax")),
    *(Case(name, [SIGNED], opset=11) for name in ("Softmax", "LogSoftmax", "Hardmax")),
    *(Case(name, [SIGNED], {"axis": 2}, opset=11) for name in ("Softmax", "LogSoftmax")),
    Case("Softmax", [SIGNED], {"axis": 0}, opset=11),
    Case("LpNormalization", [SIGNED], {"axis": 1}),
    Case("LpNormalization", [SIGNED], {"axis": -1, "p": 1}),
    Case("LpNormalization", [np.zeros((2, 3), np.float32)]),
    Case("MeanVarianceNormalization", [IMAGE], tolerance=1e-4),
    Case("MeanVarianceNormalization", [IMAGE], {"axes": [1, 3]}, tolerance=1e-4),
    Case("LRN", [IMAGE], {"size": 5}),
    Case("LRN", [IMAGE], {"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 1.5}),
]
_REDUCTIONS = ("ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd")
_FURTHER = ("ReduceSum", "ReduceSumSquare", "ReduceLogSumExp")
REDUCING = [
    *(Case(name, [SIGNED, ints(1)]) for name in (*_REDUCTIONS, *_FURTHER)),
    *(Case(name, [SIGNED, ints(0, -1)], {"keepdims": 0}) for name in (*_REDUCTIONS, *_FURTHER)),
    *(Case(name, [SIGNED]) for name in (*_REDUCTIONS, *_FURTHER)),
    *(
        Case(name, [SIGNED], {"noop_with_empty_axes": 1})
        for name in ("ReduceMean", "ReduceMax", "ReduceSum")
    ),
    *(
        Case(name, [SIGNED], {"axes": [1], "keepdims": 0}, opset=11)
        for name in (*_REDUCTIONS, *_FURTHER)
    ),
    *(
        Case(name, [NUMBERS, ints(1)])
        for name in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd")
    ),
    Case("ReduceSum", [whole(2, 3, dtype=np.int32), ints(1)]),
    Case("ReduceSum", [SIGNED, ints(1)], opset=13),
    Case("ReduceLogSum", [POSITIVE, ints(1)]),
    Case("ReduceSumSquare", [floats()]),
    *(Case(name, [SIGNED]) for name in ("ArgMax", "ArgMin")),
    *(Case(name, [SIGNED], {"axis": -1, "keepdims": 0}) for name in ("ArgMax", "ArgMin")),
    *(
        Case(name, [whole(3, 6, high=2)[:, ::-1].copy()], {"axis": 1, "select_last_index": last})
        for name in ("ArgMax", "ArgMin")
        for last in (0, 1)
    ),
    Case("CumSum", [SIGNED, Fixed(np.array(1))]),
    Case("CumSum", [SIGNED, Fixed(np.array(-1))], {"exclusive": 1}),
    Case("CumSum", [SIGNED, Fixed(np.array(0))], {"reverse": 1}),
    Case("CumSum", [SIGNED, Fixed(np.array(2))], {"reverse": 1, "exclusive": 1}),
    Case("TopK", [SIGNED, ints(2)], outputs=2),
    Case("TopK", [SIGNED, ints(2)], {"axis": 1, "largest": 0}, outputs=2),
    Case("TopK", [whole(2, 300, high=3), ints(250)], outputs=2, drawn=False),
    Case("TopK", [SIGNED], {"k": 2, "axis": 1}, opset=9, outputs=2),
]
SHAPING = [
    Case("Reshape", [SIGNED, ints(2, -1)]),
    Case("Reshape", [SIGNED, ints(0, 4, 3)]),
    Case("Reshape", [SIGNED, ints(-1)]),
    Case("Reshape", [SIGNED, ints(2, 3, 1, 4)]),
    Case("Flatten", [IMAGE]),
    Case("Flatten", [IMAGE], {"axis": 2}),
    Case("Flatten", [IMAGE], {"axis": 0}),
    Case("Flatten", [IMAGE], {"axis": -1}),
    Case("Transpose", [SIGNED]),
    Case("Transpose", [SIGNED], {"perm": [0, 2, 1]}),
    Case("Squeeze", [floats(2, 1, 3, 1), ints(1)]),
    Case("Squeeze", [floats(2, 1, 3, 1), ints(1, -1)]),
    Case("Squeeze", [floats(2, 1, 3, 1)]),
    Case("Squeeze", [floats(2, 1, 3)], {"axes": [1]}, opset=11),
    Case("Unsqueeze", [SIGNED, ints(1)]),
    Case("Unsqueeze", [SIGNED, ints(4, 0)]),
    Case("Unsqueeze", [SIGNED, ints(-1)]),
    Case("Unsqueeze", [SIGNED], {"axes": [0, 2]}, opset=11),
    Case("Expand", [floats(2, 1, 3), ints(2, 4, 3)]),
    Case("Expand", [floats(2, 1, 3), ints(2, 1)]),
    Case("Expand", [floats(3), ints(2, 4, 1)]),
    Case("Tile", [SIGNED, ints(1, 2, 3)]),
    Case("Concat", [SIGNED, BESIDE], {"axis": 1}),
    Case("Concat", [SIGNED, BESIDE, SIGNED], {"axis": -1}),
    Case("Split", [SIGNED, ints(1, 3)], {"axis": 2}, outputs=2),
    Case("Split", [SIGNED], {"axis": 2, "num_outputs": 2}, outputs=2),
    Case("Split", [floats(2, 7)], {"axis": 1, "num_outputs": 3}, outputs=3),
    Case("Split", [SIGNED], {"axis": 1, "split": [1, 2]}, opset=11, outputs=2),
    Case("Slice", [IMAGE, ints(1), ints(4), ints(2)]),
    Case("Slice", [IMAGE, ints(1, 0), ints(9, -1), ints(2, 3)]),
    Case("Slice", [IMAGE, ints(0, 1), ints(2**62, 2**62), ints(2, 3), ints(2, 3)]),
    Case("Slice", [IMAGE, ints(-1), ints(-(2**62)), ints(2), ints(-1)]),
    Case("Slice", [IMAGE, ints(4), ints(1), ints(2), ints(-2)]),
    Case("Slice", [IMAGE, ints(20), ints(0), ints(2), ints(-1)]),
    Case("Slice", [IMAGE, ints(-3), ints(-6), ints(2), ints(-1)]),
    Case("Slice", [IMAGE, ints(-4), ints(-1), ints(-1)]),
    Case("Slice", [SIGNED, ints(0, 1), ints(1, 3)]),
    Case("Slice", [SIGNED], {"starts": [1], "ends": [3], "axes": [1]}, opset=9),
    Case("Pad", [IMAGE, ints(0, 0, 1, 2, 0, 0, 3, 0)]),
    Case("Pad", [IMAGE, ints(0, 0, 1, 2, 0, 0, 3, 0), one(1.5)]),
    Case("Pad", [IMAGE, ints(0, 1, 0, 0, 0, 2, 0, 0)]),
    Case("Pad", [IMAGE, ints(0, 0, -1, 2, 0, 0, 3, 0), floats()], drawn=False),
    Case("Pad", [IMAGE, ints(1, 2, 1, 2), None, ints(2, 3)]),
    Case("Pad", [IMAGE, ints(0, 0, -1, -2, 0, 0, 0, -1)]),
    *(
        Case("Pad", [IMAGE, ints(0, 0, 1, 2, 0, 0, 3, 0)], {"mode": mode})
        for mode in ("reflect", "edge", "wrap")
    ),
    *(
        Case("Pad", [SIGNED, ints(1, 0, 1, 0, 2, 0)], {"mode": mode}, drawn=False)
        for mode in ("reflect", "edge", "wrap")
        if mode != "reflect"
    ),
    Case("Pad", [IMAGE], {"pads": [0, 0, 1, 1, 0, 0, 1, 1], "value": 0.5}, opset=9),
    Case("CenterCropPad", [IMAGE, ints(4, 8)], {"axes": [2, 3]}),
    Case("CenterCropPad", [IMAGE, ints(2, 3, 3, 9)]),
    *(Case("DepthToSpace", [SQUARE], {"blocksize": 2, "mode": mode}) for mode in ("DCR", "CRD")),
    Case("SpaceToDepth", [SQUARE], {"blocksize": 2}),
    Case("Trilu", [IMAGE]),
    Case("Trilu", [IMAGE, Fixed(np.array(-1))], {"upper": 0}),
    Case("Trilu", [IMAGE, Fixed(np.array(1))]),
    Case("EyeLike", [floats(3, 4)], {"k": 1}),
    Case("EyeLike", [floats(3, 4)], {"dtype": 7}),
]
_INDEX = np.array([[0, -1], [2, 1]])
GATHERING = [
    *(Case("Gather", [SIGNED, ints(2, 0)], {"axis": axis}) for axis in (1, 2, -2)),
    Case("Gather", [SIGNED, Fixed(np.array(1))], {"axis": 1}),
    Case("Gather", [SIGNED, Fixed(np.array(-1))], {"axis": 2}),
    Case("Gather", [SIGNED, _INDEX], {"axis": 1}),
    Case("GatherElements", [floats(3, 4), whole(2, 4, low=-3, high=3)], free=False),
    Case("GatherElements", [floats(3, 4), whole(3, 2, low=-4, high=4)], {"axis": 1}, free=False),
    Case("GatherND", [SIGNED, np.array([[0, 1], [1, -1]])]),
    Case("GatherND", [SIGNED, np.array([[[0, 1, 2]], [[1, 0, 3]]])]),
    Case("GatherND", [SIGNED, np.array([[1, 2], [0, 3]])], {"batch_dims": 1}),
    Case("GatherND", [SIGNED, np.array([[[1], [2]], [[0], [-1]]])], {"batch_dims": 1}),
    *(
        Case(
            "ScatterElements",
            [floats(3, 4), np.array([[0, -1, 2, 1]]), floats(1, 4, seed=1)],
            {"axis": axis, "reduction": how},
            drawn=how in ("none", "add"),
            free=False,
        )
        for axis in (0, 1)
        for how in ("none", "add", "mul", "max", "min")
    ),
    *(
        Case(
            "ScatterND",
            [SIGNED, np.array([[0, 1], [1, -1]]), floats(2, 4, seed=1)],
            {"reduction": how},
            drawn=how in ("none", "add"),
        )
        for how in ("none", "add", "mul", "max", "min")
    ),
    Case("ScatterND", [SIGNED, np.array([[[0, 1, 2]], [[1, -1, 0]]]), floats(2, 1)]),
    Case("OneHot", [whole(3, low=-4, high=4), ints(4), Fixed(np.array([0.5, 2], np.float32))]),
    Case(
        "OneHot", [whole(2, 3, high=4), ints(4), Fixed(np.array([0, 1], np.float32))], {"axis": 1}
    ),
    Case("Compress", [SIGNED, Fixed(np.array([True, False, True]))], {"axis": 1}),
    Case("Compress", [SIGNED, Fixed(np.array([False, True, True, False, True]))]),
    Case("ReverseSequence", [floats(4, 3, 2), np.array([1, 4, 2])]),
    Case("ReverseSequence", [floats(3, 4), np.array([1, 4, 2])], {"time_axis": 1, "batch_axis": 0}),
]
_SCALE, _ZERO = Fixed(np.array(0.05, np.float32)), Fixed(np.array(120, np.uint8))
_BYTES = whole(2, 3, 4, high=256, dtype=np.uint8)
_LEFT = (_BYTES, _SCALE, _ZERO)
_RESULT = (Fixed(np.array(0.2, np.float32)), _ZERO)
_SCALES = Fixed(np.array([0.05, 0.1, 0.02], np.float32))
_PICTURE = whole(2, 3, 6, 5, high=256, dtype=np.uint8)
_KERNEL = Fixed(whole(4, 3, 3, 2, low=-128, high=128, dtype=np.int8))
_PARTS = Fixed(whole(6, 1, 3, 2, high=256, dtype=np.uint8))
_WIDE = {"pads": [1, 0, 1, 1], "strides": [2, 1]}
_EACH = Fixed(np.array([0.05, 0.1, 0.02, 0.01], np.float32))
_RESULTS = (Fixed(np.array(8.0, np.float32)), _ZERO, Fixed(whole(4, low=-900, dtype=np.int32)))
QUANTISING = [
    Case("ConvInteger", [_PICTURE, _PARTS, _ZERO, Fixed(np.array(7, np.uint8))], {"group": 3}),
    Case(
        "QLinearConv",
        [_PICTURE, _SCALE, _ZERO, _KERNEL, _EACH, Fixed(np.zeros(4, np.int8)), *_RESULTS],
        _WIDE,
    ),
    Case("QuantizeLinear", [SIGNED, _SCALE, _ZERO]),
    Case("QuantizeLinear", [SIGNED * 9, _SCALE, Fixed(np.array(-3, np.int8))]),
    Case("QuantizeLinear", [SIGNED, _SCALES, Fixed(np.array([3, 100, 200], np.uint8))]),
    Case("DequantizeLinear", [_BYTES, _SCALE, _ZERO]),
    Case("DequantizeLinear", [_BYTES, _SCALES, Fixed(np.array([3, 100, 200], np.uint8))]),
    Case("DequantizeLinear", [_BYTES, _SCALE]),
    *(Case("DynamicQuantizeLinear", [SIGNED + by], outputs=3) for by in (0, 5, -5)),
    Case("MatMulInteger", [_BYTES, whole(4, 5, high=256, dtype=np.uint8, seed=1), _ZERO]),
    Case(
        "QLinearMatMul",
        [*_LEFT, whole(4, 5, high=256, dtype=np.uint8, seed=1), _SCALE, _ZERO, *_RESULT],
    ),
]


PRODUCTS = [
    Case("Einsum", [SIGNED, BESIDE], {"equation": "bij, bkj -> bik"}),
    Case("Einsum", [SIGNED], {"equation": "bij->bji"}),
    Case("Det", [floats(2, 3, 3)], drawn=False),
    Case("SoftmaxCrossEntropyLoss", [floats(4, 3), whole(4, high=3)]),
    Case("SoftmaxCrossEntropyLoss", [floats(4, 3), whole(4, high=3)], {"reduction": "sum"}),
    Case(
        "NegativeLogLikelihoodLoss",
        [floats(4, 3, 2), whole(4, 2, high=3), floats(3, low=0.1)],
        {"reduction": "none"},
        free=False,
    ),
]
FAMILIES: dict[str, list[Case]] = {
    "of one": OF_ONE,
    "of two": OF_TWO,
    "of many": OF_MANY,
    "activations": ACTIVATIONS,
    "reducing": REDUCING,
    "shaping": SHAPING,
    "gathering": GATHERING,
    "quantising": QUANTISING,
    "products": PRODUCTS,
}

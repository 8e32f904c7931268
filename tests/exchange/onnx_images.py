"""The operators that work on images, with what they are tried on."""

from __future__ import annotations

import numpy as np

from tests.exchange.onnx_cases import IMAGE, Case, Fixed, floats, ints

_LINE, _BODY = floats(2, 3, 9), floats(1, 2, 5, 6, 4)


def _windows(name: str, more: dict[str, object]) -> list[Case]:
    square = {"kernel_shape": [3, 2], **more}
    return [
        Case(name, [IMAGE], {"kernel_shape": [2, 2], "strides": [2, 2], **more}),
        Case(name, [IMAGE], square),
        Case(name, [IMAGE], {**square, "strides": [2, 1], "pads": [1, 0, 1, 0]}),
        Case(name, [IMAGE], {**square, "pads": [1, 0, 0, 1]}, drawn=name == "MaxPool"),
        Case(name, [_LINE], {"kernel_shape": [3], "strides": [2], **more}),
        Case(name, [_BODY], {"kernel_shape": [2, 2, 2], **more}),
        *(
            Case(name, [IMAGE], {**square, "strides": [2, 2], "auto_pad": way}, drawn=False)
            for way in ("SAME_UPPER", "SAME_LOWER", "VALID")
        ),
    ]


POOLING = [
    *_windows("MaxPool", {}),
    Case("MaxPool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 1]}),
    Case("MaxPool", [IMAGE], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    Case("MaxPool", [IMAGE], {"kernel_shape": [2, 2], "strides": [2, 2]}, outputs=2, drawn=False),
    *_windows("AveragePool", {}),
    *_windows("AveragePool", {"count_include_pad": 1}),
    Case("AveragePool", [IMAGE], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    Case("AveragePool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 2]}, drawn=False),
    *(
        Case(name, [data])
        for name in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
        for data in (IMAGE, _LINE, _BODY)
    ),
    Case("LpPool", [IMAGE], {"kernel_shape": [2, 2], "strides": [2, 1]}, drawn=False),
    Case("LpPool", [IMAGE], {"kernel_shape": [2, 2], "p": 3, "pads": [1, 0, 0, 1]}, drawn=False),
    Case(
        "MaxUnpool",
        [floats(1, 1, 2, 2), np.array([[[[5, 7], [13, 15]]]])],
        {"kernel_shape": [2, 2], "strides": [2, 2]},
    ),
    Case(
        "MaxUnpool",
        [floats(1, 1, 2, 2), np.array([[[[5, 7], [13, 15]]]]), ints(1, 1, 5, 5)],
        {"kernel_shape": [2, 2], "strides": [2, 2]},
    ),
    Case(
        "Col2Im",
        [floats(1, 8, 6), ints(3, 4), ints(2, 2)],
    ),
]
_UP = Fixed(np.array([1, 1, 2, 3], np.float32))
_DOWN = Fixed(np.array([1, 1, 0.6, 0.7], np.float32))
_PLACES = ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel")


def _resized(mode: str, places: str, scales: Fixed | None, **more: object) -> Case:
    drawn = mode == "nearest" and places == "asymmetric" and more.get("nearest_mode") == "floor"
    drawn |= mode != "nearest" and places == "half_pixel"
    size = [] if scales is not None else [ints(2, 3, 4, 9)]
    attributes = {"mode": mode, "coordinate_transformation_mode": places, **more}
    return Case("Resize", [IMAGE, None, scales, *size], attributes, drawn=drawn, tolerance=1e-4)


RESIZING = [
    *(
        _resized(mode, places, scales)
        for mode in ("nearest", "linear", "cubic")
        for places in _PLACES
        for scales in (_UP, _DOWN, None)
    ),
    *(
        _resized("nearest", "asymmetric", _UP, nearest_mode=how)
        for how in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    ),
    _resized("cubic", "half_pixel", _UP, cubic_coeff_a=-0.5),
    _resized("linear", "half_pixel", None, antialias=1),
    Case("Resize", [IMAGE, None, None, ints(4, 9)], {"axes": [2, 3], "mode": "linear"}),
    Case("Upsample", [IMAGE, _UP], opset=9),
    *(
        Case(
            "GridSample",
            [IMAGE, floats(2, 4, 3, 2, low=-1.2, high=1.2)],
            {"mode": mode, "padding_mode": edges, "align_corners": corners},
            tolerance=1e-4,
        )
        for mode, edges, corners in (
            ("linear", "zeros", 0),
            ("nearest", "border", 1),
            ("cubic", "reflection", 0),
        )
    ),
    Case("AffineGrid", [floats(2, 2, 3), ints(2, 3, 4, 5)], drawn=False),
]
FAMILIES = {"pooling": POOLING, "resizing": RESIZING}

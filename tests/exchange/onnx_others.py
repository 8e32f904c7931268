"""Operators of other domains: those of ONNX Runtime's optimizer, and of ai.onnx.ml."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.exchange.onnx_cases import IMAGE, Array, Case, Fixed, floats, whole

WIDE = floats(2, 5, 8)
_QKV = [floats(2, 5, 8, seed=seed) for seed in range(3)]
_SEEN = np.array([[1, 1, 1, 0, 1], [1, 1, 1, 1, 1]], dtype=np.int32)


def _fused(op: str, *inputs: Array | Fixed | None, outputs: int = 1, **said: Any) -> Case:
    return Case(op, inputs, said, 17, outputs, tolerance=1e-4, domain="com.microsoft")


def _held(*shape: int, seed: int = 0) -> Fixed:
    return Fixed(floats(*shape, seed=seed))


_KERNEL, _CHANNELS = _held(4, 3, 3, 3), _held(4)
_TABLES = [_held(9, 8, seed=1), _held(5, 8, seed=2), _held(2, 8, seed=3)]
_NORM = [_held(8, seed=4), _held(8, seed=5)]
_PACKED = [_held(8, 24, seed=6), _held(24, seed=7)]

FUSED = [
    _fused("FusedConv", IMAGE, _KERNEL, activation="Relu", pads=[1, 1, 1, 1]),
    _fused("FusedConv", IMAGE, _KERNEL, _CHANNELS, activation="Tanh", auto_pad="SAME_UPPER"),
    _fused(
        "FusedConv",
        IMAGE,
        _KERNEL,
        _CHANNELS,
        activation="LeakyRelu",
        activation_params=[0.3],
    ),
    _fused(
        "FusedConv",
        IMAGE,
        _KERNEL,
        _CHANNELS,
        floats(2, 4, 4, 3),
        activation="Clip",
        activation_params=[-0.5, 0.5],
    ),
    _fused("FusedConv", IMAGE, _KERNEL, activation="HardSigmoid", activation_params=[0.3, 0.4]),
    _fused("FusedConv", IMAGE, floats(4, 3, 3, 3), floats(4), activation="Sigmoid"),
    _fused("FusedGemm", floats(2, 8), _held(8, 3), _held(3), activation="Relu"),
    _fused(
        "FusedGemm",
        floats(2, 8),
        _held(3, 8),
        transB=1,
        alpha=0.5,
        activation="LeakyRelu",
        activation_alpha=0.2,
    ),
    _fused("FusedMatMul", floats(2, 8, 5), floats(2, 8, 3), transA=1, alpha=0.25),
    _fused("FusedMatMul", floats(2, 5, 8), floats(2, 3, 8), transB=1),
    _fused("Gelu", WIDE),
    _fused("BiasGelu", WIDE, _held(8)),
    _fused("FastGelu", WIDE),
    _fused("FastGelu", WIDE, _held(8)),
    _fused("QuickGelu", WIDE, alpha=1.5),
    _fused("SkipLayerNormalization", WIDE, floats(2, 5, 8, seed=9), *_NORM, epsilon=1e-3),
    _fused("SkipLayerNormalization", WIDE, floats(2, 5, 8, seed=9), *_NORM, _held(8, seed=1)),
    _fused("SkipSimplifiedLayerNormalization", WIDE, floats(2, 5, 8, seed=9), _NORM[0]),
    _fused(
        "EmbedLayerNormalization",
        whole(2, 5, high=9, dtype=np.int32),
        None,
        *_TABLES[:2],
        None,
        *_NORM,
        outputs=2,
    ),
    _fused(
        "EmbedLayerNormalization",
        whole(2, 5, high=9, dtype=np.int32),
        whole(2, 5, high=2, dtype=np.int32),
        *_TABLES,
        *_NORM,
        _SEEN,
        outputs=2,
    ),
    _fused("Attention", WIDE, *_PACKED, num_heads=2),
    _fused("Attention", WIDE, *_PACKED, num_heads=2, unidirectional=1),
    _fused("Attention", WIDE, *_PACKED, _SEEN, num_heads=4, scale=0.3),
    _fused("Attention", WIDE, *_PACKED, None, None, floats(2, 2, 5, 5), num_heads=2),
    _fused("MultiHeadAttention", *_QKV, num_heads=2),
    _fused("MultiHeadAttention", *_QKV, _held(24), _SEEN, num_heads=2),
]


def _ml(op: str, *inputs: Array, outputs: int = 1, opset: int = 17, **said: Any) -> Case:
    return Case(op, inputs, said, opset, outputs, domain="ai.onnx.ml")


_ROWS = floats(6, 4)
_GAPS = np.where(_ROWS > 1, np.float32("nan"), _ROWS)
_ZEROS = np.concatenate([_ROWS, np.zeros((1, 4), np.float32)])
_CLASSES = {
    "coefficients": floats(3 * 4).tolist(),
    "intercepts": [0.1, 0.2, 0.3],
    "classlabels_ints": [0, 1, 2],
}
LEARNERS = [
    _ml("Scaler", _ROWS, offset=[0.1, 0.2, 0.3, 0.4], scale=[1.0, 2.0, 3.0, 4.0]),
    _ml("Scaler", _ROWS, offset=[0.5], scale=[2.0]),
    _ml("Scaler", whole(6, 4), offset=[1.0], scale=[0.5]),
    _ml("Binarizer", _ROWS, threshold=0.3),
    *(_ml("Normalizer", _ZEROS, norm=norm) for norm in ("L1", "L2")),
    _ml("Normalizer", np.abs(_ZEROS), norm="MAX"),
    _ml("Imputer", _GAPS, imputed_value_floats=[1.0, 2.0, 3.0, 4.0], replaced_value_float=np.nan),
    _ml("Imputer", np.round(_ROWS), imputed_value_floats=[9.0], replaced_value_float=1.0),
    _ml("ArrayFeatureExtractor", _ROWS, np.array([3, 0])),
    _ml("FeatureVectorizer", _ROWS, floats(6, 2), inputdimensions=[4, 2]),
    _ml("LinearRegressor", _ROWS, coefficients=floats(4).tolist(), intercepts=[0.5]),
    _ml("LinearRegressor", _ROWS, coefficients=floats(8).tolist(), targets=2),
    _ml("LinearClassifier", _ROWS, outputs=2, **_CLASSES, post_transform="NONE"),
    _ml("LinearClassifier", _ROWS, outputs=2, **_CLASSES, post_transform="SOFTMAX"),
    _ml(
        "LinearClassifier",
        _ROWS,
        outputs=2,
        **{**_CLASSES, "classlabels_ints": [5, 3, 9]},
        post_transform="LOGISTIC",
    ),
]


def _gru(*states: Array | None, bias: bool = True, **said: Any) -> Case:
    """One that resets before its product."""
    ways = 2 if said.get("direction") == "bidirectional" else 1
    held = [_held(ways, 12, 3), _held(ways, 12, 4), _held(ways, 24) if bias else None]
    return Case("GRU", [floats(5, 2, 3), *held, *states], {"hidden_size": 4, **said}, outputs=2)


RESETTING = [
    _gru(),
    _gru(None, floats(1, 2, 4)),
    _gru(direction="reverse", bias=False),
    _gru(None, floats(2, 2, 4), direction="bidirectional"),
]
FAMILIES = {"fused": FUSED, "learners": LEARNERS, "resetting": RESETTING}

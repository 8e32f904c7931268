"""Operators of the domain ai.onnx.ml that are arithmetic on tensors.

Trees, machines of support vectors and what works on texts have no counterpart.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call, Function, Unsupported, op
from netbuilder.exchange.onnx_in.weighted import linear

DOMAIN = "ai.onnx.ml"


def _numbers(x: Tensor) -> Tensor:
    return x if x.dtype is torch.float32 else x.float()


@op(f"{DOMAIN}.Scaler")
def scaler(call: Call) -> Function:
    """Less an offset, times a scale, for each feature."""
    offset, scale = (torch.tensor(call.attr(name, given)) for name, given in _SCALER.items())
    return lambda x: (_numbers(x) - offset) * scale


_SCALER = {"offset": (0.0,), "scale": (1.0,)}


@op(f"{DOMAIN}.Binarizer")
def binarizer(call: Call) -> Function:
    """1 above a threshold, else 0."""
    threshold = call.attr("threshold", 0.0)
    return lambda x: (x > threshold).to(x.dtype)


@op(f"{DOMAIN}.Normalizer")
def normalizer(call: Call) -> Function:
    """Divided by the largest number, the sum or the root of the squares; zeros stay zeros."""
    norm = call.attr("norm", "MAX")

    def run(x: Tensor) -> Tensor:
        x = _numbers(x)
        if norm == "MAX":
            size = torch.amax(x, -1, keepdim=True)
        else:
            size = torch.linalg.vector_norm(x, 1 if norm == "L1" else 2, -1, keepdim=True)
        return x / torch.where(size == 0, torch.ones_like(size), size)

    return run


@op(f"{DOMAIN}.Imputer")
def imputer(call: Call) -> Function:
    """A value for each feature where one is missing."""
    values, missing = call.attr("imputed_value_floats"), call.attr("replaced_value_float", 0.0)
    if not values:
        raise Unsupported("it puts in whole numbers")
    filled = torch.tensor(values)
    unknown = math.isnan(missing)
    return lambda x: torch.where(torch.isnan(x) if unknown else x == missing, filled, x)


@op(f"{DOMAIN}.ArrayFeatureExtractor")
def extractor(call: Call) -> Function:
    """Some places of the last dim."""

    def run(x: Tensor, at: Tensor) -> Tensor:
        made = x.index_select(-1, at.reshape(-1))
        return made.unsqueeze(0) if x.dim() == 1 else made

    return run


@op(f"{DOMAIN}.FeatureVectorizer")
def vectorizer(call: Call) -> Function:
    """Features one after the other."""
    return lambda *parts: torch.cat([_numbers(part) for part in parts], -1)


def _rows(call: Call, count: int) -> tuple[Tensor, Tensor | None]:
    """Coefficients as rows of outputs, and what is added."""
    factors, added = torch.tensor(call.attr("coefficients")), call.attr("intercepts")
    if count < 1 or factors.numel() % count or (added and len(added) != count):
        raise Unsupported("its coefficients do not fit its outputs")
    return factors.reshape(count, -1), torch.tensor(added) if added else None


@op(f"{DOMAIN}.LinearRegressor")
def regressor(call: Call) -> Function:
    """A product of the features with weights."""
    if call.attr("post_transform", "NONE") != "NONE":
        raise Unsupported(f"it ends in {call.attr('post_transform')[:40]}")
    held = call.hold(linear(*_rows(call, call.attr("targets", 1))))
    return lambda x: held(_numbers(x))


_AFTER: dict[str, Any] = {
    "NONE": lambda x: x,
    "LOGISTIC": torch.sigmoid,
    "SOFTMAX": lambda x: torch.softmax(x, -1),
}


@op(f"{DOMAIN}.LinearClassifier")
def classifier(call: Call) -> Function:
    """The class with the largest score, and the scores."""
    labels, after = call.attr("classlabels_ints"), call.attr("post_transform", "NONE")
    if not labels:
        raise Unsupported("its classes are texts")
    rows = len(call.attr("intercepts") or ())
    if rows != len(labels) or rows < 2 or after not in _AFTER:
        raise Unsupported("one row of weights is for two classes, or its scores are PROBIT")
    held, names = call.hold(linear(*_rows(call, rows))), torch.tensor(labels)
    plain = labels == tuple(range(rows))

    def run(x: Tensor) -> tuple[Tensor, Tensor]:
        scores = held(_numbers(x))
        best = torch.argmax(scores, -1)
        return best if plain else names.index_select(0, best), _AFTER[after](scores)

    return run

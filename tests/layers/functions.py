"""Calls of PyTorch's functions that can't be made with the names of ports and parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from netbuilder.layers.base import Layer

Given = dict[str, Any]


def call(layer: Layer, function: Callable[..., Any], given: Given, values: Given) -> Any:
    """What the function of a layer makes of inputs and parameters; None is a default."""
    special = _CALLS.get(layer.id)
    values = {name: value for name, value in values.items() if value is not None}
    if special is not None:
        return special(given, values)
    if "dim" not in values and "dim" in type(layer).model_fields:
        values.pop("keepdim", None)
    return function(**given, **values)


def _split(given: Given, values: Given) -> Any:
    return torch.split(given["input"], values["split_size_or_sections"], dim=values["dim"])


def _tensor_split(given: Given, values: Given) -> Any:
    return torch.tensor_split(given["input"], values["indices_or_sections"], dim=values["dim"])


def _where(given: Given, values: Given) -> Any:
    both = {**given, **values}
    return torch.where(both["condition"], both["input"], both["other"])


def _scatter(given: Given, values: Given) -> Any:
    source: Any = values.get("src", given.get("src"))
    return torch.scatter(given["input"], values["dim"], given["index"], source)


def _slice(given: Given, values: Given) -> Any:
    index = values["index"]
    return eval(f"x[{index}]", {"x": given["input"]})  # noqa: S307


def _filled(given: Given, values: Given) -> Any:
    return torch.masked_fill(given["input"], given["mask"], float(values["value"]))


def _rolled(given: Given, values: Given) -> Any:
    return torch.roll(given["input"], values["shifts"], values["dims"])


def _window(values: Given) -> torch.Tensor:
    name = values["window"]
    length: int = values.get("win_length") or values["n_fft"]
    if name == "rectangular":
        return torch.ones(length)
    window: torch.Tensor = getattr(torch, f"{name}_window")(length)
    return window


def _stft(given: Given, values: Given) -> Any:
    window = given["window"] if "window" in given else _window(values)
    return torch.stft(given["input"], **{**values, "window": window}, return_complex=True)


def _istft(given: Given, values: Given) -> Any:
    window = given["window"] if "window" in given else _window(values)
    return torch.istft(given["input"], **{**values, "window": window})


def _affine_grid(given: Given, values: Given) -> Any:
    theta, (first, *rest) = given["theta"], values["size"]
    sizes = [theta.shape[0] if first == -1 else first, *rest]
    return torch.nn.functional.affine_grid(theta, sizes, align_corners=values["align_corners"])


def _attention(given: Given, values: Given) -> Any:
    # Nothing is dropped outside training.
    attend = torch.nn.functional.scaled_dot_product_attention
    return attend(**given, **{**values, "dropout_p": 0.0})


_CALLS: Mapping[str, Callable[[Given, Given], Any]] = {
    "torch.Tensor.detach": lambda given, values: given["input"].detach(),
    "torch.Tensor.to": lambda given, values: given["input"].to(values["dtype"]),
    "torch.einsum": lambda given, values: torch.einsum(values["equation"], *given.values()),
    "torch.split": _split,
    "torch.tensor_split": _tensor_split,
    "torch.where": _where,
    "torch.scatter": _scatter,
    "torch.masked_fill": _filled,
    "torch.roll": _rolled,
    "torch.Tensor.__getitem__": _slice,
    "torch.Tensor.view": lambda given, values: given["input"].view(values["size"]),
    "torch.Tensor.expand": lambda given, values: given["input"].expand(values["size"]),
    "torch.Tensor.expand_as": lambda given, values: given["input"].expand_as(given["other"]),
    "torch.Tensor.repeat": lambda given, values: given["input"].repeat(values["repeats"]),
    "torch.Tensor.contiguous": lambda given, values: given["input"].contiguous(),
    "torch.Tensor.unfold": lambda given, values: given["input"].unfold(**values),
    "torch.stft": _stft,
    "torch.istft": _istft,
    "torch.nn.functional.affine_grid": _affine_grid,
    "torch.nn.functional.scaled_dot_product_attention": _attention,
    "torch.unbind": lambda given, values: torch.unbind(given["input"], values["dim"]),
}

"""PyTorch itself, called by a layer's id with keyword arguments.

It goes past all that the catalogue says about code: what a layer's parameters mean in PyTorch
is told here a second time.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from netbuilder.layers.base import Layer
from netbuilder.layers.catalogue import find
from netbuilder.parts.distance import CosineDistance
from tests.layers import functions, graphs

LEFT_OUT = {
    *("device", "dtype", "process_group"),
    *("size_average", "reduce", "min_value", "max_value"),
    *("_weight", "_freeze", "_random_samples"),
    *("custom_encoder", "custom_decoder", "options"),
}
"""Parameters of PyTorch's modules that no layer has: placement, deprecated, private, objects."""

INNER = {
    "encoder_layer": nn.TransformerEncoderLayer,
    "decoder_layer": nn.TransformerDecoderLayer,
}
"""Parameters that are modules: a layer has the parameters of that module instead."""


def callable_of(id: str) -> Any:
    """What a layer's id names."""
    kind = find(id)
    part = kind.part if kind is not None else ""
    # A constant is a function of PyTorch's whose result a part holds.
    path = f"netbuilder.parts.{part}" if part and id.startswith("netbuilder.") else id
    module, _, name = path.rpartition(".")
    if module == "torch.Tensor":
        return getattr(torch.Tensor, name)
    return getattr(importlib.import_module(module), name)


# -- parameters -------------------------------------------------------------------------------


def parameters(constructor: Callable[..., Any]) -> dict[str, Any]:
    """Names and defaults of a constructor, without those that no layer has."""
    _, *found = inspect.signature(constructor).parameters.values()
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {p.name: p.default for p in found if p.name not in LEFT_OUT and p.kind not in variable}


def torch_parameters(id: str) -> dict[str, Any]:
    """Names and defaults (or `Parameter.empty`) of a module class's constructor.

    A module that another takes is replaced by its parameters, an optional norm by false.
    """
    made = callable_of(id)
    found: dict[str, Any] = {}
    for name, default in parameters(_constructor(made)).items():
        if name in INNER:
            found |= torch_parameters(f"torch.nn.{INNER[name].__name__}")
        else:
            found[name] = default
    if issubclass(made, nn.TransformerEncoder | nn.TransformerDecoder):
        found["norm"] = False
    if issubclass(made, nn.RNNBase):
        found.pop("mode")
        if made is not nn.LSTM:
            found.pop("proj_size")
        if made is nn.RNN:
            found = _after(found, "num_layers", {"nonlinearity": "tanh"})
    return {name: _named(default) for name, default in found.items()}


def _constructor(made: Any) -> Callable[..., Any]:
    # RNN, LSTM and GRU declare *args.
    constructor = nn.RNNBase.__init__ if issubclass(made, nn.RNNBase) else made.__init__
    return constructor


def _after(found: Mapping[str, Any], name: str, more: Mapping[str, Any]) -> dict[str, Any]:
    names = list(found)
    at = names.index(name) + 1
    return {
        **{n: found[n] for n in names[:at]},
        **more,
        **{n: found[n] for n in names[at:]},
    }


def _named(default: Any) -> Any:
    """A function as a parameter is a name in a layer."""
    return default.__name__ if inspect.isfunction(default) else default


def forward_parameters(id: str) -> dict[str, Any]:
    """Names and defaults of the arguments of a module class's `forward`.

    Left open, whether a mask is causal is found out by looking at it; no mask, it is not.
    """
    found = parameters(callable_of(id).forward)
    return {n: bool(value) if n.endswith("is_causal") else value for n, value in found.items()}


# -- values -----------------------------------------------------------------------------------

_FUNCTIONS = {"cosine": CosineDistance(), "manhattan": nn.PairwiseDistance(p=1.0)}


def torch_values(layer: Layer) -> dict[str, Any]:
    """A layer's parameters as PyTorch takes them: dtypes, tensors and modules, not words."""
    values = dict(layer)
    if values.get("dtype") is not None:
        values["dtype"] = getattr(torch, values["dtype"])
    for name in getattr(layer, "tensors", ()):
        if values.get(name) is not None:
            values[name] = torch.tensor(values[name])
    if values.get("distance_function") is not None:
        values["distance_function"] = _FUNCTIONS[values["distance_function"]]
    if layer.id.startswith("torch_geometric."):
        values = graphs.torch_values(layer.id, values)
    if layer.id.startswith("torch.nn.Transformer"):
        values["activation"] = getattr(F, values["activation"])
        values = _with_inner(layer.id, values)
    return values


def _with_inner(id: str, values: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the inner layer made into that layer."""
    for name in parameters(callable_of(id).__init__):
        if name in INNER:
            inner = INNER[name]
            own = {n: values.pop(n) for n in parameters(inner.__init__)}
            values[name] = inner(**own)
            norm = nn.LayerNorm(own["d_model"], eps=own["layer_norm_eps"], bias=own["bias"])
            values["norm"] = norm if values["norm"] else None
    return values


def reference(
    layer: Layer, inputs: Mapping[str, torch.Tensor], state: Mapping[str, Any] | None = None
) -> Any:
    """What PyTorch makes of these inputs, with the weights of `state`, in eval mode."""
    made, values = callable_of(layer.id), torch_values(layer)
    given: dict[str, Any] = dict(inputs)
    if list(given) and all(name.startswith("tensors_") for name in given):
        given = {"tensors": tuple(given.values())}
    if not isinstance(made, type):
        if layer.id.startswith("torch_geometric."):
            given.setdefault("batch", None)
        torch.manual_seed(0)
        return functions.call(layer, made, given, values)
    given |= {name: values.pop(name) for name in layer.in_call}
    module = made(**values).eval()
    if state is not None:
        module.load_state_dict(state)
    torch.manual_seed(0)
    if "h_0" in given:
        states = given.pop("h_0"), given.pop("c_0", None)
        given["hx"] = states[0] if states[1] is None else states
    return module(**given, **_masks(layer, given))


def _masks(layer: Layer, given: Mapping[str, Any]) -> dict[str, Any]:
    """The masks that parameters ask for."""
    result = {}
    for name in layer.in_call:
        mask, over = _MASKS.get((layer.id, name), ("", ""))
        if mask and given[name] and mask not in given:
            length = given[over].shape[1 if getattr(layer, "batch_first", True) else 0]
            result[mask] = torch.full((length, length), True).triu(1)
    return result


_MASKS = {
    ("torch.nn.MultiheadAttention", "is_causal"): ("attn_mask", "query"),
    ("torch.nn.TransformerEncoderLayer", "is_causal"): ("src_mask", "src"),
    ("torch.nn.TransformerEncoder", "is_causal"): ("mask", "src"),
    ("torch.nn.TransformerDecoderLayer", "tgt_is_causal"): ("tgt_mask", "tgt"),
    ("torch.nn.TransformerDecoder", "tgt_is_causal"): ("tgt_mask", "tgt"),
    ("torch.nn.Transformer", "src_is_causal"): ("src_mask", "src"),
    ("torch.nn.Transformer", "tgt_is_causal"): ("tgt_mask", "tgt"),
}
"""By layer and parameter: the mask that it stands for, and the sequence that it is for."""

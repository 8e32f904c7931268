"""Layers of PyTorch's functions: names and defaults against its schemas, and what is left out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from netbuilder.layers.base import Layer, Role
from netbuilder.layers.catalogue import layers
from tests.layers.reference import callable_of

PLACEMENT = {"dtype", "layout", "device", "memory_format", "implicit", "out"}

LEFT_OUT: Mapping[str, set[str]] = {
    # They tune how a result is computed or kept, not what it is.
    "torch.cdist": {"compute_mode"},
    "torch.gather": {"sparse_grad"},
    "torch.repeat_interleave": {"output_size"},
    "torch.nn.functional.layer_norm": {"cudnn_enable"},
    "torch.nn.functional.group_norm": {"cudnn_enabled"},
    # They rewrite or spread over a table that belongs to another layer.
    "torch.nn.functional.embedding": {"max_norm", "norm_type", "scale_grad_by_freq", "sparse"},
    # Complex numbers come out of stft and go into istft; the rest is for complex signals.
    "torch.stft": {"return_complex", "align_to_window"},
    "torch.istft": {"return_complex"},
}
"""Parameters of PyTorch's that a layer lacks."""

ADDED: Mapping[str, set[str]] = {
    "torch.split": {"count"},
    "torch.unbind": {"count"},
}
"""Parameters that say how many ports there are."""

OTHER_DEFAULTS = {
    # PyTorch's -1 makes as many classes as the numbers that happen to come.
    ("torch.nn.functional.one_hot", "num_classes"),
    # Its None flattens both tensors, batch and all.
    ("torch.take_along_dim", "dim"),
    # The schema's -1 is what Python's None is turned into.
    ("torch.nn.functional.embedding", "padding_idx"),
}

BY_HAND = {
    "torch.Tensor.__getitem__": "Python's brackets",
    "torch.Tensor.to": "its one parameter is a dtype",
    "torch.einsum": "its operands are arguments without names",
    "torch.split": "the schema has a name for one size and another for several",
    "torch.tensor_split": "the schema has a name for a number and another for indices",
}
"""Functions whose signature no schema tells, and why."""

NO_LAYER = {
    "torch.nonzero": "how much comes out depends on the numbers: use where or masked_fill",
    "torch.masked_select": "how much comes out depends on the numbers: use where",
    "torch.unique": "how much comes out depends on the numbers",
    "torch.bincount": "how much comes out depends on the numbers: use scatter_add",
    "torch.flatten": "torch.nn.Flatten does the same",
    "torch.unflatten": "torch.nn.Unflatten does the same",
    "torch.tanh": "torch.nn.Tanh does the same",
    "torch.sigmoid": "torch.nn.Sigmoid does the same",
    "torch.softmax": "torch.nn.Softmax does the same",
    "torch.log_softmax": "torch.nn.LogSoftmax does the same",
    "torch.relu": "torch.nn.ReLU does the same",
    "torch.nn.functional.unfold": "torch.nn.Unfold does the same",
    "torch.nn.functional.fold": "torch.nn.Fold does the same",
    "torch.nn.functional.dropout": "torch.nn.Dropout does the same, and knows when to stop",
    "torch.floor_divide": "torch.div with rounding_mode 'floor' does the same",
    "torch.swapaxes": "torch.transpose does the same",
    "torch.concat": "torch.cat does the same",
    "torch.norm": "torch.linalg.vector_norm does the same",
    "torch.mm": "torch.matmul does the same",
}
"""Functions that have no layer, and why; a layer of that name would make the reason untrue."""

FUNCTIONS = [
    id
    for id, kind in layers().items()
    if kind.role is Role.LAYER
    and id.startswith("torch.")
    and not isinstance(callable_of(id), type)
    and kind.__module__.rpartition(".")[2]
    not in ("constants", "noise", "gradient", "losses", "recurrent", "graphs")
]


def test_there_are_as_many_as_a_network_needs() -> None:
    assert len(FUNCTIONS) >= 120
    assert BY_HAND.keys() | LEFT_OUT.keys() | ADDED.keys() <= set(FUNCTIONS)


@pytest.mark.parametrize("id", NO_LAYER)
def test_what_has_no_layer_is_there_in_pytorch(id: str) -> None:
    assert id not in layers()
    assert callable(callable_of(id))


Signature = list[tuple[str, Any]]
"""Names and defaults; `Parameter.empty` where there is none."""


def signatures(id: str) -> list[Signature]:
    """What PyTorch knows of a function: its Python signature, or its schemas."""
    made = callable_of(id)
    try:
        found = inspect.signature(made).parameters.values()
    except (TypeError, ValueError):
        return [signature(schema) for schema in schemas(id)]
    return [[(p.name, p.default) for p in found if p.name not in PLACEMENT]]


def schemas(id: str) -> list[Any]:
    name = id.removeprefix("torch.").removeprefix("Tensor.").removeprefix("nn.functional.")
    for group in ("linalg", "fft"):
        name = name.replace(f"{group}.", f"{group}_")
    packet = getattr(torch.ops.aten, name)
    return [getattr(packet, overload)._schema for overload in packet.overloads()]


def signature(schema: Any) -> Signature:
    own = "indices" if schema.name == "aten::embedding" else "self"
    return [
        (
            "input" if argument.name == own else argument.name,
            plain(argument.default_value) if argument.has_default_value() else inspect._empty,
        )
        for argument in schema.arguments
        if argument.name not in PLACEMENT
    ]


def plain(value: Any) -> Any:
    """A list of equal numbers is a number for a layer, another list a tuple."""
    if not isinstance(value, list):
        return value
    return value[0] if value and len(set(value)) == 1 else tuple(value)


def named(kind: type[Layer]) -> list[str]:
    ports = [port.name for port in kind.inputs]
    return [*ports, *(name for name in kind.model_fields if name not in ports)]


@pytest.mark.parametrize("id", [id for id in FUNCTIONS if id not in BY_HAND])
def test_names_and_defaults_are_those_of_pytorch(id: str) -> None:
    kind = layers()[id]
    own = set(named(kind)) - ADDED.get(id, set())
    every = [dict(found) for found in signatures(id)]
    left = LEFT_OUT.get(id, set())
    fitting = [found for found in every if set(found) - left == own]
    assert fitting, (own, [set(found) ^ own for found in every])
    assert any(not differing(kind, found) for found in fitting), [
        differing(kind, found) for found in fitting
    ]


def differing(kind: type[Layer], found: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Parameters whose defaults are not PyTorch's."""
    ports = {port.name for port in kind.inputs}
    result = []
    for name, default in found.items():
        field = kind.model_fields.get(name)
        if field is None or name in ports or (kind.id, name) in OTHER_DEFAULTS:
            continue
        # An overload may require what another leaves out: a parameter is then empty, or neutral.
        neutral = default is inspect.Parameter.empty and not field.default
        if field.is_required() != (default is inspect.Parameter.empty) and not neutral:
            result.append((name, field.default, default))
        elif not field.is_required() and not neutral and field.default != default:
            unset = default is None and name == "correction" and field.default == 1
            if not unset:
                result.append((name, field.default, default))
    return result

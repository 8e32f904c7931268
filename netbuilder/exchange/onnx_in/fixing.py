"""Graphs that suit some sizes only, at one of these: what a drawing can't say of free ones.

Paths that meet at sizes rounded by strides, and edges that follow from a size, are no layers. Such
a file says that a size is free; at fixed ones it is drawn as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import onnx

from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.bring.program import BringError

PICTURE, LENGTH = 224, 64
"""Sizes of sides of pictures, and of all else."""


def better(free: Brought, model: onnx.ModelProto, bring: Callable[..., Brought]) -> Brought:
    """What was brought, or what `bring` makes of the model at fixed sizes, if that is whole.

    It is tried where the first could not be compared at all, and the file has free sizes other
    than the batch.
    """
    if free.verified or free.max_rel_error is not None:
        return free
    made = onnx.ModelProto()
    made.CopyFrom(model)
    fixed = _fix(made)
    if not fixed:
        return free
    try:
        found = bring(made)
    except BringError:
        return free
    if not found.verified:
        return free
    sizes = ", ".join(fixed)
    note = (
        f"Sizes that the file has free are fixed: {sizes}. With free ones some of its nodes have "
        "no layer, or do not fit together."
    )
    return replace(found, notes=(note, *found.notes))


def _fix(model: onnx.ModelProto) -> list[str]:
    """Fix all free sizes of a model's inputs but their batch; where these are, and how large."""
    held = {each.name for each in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in held]
    dims = [(value, value.type.tensor_type.shape.dim) for value in given]
    batches = {row[0].dim_param for _, row in dims if len(row)}
    found = []
    for value, row in dims:
        for at, dim in enumerate(row):
            known = dim.HasField("dim_value") and dim.dim_value > 0
            if at == 0 or known or (dim.dim_param and dim.dim_param in batches):
                continue
            size = PICTURE if len(row) > 3 else LENGTH
            found.append(f"{dim.dim_param or f'{value.name}, dim {at}'} = {size}"[:80])
            dim.dim_value = size
    return list(dict.fromkeys(found))

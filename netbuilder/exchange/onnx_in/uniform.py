"""Values of a graph that are one number all over: states that begin at zero, masks that let all by.

Exporters stretch such numbers to the sizes that come in. Who needs to know only the number, as a
recurrent layer that begins at zero anyway, needs none of that arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call

_KEEP = frozenset(
    {"Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Tile"}
) | {"Transpose", "Unsqueeze"}
"""What takes parts of its first input, repeats them, or puts them elsewhere."""


def note(call: Call, fixed: Mapping[str, Tensor], known: dict[str, float]) -> None:
    """Add what the call makes to `known`, if it is one number all over."""
    found = _number(call, fixed, known)
    if found is not None:
        known.update((name, found) for name in call.outputs if name)


def _number(call: Call, fixed: Mapping[str, Tensor], known: dict[str, float]) -> float | None:
    if call.op == "ConstantOfShape":
        filled = call.attr("value")
        return 0.0 if filled is None else float(filled.reshape(-1)[0])
    if call.op in _KEEP and call.inputs:
        return _of(call.inputs[0], fixed, known)
    if call.op == "Concat":
        parts = {_of(name, fixed, known) for name in call.inputs}
        return parts.pop() if len(parts) == 1 else None
    return None


def _of(name: str, fixed: Mapping[str, Tensor], known: dict[str, float]) -> float | None:
    if name in known:
        return known[name]
    tensor = fixed.get(name)
    if tensor is None or not tensor.numel() or tensor.is_complex():
        return None
    first = tensor.reshape(-1)[0]
    if not bool((tensor == first).all()):
        return None
    known[name] = float(first)
    return known[name]

"""Does the file compute what the network computes? Asked of ONNX Runtime, on real samples.

The relative error of an output is `max|file - torch| / max(max|torch|, 0.001)` over all its
elements: the largest deviation in units of the largest value. An export holds when that is
below 1e-4 for every output of every trial.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from netbuilder.errors import ExportError
from netbuilder.exchange import samples
from netbuilder.exchange.onnx_export import Lines, Owners
from netbuilder.exchange.specs import TensorSpec

TOLERANCE = 1e-4
FLOOR = 1e-3
"""Outputs smaller than this are measured against it: their error is rounding."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared: the trials in words, and the largest relative error."""

    max_rel_error: float
    trials: tuple[str, ...]


def relative_error(found: Array, expected: Array) -> float:
    """The relative error as defined above; infinite where shapes or NaNs differ."""
    if found.shape != expected.shape:
        return float("inf")
    if not found.size:
        return 0.0
    kind = np.complex128 if np.iscomplexobj(expected) else np.float64
    a, b = found.astype(kind), expected.astype(kind)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    difference = np.where(same, 0.0, np.abs(np.where(same, 0.0, a) - np.where(same, 0.0, b)))
    largest = np.abs(b[np.isfinite(b)]).max(initial=FLOOR)
    error = float(difference.max()) / max(float(largest), FLOOR)
    return error if error == error else float("inf")


def check_dims(path: Path, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> None:
    """`ExportError` unless the file's inputs and outputs have the names and dims asked for."""
    graph = onnx.load(str(path), load_external_data=False).graph
    # Initializers may stand among the inputs of old files, never of ours.
    for kind, specs, values in (("input", inputs, graph.input), ("output", outputs, graph.output)):
        names = [value.name for value in values]
        if names != [spec.name for spec in specs]:
            wanted = ", ".join(spec.name for spec in specs)
            raise ExportError(f"The file's {kind}s are {', '.join(names)}, not {wanted}.")
        for spec, value in zip(specs, values, strict=True):
            found = tuple(
                dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim
            )
            if not _same_dims(kind, found, spec.shape):
                raise ExportError(
                    f"The {kind} '{spec.name}' is {_text(found)} in the file, not "
                    f"{_text(spec.shape)}: a size that may change was frozen.",
                    "Export to pt2, or give the input fixed sizes.",
                )


def _same_dims(kind: str, found: Sequence[int | str], wanted: Sequence[int | str]) -> bool:
    if kind == "input":
        return tuple(found) == tuple(wanted)
    # An output's formula may be written otherwise, or be unknown (0). What counts is that a
    # free size is not a number, and a number is not another one.
    return len(found) == len(wanted) and all(
        here == there or isinstance(here, str) or here == 0
        for here, there in zip(found, wanted, strict=True)
    )


def _text(dims: Sequence[int | str]) -> str:
    return "×".join(map(str, dims)) or "scalar"


def session(model: Path | bytes) -> Any:
    """The model in ONNX Runtime on the CPU; `ExportError` if it does not load."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    try:
        source = str(model) if isinstance(model, Path) else model
        return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ExportError(f"ONNX Runtime can't load the file: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]


def as_tuple(result: Any) -> tuple[Tensor, ...]:
    """A module's outputs as a tuple."""
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def compare(
    module: nn.Module,
    path: Path,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    real: Mapping[str, Tensor],
    lines: Lines,
    owners: Owners,
) -> Verified:
    """Run both on every trial; `ExportError` names the first node that departs."""
    module.eval()
    check_dims(path, inputs, outputs)
    samples.require_lengths(module, inputs)
    runtime = session(path)
    worst, done = 0.0, []
    for text, values in samples.trials(module, inputs, real):
        with torch.no_grad():
            expected = [tensor.numpy() for tensor in as_tuple(module(*values))]
        feed = {spec.name: value.numpy() for spec, value in zip(inputs, values, strict=True)}
        try:
            found = runtime.run([spec.name for spec in outputs], feed)
        except Exception as error:
            reason = _first_line(error)
            raise ExportError(
                f"ONNX Runtime fails on {text}: {reason}",
                "If only some sizes fail, a size that may change was frozen.",
            ) from error
        for spec, a, b in zip(outputs, found, expected, strict=True):
            if a.shape != b.shape:
                raise ExportError(
                    f"On {text} the file's output '{spec.name}' is {_text(a.shape)}, not "
                    f"{_text(b.shape)}: a size that may change was frozen.",
                    "The file was not written. Give the input fixed sizes.",
                )
        errors = [relative_error(a, b) for a, b in zip(found, expected, strict=True)]
        worst = max(worst, *errors)
        if worst >= TOLERANCE:
            spec = outputs[errors.index(max(errors))]
            node = first_departure(module, path, values, feed, lines, owners)
            at = f" The first node that departs is '{node}'." if node else ""
            raise ExportError(
                f"On {text} the file's output '{spec.name}' departs from PyTorch's by a relative "
                f"error of {worst:.2g}.{at}",
                "The file was not written. Export to pt2, or report this.",
            )
        done.append(text)
    return Verified(worst, tuple(done))


# -- who is to blame -----------------------------------------------------------------------


def first_departure(
    module: nn.Module,
    path: Path,
    values: Sequence[Tensor],
    feed: Mapping[str, Array],
    lines: Lines,
    owners: Owners,
) -> str:
    """The first of the user's nodes, in the order of the code, whose values differ.

    A node is held against the values that its ONNX nodes make, where one has its shape.
    """
    model = onnx.load(str(path))
    known = {value.name for value in model.graph.output}
    made = {name: owners.get(node.name, "") for node in model.graph.node for name in node.output}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in made if name and name not in known
    )
    names = [name for name in made if name]
    results = session(model.SerializeToString()).run(names, dict(feed))
    by_owner: dict[str, list[Array]] = {}
    for name, result in zip(names, results, strict=True):
        by_owner.setdefault(made[name], []).append(result)
    for owner, expected in node_values(module, values, lines):
        candidates = [v for v in by_owner.get(owner, []) if v.shape == expected.shape]
        if candidates and min(relative_error(v, expected) for v in candidates) >= TOLERANCE:
            return owner
    return ""


def node_values(
    module: nn.Module, values: Sequence[Tensor], lines: Lines
) -> list[tuple[str, Array]]:
    """Every tensor that a node assigned in `forward`, with the node's name, in order."""
    found: list[tuple[str, Array]] = []
    previous: list[int] = []

    def note(frame: FrameType) -> None:
        owner = lines.get((frame.f_code.co_filename, previous[0])) if previous else None
        if owner:
            for name in _assigned(frame, previous[0]):
                value = frame.f_locals.get(name)
                if isinstance(value, Tensor):
                    found.append((owner, value.detach().numpy().copy()))

    def inside(frame: FrameType, event: str, argument: Any) -> Any:
        note(frame)
        previous[:] = [frame.f_lineno] if event == "line" else []
        return inside

    def outside(frame: FrameType, event: str, argument: Any) -> Any:
        files = {file for file, _ in lines}
        named = frame.f_code.co_name == "forward" and frame.f_code.co_filename in files
        return inside if named else None

    before = sys.gettrace()
    sys.settrace(outside)
    try:
        with torch.no_grad():
            module(*values)
    finally:
        sys.settrace(before)
    return found


def _assigned(frame: FrameType, line: int) -> list[str]:
    import linecache

    text = linecache.getline(frame.f_code.co_filename, line).strip()
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    return [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]

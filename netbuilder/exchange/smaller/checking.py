"""Does a smaller file still say what the whole one says? Asked of ONNX Runtime, on samples.

The error of an output is `rms(small - whole) / max(rms(whole), 0.001)` over all samples; of one
that has no fractions (the number of a class) the share of values that differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from netbuilder.errors import ExportError
from netbuilder.exchange.smaller.precisions import Precision

FLOOR = 1e-3
Array = np.ndarray[Any, Any]
Feed = Mapping[str, Array]


def check(whole: Path, small: Path, feeds: Sequence[Feed], precision: Precision) -> float:
    """The largest error of any output; `ExportError` if the file does not hold."""
    try:
        onnx.checker.check_model(str(small), full_check=True)
    except Exception as error:
        raise ExportError(
            f"The file in {precision.id} is not valid ONNX: {_line(error)}"
        ) from error
    first, second = (session(path) for path in (whole, small))
    names = [value.name for value in first.get_outputs()]
    sums = {name: np.zeros(2) for name in names}
    counted = set()
    for feed in feeds:
        try:
            expected, found = (each.run(names, dict(feed)) for each in (first, second))
        except Exception as error:
            message = f"ONNX Runtime can't run the file in {precision.id}: {_line(error)}"
            raise ExportError(message, "Choose another precision.") from error
        for name, a, b in zip(names, found, expected, strict=True):
            sums[name] += _apart(a, b, name)
            if b.dtype.kind not in "fc":
                counted.add(name)
    worst, name = max((_error(sums[name], name in counted), name) for name in names)
    if not worst < precision.tolerance:
        raise ExportError(
            f"In {precision.id} the output '{name}' departs from the whole network's by "
            f"{100 * worst:.3g} %; {100 * precision.tolerance:.3g} % are allowed.",
            "The file was not written. Choose another precision.",
        )
    return worst


def _apart(a: Array, b: Array, name: str) -> Array:
    """What departs and what there is: sums of squares, or how many values without fractions."""
    if a.shape != b.shape:
        raise ExportError(f"The smaller file's output '{name}' has another shape.")
    if b.dtype.kind not in "fc":
        return np.array([float((a != b).sum()), float(b.size)])
    known = np.isfinite(b)
    if not (np.isfinite(a) == known).all():
        return np.array([np.inf, 1.0])
    apart = np.where(known, a, 0).astype(np.float64) - np.where(known, b, 0).astype(np.float64)
    size = np.where(known, b, 0).astype(np.float64)
    floor = FLOOR**2 * b.size
    return np.array([(apart**2).sum(), max(float((size**2).sum()), floor)])


def _error(sums: Array, counted: bool) -> float:
    apart, whole = map(float, sums)
    ratio = apart / whole if whole else 0.0
    return ratio if counted else ratio**0.5


def session(path: Path, threads: int = 0) -> Any:
    """A file in ONNX Runtime on the CPU; `threads` 0 leaves their number to it."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ExportError(f"ONNX Runtime can't load the file: {_line(error)}") from error


def _line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]

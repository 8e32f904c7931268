"""Makes smaller files in a process of its own, as `exchange.watched` has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netbuilder.errors import ExportError
from netbuilder.exchange import watched

_MOST_BYTES = 2**31 - 1
"""What one file of ONNX can hold without others beside it."""


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Write and check each file that is asked for; by precision its error, or why it is refused."""
    found: dict[str, Any] = {}
    for name, path in job["files"].items():
        try:
            found[name] = {"max_rel_error": _write(job, name, Path(path))}
        except ExportError as error:
            found[name] = {"error": {"message": str(error), "hint": error.hint}}
    return found


def _write(job: Mapping[str, Any], name: str, path: Path) -> float:
    import onnx

    from netbuilder.exchange.smaller import checking, halving, integers, keeping, precisions
    from netbuilder.exchange.smaller.lowering import read_feeds

    precision, whole = precisions.find(name), Path(job["whole"])
    model, small = onnx.load(str(whole)), onnx.load(str(whole))
    try:
        if name == precisions.FP16:
            halving.halve(small)
        else:
            feeds = read_feeds(Path(job["calibration"])) if precision.calibrated else None
            small = integers.quantise(small, feeds)
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        message = f"The network can't be written in {name}: {reason}"
        raise ExportError(message, "Choose another precision.") from error
    if small.ByteSize() > _MOST_BYTES:
        raise ExportError(f"In {name} the file would still be larger than 2 GB.")
    keeping.keep(small, model, name)
    onnx.save(small, str(path))
    return checking.check(whole, path, read_feeds(Path(job["samples"])), precision)


if __name__ == "__main__":
    watched.answer(lambda job, tell: {"found": run(job)})

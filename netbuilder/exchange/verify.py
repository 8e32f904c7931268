"""Does the file compute what the network computes? Asked of ONNX Runtime, on real samples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from netbuilder.errors import ExportError
from netbuilder.exchange import samples
from netbuilder.exchange.departing import TOLERANCE, NodeError, relative_error
from netbuilder.exchange.specs import TensorSpec
from netbuilder.exchange.watched import Progress, Tell, nobody

_AT = re.compile(
    r"node with name '([^']+)'|in node \(([^)]+)\)|Node[: ]*\(([^)]+)\)|Name:'([^']+)'"
)
"""How ONNX Runtime names the node that it fails at."""


class Blame(Protocol):
    """Tells which nodes a file is wrong at: `by_node.Blame`."""

    def __call__(self, values: Sequence[Tensor]) -> Sequence[NodeError]:
        """How far each node departs on these inputs."""

    def at(self, name: str) -> NodeError | None:
        """The user's node that a node of the file belongs to."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared: the trials in words, and the largest relative error."""

    max_rel_error: float
    trials: tuple[str, ...]


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


def session(model: Path | bytes, *, plain: bool = False) -> Any:
    """The model in ONNX Runtime on the CPU; `ExportError` if it does not load.

    `plain`: node by node as the file has them, and none fused. Fusing may round otherwise, and
    ends the process at some files in 16 bits (onnxruntime 1.31).
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if plain:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
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
    blame: Blame | None = None,
    tell: Tell = nobody,
) -> Verified:
    """Run both on every trial; `ExportError` tells what `blame` finds of where they part."""
    module.eval()
    tell(Progress("Checking sizes"))
    check_dims(path, inputs, outputs)
    samples.require_lengths(module, inputs)
    tell(Progress("Loading the file in ONNX Runtime"))
    try:
        runtime = session(path)
    except ExportError as error:
        raise _refused(str(error), blame) from error
    worst, done = 0.0, []
    trials = list(samples.trials(module, inputs, real))
    for number, (text, values) in enumerate(trials):
        tell(Progress(f"Comparing on {text}", number, len(trials)))
        with torch.no_grad():
            expected = [tensor.numpy() for tensor in as_tuple(module(*values))]
        feed = {spec.name: value.numpy() for spec, value in zip(inputs, values, strict=True)}
        try:
            found = runtime.run([spec.name for spec in outputs], feed)
        except Exception as error:
            raise _refused(
                f"ONNX Runtime fails on {text}: {_first_line(error)}",
                blame,
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
            tell(Progress("Looking for the node that departs"))
            raise _departed(spec.name, text, worst, blame(values) if blame is not None else ())
        done.append(text)
    return Verified(worst, tuple(done))


def _refused(text: str, blame: Blame | None, hint: str = "") -> ExportError:
    """What PyTorch wrote and ONNX Runtime does not run, with the user's node where it says one."""
    found = _AT.search(text)
    node = next(filter(None, found.groups()), "") if found else ""
    at = blame.at(node) if blame is not None else None
    said = f" That is the node '{at.name}'." if at is not None else ""
    return ExportError(
        f"PyTorch wrote the file, but it does not run. {text}{said}",
        hint or "Export to pt2, which PyTorch runs, or change that node.",
        graph=at.graph if at is not None else "",
        node=at.node if at is not None else "",
        use=at.use if at is not None else "",
    )


def _departed(output: str, trial: str, error: float, nodes: Sequence[NodeError]) -> ExportError:
    first = next((node for node in nodes if node.departs), None)
    at = f" The first node that departs is '{first.name}'." if first is not None else ""
    return ExportError(
        f"On {trial} the file's output '{output}' departs from PyTorch's by a relative "
        f"error of {error:.2g}.{at}",
        "The file was not written. Export to pt2, or report this.",
        graph=first.graph if first is not None else "",
        node=first.node if first is not None else "",
        use=first.use if first is not None else "",
        nodes=[node.to_json() for node in nodes],
    )

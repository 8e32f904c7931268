"""A network as PyTorch's own exported program (`.pt2`), read back and compared."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.errors import ExportError
from netbuilder.exchange import departing, graph_layers, samples, verify
from netbuilder.exchange.onnx_export import EXAMPLE_BATCH, apart
from netbuilder.exchange.specs import TensorSpec
from netbuilder.exchange.watched import Progress, Tell, nobody


def write(
    module: nn.Module,
    inputs: Sequence[TensorSpec],
    metadata: Mapping[str, str],
    real: Mapping[str, Tensor],
    path: Path,
    traced: nn.Module | None = None,
    tell: Tell = nobody,
) -> verify.Verified:
    """Export to `path` and compare what was written; `ExportError` if it does not hold.

    `traced` computes the same as `module` in a way that the exporter understands.
    """
    module.eval()
    samples.require_lengths(module, inputs)
    sizes = samples.lengths(module, inputs)[0]
    example = samples.random_inputs(inputs, {"N": EXAMPLE_BATCH, **sizes})
    dynamic: tuple[Any, ...] = tuple(
        {at: torch.export.Dim.DYNAMIC for at, dim in enumerate(spec.shape) if isinstance(dim, str)}
        for spec in inputs
    )
    root, dynamic = apart((module if traced is None else traced).eval(), dynamic)
    with warnings.catch_warnings():
        # Deprecations inside the exporter are not the user's business.
        warnings.simplefilter("ignore")
        try:
            with graph_layers.kept(root):
                program = torch.export.export(root, example, dynamic_shapes=dynamic)
            torch.export.save(program, path, extra_files={"netbuilder.json": metadata["project"]})
            again = torch.export.load(path).module()
        except Exception as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ExportError(
                f"PyTorch can't export the network to pt2: {reason[:300]}",
                _hint(module),
            ) from error
    worst, done = 0.0, []
    trials = list(samples.trials(module, inputs, real))
    for number, (text, values) in enumerate(trials):
        tell(Progress(f"Comparing on {text}", number, len(trials)))
        expected, found = (_drawn_alike(each, values) for each in (module, again))
        pairs = zip(found, expected, strict=True)
        worst = max(worst, *(departing.relative_error(a.numpy(), b.numpy()) for a, b in pairs))
        if worst >= departing.TOLERANCE:
            raise ExportError(f"On {text} the file departs by a relative error of {worst:.2g}.")
        done.append(text)
    return verify.Verified(worst, tuple(done))


def _drawn_alike(module: nn.Module, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What a module gives; random numbers in it are the same each time."""
    with torch.no_grad(), torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return verify.as_tuple(module(*values))


def _hint(module: nn.Module) -> str:
    if any(isinstance(part, nn.RNNBase) for part in module.modules()):
        return "Recurrent layers need a fixed length there. Export to onnx, or fix the length."
    return "Change what it can't trace, or export as onnx or code."

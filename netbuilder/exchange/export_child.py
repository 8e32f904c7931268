"""Runs one export in a process of its own, for `watched.ask`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.errors import ExportError, NetbuilderError
from netbuilder.exchange import watched
from netbuilder.exchange.watched import Progress, Tell
from netbuilder.layers import trusted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netbuilder.graph.document import Document


def write(
    document: Document,
    job: Mapping[str, Any],
    module: nn.Module,
    real: Mapping[str, Tensor],
    tell: Tell = watched.nobody,
) -> dict[str, Any]:
    """Write the file of a network with its weights and verify it; what `export` answers."""
    from netbuilder.compiler.build import build_network
    from netbuilder.exchange import (
        by_node,
        departing,
        interface,
        onnx_export,
        prepared,
        pt2,
        samples,
        verify,
    )

    wanted = interface.of_network(document, job["network"])
    traced = module
    if interface.loops_freely(document, job["network"]):
        traced = build_network(document, job["network"], scanned=True)
        traced.load_state_dict(module.state_dict())
    lines, out, outputs = interface.code_lines(traced), Path(job["out"]), wanted.outputs
    metadata = dict(job["metadata"])
    if job.get("preparation"):
        chosen = prepared.settled(module, job["preparation"], wanted, real)
        metadata[prepared.KEY] = json.dumps(chosen, sort_keys=True)
        parts = wanted.inputs, wanted.outputs, chosen
        whole = prepared.Prepared(module, *parts)
        traced = whole if traced is module else prepared.Prepared(traced, *parts)
        module, outputs = whole, prepared.output_specs(wanted.outputs, chosen)
    tell(Progress("Exporting"))
    answer: dict[str, Any] = {"verified": True}
    if job["to"] == "pt2":
        verified = pt2.write(module, wanted.inputs, metadata, real, out, traced, tell)
    else:
        file = onnx_export.Wanted(
            wanted.inputs, outputs, job["opset"], metadata, job["name"], job["most"]
        )
        owners = onnx_export.write(module, file, lines, out, traced)
        names = [spec.name for spec in wanted.inputs]
        blame = by_node.Blame(module, out, names, owners)
        specs = wanted.inputs, outputs
        verified = verify.compare(module, out, *specs, real, blame, tell)
        if job.get("per_node"):
            tell(Progress("Comparing node by node"))
            errors = blame(next(iter(samples.trials(module, wanted.inputs, real)))[1])
            first = departing.first_departing(errors)
            answer["nodes"] = [error.to_json() for error in errors]
            answer["departs"] = first.to_json() if first is not None else None
    return answer | {
        "max_rel_error": verified.max_rel_error,
        "batch_sizes": list(samples.BATCH_SIZES),
        "trials": list(verified.trials),
    }


def run(job: Mapping[str, Any], tell: Tell = watched.nobody) -> dict[str, Any]:
    """Build the network of a job; then as `write`."""
    from safetensors.torch import load_file

    from netbuilder.compiler.build import build_network
    from netbuilder.storage import format

    tell(Progress("Building the network"))
    document = format.from_json(job["project"])
    module = build_network(document, job["network"])
    if job["weights"]:
        module.load_state_dict(load_file(job["weights"]))
    real = load_file(job["samples"]) if job["samples"] else {}
    return write(document, job, module, real, tell)


def _answer(job: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    try:
        with trusted.given(trusted.Trust.from_json(job.get("code"))):
            return run(job, tell)
    except ExportError as error:
        return {"error": error.to_json()}
    except NetbuilderError as error:
        return {"error": {"message": str(error), "hint": error.hint}}


def warm_up() -> None:
    """Load what an export needs, without exporting anything: see `onnx_export`."""
    import onnxruntime  # noqa: F401
    import onnxscript.function_libs.torch_lib.ops  # noqa: F401
    import torch._functorch.aot_autograd  # noqa: F401
    from torch.onnx import ops  # noqa: F401

    from netbuilder.compiler import build  # noqa: F401
    from netbuilder.exchange import by_node, onnx_export, prepared, pt2, verify  # noqa: F401


if __name__ == "__main__":
    watched.answer(_answer, warm_up)
    sys.exit(0)

"""Runs one export in a process of its own: JSON on stdin, one JSON line on stdout.

Everything that a model, torch or the exporter prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netbuilder.errors import NetbuilderError
from netbuilder.layers import trusted


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Build the network, write the file, verify it; what `export` answers."""
    from safetensors.torch import load_file

    from netbuilder.compiler.build import build_network
    from netbuilder.exchange import interface, onnx_export, prepared, pt2, samples, verify
    from netbuilder.storage import format

    document = format.from_json(job["project"])
    module = build_network(document, job["network"])
    if job["weights"]:
        module.load_state_dict(load_file(job["weights"]))
    real = load_file(job["samples"]) if job["samples"] else {}
    wanted = interface.of_network(document, job["network"])
    traced = module
    if interface.loops_freely(document, job["network"]):
        traced = build_network(document, job["network"], scanned=True)
        traced.load_state_dict(module.state_dict())
    lines, out = interface.code_lines(module), Path(job["out"])
    traced_lines, outputs = interface.code_lines(traced), wanted.outputs
    metadata = dict(job["metadata"])
    if job.get("preparation"):
        chosen = prepared.settled(module, job["preparation"], wanted, real)
        metadata[prepared.KEY] = json.dumps(chosen, sort_keys=True)
        parts = wanted.inputs, wanted.outputs, chosen
        whole = prepared.Prepared(module, *parts)
        traced = whole if traced is module else prepared.Prepared(traced, *parts)
        module, outputs = whole, prepared.output_specs(wanted.outputs, chosen)
    if job["to"] == "pt2":
        verified = pt2.write(module, wanted.inputs, metadata, real, out, traced)
    else:
        file = onnx_export.Wanted(wanted.inputs, outputs, job["opset"], metadata)
        owners = onnx_export.write(module, file, traced_lines, out, traced)
        verified = verify.compare(module, out, wanted.inputs, outputs, real, lines, owners)
    return {
        "verified": True,
        "max_rel_error": verified.max_rel_error,
        "batch_sizes": list(samples.BATCH_SIZES),
        "trials": list(verified.trials),
    }


def main() -> int:
    """Read the job, do it, answer."""
    answers = os.dup(1)
    os.dup2(2, 1)
    job = json.load(sys.stdin)
    try:
        with trusted.given(trusted.Trust.from_json(job.get("code"))):
            answer = run(job)
    except NetbuilderError as error:
        answer = {"error": {"message": str(error), "hint": error.hint}}
    with os.fdopen(answers, "w") as stream:
        json.dump(answer, stream)
    return 0


if __name__ == "__main__":
    sys.exit(main())

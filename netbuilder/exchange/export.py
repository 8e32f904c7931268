"""Writing a network to a file that others read. A file appears only when its check held."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from netbuilder.compiler.build import (
    build_network,
    compiled_without_errors,
    named_network,
    network_source,
)
from netbuilder.errors import DocumentError, ExportError, NetbuilderError
from netbuilder.exchange import fresh, interface, onnx_file, watched
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.prepared import output_specs
from netbuilder.exchange.watched import Progress, Tell, nobody
from netbuilder.graph.document import Document
from netbuilder.layers import trusted
from netbuilder.storage import atomic, code_files, format

CANCELLED = "The export was cancelled; nothing was written."
Weights = Mapping[str, Tensor]


def export(
    document: Document,
    network: str,
    options: ExportOptions,
    out: Path,
    *,
    weights: Weights,
    samples: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    preparation: Mapping[str, Any] | None = None,
    cancelled: threading.Event | None = None,
    tell: Tell = nobody,
    built: nn.Module | None = None,
) -> dict[str, Any]:
    """Write `network` with these weights to `out` and verify it; the `export` command's answer.

    `samples` are real inputs by input name, `metadata` texts for the file. A `preparation` is
    built into the file (`exchange.prepared`); samples are then as the file gets them. With
    `options.per_node` the answer has `nodes` and `departs` too. `tell` hears how far it is. It is
    done in a process of its own; with `built`, the network with its weights, in this one, which
    must have exported nothing before.
    `ExportError` when the file would not hold, or once `cancelled` is set before it is written;
    `ProblemsError` when the network has errors.
    """
    cancelled, to = cancelled or threading.Event(), options.to
    wanted = interface.of_network(document, network)
    outputs = wanted.outputs
    if preparation is not None:
        outputs = output_specs(outputs, preparation)
    answer: dict[str, Any] = {
        "path": str(out),
        "format": to,
        "inputs": {spec.name: list(spec.shape) for spec in wanted.inputs},
        "outputs": {spec.name: list(spec.shape) for spec in outputs},
    }
    refuse_place(out)
    match to:
        case "code":
            return answer | _code(document, network, out)
        case "safetensors":
            return answer | _safetensors(weights, metadata, out)
        case "onnx" | "pt2":
            if to == "onnx":
                _refuse(document, network)
            job: dict[str, Any] = {
                **options.to_json(),
                "network": network,
                "metadata": dict(metadata),
                "preparation": preparation,
                "name": out.name,
                "most": onnx_file.MOST_BYTES,
            }

            def do(folder: Path) -> dict[str, Any]:
                job["out"] = str(folder / f"model.{to}")
                if built is not None:
                    return _here(document, job, built, samples, tell)
                return _in_child(document, job, weights, samples, folder, cancelled, tell)

            with fresh.folder() as folder:
                answer |= do(Path(folder))
                if cancelled.is_set():
                    raise ExportError(CANCELLED)
                tell(Progress("Writing the file"))
                return answer | _publish(Path(job["out"]), to, out)
    raise NetbuilderError(f"{to} is not written of one network alone.")


def refuse_place(out: Path) -> None:
    """`DocumentError` for a path that no file can be written to."""
    if not out.parent.is_dir():
        raise DocumentError(f"There is no folder '{out.parent}'.", "Make it, or choose another.")
    if out.is_dir():
        raise DocumentError(f"'{out}' is a folder.", "Name a file.")
    if out.suffix == ".netb":
        raise DocumentError(
            f"'{out.name}' has the name of a project.", "Name a file with another ending."
        )


def _refuse(document: Document, network: str) -> None:
    """`ExportError` for what PyTorch's exporter is known to write wrongly."""
    graph = named_network(document, network)
    for known in compiled_without_errors(document, graph, {}).inside(graph):
        for id, layer in known.layers.items():
            reason = layer.onnx_refusal()
            if reason:
                name = known.graph.nodes[id].name
                at = (
                    f"'{name}' in '{known.graph.name}'"
                    if known.graph.id != graph.id
                    else f"'{name}'"
                )
                raise ExportError(
                    f"{at} can't go into an ONNX file: {reason}",
                    f"Change that node, or export as {'pt2 or ' if layer.in_pt2 else ''}code.",
                    graph=known.graph.id,
                    node=id,
                )


def _code(document: Document, network: str, out: Path) -> dict[str, Any]:
    # The source was run when the module was built from it: it is its own proof.
    build_network(document, network)
    code_files.write_beside(document.project, out.parent, out)
    atomic.write(out, network_source(document, network).text.encode())
    return {"verified": True, "max_rel_error": 0.0}


def _safetensors(weights: Weights, metadata: Mapping[str, str], out: Path) -> dict[str, Any]:
    with fresh.folder() as folder:
        path = Path(folder) / "weights.safetensors"
        # One key: several would stand in another order each time.
        about = {"netbuilder": json.dumps(dict(metadata), sort_keys=True)}
        save_file(contiguous(weights), path, about)
        again = load_file(path)
        if again.keys() != weights.keys() or not all(
            torch.equal(again[name], tensor.cpu()) for name, tensor in weights.items()
        ):
            raise ExportError("The weights that were written are not those of the network.")
        atomic.copy(path, out)
    return {"verified": True, "max_rel_error": 0.0}


def contiguous(weights: Weights) -> dict[str, Tensor]:
    """Weights as safetensors wants them: in one piece each, none shared, on the CPU."""
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in weights.items()}


def _publish(path: Path, to: str, out: Path) -> dict[str, Any]:
    """The verified file takes its place as a whole; which files there are, and their bytes."""
    files = [out]
    if to == "onnx":
        files = onnx_file.publish(path, out)
    else:
        atomic.copy(path, out)
    size = sum(file.stat().st_size for file in files)
    return {"files": [str(file) for file in files], "size": size}


def _here(
    document: Document,
    job: Mapping[str, Any],
    built: nn.Module,
    samples: Mapping[str, Tensor],
    tell: Tell,
) -> dict[str, Any]:
    from netbuilder.exchange import export_child

    return export_child.write(document, job, built, samples, tell)


def _in_child(
    document: Document,
    job: Mapping[str, Any],
    weights: Weights,
    samples: Mapping[str, Tensor],
    folder: Path,
    cancelled: threading.Event,
    tell: Tell,
) -> dict[str, Any]:
    given = {"weights": weights, "samples": samples}
    paths = {name: folder / f"{name}.safetensors" for name in given}
    for name, tensors in given.items():
        save_file(contiguous(tensors), paths[name])
    answer = watched.ask(
        "netbuilder.exchange.export_child",
        {
            **job,
            **{name: str(path) for name, path in paths.items()},
            "project": format.to_json(document),
            "code": trusted.current().to_json(),
        },
        folder,
        title="The export",
        cancelled=cancelled,
        why=CANCELLED,
        tell=tell,
    )
    if "error" in answer:
        raise ExportError.from_json(answer["error"])
    return answer

"""A network to ONNX, in again, out again: are both files the same?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netbuilder.compiler.build import build_network
from netbuilder.exchange import departing, interface, onnx_export, samples, verify, weights
from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.onnx_in import bringing
from netbuilder.graph.document import Document

Leave = Callable[[Document, str, Path], object]
"""Writes a network of a document to a file."""


@dataclass(frozen=True)
class Around:
    """What came in of the first file, and how far the second is from it on each trial."""

    brought: Brought
    errors: Mapping[str, float]


def leave_here(document: Document, network: str, path: Path) -> None:
    """As an export does, in this process: no recurrent layers, which need one of their own."""
    module = build_network(document, network)
    weights.give(document, network, module)
    wanted = interface.of_network(document, network)
    file = onnx_export.Wanted(wanted.inputs, wanted.outputs)
    onnx_export.write(module, file, interface.code_lines(module), path)


def go_around(
    document: Document,
    network: str,
    folder: Path,
    leave: Leave = leave_here,
    real: Mapping[str, Tensor] | None = None,
) -> Around:
    """Out, in and out again; both files are asked on real samples and on random ones."""
    first, second = folder / "first.onnx", folder / "second.onnx"
    torch.manual_seed(5)
    leave(document, network, first)
    brought = bringing.from_onnx(first)
    assert brought.unsupported == (), brought.unsupported
    assert brought.verified, (brought.max_rel_error, brought.notes)
    leave(brought.document, "main", second)
    module = build_network(document, network).eval()
    specs = interface.of_network(document, network).inputs
    trials = samples.trials(module, specs, real or {})
    return Around(brought, compared(first, second, [spec.name for spec in specs], trials))


def compared(
    first: Path, second: Path, names: list[str], trials: Iterable[tuple[str, tuple[Tensor, ...]]]
) -> dict[str, float]:
    """The largest relative error on each trial, by the words for it."""
    one, other = verify.session(first), verify.session(second)
    titles = [each.name for each in other.get_inputs()]
    found: dict[str, float] = {}
    for text, values in trials:
        given: list[Any] = [value.numpy() for value in values]
        before = one.run(None, dict(zip(names, given, strict=True)))
        after = other.run(None, dict(zip(titles, given, strict=True)))
        pairs = zip(after, before, strict=True)
        found[text] = max(departing.relative_error(a, b) for a, b in pairs)
    return found


def layers(brought: Brought) -> list[str]:
    """The layers of the network that came in, without ends, in order."""
    graph = brought.document.network("main")
    assert graph is not None
    ends = ("netbuilder.Input", "netbuilder.Output")
    return [node.layer for node in graph.nodes.values() if node.layer not in ends]

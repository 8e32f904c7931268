"""A module or a `.pt2` file becomes a document with weights, and is held against the original."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from netbuilder.exchange import further
from netbuilder.exchange import weights as exchange_weights
from netbuilder.exchange.bring import (
    archive,
    blocks,
    drawing,
    grids,
    halves,
    proof,
    traced,
    trying,
    writing,
)
from netbuilder.exchange.bring.program import Program
from netbuilder.exchange.watched import Progress, Tell, nobody
from netbuilder.graph import folding, rules
from netbuilder.graph.document import Document

READING = "Reading the file"


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import came to.

    `weights` are the tensors of the network `main`. `unsupported` counts the operations that
    have no layer. `renamed` has the keys of the original's `state_dict` that are others here.
    `verified` says whether both gave the same on all `trials`.
    """

    document: Document
    weights: Mapping[str, Tensor]
    verified: bool
    max_rel_error: float | None
    nodes: int
    blocks: int
    unsupported: tuple[Mapping[str, Any], ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    trials: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The `import` command's answer, without its path."""
        return {
            "nodes": self.nodes,
            "blocks": self.blocks,
            "unsupported": [dict(entry) for entry in self.unsupported],
            "verified": self.verified,
            "max_rel_error": self.max_rel_error,
            "trials": list(self.trials),
            "renamed": dict(self.renamed),
            "notes": list(self.notes),
        }


def from_module(module: nn.Module, inputs: Any, dynamic_shapes: Any = None) -> Brought:
    """A module as it runs on these inputs; `BringError` if it can't be traced."""
    args, named = traced.arguments(inputs)
    program = traced.trace(module, inputs, dynamic_shapes)
    reference = proof.of_module(program, args, named)
    program, reference, told = halves.widened(program, reference)
    brought = bring(grids.plainer(program), reference)
    return replace(brought, notes=(*brought.notes, *told))


def from_pt2(
    path: Path, *, fold: bool = False, tell: Tell = nobody, drawn: Drawn | None = None
) -> Brought:
    """An exported program; `DocumentError` or `BringError` if it can't be read. See `bring`."""
    tell(Progress(READING))
    program = archive.read(path)
    program, reference, told = halves.widened(program, trying.of_program(program))
    brought = bring(grids.plainer(program), reference, fold=fold, tell=tell, drawn=drawn)
    return replace(brought, notes=(*brought.notes, *told))


Drawn = Callable[[Document], None]
"""Hears of a document with its weights that is not compared yet."""


def bring(
    program: Program,
    reference: proof.Reference,
    *,
    fold: bool = False,
    tell: Tell = nobody,
    drawn: Drawn | None = None,
) -> Brought:
    """Draw the program, carry its weights over, and compare with the `reference`.

    With `fold`, runs of nodes that come again are folded into blocks. `tell` hears how far it is,
    `drawn` gets the document before it is compared.
    """
    tell(Progress("Drawing the network"))
    sketch = drawing.draw(program)
    made = blocks.arrange(sketch.network)
    notes = list(sketch.notes)
    document = writing.write(program, sketch.network, made, notes)
    named = dict(writing.keys(sketch.network))
    paths = dict(writing.paths(sketch.network))
    count = len(made)
    main = document.network(writing.NETWORK)
    if fold and main is not None:
        document, folded = folding.folded(document, main.id)
        named = {folded.key(key): old for key, old in named.items()}
        paths = {folded.key(path): old for path, old in paths.items()}
        count += len(folded.blocks)
    unsupported = tuple({"op": op, "count": n} for op, n in sorted(sketch.unsupported.items()))
    weights: Mapping[str, Tensor] = {key: program.tensors[old] for key, old in named.items()}
    built = None if unsupported else proof.built(document, weights, paths)
    if isinstance(built, proof.Built):
        weights = built.weights
    exchange_weights.hold(document, writing.NETWORK, weights, f"{_file(program.title)}.safetensors")
    nodes = sum(len(graph.nodes) for graph in document.graphs.values())
    if program.training:
        notes += further.take(document, writing.NETWORK, program.training)
    if drawn is not None:
        drawn(document)
    verdict = proof.Verdict(False, None, (), ())
    if built is not None:
        verdict = built.compare(reference, tell) if isinstance(built, proof.Built) else built
    return Brought(
        document=document,
        weights=weights,
        verified=verdict.verified,
        max_rel_error=verdict.max_rel_error,
        nodes=nodes,
        blocks=count,
        unsupported=unsupported,
        renamed={old: new for new, old in named.items() if old != new},
        trials=verdict.trials,
        notes=(*notes, *verdict.notes),
    )


def _file(title: str) -> str:
    return rules.identifier(title, "model", frozenset())

"""A module becomes an ONNX file with the user's names in it.

Call it in a fresh process: in one that has exported an LSTM or GRU before, the exporter
freezes the sequence length of the next one without a word.
"""

from __future__ import annotations

import ast
import contextlib
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import onnx_ir as ir
import torch
from torch import nn

from netbuilder.errors import ExportError
from netbuilder.exchange import (
    exact,
    graph_layers,
    onnx_file,
    opsets,
    plain_rnn,
    rounding,
    samples,
    turned_back,
)
from netbuilder.exchange.prepared import Prepared
from netbuilder.exchange.specs import TensorSpec
from netbuilder.exchange.spots import Spot, Spots

EXAMPLE_BATCH = 3
"""At least 2: a batch of one would be taken for a constant."""
_FRAME = re.compile(r'File "([^"\n]+)", line (\d+)')
_CORES = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN", "Einsum"})
Lines = Mapping[tuple[str, int], str]
"""Which node (by name) a line of generated code belongs to, by file name and line."""
Owners = Mapping[str, Spot]
"""Which of the user's nodes an ONNX node belongs to, by its name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the file is to be."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    opset: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    """Of the file where it ends, where that is another."""
    most: int = onnx_file.MOST_BYTES
    """Bytes of tensors that the file holds itself."""


def write(
    module: nn.Module,
    wanted: Wanted,
    lines: Lines,
    path: Path,
    traced: nn.Module | None = None,
) -> Owners:
    """Export `module` (set to eval mode) to `path`; `ExportError` names the node at fault.

    `traced` computes the same in a way that the exporter understands, where `module` does not;
    `lines` are those of its code.
    """
    if wanted.opset is not None:
        opsets.refuse(wanted.opset)
    module.eval()
    samples.require_lengths(module, wanted.inputs)
    sizes = samples.lengths(module, wanted.inputs)
    example = samples.random_inputs(wanted.inputs, {"N": EXAMPLE_BATCH, **sizes[0]})
    dynamic: tuple[Any, ...] = tuple(
        {at: dim for at, dim in enumerate(spec.shape) if isinstance(dim, str)} or None
        for spec in wanted.inputs
    )
    traced = (module if traced is None else traced).eval()
    plain_rnn.keep_whole(traced)
    rounding.keep_whole(traced)
    root, dynamic = apart(traced, dynamic)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(sys.stderr),
        # Else a scan also gives what its backward pass would need, sizes among it.
        torch.no_grad(),
        exact.tidying(),
    ):
        # Deprecations inside the exporter are not the user's business.
        warnings.simplefilter("ignore")
        try:
            export = partial(
                torch.onnx.export,
                root,
                example,
                dynamo=True,
                input_names=[spec.name for spec in wanted.inputs],
                output_names=[spec.name for spec in wanted.outputs],
                dynamic_shapes=dynamic,
                opset_version=opsets.of_exporter(wanted.opset),
                custom_translation_table=plain_rnn.TRANSLATIONS | rounding.TRANSLATIONS,
                verbose=False,
            )
            program = graph_layers.exported(traced, export)
        except Exception as error:
            raise _failure(error, lines) from error
        assert program is not None
        if root is not traced or isinstance(traced, Prepared):
            for value in list(program.model.graph.initializers.values()):
                value.name = str(value.name).removeprefix(f"{_Apart.PREFIX}.")
        turned_back.once(program.model)
        spots = Spots(root)
        owners = dict(rename_nodes(program.model, spots, lines))
        if wanted.opset is not None:
            if wanted.opset < opsets.OLDEST:
                added = opsets.lower(program.model, wanted.opset)
                owners |= {new: owners[old] for new, old in added.items() if old in owners}
            opsets.check(program.model, wanted.opset)
        program.model.graph.name = spots.title or "network"
        program.model.graph.doc_string = spots.about or None
        restate_shapes(program.model, wanted.outputs)
        program.model.metadata_props.clear()
        program.model.metadata_props.update(wanted.metadata)
        program.model.producer_name = "netbuilder"
        program.model.producer_version = wanted.metadata.get("netbuilder_version", "")
        onnx_file.save(program.model, path, wanted.name or path.name, wanted.most)
    return owners


class _Apart(nn.Module):
    """Holds a network one level down."""

    PREFIX = "network"

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.network(*inputs)


def apart(module: nn.Module, dynamic: tuple[Any, ...]) -> tuple[nn.Module, tuple[Any, ...]]:
    """What to export in place of `module`, and its dynamic shapes.

    torch.fx puts the parts of a network beside its own attributes; parts called `code` or
    `graph` like one of those get lost unless they are one level down.
    """
    if isinstance(module, Prepared):
        return module, (dynamic,)
    taken = set(dir(torch.fx.GraphModule))
    if not any(name in taken for name, _ in module.named_children()):
        return module, dynamic
    return _Apart(module).eval(), (dynamic,)


def _failure(error: Exception, lines: Lines) -> ExportError:
    parts = [str(error), *(str(cause) for cause in _causes(error))]
    name = next((found for part in parts if (found := _owner(part, lines))), "")
    reason = next((line for line in parts[-1].splitlines() if line.strip()), type(error).__name__)
    at = f" at '{name}'" if name else ""
    return ExportError(
        f"PyTorch's ONNX exporter failed{at}: {reason.strip()[:300]}",
        "Replace what it can't express, or export to pt2.",
    )


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    while (cause := error.__cause__ or error.__context__) is not None and cause not in found:
        found.append(cause)
        error = cause
    return found


def _owner(text: str, lines: Lines) -> str:
    """The node whose line stands last in a traceback, or an empty string."""
    names = [lines.get((file, int(line)), "") for file, line in _FRAME.findall(text)]
    return next((name for name in reversed(names) if name), "")


def rename_nodes(model: Any, spots: Spots, lines: Lines) -> Owners:
    """Gives every ONNX node the name of the user's node that it came from.

    Where several came from one, the one that does the work has the plain name and the
    others are numbered: `lstm`, `lstm_1`, ... A node in a block is told with its use:
    `encoder.0.norm1`. Values between nodes are called after them.
    What the exporter noted about its own origin (paths, source lines) is removed.
    """
    graph = model.graph
    nodes = list(graph)
    ends = (*graph.inputs, *graph.outputs, *graph.initializers.values())
    # Told by themselves: the exporter may call a value what an output is to be called.
    kept = {id(value) for value in ends}
    owners = _owners(nodes, spots)
    titles = [_title(node, owner, spots, lines) for node, owner in zip(nodes, owners, strict=True)]
    together: dict[str, list[Any]] = {}
    for node, title in zip(nodes, titles, strict=True):
        if title:
            together.setdefault(title, []).append(node)
    cores = {_core(each): title for title, each in together.items()}
    taken = set(cores.values())
    values = {value.name for value in ends}
    result = {}
    for node, title, owner in zip(nodes, titles, owners, strict=True):
        node.name = cores.get(node) or _unique(title or node.op_type.lower(), taken)
        if owner is not None:
            result[node.name] = owner
        for value in node.outputs:
            if value.name and id(value) not in kept:
                value.name = _unique(f"{node.name}.{value.index() or 'output'}", values)
        _forget_origin(node, *node.outputs)
        if node in cores and owner is not None:
            node.doc_string = spots.note(owner) or None
    _forget_origin(graph, *graph.inputs, *graph.initializers.values())
    return result


def _title(node: Any, owner: Spot | None, spots: Spots, lines: Lines) -> str:
    """What an ONNX node is called: the user's node whose weights it has, else whose line it is.

    A Conv into which the exporter folded the BatchNorm behind it stands in the BatchNorm's
    line, but people look for it under the convolution's name.
    """
    if node.op_type in _CORES:
        for value in node.inputs:
            if value is not None and value.name and value.is_initializer():
                spot = spots.of_module(value.name.rpartition(".")[0])
                if spot is not None:
                    return spots.name(spot)
    if owner is not None:
        return spots.name(owner)
    return _owner(_trace(node), lines)


def restate_shapes(model: Any, outputs: Sequence[TensorSpec]) -> None:
    """Puts the shapes that are known in place of those that the exporter wrote.

    Behind a recurrent layer it writes the example's length as if it were fixed. What the
    file computes decides, which `verify` finds out by running it at other lengths; a wrong
    note would mislead those who read or optimise the file.
    """
    for node in model.graph:
        for value in node.outputs:
            value.shape = None
    for value, spec in zip(model.graph.outputs, outputs, strict=True):
        value.shape = ir.Shape(spec.shape)


def _core(nodes: Sequence[Any]) -> Any:
    """The node that does the work of a layer: the first heavy one, else the last."""
    return next((node for node in nodes if node.op_type in _CORES), nodes[-1])


def _forget_origin(*parts: Any) -> None:
    for part in parts:
        part.metadata_props.clear()
        part.doc_string = None


def _owners(nodes: Sequence[Any], spots: Spots) -> list[Spot | None]:
    """Each node's user node; what has none (shared shapes, constants) goes to who reads it."""
    owners = [
        spots.of_operation(
            _scopes(node), [(file, int(line)) for file, line in _FRAME.findall(_trace(node))]
        )
        for node in nodes
    ]
    index = {id(node): at for at, node in enumerate(nodes)}
    for at in reversed(range(len(nodes))):
        if owners[at] is None:
            readers = (user for value in nodes[at].outputs for user, _ in value.uses())
            owners[at] = next(
                (owners[index[id(user)]] for user in readers if id(user) in index), None
            )
    return owners


def _trace(node: Any) -> str:
    text: str = node.metadata_props.get("pkg.torch.onnx.stack_trace", "")
    return text


def _scopes(node: Any) -> list[str]:
    """Paths of the modules around an operation, the outermost first."""
    try:
        found = ast.literal_eval(node.metadata_props.get("pkg.torch.onnx.name_scopes", "[]"))
    except (SyntaxError, ValueError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _unique(name: str, taken: set[str]) -> str:
    result, number = name, 0
    while result in taken:
        number += 1
        result = f"{name}_{number}"
    taken.add(result)
    return result

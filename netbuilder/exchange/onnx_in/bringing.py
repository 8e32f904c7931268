"""An ONNX file as a document: read, made a module, traced, drawn, held against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor
from torch.export import Dim

from netbuilder.exchange import departing, further
from netbuilder.exchange.bring import grids, importing, running, traced, trying, views
from netbuilder.exchange.bring.program import BringError, Program, Size
from netbuilder.exchange.bring.proof import Reference, Trial
from netbuilder.exchange.onnx_in import (
    deciding,
    doubled,
    fixing,
    graph,
    inlining,
    lifting,
    maps,
    nodes,
    noise,
    placeholder,
    reading,
    scopes,
    twins,
)
from netbuilder.exchange.onnx_in.graph import OnnxModule
from netbuilder.exchange.onnx_in.ops import Unsupported
from netbuilder.exchange.onnx_in.runtime import Runtime
from netbuilder.exchange.watched import Progress, Tell, nobody
from netbuilder.graph.document import Document

BATCH = 2
SPATIAL = (32, 64, 224)
"""Free sizes to trace pictures with, one after the other until the graph takes them."""
ALONG = (8, 16, 64)
"""Free sizes to trace everything else with."""


def from_onnx(
    path: Path,
    *,
    fold: bool = False,
    tell: Tell = nobody,
    drawn: importing.Drawn | None = None,
) -> importing.Brought:
    """A model's document; `DocumentError` or `BringError` if it can't be read.

    With `fold`, runs of nodes that come again are folded into blocks. `tell` hears how far it is,
    `drawn` gets the document before it is compared.
    """
    tell(Progress(importing.READING))
    model = reading.read(path)
    scopes.shorten(model)
    told = maps.opened(model)
    decided = deciding.fix(model)
    if decided:
        told.append(
            f"Inputs that decide which branch runs are fixed: {', '.join(decided)}. For other "
            "numbers the file has another network."
        )
    brought = _from_model(model, path.stem, fold, tell, drawn)
    brought = fixing.better(
        brought, model, lambda made: _from_model(made, path.stem, fold, tell, None)
    )
    return replace(brought, notes=(*brought.notes, *told))


def _from_model(
    model: onnx.ModelProto, title: str, fold: bool, tell: Tell, drawn: importing.Drawn | None
) -> importing.Brought:
    """What comes of a model that was read."""
    twin = twins.of(model)
    module = OnnxModule(inlining.inlined(twin.model))
    tell(Progress("Tracing the graph"))
    training = {entry.key: entry.value for entry in model.metadata_props}.get(further.KEY, "")
    program = replace(traced_program(module, twin.model), title=title, training=training)
    with Runtime(twin.model, twin.marks(module)) as runtime:
        brought = _brought(program, module, twin, runtime, fold, tell, drawn)
    reasons = dict.fromkeys(
        f"{step.call.op}: {step.why or CHANCE}."
        for step in module.every
        if step.why or step.call.op in noise.DRAWN
    )
    twice = doubled.notes(brought.weights)
    return replace(brought, notes=(*brought.notes, *reasons, *twice))


def _brought(
    program: Program,
    module: OnnxModule,
    twin: twins.Twin,
    runtime: Runtime,
    fold: bool,
    tell: Tell,
    drawn: importing.Drawn | None,
) -> importing.Brought:
    """The program's document, compared with what the file gives in ONNX Runtime."""
    tried = tuple(trials(program))
    nothing = trying.blind(program, tried[0][1])
    blind = () if nothing is None else ((BLIND, nothing),)
    reference = Reference(runtime, tried, tolerance=TOLERANCE, marked=runtime.marked, blind=blind)
    # What has no counterpart is not compared; a loop among it may have no end.
    runs = all(step.run is not None and not step.why for step in module.every)

    def shown(document: Document) -> None:
        if drawn is not None:
            drawn(document)
            if runs:
                runtime.begin((*tried, *blind))

    # Somebody who waits for the drawing shares no processor with the comparison.
    if runs and drawn is None:
        runtime.begin((*tried, *blind))
    lifted, counts = lifting.lift(program)
    doubled.join(lifted)
    brought = importing.bring(lifted, reference, fold=fold, tell=tell, drawn=shown)
    if counts and not brought.verified and not brought.unsupported:
        # Numbers at the edge of what floats hold: as the file has it, then.
        brought = importing.bring(program, reference, fold=fold, tell=tell)
    return twins.held(brought, twin, tried, runtime)


BLIND = "random inputs, some of which may look at nothing"
CHANCE = "it draws random numbers, so that two runs differ"
TOLERANCE = departing.TOLERANCE
"""Two runtimes differ by more than two ways through one: as an export does."""


# -- tracing -------------------------------------------------------------------------------------


def traced_program(module: OnnxModule, model: onnx.ModelProto) -> Program:
    """The module as it runs on the sizes that the file declares; free ones stay free."""
    first: BringError | None = None
    for spatial, along in zip(SPATIAL, ALONG, strict=True):
        examples, shapes, free = _examples(module, model, spatial, along)
        for dims in (shapes, *((None,) if free else ())):
            module.heard.names.clear()
            try:
                program = traced.trace(module, examples, dims)
            except BringError as error:
                first = first or error
                continue
            return views.shortened(grids.plainer(_named(program, module, shapes)))
        if not free:
            break
    assert first is not None
    # What a node without a counterpart gives is guessed where nothing tells it.
    for step in module.every:
        if step.why:
            why = f"{step.why}, and what it gives does not fit what comes after it"
            raise placeholder.refusal(step.call, why) from first
    # The module is ours; its author knows the file.
    raise BringError(
        str(first).replace("PyTorch can't trace OnnxModule", "The graph can't be drawn"),
        "See whether ONNX Runtime runs the file; if it doesn't, export it again.",
    ) from first


def _examples(
    module: OnnxModule, model: onnx.ModelProto, spatial: int, along: int
) -> tuple[tuple[Tensor, ...], tuple[Any, ...], bool]:
    declared = {value.name: value.type for value in model.graph.input}
    sizes: dict[str, int] = {}
    examples, shapes, other = [], [], False
    for name in module.inputs:
        kind = declared[name]
        if not kind.HasField("tensor_type"):
            raise BringError(f"The input '{name[:80]}' is no tensor.")
        try:
            dtype = nodes.dtype(kind.tensor_type.elem_type)
        except Unsupported as reason:
            raise BringError(f"The input '{name[:80]}': {reason}.") from reason
        dims = kind.tensor_type.shape.dim
        if not kind.tensor_type.HasField("shape"):
            raise BringError(f"The input '{name[:80]}' has no shape.", "Export the model with one.")
        shape, free = [], {}
        for at, dim in enumerate(dims):
            if dim.HasField("dim_value") and dim.dim_value > 0:
                shape.append(int(dim.dim_value))
                continue
            usual = BATCH if at == 0 else spatial if len(dims) > 3 and at > 1 else along
            size = sizes.setdefault(dim.dim_param, usual) if dim.dim_param else usual
            shape.append(size)
            free[at] = Dim.AUTO
            other = other or at > 0
        running.check_size(shape)
        examples.append(torch.zeros(shape, dtype=dtype))
        shapes.append(free or None)
    return tuple(examples), (tuple(shapes),), other


def _named(program: Program, module: OnnxModule, shapes: tuple[Any, ...]) -> Program:
    """With the file's names of inputs, outputs and sizes."""
    names: dict[str, str] = {}
    for value, name in zip(program.inputs, module.inputs, strict=True):
        known = module.types.known.get(name, (0, None))[1] or ()
        for size, dim in zip(program.types[value].shape, known, strict=False):
            if isinstance(size, str) and isinstance(dim, str) and dim.isidentifier():
                names.setdefault(size, dim)
    titles = module.heard.names | dict(zip(program.inputs, module.inputs, strict=True))
    values = [value for _, value in program.outputs]
    outputs = list(zip(module.outputs, values, strict=True))
    for value, kind in program.types.items():
        count = 1
        for size in kind.shape:
            count *= max(1, program.number(size))
        if count > graph.MAX_NUMBERS:
            raise BringError(
                f"The value '{value[:80]}' has {count:,} numbers.",
                f"At most {graph.MAX_NUMBERS:,} are brought in.",
            )
    return replace(
        program,
        names=names,
        titles=titles,
        outputs=outputs,
        operations=[placeholder.shown(each, module.every) for each in program.operations],
        reasons=placeholder.reasons(program.operations, module.every),
    )


# -- proof ---------------------------------------------------------------------------------------


def trials(program: Program) -> Iterator[Trial]:
    """Random inputs at the sizes of the example, and with each free size another once."""
    free: dict[str, None] = {}
    for value in program.inputs:
        free.update(
            dict.fromkeys(str(size) for size in program.types[value].shape if _is_free(size))
        )
    generator = torch.Generator().manual_seed(0)
    yield "random inputs", _inputs(program, {}, generator)
    # Sizes that the file calls by one name are one.
    named: dict[str, list[str]] = {}
    for symbol in free:
        named.setdefault(program.names.get(symbol, symbol), []).append(symbol)
    for name, symbols in named.items():
        size = program.symbols[symbols[0]]
        # Nets that halve a picture take no odd sizes.
        other = size + 1 if size <= BATCH else size * 2
        sizes = dict.fromkeys(symbols, other)
        yield f"random inputs, {name} = {other}", _inputs(program, sizes, generator)


def _is_free(size: Size) -> bool:
    return isinstance(size, str) and size.isidentifier()


def _inputs(
    program: Program, sizes: dict[str, int], generator: torch.Generator
) -> tuple[Tensor, ...]:
    def shape(value: str) -> list[int]:
        known = program.types[value].shape
        return [sizes.get(str(size), program.number(size)) for size in known]

    return trying.inputs(program, shape, generator)

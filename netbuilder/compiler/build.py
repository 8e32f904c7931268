"""From source to modules: what trains is the code that the code panel shows."""

from __future__ import annotations

import hashlib
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import FrameType, ModuleType
from typing import Any

import torch
from torch import nn

from netbuilder.compiler import own_code, strayed
from netbuilder.compiler.analyse import Compiled, compile_document
from netbuilder.compiler.emit import Place, Source
from netbuilder.compiler.execute import function, run
from netbuilder.compiler.inference import Fields
from netbuilder.compiler.libraries import namespace
from netbuilder.compiler.networks import in_order, network_names
from netbuilder.compiler.probe import Cache
from netbuilder.compiler.resolve import resolve
from netbuilder.errors import ProblemsError
from netbuilder.graph.document import Document, Graph
from netbuilder.layers import trusted
from netbuilder.layers.base import Role


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a generated class comes from; enough to make it again in another process."""

    document: Document
    graph: str
    fields: Fields
    source: Source


@dataclass(frozen=True, slots=True)
class BuiltStep:
    """A training step ready to run.

    `module` takes the tensors of the data's `fields`, in their order as `keywords`: a field whose
    name means something in code has another one there. It returns `(loss, metrics, previews)`: a
    scalar, the arguments of each metric's update by node name, and what the previews show by node
    name (a tensor, or a tuple with its target). With `asks` the previews are there only if it is
    called with `previews=True`.
    """

    module: nn.Module
    fields: tuple[str, ...]
    keywords: tuple[str, ...]
    metrics: Mapping[str, Callable[[], Any]]
    previews: Mapping[str, str]
    updates: tuple[str, ...]
    asks: bool = False
    across_batch: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """The node at which an error in `forward` happened, with the real shapes."""

    graph: str
    node: str
    name: str
    message: str


_origins: dict[str, Origin] = {}


def compiled_without_errors(
    document: Document, graph: Graph, fields: Fields, cache: Cache | None = None
) -> Compiled:
    """The compiled document; `ProblemsError` if this graph can't be built."""
    compiled = compile_document(document, fields, cache)
    if graph.id not in compiled.sources and not compiled.errors(graph):
        trusted.refuse(compiled.restricted)
    if graph.id not in compiled.sources:
        problems = compiled.errors(graph)
        first = problems[0].message if problems else "It can't be built."
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ProblemsError(f"'{graph.name}' has problems: {first}{more}", problems)
    return compiled


def named_network(document: Document, name: str) -> Graph:
    """The network called `name`; `ProblemsError` lists those there are."""
    graph = document.network(name)
    if graph is None:
        names = ", ".join(network.name for network in document.of_kind("network")) or "none"
        raise ProblemsError(f"There is no network called '{name}'. Networks: {names}.", ())
    return graph


def network_source(document: Document, name: str) -> Source:
    """The source of a network; its last class can be made without arguments."""
    graph = named_network(document, name)
    return compiled_without_errors(document, graph, {}).sources[graph.id]


def build_network(document: Document, name: str, *, scanned: bool = False) -> nn.Module:
    """The network with random weights, in training mode.

    It makes the networks that it calls. `scanned`: loops over time are PyTorch's scan, for
    exporters; weights and results are the same.
    """
    graph = named_network(document, name)
    compiled = compiled_without_errors(document, graph, {})
    made: nn.Module = _class(compiled.scanned(graph) if scanned else compiled, graph, {})()
    return made


def build_networks(document: Document) -> dict[str, nn.Module]:
    """All networks by name, in their order, with random weights, in training mode.

    Networks that call others are made with those of the project: one module each.
    """
    compiled: Compiled | None = None
    made: dict[str, nn.Module] = {}
    for graph in in_order(resolve(document).document):
        compiled = compiled or compiled_without_errors(document, graph, {})
        if graph.id not in compiled.sources:
            compiled_without_errors(document, graph, {})
        names = network_names(document)
        held = {own: name for name, own in names.items()}
        given = {g.name: made[held[g.name]] for g in compiled.programs[graph.id].given}
        made[graph.name] = _class(compiled, graph, {})(**given)
    return {graph.name: made[graph.name] for graph in document.of_kind("network")}


def build_step(
    document: Document, name: str, fields: Fields, networks: Mapping[str, nn.Module]
) -> BuiltStep:
    """The training step called `name` around these networks (by name), which it shares."""
    graph = next((step for step in document.of_kind("step") if step.name == name), None)
    if graph is None:
        raise ProblemsError(f"There is no training step called '{name}'.", ())
    compiled = compiled_without_errors(document, graph, fields)
    program, source = compiled.programs[graph.id], compiled.sources[graph.id]
    parts = {attribute: networks[name] for name, attribute in program.networks.items()}
    module: nn.Module = _class(compiled, graph, fields)(**parts)
    metrics: dict[str, Callable[[], Any]] = {}
    for node, layer in program.metrics:
        constructor = layer.constructor()
        if constructor is not None:
            made = function(constructor, [], namespace((constructor,)))
            wires = graph.wires_into(node.id)
            sources = [compiled.inferences[graph.id].layers.get(wire.source) for wire in wires]
            if any(source is not None and source.role is Role.LOSS for source in sources):
                made = partial(_smaller_is_better, made)
            metrics[node.name] = made
    previews = {
        node.name: str(getattr(compiled.inferences[graph.id].layers[node.id], "kind", "auto"))
        for node, _ in program.results
        if compiled.inferences[graph.id].layers[node.id].role is Role.PREVIEW
    }
    updates = tuple(str(update) for update in graph.info.settings.get("updates", ()))
    asks = program.always >= 0
    layers = compiled.inferences[graph.id].layers
    across = any(layer.across_batch for layer in layers.values())
    read = tuple(str(getattr(layers[node.id], "field", name)) for node, name in program.inputs)
    return BuiltStep(module, read, source.inputs, metrics, previews, updates, asks, across)


def _smaller_is_better(make: Callable[[], Any]) -> Any:
    """The mean of a loss, of which nobody can tell otherwise whether it is to be large."""
    metric = make()
    vars(metric)["higher_is_better"] = False  # torchmetrics lets nobody set it
    return metric


def _class(compiled: Compiled, graph: Graph, fields: Fields) -> Any:
    """Executes a graph's source and returns its class."""
    return _classes(compiled, graph, fields)[compiled.sources[graph.id].class_name]


def _classes(compiled: Compiled, graph: Graph, fields: Fields) -> dict[str, Any]:
    """Executes a graph's source; its classes, those of blocks and parts too, know their origin."""
    source = compiled.sources[graph.id]
    digest = hashlib.sha256(source.text.encode()).hexdigest()[:12]
    filename = f"<netbuilder {graph.id} {digest}>"
    origin = Origin(compiled.document.copy(), graph.id, dict(fields), source)
    _origins[filename] = origin
    provided = own_code.provider(compiled.document.project)
    # torch.compile finds the globals of what it inlines by the name of their module.
    module = sys.modules[filename] = ModuleType(filename)
    namespace = run(source.text, filename, module.__dict__, provided)
    for value in list(namespace.values()):
        own = isinstance(value, type) and value.__module__ == filename
        if own and issubclass(value, nn.Module):
            value.netbuilder_origin = origin
            value.__reduce_ex__ = _reduce
    return namespace


def _reduce(module: nn.Module, protocol: int) -> tuple[Any, ...]:
    """Pickle by origin: the class is generated again where the module arrives."""
    origin = module.netbuilder_origin
    assert isinstance(origin, Origin)
    name = type(module).__name__
    return _again, (origin.document, origin.graph, origin.fields, name), module.__dict__


_latest: list[tuple[Document, str, dict[str, Any]]] = []
"""The classes made last for a pickle: its blocks come one by one and share their document."""


def _again(document: Document, graph_id: str, fields: Fields, name: str) -> nn.Module:
    if not _latest or _latest[0][0] is not document or _latest[0][1] != graph_id:
        graph = document.graph(graph_id)
        made = _classes(compiled_without_errors(document, graph, fields), graph, fields)
        _latest[:] = [(document, graph_id, made)]
    kind = _latest[0][2][name]
    module: nn.Module = kind.__new__(kind)
    return module


def parts_by_node(module: nn.Module) -> Iterator[tuple[Place, nn.Module]]:
    """The modules that nodes have made in a generated one and in all that it calls."""
    for part in module.modules():
        origin = getattr(type(part), "netbuilder_origin", None)
        if isinstance(origin, Origin):
            for name, child in part.named_children():
                place = origin.source.modules.get((type(part).__name__, name))
                if place is not None:
                    yield place, child


def locate_error(error: BaseException) -> Located | None:
    """The node of the innermost generated line, or module of a chain, that an exception left.

    What failed on something that an own layer gave and that is no tensor is told at that layer.
    """
    spots: list[_Spot] = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        origin = _origins.get(frame.f_code.co_filename)
        if origin is not None and line in origin.source.lines:
            values = _named(origin.source, line, frame)
            made = strayed.used(origin.source, line, frame.f_locals)
            spots.append(_Spot(origin, origin.source.lines[line], values, tuple(made)))
        elif frame.f_code is nn.Sequential.forward.__code__:
            spots += _in_chain(frame)
    if not spots:
        return None
    return _strayed(spots) or _told(spots[-1], error)


def _strayed(spots: Sequence[_Spot]) -> Located | None:
    for spot in reversed(spots):
        for place, value in spot.made:
            found = strayed.maker(spot.origin.document, place)
            if found is not None:
                (graph, id), written = found
                name = spot.origin.document.graph(graph).nodes[id].name
                return Located(graph, id, name, strayed.words(name, value, written))
    return None


def _told(found: _Spot, error: BaseException) -> Located:
    graph, id = found.place
    node = found.origin.document.graph(graph).nodes[id]
    shapes = [
        f"{name} {'×'.join(map(str, value.shape)) or 'scalar'} "
        f"{str(value.dtype).removeprefix('torch.')}"
        for name, value in found.values.items()
        if isinstance(value, torch.Tensor)
    ]
    reason = str(error).strip().splitlines()
    given = f" with {', '.join(shapes)}" if shapes else ""
    told = reason[0] if reason else type(error).__name__
    if own_code.place_of(error) is not None:
        told = own_code.words(error)
    return Located(graph, node.id, node.name, f"'{node.name}' failed{given}: {told}")


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where an exception came by: the node and the variables of its statement."""

    origin: Origin
    place: Place
    values: Mapping[str, Any]
    made: tuple[tuple[Place, Any], ...] = ()
    """What it was given that is no tensor, with the nodes that this came from."""


def _named(source: Source, line: int, frame: FrameType) -> dict[str, Any]:
    """The variables that the statement around a line speaks of, with their values."""
    place = source.lines[line]
    rows = source.text.splitlines()
    first = last = line
    while source.lines.get(first - 1) == place:
        first -= 1
    while source.lines.get(last + 1) == place:
        last += 1
    names = re.findall(r"[^\W\d]\w*", " ".join(rows[first - 1 : last]))
    return {name: frame.f_locals[name] for name in dict.fromkeys(names) if name in frame.f_locals}


def _in_chain(frame: FrameType) -> list[_Spot]:
    """The module that an nn.Sequential of ours was running."""
    chain, running = frame.f_locals.get("self"), frame.f_locals.get("module")
    origin = getattr(type(chain), "netbuilder_origin", None)
    if not isinstance(origin, Origin) or not isinstance(chain, nn.Module):
        return []
    given = frame.f_locals.get("input")
    before: Place | None = None
    for name, module in chain.named_children():
        place = origin.source.modules.get((type(chain).__name__, name))
        if module is running and place is not None:
            stray = None if isinstance(given, torch.Tensor) else before
            made = ((stray, given),) if stray is not None else ()
            return [_Spot(origin, place, {"input": given}, made)]
        before = place
    return []

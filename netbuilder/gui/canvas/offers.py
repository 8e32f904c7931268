"""What the search list offers at a spot: what fits the wire, and what does not fit its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from netbuilder.compiler.report import TensorReport
from netbuilder.graph import expressions
from netbuilder.graph.model import Json
from netbuilder.graph.rules import End
from netbuilder.gui.canvas import edit, placing, search
from netbuilder.gui.canvas.edit import LooseEnd, Spot
from netbuilder.gui.canvas.search import Entry
from netbuilder.layers import catalogue, dims
from netbuilder.layers.base import Layer, TensorType

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView


def offered(view: EditingView, spot: Spot) -> list[Entry]:
    """The layers that may stand in the shown graph and have the ports that the spot needs.

    Those that would refuse the shape that comes in are last, with the reason.
    """
    found = [e for e in search.entries(view.past.document, view.shown) if not e.refusal]
    if spot.drawn or spot.wire:
        found = [entry for entry in found if takes(view, entry.layer, entry.params, spot)]
    coming = incoming(view, spot)
    if coming is None:
        return found
    return [replace(entry, doubt=doubt(entry, coming)) for entry in found]


def takes(view: EditingView, layer: str, params: Mapping[str, Json], spot: Spot) -> bool:
    """Whether a layer has the ports for the loose ends or the wire of a spot."""
    values = edit.starting_parameters(view, layer) | dict(params)
    face = placing.face_to_be(view, layer, values)
    into = bool(spot.wire) or any(end.output for end in spot.ends)
    out_of = bool(spot.wire) or any(not end.output for end in spot.ends)
    return not (into and not face.inputs) and not (out_of and not face.outputs)


def incoming(view: EditingView, spot: Spot) -> TensorType | None:
    """What would come into a node at this spot, as far as it is known."""
    wire = view.shown.wires.get(spot.wire)
    if wire is not None:
        return _leaving(view, End(wire.source, wire.source_port))
    if len(spot.ends) != 1 or not spot.ends[0].output:
        return None
    return _leaving(view, End(spot.ends[0].node, spot.ends[0].port))


def _leaving(view: EditingView, source: End) -> TensorType | None:
    """What leaves by an output port, as far as it is known."""
    report = view.canvas.node_report(source.node)
    tensor = report.outputs.get(source.port) if report is not None else None
    return _type(tensor) if tensor is not None else None


def _type(tensor: TensorReport) -> TensorType:
    return TensorType(tuple(map(_dim, tensor.shape)), tensor.dtype)


def _dim(size: int | str) -> dims.Dim:
    """A size of the report; of a formula only that it is open matters here."""
    return dims.symbol(size if size.isidentifier() else "L") if isinstance(size, str) else size


def doubt(entry: Entry, coming: TensorType) -> str:
    """Why a layer as it is added would refuse this at its first input; empty if it would not."""
    kind = catalogue.find(entry.layer)
    if kind is None or not kind.inputs or kind.inputs[0].variadic:
        return ""
    try:
        layer = kind.model_validate({**kind.starting, **entry.params})
    except ValueError:
        return ""
    return _complaint(layer, {kind.inputs[0].name: coming})


def misfit(view: EditingView, source: End, target: End) -> str:
    """Why a node would complain of what an output gives to this port; empty if it would not.

    Such a wire may be drawn all the same: sizes can be mended afterwards.
    """
    node = view.shown.nodes[target.node]
    coming = _leaving(view, source)
    # What an expression is worth depends on the use: better no doubt than a wrong one.
    open_ = expressions.holds_expression(node.params)
    layer = None if open_ else catalogue.read(catalogue.owner_of(view.shown, node))
    if coming is None or not isinstance(layer, Layer):
        return ""
    report = view.canvas.node_report(target.node)
    others = report.inputs if report is not None else {}
    given = {port: _type(tensor) for port, tensor in others.items()}
    return _complaint(layer, {**given, target.port: coming})


def _complaint(layer: Layer, given: Mapping[str, TensorType]) -> str:
    try:
        filled = layer.with_values(layer.infer(given))
        refused = next((c for c in filled.complaints(given) if c.severity == "error"), None)
    except ValueError:
        return ""
    return refused.message if refused is not None else ""


def words(view: EditingView, spot: Spot) -> str:
    """What the list says about where the chosen layer goes."""
    graph = view.shown
    wire = graph.wires.get(spot.wire)
    if wire is not None:
        return f"Between {graph.nodes[wire.source].name} and {graph.nodes[wire.target].name}"
    names = [graph.nodes[end.node].name for end in spot.ends]
    if not names:
        return ""
    if not spot.ends[0].output:
        return f"Before {names[0]}"
    some = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    between = not spot.drawn and len(spot.ends) == 1 and _feeds(view, spot.ends[0])
    return f"After {some}" + (" · Shift+Enter: beside what follows" if between else "")


def _feeds(view: EditingView, end: LooseEnd) -> bool:
    return any(wire.source_port == end.port for wire in view.shown.wires_out_of(end.node))

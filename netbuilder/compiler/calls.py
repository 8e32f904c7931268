"""What comes out of a call of a network, and what does not fit in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netbuilder.compiler.inference import Inference
from netbuilder.compiler.probe import Types
from netbuilder.errors import Fix, NetbuilderError
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json, Node
from netbuilder.layers import dims
from netbuilder.layers.base import Complaint, Layer, Role, TensorType
from netbuilder.layers.callers import Caller


class Misfit(NetbuilderError):
    """Something that a network can't take; `complaint` belongs at the call."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.message, complaint.hint)
        self.complaint = complaint


def network_outputs(inside: Inference, inputs: Types) -> Types | None:
    """Types by output of a network called with these inputs; None if they are not known.

    `Misfit` if the network takes other ones.
    """
    network = inside.graph
    values: dict[str, dims.Dim] = {}
    for start, layer in _nodes(inside, Role.INPUT):
        wanted = inside.outputs.get(start.id, {}).get("output")
        if wanted is None:
            continue
        found = inputs.get(start.name)
        if found is None:
            return None
        misfit = _misfit(wanted, found, values)
        if misfit:
            raise Misfit(_wrong_data(network, start, layer, wanted, found, misfit))
    known = outputs_of(inside)
    if known is None:
        return None
    return {
        name: TensorType(tuple(dims.at(dim, values) for dim in t.shape), t.dtype, t.high)
        for name, t in known.items()
    }


def caller_outputs(inside: Inference, caller: Caller, inputs: Types) -> Types | None:
    """Types by port of a layer that calls a network; None if they are not known.

    `Misfit` if it can't call this one.
    """
    given = caller.given(inputs)
    named = inputs
    if given is not None:
        names = [start.name for start, _ in _nodes(inside, Role.INPUT)]
        if len(names) != len(given):
            raise Misfit(_wrong_count(inside.graph, caller, names, len(given)))
        named = dict(zip(names, given, strict=True))
    try:
        found = network_outputs(inside, named)
    except Misfit as misfit:
        if given is None:
            raise
        # The network's port is none of the node's.
        raise Misfit(replace(misfit.complaint, port="")) from None
    if found is None:
        return None
    results = caller.results(inputs, found)
    if isinstance(results, Complaint):
        raise Misfit(results)
    return dict(results)


def _wrong_count(network: Graph, caller: Caller, names: list[str], count: int) -> Complaint:
    what = f"{count} tensor" + ("s" if count > 1 else "")
    return Complaint(
        f"{caller.title} calls '{network.name}' with {what}; it takes {len(names)}: "
        f"{', '.join(names)}.",
        "Choose another network, or change its inputs.",
        code="call.misfit",
    )


def outputs_of(inside: Inference) -> Types | None:
    """Types by output name, in the order of the Output nodes; None if one is not known."""
    found: Types = {}
    for end, _ in _nodes(inside, Role.OUTPUT):
        known = inside.inputs[end.id].get("input")
        if known is None:
            return None
        found[end.name] = known
    return found


def input_types(inside: Inference) -> Types:
    """Types by input name."""
    return {
        start.name: inside.outputs[start.id]["output"]
        for start, _ in _nodes(inside, Role.INPUT)
        if start.id in inside.outputs
    }


def _nodes(inside: Inference, role: Role) -> Iterator[tuple[Node, Layer]]:
    for node in inside.graph.ordered():
        layer = inside.layers.get(node.id)
        if layer is not None and layer.role is role:
            yield node, layer


def _wrong_data(
    network: Graph,
    start: Node,
    layer: Layer,
    wanted: TensorType,
    found: TensorType,
    misfit: str,
) -> Complaint:
    sample = found.shape[1:] if getattr(layer, "batched", True) else found.shape
    shape = [dims.to_json(dim) for dim in sample]
    values: dict[str, Json] = {}
    if not _alike(wanted, found):
        values["shape"] = shape
    if wanted.dtype != found.dtype:
        values["dtype"] = found.dtype
    if wanted.high is not None and (found.floating or (found.high or 0) > wanted.high):
        # Numbers are no ids: they have no highest one.
        values["high"] = None if found.floating else found.high
    fixes: tuple[Fix, ...] = ()
    if not values and wanted.shape != found.shape:
        # Each size could be, but one letter stands for two.
        values["shape"] = shape
    if values:
        name, *more = values
        title = f"Set the {name} of '{start.name}' to {_worth(values[name])}"
        if more:
            title = f"Set {', '.join(values)} of '{start.name}' as the data has them"
        arguments = {"graph": network.id, "nodes": {start.id: values}}
        fixes = (Fix(title, "set_parameters", arguments),)
    return Complaint(
        f"The network '{network.name}' takes {wanted} {wanted.dtype} as '{start.name}', "
        f"gets {found} {found.dtype}: {misfit}.",
        "Change the network's Input, or wire data of that shape to it.",
        start.name,
        code="data.misfit",
        fixes=fixes,
    )


def _alike(wanted: TensorType, found: TensorType) -> bool:
    """Whether the shapes could be the same: a letter stands for any size."""
    pairs = zip(wanted.shape, found.shape, strict=False)
    same = all(want == have for want, have in pairs if isinstance(want, int))
    return wanted.rank == found.rank and same


def _worth(value: Json) -> str:
    return "×".join(map(str, value)) or "a single number" if isinstance(value, list) else str(value)


def _misfit(wanted: TensorType, found: TensorType, values: dict[str, dims.Dim]) -> str:
    """Why `found` can't go into an input of type `wanted`; binds symbols in `values`."""
    if wanted.rank != found.rank:
        return f"{found.rank} dims instead of {wanted.rank}"
    for i, (want, have) in enumerate(zip(wanted.shape, found.shape, strict=True)):
        if isinstance(want, int):
            if want != have:
                return f"dim {i} is {have} instead of {want}"
        else:
            name = str(want)
            if values.setdefault(name, have) != have:
                return f"'{name}' is {values[name]} and {have}"
    if wanted.dtype != found.dtype:
        return f"{found.dtype} instead of {wanted.dtype}"
    if wanted.high is not None and (found.high or 0) > wanted.high:
        return f"ids up to {(found.high or 0) - 1}, the network knows {wanted.high}"
    return ""

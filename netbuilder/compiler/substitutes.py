"""Fixes for complaints of single layers that need what lies around: where a wire comes from.

`SUBSTITUTES` is the list; each entry looks at a complaint and may offer better than the layer
itself can. To add one, add a function and name it there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netbuilder.compiler.pairs import CHANNELS_FIRST, CROSS_ENTROPY, NLL, SEQUENCES
from netbuilder.errors import Fix
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json, Node
from netbuilder.layers.base import Complaint, Family, Layer, Role, TensorType
from netbuilder.layers.catalogue import called_graph, layers
from netbuilder.layers.checks import cast, insert

PICTURES = (1, 3)
"""How many channels a picture has; what stands before them is a batch."""
RECURRENT = frozenset({"torch.nn.LSTM", "torch.nn.GRU", "torch.nn.RNN"})
_DIMS = re.compile(r"(.*?)([123])d\Z")
_NOT_BY_RANK = frozenset({"Conv", "ConvTranspose"})
"""Layers whose input more often lacks a dim than is meant for a sibling."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A fix; `first` puts it before the layer's own, and `hint` then says what to do."""

    fix: Fix
    first: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint with the node it is about; `inputs` are what comes in, by port."""

    document: Document
    graph: Graph
    node: Node
    layer: Layer
    inputs: Mapping[str, TensorType]
    layers: Mapping[str, Layer]
    complaint: Complaint

    def source(self, port: str = "") -> Node | None:
        """The node that feeds a port: the one that is complained of."""
        wire = self.graph.wire_into(self.node.id, port or self.complaint.port)
        return None if wire is None else self.graph.nodes[wire.source]

    def type(self) -> TensorType | None:
        """What comes in at the port that is complained of."""
        return self.inputs.get(self.complaint.port)


def substitutes(case: Case) -> list[Offer]:
    """What is offered for a complaint beside the layer's own fixes."""
    return [offer for find_offers in SUBSTITUTES for offer in find_offers(case)]


def _set(graph: Graph, node: Node, name: str, value: Json, title: str) -> Fix:
    arguments = {"graph": graph.id, "node": node.id, "name": name, "value": value}
    return Fix(title, "set_parameter", arguments)


# -- the number of dims -----------------------------------------------------------------------


def _batch_in_shape(case: Case) -> Iterator[Offer]:
    """An Input whose shape begins with a batch size: there is one dim too many."""
    source, tensor = case.source(), case.type()
    if case.complaint.code != "shape.rank" or source is None or tensor is None:
        return
    shape = source.params.get("shape", ())
    usual = _DIMS.match(case.layer.id)
    too_many = usual is not None and tensor.rank == int(usual[2]) + 3
    if source.layer != "netbuilder.Input" or not too_many or source.params.get("batched") is False:
        return
    if shape[0] in PICTURES or shape[1] not in PICTURES:
        return
    hint = f"The shape of an Input leaves the batch out: {'×'.join(map(str, shape[1:]))}."
    title = f"Leave {shape[0]} out of the shape of '{source.name}'"
    yield Offer(_set(case.graph, source, "shape", shape[1:], title), True, hint)


def _sibling(case: Case) -> Iterator[Offer]:
    """The 1-d, 2-d or 3-d form of a layer that takes what comes in."""
    tensor, usual = case.type(), _DIMS.match(case.layer.id)
    if case.complaint.code != "shape.rank" or tensor is None or usual is None:
        return
    stem = usual[1].removeprefix("torch.nn.")
    wanted = 1 if tensor.rank == 2 and stem == "BatchNorm" else tensor.rank - 2
    kind = layers().get(f"{usual[1]}{wanted}d")
    lacking = wanted < int(usual[2]) and stem in _NOT_BY_RANK
    if kind is None or lacking or not _takes(kind, case.node.params):
        return
    arguments = {"layer": kind.id, "params": case.node.params}
    hint = f"Use {kind.title} for {tensor}."
    yield Offer(Fix(f"Use {kind.title}", "replace_layer", arguments), True, hint)


def _takes(kind: type[Layer], params: Mapping[str, Json]) -> bool:
    """Whether a layer can have these parameters: not if a size is given for each of other dims."""
    try:
        kind.model_validate(dict(params))
    except ValueError:
        return False
    return True


def _nothing_left(case: Case) -> Iterator[Offer]:
    """A pooling of the one number that earlier ones have left."""
    tensor = case.type()
    if case.complaint.code != "shape.window" or case.layer.family is not Family.POOLING:
        return
    if tensor is not None and set(tensor.shape[2:]) == {1}:
        fix = Fix(f"Remove '{case.node.name}'", "take_out", {})
        yield Offer(fix, True, f"Of each channel of {tensor} one number is left: pool less often.")


def _single(case: Case) -> Iterator[Offer]:
    """A normalisation of one number at a time, which can go."""
    if case.complaint.code == "shape.single" and case.complaint.severity == "warning":
        yield Offer(Fix(f"Remove '{case.node.name}'", "take_out", {}))


# -- ids and classes --------------------------------------------------------------------------


def _ids_from_input(case: Case) -> Iterator[Offer]:
    """An Input that was left at float32 in front of what looks ids up."""
    source = case.source()
    if not case.layer.id.startswith("torch.nn.Embedding") or source is None:
        return
    if case.complaint.code == "dtype.float" and source.layer == "netbuilder.Input":
        title = f"Set '{source.name}' to int64"
        yield Offer(_set(case.graph, source, "dtype", "int64", title))


def _numbers_for_classes(case: Case) -> Iterator[Offer]:
    """Class numbers that come as floating point numbers, or in one row a sample."""
    scores, target = case.inputs.get("input"), case.inputs.get("target")
    if case.layer.id not in CROSS_ENTROPY | NLL or scores is None or target is None:
        return
    if case.complaint.port != "target" or case.complaint.severity != "error":
        return
    if target.floating and target.rank == scores.rank - 1:
        hint = "Convert class numbers to int64. For numbers rather than classes use MSELoss."
        yield Offer(cast("target", "int64"), True, hint)
    elif not target.floating and target.rank == scores.rank and target.shape == scores.shape:
        hint = f"A row of zeros and a one for each sample: {scores.shape[1]} probabilities."
        if case.layer.id in CROSS_ENTROPY:
            yield Offer(cast("target", "float32"), True, f"{hint} Convert them to float32.")


def _weights_of_classes(case: Case) -> Iterator[Offer]:
    """Weights for another number of classes are left out."""
    weight = getattr(case.layer, "weight", None)
    if case.layer.role is Role.LOSS and weight and case.complaint.code == "parameter.invalid":
        yield Offer(Fix("Leave weight out", "unset_parameter", {"name": "weight"}))


def _preview(case: Case) -> Iterator[Offer]:
    """A kind of preview that what comes in can't be."""
    if case.layer.role is Role.PREVIEW and case.complaint.code == "shape.rank":
        yield Offer(Fix("Set kind to auto", "unset_parameter", {"name": "kind"}))


def _task(case: Case) -> Iterator[Offer]:
    """Scores for several classes in a metric for yes or no."""
    preds, target = case.inputs.get("preds"), case.inputs.get("target")
    if getattr(case.layer, "task", "") != "binary" or preds is None or target is None:
        return
    if preds.rank == target.rank + 1 and isinstance(preds.shape[1], int) and preds.shape[1] > 1:
        fix = Fix(
            "Set task to multiclass", "set_parameter", {"name": "task", "value": "multiclass"}
        )
        yield Offer(fix, True, f"For scores of {preds.shape[1]} classes set task to 'multiclass'.")


# -- sequences --------------------------------------------------------------------------------


def _steps_for_channels(case: Case) -> Iterator[Offer]:
    """A sequence whose features come last in a layer that wants them in dim 1."""
    source, tensor = case.source("input"), case.inputs.get("input")
    if case.complaint.code != "parameter.unknown_size" or source is None or tensor is None:
        return
    if case.layer.id in CHANNELS_FIRST and source.layer in SEQUENCES and tensor.rank == 3:
        fix = insert("Exchange dims 1 and 2", "input", "torch.transpose", dim0=1, dim1=2)
        yield Offer(fix, True, f"{tensor} has its features last: exchange dims 1 and 2 before it.")


def _all_steps(case: Case) -> Iterator[Offer]:
    """Scores for every step of a sequence where the target is one class for all of it."""
    scores, target = case.inputs.get("input"), case.inputs.get("target")
    if case.layer.role is not Role.LOSS or scores is None or target is None or scores.rank != 3:
        return
    wire = case.graph.wire_into(case.node.id, "input")
    if target.rank != 1 or wire is None or case.complaint.port != "target":
        return
    called = called_graph(case.document, case.graph.nodes[wire.source])
    end = called.named(wire.source_port) if called is not None else None
    found = _recurrent_before(called, end) if called is not None and end is not None else None
    if called is None or found is None:
        return
    reader, after = found
    dim = 1 if reader.params.get("batch_first") else 0
    arguments = {
        "graph": called.id,
        "node": after.id,
        "port": "input",
        "layer": "torch.select",
        "params": {"dim": dim, "index": -1},
    }
    title = f"Take the last step of '{reader.name}'"
    hint = f"'{reader.name}' gives its state after every step: take the last one by torch.select."
    yield Offer(Fix(title, "insert_before", arguments), True, hint)


def _recurrent_before(graph: Graph, node: Node) -> tuple[Node, Node] | None:
    """The recurrent layer whose every step leads to a node, and what it feeds on that way."""
    for _ in range(64):
        wires = graph.wires_into(node.id)
        if len(wires) != 1:
            return None
        source = graph.nodes[wires[0].source]
        if source.layer in RECURRENT:
            return (source, node) if wires[0].source_port == "output" else None
        node = source
    return None


def _lone_state(case: Case) -> Iterator[Offer]:
    """One state of an LSTM without the other: both begin with zeros if neither is wired."""
    wired = [name for name in ("h_0", "c_0") if case.graph.wire_into(case.node.id, name)]
    if case.layer.id not in RECURRENT or case.complaint.code != "port.unwired" or len(wired) != 1:
        return
    wire = case.graph.wire_into(case.node.id, wired[0])
    assert wire is not None
    fix = Fix(f"Begin with zeros: remove {wired[0]}", "remove_items", {"items": [wire.id]})
    yield Offer(fix)


# -- parameters -------------------------------------------------------------------------------


def _even_split(case: Case) -> Iterator[Offer]:
    """Unflatten into what is there: the sizes but one are kept, the last follows."""
    tensor = case.inputs.get("input")
    sizes: Any = getattr(case.layer, "unflattened_size", ())
    dim: Any = getattr(case.layer, "dim", None)
    if not sizes or tensor is None or not isinstance(dim, int) or -1 in sizes:
        return
    if not -tensor.rank <= dim < tensor.rank:
        return
    size, head = tensor.shape[dim], 1
    for part in sizes[:-1]:
        head *= part
    if isinstance(size, int) and size % head == 0:
        yield Offer(_own("unflattened_size", (*sizes[:-1], size // head)))


def _unmixed(case: Case) -> Iterator[Offer]:
    """A reshape that would take from several samples gets the dim that it lacks."""
    tensor, shape = case.inputs.get("input"), getattr(case.layer, "shape", ())
    if case.complaint.code != "shape.batch" or tensor is None or not shape or shape[0] != -1:
        return
    count, fixed = 1, 1
    for size in tensor.shape[1:]:
        if not isinstance(size, int):
            return
        count *= size
    for part in shape[1:]:
        fixed *= abs(part)
    if count > fixed and count % fixed == 0:
        yield Offer(_own("shape", (-1, count // fixed, *shape[1:])))


def _dim_of_one(case: Case) -> Iterator[Offer]:
    """The dim of size 1 that a squeeze was meant for, if there is one alone."""
    tensor = case.inputs.get("input")
    if case.layer.id != "torch.squeeze" or tensor is None or case.complaint.severity != "warning":
        return
    ones = [at for at, size in enumerate(tensor.shape) if size == 1]
    if len(ones) == 1:
        yield Offer(_own("dim", ones[0]))
    elif not ones:
        yield Offer(Fix("Remove it", "take_out", {}))


def _own(name: str, value: Json) -> Fix:
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return Fix(f"Set {name} to {shown}", "set_parameter", {"name": name, "value": value})


SUBSTITUTES: tuple[Callable[[Case], Iterator[Offer]], ...] = (
    _batch_in_shape,
    _sibling,
    _nothing_left,
    _single,
    _ids_from_input,
    _task,
    _numbers_for_classes,
    _weights_of_classes,
    _preview,
    _steps_for_channels,
    _all_steps,
    _lone_state,
    _even_split,
    _unmixed,
    _dim_of_one,
)

"""What an ONNX file says of its training, so that what comes of it trains further.

An export writes it, an import takes it. Anybody may have written a file: what is taken are plain
values that fit the sources of data, the losses and the network at hand; of places on a disk, none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from netbuilder.data import first_step, settings
from netbuilder.data.files import FileSource
from netbuilder.data.first_step import Wiring
from netbuilder.data.sources import source_classes
from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer, Role, TensorType
from netbuilder.layers.io import Input

KEY = "netbuilder.training"
"""Under which it stands in the metadata of a file."""
VERSION = 1
MOST = 1_000_000
"""Characters that are read of it."""
_LOSSES = ("torch.nn.", "netbuilder.")
"""How the losses begin that a file may name: none of a plugin's, none of a person's own."""


class Told(BaseModel):
    """The JSON of a file: data settings as in a project, less its places; the step, if simple."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1]
    data: Mapping[str, Any]
    step: Step | None = None


class Step(BaseModel):
    """A step of one network and one loss: see `first_step.Wiring`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    inputs: Mapping[str, str]
    output: str
    target: str
    loss: str
    params: Mapping[str, Any] = {}
    accuracy: bool = False


Told.model_rebuild()


def portable(data: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Data settings without what is of one computer, and the parameters that name places.

    `NetbuilderError` if they are wrong, or choose no data.
    """
    source = settings.source_of(settings.read(data))
    places = source.places_in if isinstance(source, FileSource) else ()
    kept = {name: value for name, value in data.items() if name not in ("params", "workers")}
    params = {k: v for k, v in (data.get("params") or {}).items() if k not in places}
    return kept | ({"params": params} if params else {}), places


def written(data: Mapping[str, Any], step: Wiring | None) -> str:
    """The text for a file."""
    told: dict[str, Any] = {"version": VERSION, "data": portable(data)[0]}
    if step is not None:
        told["step"] = {
            "inputs": dict(step.inputs),
            "output": step.output,
            "target": step.target,
            "loss": step.loss,
            "params": dict(step.params),
            "accuracy": step.accuracy,
        }
    return json.dumps(told, sort_keys=True)


# -- taking it -----------------------------------------------------------------------------------


def take(document: Document, network: str, text: str) -> tuple[str, ...]:
    """Give an imported project its data and its training step; what was taken and what was not.

    What does not hold is left out as a whole: the project is then one without data.
    """
    history = History(document)
    try:
        told = _told(text)
        with history.step("Take data and step of the file"):
            return tuple(_take(history, network, told))
    except (NetbuilderError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:300] or "it is nested too deeply."
        return (f"What the file says of its training is left out: {why}",)


def _told(text: str) -> Told:
    if len(text) > MOST:
        raise NetbuilderError(f"it has {len(text):,} characters, at most {MOST:,} are read.")
    try:
        value = json.loads(text)
    except ValueError:
        raise NetbuilderError("it is no JSON.") from None
    if not isinstance(value, dict):
        raise NetbuilderError("it is no JSON object.")
    version = value.get("version")
    if type(version) is not int:
        raise NetbuilderError("it does not say of which version it is.")
    if version > VERSION:
        raise NetbuilderError(f"it is of version {version}, of a newer netbuilder.")
    return settings.parse(Told, value, "Its settings")


def _take(history: History, network: str, told: Told) -> Iterator[str]:
    chosen = dict(told.data)
    data, places = portable(chosen)
    if "workers" in chosen:
        yield "How many processes read data is not taken from a file."
    named = [name for name in places if (told.data.get("params") or {}).get(name)]
    if named:
        yield f"A file names no places: {', '.join(named)} of its data is left out."
    source = source_classes()[data["source"]]
    fields = settings.field_types(data)
    edits.set_project(history, data=data)
    graph = history.document.network(network)
    if told.step is None or graph is None:
        yield f"The data is that of the file: {source.title}. The training step is yours to draw."
    else:
        wiring = _wiring(graph, told.step, fields)
        step = edits.add_graph(history, "step", "train", {"updates": (network,)})
        first_step.draw(history, step, graph, wiring)
        yield f"Data and training step are those of the file: {source.title}."
    if places:
        yield (
            f"Where the data lies a file does not say: choose it in the Data panel, or by "
            f"--set data.params.{places[0]}=PATH --allow PATH."
        )


def _wiring(network: Graph, told: Step, fields: Mapping[str, TensorType]) -> Wiring:
    """The step as it is drawn; `NetbuilderError` where network and data are not made for it."""
    ports = catalogue.graph_ports(network)
    inputs, outputs = [port.name for port in ports.inputs], [port.name for port in ports.outputs]
    if sorted(told.inputs) != sorted(inputs) or told.output not in outputs:
        raise NetbuilderError("it is about other inputs and outputs than the network has.")
    missing = [name for name in (*told.inputs.values(), told.target) if name not in fields]
    if missing:
        raise NetbuilderError(f"its data has no field '{missing[0][:80]}'.")
    for port, name in told.inputs.items():
        if not _fits(network.named(port), fields[name]):
            raise NetbuilderError(f"the input '{port}' takes other sizes than '{name}' has.")
    node = Node(id="n", layer=told.loss, name="criterion", params=dict(told.params))
    kind, layer = catalogue.find(told.loss), catalogue.read(node)
    if kind is None or kind.role is not Role.LOSS or not told.loss.startswith(_LOSSES):
        raise NetbuilderError(f"there is no loss '{told.loss[:80]}'.")
    if not isinstance(layer, Layer) or len(layer.ports().outputs) != 1:
        raise NetbuilderError(f"the parameters of its loss '{told.loss[:80]}' are wrong.")
    if not {"input", "target"} <= {port.name for port in layer.ports().inputs}:
        raise NetbuilderError(f"its loss '{told.loss[:80]}' compares no output with a field.")
    return Wiring(
        told.inputs, told.output, told.target, told.loss, told.params, accuracy=told.accuracy
    )


def _fits(node: Node | None, field: TensorType) -> bool:
    """Whether an input takes a field, as far as the sizes are numbers."""
    layer = catalogue.read(node) if node is not None else None
    if not isinstance(layer, Input):
        return False
    wanted = layer.type.shape
    return len(wanted) == len(field.shape) and all(
        a == b or not (isinstance(a, int) and isinstance(b, int))
        for a, b in zip(wanted, field.shape, strict=True)
    )

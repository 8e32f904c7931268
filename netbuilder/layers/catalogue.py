"""All layers by id, and what a node is in their light."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from netbuilder.errors import Fix
from netbuilder.graph import blocks, expressions, parameters
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json, Node
from netbuilder.layers import own, plugins
from netbuilder.layers.base import Complaint, Layer, Port, Ports, Role

FAMILIES = (
    "io",
    "linear",
    "convolution",
    "transposed",
    "folding",
    "pooling",
    "adaptive",
    "unpooling",
    "channel_norms",
    "normalisation",
    "dropout",
    "activation",
    "squashing",
    "softmax",
    "recurrent",
    "attention",
    "transformer",
    "positions",
    "gating",
    "routing",
    "capsules",
    "quantising",
    "graphs",
    "graph_filters",
    "graph_attention",
    "graph_networks",
    "graph_edges",
    "graph_relations",
    "graph_norms",
    "graph_pooling",
    "padding",
    "resize",
    "functional",
    "sdpa",
    "resizing",
    "sampling",
    "vectors",
    "reshape",
    "arranging",
    "repeating",
    "slicing",
    "indexing",
    "gathering",
    "masking",
    "parting",
    "sequences",
    "joining",
    "arithmetic",
    "elementwise",
    "products",
    "einsum",
    "sums",
    "comparison",
    "distance",
    "reduction",
    "extremes",
    "sorting",
    "signal",
    "stft",
    "constants",
    "learnt",
    "vision",
    "noise",
    "diffusion",
    "gradient",
    "fake_quantising",
    "progress",
    "class_losses",
    "losses",
    "margins",
    "head_losses",
    "contrast",
    "class_metrics",
    "metrics",
    "retrieval_metrics",
    "steps",
    "callers",
    "blocks",
)
"""The modules of this package that hold layers, in the order of the palette."""


@cache
def layers() -> Mapping[str, type[Layer]]:
    """Every layer by id, in the order of the palette."""
    found: dict[str, type[Layer]] = {}
    for family in FAMILIES:
        module = importlib.import_module(f"netbuilder.layers.{family}")
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Layer)
                and value.__module__ == module.__name__
                and "id" in vars(value)
            ):
                if value.id in found:
                    raise TypeError(f"two layers have the id {value.id}")
                found[value.id] = value
    return MappingProxyType(found)


_lacking: frozenset[str] = frozenset()


def lack(ids: Iterable[str]) -> None:
    """The PyTorch that runs here has none of these layers: they are not available."""
    global _lacking
    _lacking = frozenset(ids)


def available() -> Mapping[str, type[Layer]]:
    """Every layer that this thread's document can use: those here, of packages, and its own."""
    further, own_layers = plugins.layers(), own.known()
    if not (further or own_layers or _lacking):
        return layers()
    here = {id: kind for id, kind in layers().items() if id not in _lacking}
    return {**here, **further, **own_layers}


def find(id: str) -> type[Layer] | None:
    """The layer with this id, or None. Own layers are those of this thread's document."""
    return layers().get(id) or plugins.layers().get(id) or own.known().get(id)


_NOTHING: Mapping[str, Json] = MappingProxyType({})


@lru_cache(maxsize=20_000)
def _parse(kind: type[Layer], key: tuple[Any, ...]) -> Layer | tuple[Complaint, ...]:
    try:
        return kind.model_validate(_thaw(key))
    except ValidationError as error:
        return tuple(_complaint(kind, entries) for entries in _by_parameter(error))


def _key(value: Any) -> Any:
    # The type is part of the key: 1, 1.0 and True are different parameters but equal keys.
    if isinstance(value, Mapping):
        return ("{}", *((name, _key(item)) for name, item in sorted(value.items())))
    if isinstance(value, tuple | list):
        return ("()", *(_key(item) for item in value))
    return (type(value).__name__, value)


def _thaw(key: Any) -> Any:
    head, *rest = key
    if head == "{}":
        return {name: _thaw(item) for name, item in rest}
    if head == "()":
        return tuple(_thaw(item) for item in rest)
    return rest[0]


REMEMBERED = 100_000
"""Nodes whose layers are remembered at most."""
_read_before: dict[int, tuple[Node, Layer | tuple[Complaint, ...]]] = {}
"""What nodes without expressions were read as, by the identity of the node, which it keeps."""


def read(node: Node, values: Mapping[str, Json] = _NOTHING) -> Layer | tuple[Complaint, ...] | None:
    """The node's parameters as a layer; complaints if they are wrong; None if unknown.

    `values` are those of the parameters of the block that the node stands in: what
    expressions (`=2*channels`) may speak of; see `parameters_of`. Beside them `index` may say
    which repetition the values of a use are for; they are read as those of the first.
    """
    known = _read_before.get(id(node))
    if known is not None and known[0] is node:
        return known[1]
    kind = find(node.layer)
    if kind is None:
        return None
    if not expressions.holds_expression(node.params):
        found = _parse(kind, _key(node.params))
        if kind is layers().get(node.layer):
            if len(_read_before) >= REMEMBERED:
                _read_before.clear()
            _read_before[id(node)] = (node, found)
        return found
    filled, wrong = {}, []
    for name, value in node.params.items():
        try:
            filled[name] = expressions.fill(value, scope_of(node, name, values))
        except expressions.ExpressionError as error:
            hint = "Change the expression, or declare the parameter in the block's settings."
            if parameters.counts(value):
                hint = (
                    "Let the block have a parameter, and say what it is in each repetition "
                    "where a node repeats the block: repeat 6 and dilation =2**index."
                )
            complaint = Complaint(f"'{name}': {error}", hint, code="parameter.expression")
            wrong.append(complaint)
    return tuple(wrong) or _parse(kind, _key(filled))


def scope_of(node: Node, name: str, values: Mapping[str, Json]) -> Mapping[str, Json]:
    """What expressions in a node's parameter may speak of: in the values of a use that is repeated
    also the number of the repetition."""
    if name == "values" and node.layer == blocks.BLOCK and "repeat" in node.params:
        return {expressions.INDEX: 0, **values}
    if expressions.INDEX not in values:
        return values
    return {name: value for name, value in values.items() if name != expressions.INDEX}


def parameters_of(graph: Graph) -> Mapping[str, Json]:
    """The parameters that a block declares, by name, with their defaults; else nothing."""
    declared = graph.info.settings.get("parameters", ()) if graph.kind == "block" else ()
    if not isinstance(declared, tuple):
        return _NOTHING
    return {
        entry["name"]: entry.get("default")
        for entry in declared
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)
    }


def _by_parameter(error: ValidationError) -> list[list[Any]]:
    """Pydantic's complaints, a list for each parameter: a union has one for each of its types."""
    found: dict[str, list[Any]] = {}
    for entry in error.errors(include_url=False):
        found.setdefault(str(entry["loc"][0]) if entry["loc"] else "", []).append(entry)
    return list(found.values())


def _complaint(kind: type[Layer], entries: list[Any]) -> Complaint:
    entry = entries[0]
    name = str(entry["loc"][0]) if entry["loc"] else ""
    if entry["type"] == "extra_forbidden":
        known = ", ".join(kind.model_fields) or "none"
        return Complaint(
            f"{kind.title} has no parameter {_shown(name)}.",
            f"Its parameters: {known}.",
            code="parameter.unknown",
            fixes=(Fix("Remove it", "unset_parameter", {"name": name}),),
        )
    if entry["type"] == "missing":
        return _missing(kind, name)
    reasons = " or ".join(dict.fromkeys(_reason(e) for e in _telling(entries)))
    text = f"'{name}' must be {reasons}, not {_shown(entry['input'])}."
    if entry["type"] == "value_error":
        text = f"'{name}' can't be {_shown(entry['input'])}: {entry['ctx']['error']}."
    fix = Fix(f"Use the default for {name}", "unset_parameter", {"name": name})
    if name in kind.starting and kind.model_fields[name].is_required():
        value = kind.starting[name]
        fix = Fix(f"Set {name} to {_shown(value)}", "set_parameter", {"name": name, "value": value})
    return Complaint(text, "Change the value.", code="parameter.invalid", fixes=(fix,))


def _missing(kind: type[Layer], name: str) -> Complaint:
    fixes: tuple[Fix, ...] = ()
    if name in kind.starting:
        value = kind.starting[name]
        title = f"Set {name} to {_shown(value)}"
        fixes = (Fix(title, "set_parameter", {"name": name, "value": value}),)
    return Complaint(
        f"{kind.title} needs a value for '{name}'.",
        "Set it.",
        code="parameter.missing",
        fixes=fixes,
    )


def _telling(entries: list[Any]) -> list[Any]:
    """Of the complaints of a union's types, those of the types that the value is of, if any."""
    return [e for e in entries if not e["type"].endswith("_type")] or entries


_REASONS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list of numbers",
    "finite_number": "a finite number",
    "none_required": "empty",
}


def _reason(entry: Any) -> str:
    """What the value must be, to follow "must be"."""
    known = _REASONS.get(entry["type"])
    if known is not None:
        return known
    limit = entry.get("ctx", {})
    match entry["type"]:
        case "greater_than_equal":
            return f"at least {limit['ge']:g}"
        case "greater_than":
            return f"more than {limit['gt']:g}"
        case "less_than_equal":
            return f"at most {limit['le']}"
        case "literal_error":
            return str(limit["expected"])
        case "missing" | "too_long" | "too_short":
            return "a list of the right length"
    message = str(entry["msg"]).removeprefix("Input should be ")
    return message[:1].lower() + message[1:]


def _shown(value: Any) -> str:
    """A value of a file in a message: short, and safe for numbers of thousands of digits."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    try:
        text = repr(value)
    except ValueError:
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def ports_of(document: Document, graph: Graph, node: Node) -> Ports:
    """The ports that a node has now.

    A call of a network or block has the ports of its graph; a variadic port shows one more
    than is wired, two at least; a placeholder has the ports that its wires name; a node that
    shares another's weights has its ports.
    """
    fixed = _fixed_ports().get(node.layer)
    if fixed is not None:
        return fixed
    if node.layer.startswith(own.PREFIX) and own.known() is not own.layers_of(document.project):
        with own.using(document.project):
            return ports_of(document, graph, node)
    kind = find(node.layer)
    if kind is None:
        return _wired_ports(graph, node)
    node = owner_of(graph, node)
    if _has_fixed_ports(kind):
        return Ports(kind.inputs, kind.outputs)
    if kind.role in (Role.CALL, Role.BLOCK):
        return kind.around(graph_ports(called_graph(document, node)), node.params)
    layer = read(node, parameters_of(graph))
    ports = layer.ports() if isinstance(layer, Layer) else Ports(kind.inputs, kind.outputs)
    if not any(port.variadic for port in ports.inputs):
        return ports
    expanded: list[Port] = []
    for port in ports.inputs:
        expanded += _expand(graph, node, port) if port.variadic else [port]
    return replace(ports, inputs=tuple(expanded))


@cache
def _fixed_ports() -> Mapping[str, Ports]:
    """The ports of our own layers whose parameters do not change them."""
    found = layers().items()
    return {id: Ports(kind.inputs, kind.outputs) for id, kind in found if _has_fixed_ports(kind)}


def special_nodes(graph: Graph) -> Sequence[Node]:
    """The nodes by `order` without those that can be nothing but layers with ports of their own.

    Calls, inputs, outputs, reroutes and unknown ones are among them, and few others: who looks
    for such in a large graph has less to look through.
    """
    return graph.worked_out("special", _special)


def _special(graph: Graph) -> Sequence[Node]:
    fixed = _fixed_ports()
    return [node for node in graph.ordered() if node.layer not in fixed]


def _has_fixed_ports(kind: type[Layer]) -> bool:
    plain = kind.ports is Layer.ports and kind.role is Role.LAYER
    return plain and not any(port.variadic for port in kind.inputs)


def _expand(graph: Graph, node: Node, port: Port) -> list[Port]:
    wired = [-1]
    for wire in graph.wires_into(node.id):
        stem, _, number = wire.target_port.rpartition("_")
        if stem == port.name and number.isdecimal():
            wired.append(int(number))
    shown = max(2, max(wired) + 2)
    return [
        Port(f"{port.name}_{i}", port.help, optional=i > 0 and i not in wired)
        for i in range(min(shown, 1024))
    ]


def _wired_ports(graph: Graph, node: Node) -> Ports:
    inputs = sorted({wire.target_port for wire in graph.wires_into(node.id)})
    outputs = sorted({wire.source_port for wire in graph.wires_out_of(node.id)})
    return Ports(
        tuple(Port(name, optional=True) for name in inputs), tuple(Port(name) for name in outputs)
    )


def owner_of(graph: Graph, node: Node) -> Node:
    """The node whose parameters and weights count: itself, or the one that it shares."""
    owner = graph.nodes.get(node.shares) if node.shares else None
    return owner if owner is not None and owner.layer == node.layer else node


def called_graph(document: Document, node: Node) -> Graph | None:
    """The network or block that a node calls; None if it calls none that is there."""
    kind = find(node.layer)
    if kind is not None and kind.role is Role.CALL:
        return document.network(str(node.params.get("network", "")))
    if kind is not None and kind.role is Role.BLOCK:
        return document.block(str(node.params.get("block", "")))
    return None


def graph_ports(graph: Graph | None) -> Ports:
    """The ports of a call of a graph: its Input and Output nodes in their order."""
    inputs, outputs = [], []
    for node in graph.ordered() if graph is not None else ():
        kind = find(node.layer)
        if kind is None or node.mute:
            continue
        if kind.role is Role.INPUT:
            inputs.append(Port(node.name))
        elif kind.role is Role.OUTPUT:
            outputs.append(Port(node.name))
    return Ports(tuple(inputs), tuple(outputs))

"""Source code of a graph: a class that a good engineer would have written.

Every expression was unparsed from `ast` nodes (`compiler.text`); what a file contributes is
literals and checked identifiers. Comments show shapes, made of numbers and symbols alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from netbuilder.compiler.check import node_names, role_of
from netbuilder.compiler.lower import Call, Program
from netbuilder.compiler.text import ALIAS_NAMES, Snippet
from netbuilder.graph import rules
from netbuilder.graph.document import Document
from netbuilder.graph.model import Node
from netbuilder.layers.base import Role, TensorType

Types = Mapping[str, Mapping[str, TensorType]]
"""Output types by node id and port, for the comments."""


@dataclass(frozen=True, slots=True)
class Source:
    """A module's text, its class, and which node each line (from 1) came from."""

    text: str
    class_name: str
    lines: Mapping[int, str]
    inputs: tuple[str, ...]
    """Arguments of `forward`, in order."""


class _Writer:
    """Lines of source, with the node each came from, and the imports they need."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.imports = {"import torch", "from torch import nn"}

    def put(self, text: str = "", node: str = "", depth: int = 0) -> None:
        self.rows.append(("    " * depth + text if text else "", node))

    def assign(self, target: str, value: Snippet, node: str, comment: str = "") -> None:
        """A statement in the body of a method; the comment is cleaned."""
        self.imports |= value.imports
        note = f"  # {_plain(comment)}" if comment else ""
        self.put(f"{target} = {value.text}{note}", node, 2)


def class_name(document: Document, name: str, kind: str) -> str:
    """`Main` is nobody's name for a network: a lone `main` takes the project's title."""
    text = name
    if kind == "network" and name == "main":
        text = document.project.title if document.project.title != "Untitled" else name
    words = re.findall(r"[A-Za-z0-9]+", text) or [name]
    camel = "".join(word[0].upper() + word[1:] for word in words)
    if kind == "step":
        camel += "" if camel.endswith("Step") else "Step"
    name = rules.identifier(camel, "Network")
    return f"{name}Network" if name in ALIAS_NAMES else name


def emit(document: Document, program: Program, types: Types) -> Source:
    """The source of a network or a training step."""
    writer = _Writer()
    graph = program.graph
    name = class_name(document, graph.name, graph.kind)
    writer.put(f"class {name}(nn.Module):")
    _describe(writer, program, types)
    _init(writer, program)
    writer.put()
    _train(writer, program, name)
    _forward(writer, program, types)
    return _finish(writer, name, program)


def _describe(writer: _Writer, program: Program, types: Types) -> None:
    """The docstring: what goes in and what comes out, as shapes."""
    given = [f"{name} {_type(types, node)}" for node, name in program.inputs]
    if program.graph.kind == "network":
        names = node_names(program.graph)
        got = [
            f"{names[node.id]} {_source_type(program, node, types)}" for node, _ in program.results
        ]
        writer.put(_plain(f'"""{", ".join(given)} -> {", ".join(got)}."""'), "", 1)
    else:
        nets = ", ".join(program.networks.values())
        writer.put(f'"""One training step of {nets}: a batch in, its loss out."""', "", 1)
    writer.put()


def _type(types: Types, node: Node) -> str:
    known = types.get(node.id, {}).get("output")
    return str(known) if known is not None else "?"


def _source_type(program: Program, node: Node, types: Types) -> str:
    wire = program.graph.wire_into(node.id, "input")
    known = types.get(wire.source, {}).get(wire.source_port) if wire else None
    return str(known) if known is not None else "?"


def _plain(text: str) -> str:
    """One line of a comment: names of symbols come from files, so nothing else gets through."""
    return re.sub(r"[^A-Za-z0-9_ .,:+×·()/>\"?-]", "", text)


def _init(writer: _Writer, program: Program) -> None:
    arguments = "".join(f", {name}: nn.Module" for name in program.networks.values())
    writer.put(f"def __init__(self{arguments}) -> None:", "", 1)
    writer.put("super().__init__()", "", 2)
    for name in program.networks.values():
        writer.put(f"self.{name} = {name}", "", 2)
    for call in program.calls:
        if call.constructor is not None:
            writer.assign(f"self.{call.attribute}", call.constructor, call.node.id)


def _train(writer: _Writer, program: Program, name: str) -> None:
    """Networks that a step uses in eval mode stay there when the step trains."""
    calls = [call.layer for call in program.calls if call.layer.role is Role.CALL]
    still = {getattr(c, "network", "") for c in calls if getattr(c, "mode", "train") != "train"}
    quiet = [attribute for network, attribute in program.networks.items() if network in still]
    if not quiet:
        return
    writer.put(f'def train(self, mode: bool = True) -> "{name}":', "", 1)
    writer.put("super().train(mode)", "", 2)
    for network in quiet:
        writer.put(f"self.{network}.eval()", "", 2)
    writer.put("return self", "", 2)
    writer.put()


def _forward(writer: _Writer, program: Program, types: Types) -> None:
    arguments = "".join(f", {name}: torch.Tensor" for _, name in program.inputs)
    hint = "torch.Tensor"
    if program.graph.kind == "step":
        hint = "tuple[torch.Tensor, dict, dict]"
    elif len(program.results) > 1:
        hint = f"tuple[{', '.join(['torch.Tensor'] * len(program.results))}]"
    writer.put(f"def forward(self{arguments}) -> {hint}:", "", 1)
    for call in program.calls:
        _line(writer, call, types)
    writer.put(f"return {_returns(program)}", "", 2)


def _line(writer: _Writer, call: Call, types: Types) -> None:
    shown = [str(types[call.node.id][p]) for p in call.outputs if p in types.get(call.node.id, {})]
    writer.assign(call.targets, call.forward, call.node.id, ", ".join(shown))


def _returns(program: Program) -> str:
    if program.graph.kind != "step":
        return ", ".join(next(iter(given.values())) for _, given in program.results)
    loss = ""
    metrics: dict[str, str] = {}
    previews: dict[str, str] = {}
    for node, given in program.results:
        values = ", ".join(given.values())
        match role_of(node):
            case Role.OBJECTIVE:
                loss = given["loss"]
            case Role.METRIC:
                metrics[node.name] = f"({values},)" if len(given) == 1 else f"({values})"
            case Role.PREVIEW:
                previews[node.name] = values if len(given) == 1 else f"({values})"
    return f"{loss}, {_dict(metrics)}, {_dict(previews)}"


def _dict(values: Mapping[str, str]) -> str:
    """A dict display; keys are names of nodes, which `repr` makes literals whatever they are."""
    pairs = [(f'"{k}"' if k.isidentifier() else repr(k), v) for k, v in values.items()]
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"


def _finish(writer: _Writer, name: str, program: Program) -> Source:
    head = sorted(writer.imports, key=lambda line: (line.startswith("from"), " as " in line, line))
    rows = [(line, "") for line in head] + [("", ""), ("", "")] + writer.rows
    lines = {i: node for i, (_, node) in enumerate(rows, 1) if node}
    text = "\n".join(row for row, _ in rows) + "\n"
    return Source(text, name, lines, tuple(name for _, name in program.inputs))

"""Source code of a graph: a class that a good engineer would have written.

Every expression was unparsed from `ast` nodes (`compiler.text`); what a file contributes is
literals and checked identifiers. Comments show shapes, made of numbers and symbols alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netbuilder.compiler import text
from netbuilder.compiler.check import node_names, role_of
from netbuilder.compiler.classes import stored_name
from netbuilder.compiler.parts import parts
from netbuilder.compiler.program import Argument, Call, Program
from netbuilder.compiler.text import Snippet
from netbuilder.graph.model import Node
from netbuilder.layers import code
from netbuilder.layers.base import Role, TensorType

Types = Mapping[str, Mapping[str, TensorType]]
"""Output types by node id and port, for the comments."""


Place = tuple[str, str]
"""A graph's id and a node's id."""


@dataclass(frozen=True, slots=True)
class Source:
    """A module's text, its class (the last one), and where each line (from 1) came from."""

    text: str
    class_name: str
    lines: Mapping[int, Place]
    inputs: tuple[str, ...]
    """Arguments of `forward`, in order."""
    classes: tuple[str, ...] = ()
    """All classes, in their order."""


@dataclass(slots=True)
class _Writer:
    """Lines of source, with the node each came from, and the imports they need."""

    rows: list[tuple[str, Place | None]] = field(default_factory=list)
    imports: set[str] = field(default_factory=lambda: {"import torch", "from torch import nn"})
    parts: set[str] = field(default_factory=set)
    graph: str = ""

    def put(self, text: str = "", node: str = "", depth: int = 0) -> None:
        self.rows.append(
            ("    " * depth + text if text else "", (self.graph, node) if node else None)
        )

    def assign(
        self, target: str, value: Snippet, node: str, comment: str = "", depth: int = 2
    ) -> None:
        """A statement in the body of a method; the comment is cleaned."""
        self.imports |= value.imports
        self.parts |= value.parts
        note = f"  # {_plain(comment)}" if comment else ""
        self.put(f"{target} = {value.text}{note}", node, depth)


def emit(programs: Sequence[Program]) -> Source:
    """The source of a network, a block or a training step: the last of the programs.

    The others are the blocks in it, each after those that it contains.
    """
    writer = _Writer()
    for number, program in enumerate(programs):
        if number:
            writer.put()
            writer.put()
        _class(writer, program)
    return _finish(writer, programs)


def _class(writer: _Writer, program: Program) -> None:
    writer.graph = program.graph.id
    writer.put(f"class {program.class_name}(nn.Module):")
    _describe(writer, program, program.types)
    _init(writer, program)
    writer.put()
    _train(writer, program, program.class_name)
    _forward(writer, program, program.types)


def _describe(writer: _Writer, program: Program, types: Types) -> None:
    """The docstring: what goes in and what comes out, as shapes."""
    given = [f"{name}{_type(types, node)}" for node, name in program.inputs]
    if program.graph.kind != "step":
        names = node_names(program.graph)
        got = [
            f"{names[node.id]}{_source_type(program, node, types)}" for node, _ in program.results
        ]
        writer.put(_plain(f'"""{", ".join(given)} -> {", ".join(got)}."""'), "", 1)
    else:
        nets = ", ".join(program.networks.values())
        writer.put(f'"""One training step of {nets}: a batch in, its loss out."""', "", 1)
    writer.put()


def _type(types: Types, node: Node) -> str:
    known = types.get(node.id, {}).get("output")
    return f" {known}" if known is not None else ""


def _source_type(program: Program, node: Node, types: Types) -> str:
    wire = program.graph.wire_into(node.id, "input")
    known = types.get(wire.source, {}).get(wire.source_port) if wire else None
    return f" {known}" if known is not None else ""


def _plain(text: str) -> str:
    """One line of a comment: names of symbols come from files, so nothing else gets through."""
    return re.sub(r"[^A-Za-z0-9_ .,:+×·()/>\"?-]", "", text)


def _init(writer: _Writer, program: Program) -> None:
    arguments = "".join(f", {name}: nn.Module" for name in program.networks.values())
    arguments += "".join(f", {_argument(argument)}" for argument in program.arguments)
    writer.put(f"def __init__(self{arguments}) -> None:", "", 1)
    writer.put("super().__init__()", "", 2)
    for name in program.networks.values():
        writer.put(f"self.{name} = {name}", "", 2)
    for name in program.stored:
        attribute = stored_name(name, node_names(program.graph))
        writer.put(f"self.{attribute} = {name}", "", 2)
    for call in program.calls:
        if call.constructor is not None:
            writer.assign(f"self.{call.attribute}", call.constructor, call.node.id)


def _argument(argument: Argument) -> str:
    """`channels: int = 64`."""
    kind = type(argument.value).__name__ if argument.value is not None else "object"
    text_ = f"{argument.name}: {kind}"
    if argument.default:
        text_ += f" = {text.snippet(code.const(argument.value)).text}"
    return text_


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
    comment = ", ".join(shown)
    if not call.loop:
        writer.assign(call.targets, call.forward, call.node.id, comment)
        return
    if call.loop != call.targets:
        writer.put(f"{call.targets} = {call.loop}", call.node.id, 2)
    writer.put(f"for module in self.{call.attribute}:", call.node.id, 2)
    writer.assign(call.targets, call.forward, call.node.id, comment, 3)


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


def _finish(writer: _Writer, programs: Sequence[Program]) -> Source:
    definitions = parts(writer.parts)
    writer.imports |= {line for part in definitions for line in part.imports}
    head = sorted(writer.imports, key=lambda line: (line.startswith("from"), " as " in line, line))
    empty: list[tuple[str, Place | None]] = [("", None), ("", None)]
    rows: list[tuple[str, Place | None]] = [*((line, None) for line in head), *empty]
    for part in definitions:
        rows += [*((line, None) for line in part.text.splitlines()), *empty]
    rows += writer.rows
    lines = {i: place for i, (_, place) in enumerate(rows, 1) if place is not None}
    written = "\n".join(row for row, _ in rows) + "\n"
    last = programs[-1]
    inputs = tuple(name for _, name in last.inputs)
    return Source(written, last.class_name, lines, inputs, tuple(p.class_name for p in programs))

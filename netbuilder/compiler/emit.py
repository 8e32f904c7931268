"""Source code of a graph: a class that a good engineer would have written.

Every expression was unparsed from `ast` nodes (`compiler.text`) and is laid out as ruff
would (`compiler.printer`); what a file contributes is literals and checked identifiers.
Comments show shapes, made of numbers and symbols alone.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netbuilder.compiler import printer, text
from netbuilder.compiler.classes import stored_name
from netbuilder.compiler.libraries import ROOTS
from netbuilder.compiler.parts import parts
from netbuilder.compiler.program import Argument, Call, Line, Program
from netbuilder.compiler.roles import node_names, role_of
from netbuilder.compiler.text import Snippet
from netbuilder.graph.model import Node
from netbuilder.layers import code
from netbuilder.layers.base import Role, TensorType

Types = Mapping[str, Mapping[str, TensorType]]
"""Output types by node id and port, for the comments."""


PREVIEWS = "previews"
"""The argument of a step's `forward` that asks for what previews alone need."""

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
    modules: Mapping[tuple[str, str], Place] = field(default_factory=dict)
    """The node behind each attribute of each class that holds a module."""


@dataclass(slots=True)
class _Writer:
    """Lines of source, with the node each came from, and the imports they need."""

    rows: list[tuple[str, Place | None]] = field(default_factory=list)
    imports: set[str] = field(default_factory=lambda: {"from torch import nn"})
    parts: set[str] = field(default_factory=set)
    modules: dict[tuple[str, str], Place] = field(default_factory=dict)
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
        self.lines(printer.assignment(target, value.text, depth), node, depth, comment)

    def returns(self, value: Snippet, node: str, comment: str) -> None:
        """`return` with the call that makes the result."""
        self.imports |= value.imports
        self.parts |= value.parts
        self.lines(printer.returned(value.text, 2), node, 2, comment)

    def lines(
        self, lines: Sequence[str], node: str = "", depth: int = 2, comment: str = ""
    ) -> None:
        """A statement on one line or several, with a comment behind it, or above if it is long."""
        *first, last = lines
        note = f"  # {_plain(comment)}" if comment else ""
        if note and 4 * depth + len(last) + len(note) > printer.WIDTH:
            self.put(note.strip(), node, depth)
            note = ""
        for line in (*first, last + note):
            self.put(line, node, depth)


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
    chain = is_chain(program)
    writer.put(f"class {program.class_name}(nn.{'Sequential' if chain else 'Module'}):")
    _describe(writer, program, program.types)
    _init(writer, program, chain)
    if chain:
        return
    writer.put()
    _forward(writer, program, program.types)


def is_chain(program: Program) -> bool:
    """Whether the program only passes its input from one module of its own to the next.

    That is an nn.Sequential, whose argument is called `input`: a network keeps the name that
    its Input has.
    """
    network = program.graph.kind == "network"
    if program.graph.kind == "step" or len(program.inputs) != 1 or len(program.results) != 1:
        return False
    _, value = program.inputs[0]
    if len(program.calls) < 2 or program.stored or (network and value != "input"):
        return False
    if any(given.held for given in program.given):
        return False
    for call in program.calls:
        plain = call.forward.text == f"self.{call.attribute}({value})"
        if call.constructor is None or call.lines or not plain:
            return False
        value = call.targets
    return [value] == [*program.results[0][1].values()]


def _describe(writer: _Writer, program: Program, types: Types) -> None:
    """The docstring: what goes in and what comes out, as shapes."""
    given = [f"{name}{_type(types, node)}" for node, name in program.inputs]
    if program.graph.kind != "step":
        names = node_names(program.graph)
        got = [
            f"{names[node.id]}{_source_type(program, node, types)}" for node, _ in program.results
        ]
        said = _plain(f"{', '.join(given)} -> {', '.join(got)}.")
    else:
        nets = ", ".join(program.networks.values())
        said = f"One training step of {nets}: a batch in, its loss out."
    # A row ends where a word does, and no row is longer than a line of code.
    first, *more = textwrap.wrap(said, printer.WIDTH - 10, break_long_words=False) or [""]
    for row in (f'"""{first}', *more) if more else ():
        writer.put(row, "", 1)
    writer.put('"""' if more else f'"""{first}"""', "", 1)
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


def _init(writer: _Writer, program: Program, chain: bool) -> None:
    arguments = ["self"]
    for given in program.given:
        kind = "nn.Module | None = None" if given.default else "nn.Module"
        arguments.append(f"{given.name}: {kind}")
    arguments += map(_argument, program.arguments)
    writer.lines(printer.signature("def __init__", arguments, " -> None:", 1), depth=1)
    writer.put("super().__init__()", "", 2)
    for given in program.given:
        if given.default is not None:
            writer.put(f"if {given.name} is None:", "", 2)
            writer.assign(given.name, given.default, "", depth=3)
        if given.held:
            writer.put(f"self.{given.name} = {given.name}", "", 2)
    for name in program.stored:
        attribute = stored_name(name, node_names(program.graph))
        writer.put(f"self.{attribute} = {name}", "", 2)
    for call in program.calls:
        if call.constructor is not None:
            comment = _shapes(call, program.types) if chain else ""
            writer.assign(f"self.{call.attribute}", call.constructor, call.node.id, comment)
            place = (program.graph.id, call.node.id)
            writer.modules[program.class_name, call.attribute] = place


def _argument(argument: Argument) -> str:
    """`channels: int = 64`."""
    kind = type(argument.value).__name__ if argument.value is not None else "object"
    text_ = f"{argument.name}: {kind}"
    if argument.default:
        text_ += f" = {text.snippet(code.const(argument.value)).text}"
    return text_


def _forward(writer: _Writer, program: Program, types: Types) -> None:
    writer.imports.add("import torch")
    arguments = ["self", *(f"{name}: torch.Tensor" for _, name in program.inputs)]
    hint = "torch.Tensor"
    if program.graph.kind == "step":
        hint = "tuple[torch.Tensor, dict, dict]"
    elif 1 < len(program.results) < 4:
        hint = f"tuple[{', '.join(['torch.Tensor'] * len(program.results))}]"
    elif program.results[3:]:
        hint = "tuple[torch.Tensor, ...]"
    if program.always >= 0:
        arguments += ["*", f"{PREVIEWS}: bool = False"]
    writer.lines(printer.signature("def forward", arguments, f" -> {hint}:", 1), depth=1)
    result = _returns(program)
    last = program.calls[-1] if program.calls else None
    if last is None or last.lines or program.graph.kind == "step" or last.targets != result:
        last = None
    for at, call in enumerate(program.calls[: -1 if last else None]):
        if at == program.always:
            writer.put(f"if not {PREVIEWS}:", "", 2)
            writer.lines(printer.returned(_returns(program, shown=False), 3), depth=3)
        _line(writer, call, types)
    if last is None:
        writer.lines(printer.returned(result, 2))
    else:
        writer.returns(last.forward, last.node.id, _shapes(last, types))


def _shapes(call: Call, types: Types) -> str:
    known = types.get(call.node.id, {})
    return ", ".join(str(known[port]) for port in call.outputs if port in known)


def _line(writer: _Writer, call: Call, types: Types) -> None:
    comment = _shapes(call, types)
    for line in call.before:
        _statement(writer, line, call.node.id, types)
    writer.assign(call.targets, call.forward, call.node.id, comment, 2 + call.depth)
    for line in call.after:
        _statement(writer, line, call.node.id, types)


def _statement(writer: _Writer, line: Line, node: str, types: Types) -> None:
    depth = 2 + line.depth
    if line.target:
        known = types.get(node, {}).get(line.port)
        comment = str(known) if known is not None else ""
        writer.assign(line.target, line.value, node, comment, depth)
        return
    writer.imports |= line.value.imports
    writer.parts |= line.value.parts
    writer.lines(printer.framed(line.head, line.value.text, line.tail, depth), node, depth)


def _returns(program: Program, *, shown: bool = True) -> str:
    """What `forward` returns; a step without its previews unless they are `shown`."""
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
            case Role.PREVIEW if shown:
                previews[node.name] = values if len(given) == 1 else f"({values})"
    return f"{loss}, {_dict(metrics)}, {_dict(previews)}"


def _dict(values: Mapping[str, str]) -> str:
    """A dict display; keys are names of nodes, which `repr` makes literals whatever they are."""
    pairs = [(f'"{k}"' if k.isidentifier() else repr(k), v) for k, v in values.items()]
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"


def _finish(writer: _Writer, programs: Sequence[Program]) -> Source:
    definitions = parts(writer.parts)
    writer.imports |= {line for part in definitions for line in part.imports}
    empty: list[tuple[str, Place | None]] = [("", None), ("", None)]
    rows: list[tuple[str, Place | None]] = [(line, None) for line in _imports(writer.imports)]
    # isort wants two empty lines before a class or function, one before anything else.
    first = definitions[0].text if definitions else "class"
    rows += empty if first.startswith(("class", "def", "@")) else empty[:1]
    for part in definitions:
        rows += [*((line, None) for line in part.text.splitlines()), *empty]
    rows += writer.rows
    lines = {i: place for i, (_, place) in enumerate(rows, 1) if place is not None}
    written = "\n".join(row for row, _ in rows) + "\n"
    last = programs[-1]
    inputs = tuple(name for _, name in last.inputs)
    classes = tuple(p.class_name for p in programs)
    return Source(written, last.class_name, lines, inputs, classes, writer.modules)


def _imports(statements: Iterable[str]) -> list[str]:
    """Import statements in isort's order: the standard library first, `from` last."""
    plain = sorted({line for line in statements if line.startswith("import ")}, key=_import_order)
    names: dict[str, set[str]] = {}
    for line in set(statements) - set(plain):
        _, module, _, imported = line.split(" ", 3)
        names.setdefault(module, set()).update(imported.split(", "))
    froms = [f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)]
    groups: tuple[list[str], list[str], list[str]] = ([], [], [])
    for line in (*plain, *froms):
        groups[_group(line.split()[1].partition(".")[0], line)].append(line)
    found: list[str] = []
    for group in filter(None, groups):
        found += [*([""] if found else []), *group]
    return found


def _group(root: str, line: str) -> int:
    """The standard library, other libraries, a person's own files."""
    if root in sys.stdlib_module_names:
        return 0
    return 1 if root in ROOTS or line.startswith("import ") else 2


def _import_order(line: str) -> str:
    return line.split()[1].lower()

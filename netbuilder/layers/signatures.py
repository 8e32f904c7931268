"""What a person's Python file offers, told from its text alone. Nothing of it is run.

The classes are found in the syntax tree: ports come from the signature of `forward`,
parameters from that of `__init__`. The result is plain JSON, as it stands in the project; see
`layers.own`.
"""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netbuilder.errors import DocumentError
from netbuilder.graph.model import Json
from netbuilder.layers.annotations import Names, literal, types_of

MAX_BYTES = 1_000_000
MAX_CLASSES = 200
MAX_NAMES = 100
"""Parameters, and ports, that one class may have."""
MAX_HELP = 4_000

_MODULE_HOMES = ("torch.nn.", "torch_geometric.nn.")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file offers: declarations of its layers by class name, why other classes are none.

    `imports` are the modules that it names in import statements, wherever they stand.
    """

    classes: Mapping[str, Json]
    refused: Mapping[str, str]
    imports: tuple[str, ...]


class _No(ValueError):
    """Why a class can't be a layer, in words that follow its name."""


def read(source: bytes) -> Reading:
    """The layers in a Python file; `DocumentError` if it is none that Python could read."""
    text = decode(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _File(ast.parse(text)).reading()
    except SyntaxError as error:
        where = f"line {error.lineno}" if error.lineno else "an unknown line"
        raise DocumentError(f"Python can't read it: {error.msg} ({where}).") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise DocumentError("Python can't read it: it is nested too deeply.") from error


def decode(source: bytes) -> str:
    """The text of a Python file, which must be UTF-8: what is shown is what would run."""
    if len(source) > MAX_BYTES:
        raise DocumentError(f"It is larger than {MAX_BYTES // 1_000_000} MB, the most allowed.")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        if encoding not in ("utf-8", "utf-8-sig"):
            raise DocumentError(f"It is written in {encoding}.", "Save it as UTF-8.")
        text = source.decode("utf-8-sig")
    except (SyntaxError, UnicodeDecodeError) as error:
        raise DocumentError("It is no text in UTF-8.", "Save it as UTF-8.") from error
    if "\0" in text:
        raise DocumentError("It holds null characters: it is no Python file.")
    return text


class _File:
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.names = Names(tree)
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def reading(self) -> Reading:
        found: dict[str, Json] = {}
        refused: dict[str, str] = {}
        for name, node in self.classes.items():
            if name.startswith("_") or not self.is_module(node):
                continue
            try:
                if len(found) >= MAX_CLASSES:
                    raise _No(f"is beyond the {MAX_CLASSES} classes that a file may have")
                found[name] = self.declare(node)
            except _No as reason:
                refused[name] = str(reason)
        return Reading(found, refused, tuple(sorted(_modules(self.tree))))

    def is_module(self, node: ast.ClassDef) -> bool:
        """Whether a class is a `torch.nn.Module`, as far as this file tells."""
        return any(self._foreign(kind) for kind in self._line(node))

    def _foreign(self, node: ast.ClassDef) -> bool:
        names = (self.names.full(base) for base in node.bases)
        return any(name.startswith(_MODULE_HOMES) for name in names)

    def _line(self, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
        """The class and the classes of this file that it derives from, the nearest first."""
        seen: set[str] = set()
        waiting = [node]
        while waiting:
            kind = waiting.pop(0)
            if kind.name in seen:
                continue
            seen.add(kind.name)
            yield kind
            names = [base.id for base in kind.bases if isinstance(base, ast.Name)]
            waiting += [self.classes[name] for name in names if name in self.classes]

    def _method(self, node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
        for kind in self._line(node):
            for item in reversed(kind.body):
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    return item
        return None

    def declare(self, node: ast.ClassDef) -> Json:
        """The declaration of one class; `_No` if it can't be a layer."""
        _legal(node.name)
        forward = self._method(node, "forward")
        if forward is None:
            raise _No("has no forward in this file")
        init = self._method(node, "__init__")
        direct = ("torch.nn.Module", "torch_geometric.nn.MessagePassing")
        bases = {self.names.full(base) for kind in self._line(node) for base in kind.bases}
        if init is None and any(b.startswith(_MODULE_HOMES) and b not in direct for b in bases):
            raise _No("has no __init__ in this file, so its parameters are not known")
        inputs = tuple(self._ports(forward))
        if not inputs:
            raise _No("has a forward without tensors")
        outputs = tuple(self._outputs(forward))
        if outputs == ("output_0",):
            raise _No("returns a tuple of one: return the tensor itself")
        parameters = tuple(self._parameters(init)) if init is not None else ()
        if max(len(inputs), len(parameters)) > MAX_NAMES:
            raise _No(f"has more than {MAX_NAMES} ports or parameters")
        return {
            "help": (ast.get_docstring(node) or "")[:MAX_HELP],
            "parameters": parameters,
            "inputs": inputs,
            "outputs": outputs,
        }

    # -- forward ---------------------------------------------------------------------------

    def _ports(self, forward: ast.FunctionDef) -> Iterator[Json]:
        given = forward.args
        plain = [*given.posonlyargs, *given.args][1:]
        optional = len(plain) - min(len(given.defaults), len(plain))
        for at, argument in enumerate(plain):
            yield from self._port(argument, at >= optional)
        if given.vararg is not None:
            _legal(given.vararg.arg)
            yield {"name": given.vararg.arg, "variadic": True, "star": True}
        for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            for port in self._port(argument, default is not None):
                yield {**port, "named": True}

    def _port(self, argument: ast.arg, optional: bool) -> Iterator[dict[str, Json]]:
        """The port of an argument; none for one that is no tensor and may be left out."""
        what = self.names.words(argument.annotation)
        tensors = not what or any(word.rpartition(".")[2].endswith("Tensor") for word in what)
        if not tensors:
            if not optional:
                raise _No(f"has a forward that needs '{argument.arg}', which is no tensor")
            return
        _legal(argument.arg)
        port: dict[str, Json] = {"name": argument.arg}
        if what[:1] and what[0].rpartition(".")[2].lower() in ("list", "tuple", "sequence"):
            port["variadic"] = True
        elif optional or "None" in what or "typing.Optional" in what:
            port["optional"] = optional
        yield port

    def _outputs(self, forward: ast.FunctionDef) -> Iterator[str]:
        """`output`, or `output_0`, `output_1`, ... where forward returns a tuple."""
        count = self._returned(forward)
        if count is None:
            yield "output"
        else:
            yield from (f"output_{number}" for number in range(count))

    def _returned(self, forward: ast.FunctionDef) -> int | None:
        told = forward.returns
        if isinstance(told, ast.Subscript) and self.names.words(told.value)[:1] in (
            ["tuple"],
            ["typing.Tuple"],
        ):
            parts = told.slice.elts if isinstance(told.slice, ast.Tuple) else [told.slice]
            if not any(isinstance(p, ast.Constant) and p.value is Ellipsis for p in parts):
                return len(parts)
        lengths = {
            len(node.value.elts) if isinstance(node.value, ast.Tuple) else 0
            for node in _own_statements(forward)
            if isinstance(node, ast.Return)
        }
        length = lengths.pop() if len(lengths) == 1 else 0
        return length if 0 < length <= MAX_NAMES else None

    # -- __init__ --------------------------------------------------------------------------

    def _parameters(self, init: ast.FunctionDef) -> Iterator[Json]:
        given = init.args
        plain = [*given.posonlyargs, *given.args][1:]
        defaults: list[ast.expr | None] = [None] * (len(plain) - len(given.defaults))
        pairs = list(zip(plain, [*defaults, *given.defaults], strict=False))
        named = list(zip(given.kwonlyargs, given.kw_defaults, strict=True))
        for argument, default in pairs + named:
            found = self._parameter(argument, default)
            if found is not None:
                if argument in given.kwonlyargs:
                    found["named"] = True
                yield found

    def _parameter(self, argument: ast.arg, default: ast.expr | None) -> dict[str, Json] | None:
        """A parameter; None for one that a form can't set and that may be left out."""
        known, value = literal(default)
        types, choices = self.names.types(argument.annotation)
        if not types and not choices and known and argument.annotation is None:
            types = types_of(value)
        if argument.annotation is None and default is None:
            types = ["int", "float", "bool", "str", "floats"]
        usable = bool(types or choices) and is_legal(argument.arg)
        if not usable:
            if default is not None:
                return None
            raise _No(
                f"needs '{argument.arg}', which is no number, text, truth value or tuple of these"
            )
        found: dict[str, Json] = {"name": argument.arg, "types": tuple(types)}
        if choices:
            found["choices"] = tuple(choices)
        if default is not None:
            found["optional"] = True
            if known and value is not None:
                found["default"] = value
        return found


# -- helpers -----------------------------------------------------------------------------------


def _modules(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def _own_statements(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def is_legal(name: Any) -> bool:
    """Whether a name of a file may stand in a project and in code."""
    return (
        isinstance(name, str)
        and name.isascii()
        and name.isidentifier()
        and len(name) <= 64
        and not keyword.iskeyword(name)
        and not name.startswith("_")
    )


def _legal(name: str) -> None:
    if not is_legal(name):
        raise _No(f"has the name '{name[:64]}' in its signature, which a layer can't have")

"""A person's own layers: classes of Python files beside the project, as the project declares them.

The project keeps for each file its path, its SHA-256 and what its classes take and give
(`ProjectInfo.code`); that is enough to draw, to edit and to save. Nothing here opens a file or
runs one: that takes trust, see `layers.trusted` and `compiler.own_code`.

Which own layers there are depends on the document. `find` of the catalogue looks at those of the
document that this thread works on: `using` and `use` say which.
"""

from __future__ import annotations

import ast
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import Field, TypeAdapter, ValidationError, create_model

from netbuilder.errors import Problem
from netbuilder.graph.model import Json, ProjectInfo
from netbuilder.layers import code, signatures
from netbuilder.layers.base import Family, Index, Layer, Port, Real, start_with

PREFIX = "own."
TARGET = "netbuilder.own."
"""What an own class is called in expressions before the emitter imports it from its file."""
MAX_FILES = 100
RESERVED = frozenset({"F", "nn", "pyg_nn", "torch", "torchmetrics", "math", "netbuilder"})
_LIBRARIES = RESERVED | {"torch_geometric", "numpy", "onnx", "own", "project", "model"}
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class OwnLayer(Layer):
    """Base of the layers that are made from declarations."""

    family = Family.OWN
    file: ClassVar[str] = ""
    """The Python file, relative to the project's folder, with `/` between folders."""
    sha256: ClassVar[str] = ""
    """That of the bytes of the file that the declaration was read from."""
    class_name: ClassVar[str] = ""
    starred: ClassVar[frozenset[str]] = frozenset()
    """Ports that stand for `*args`."""
    named: ClassVar[frozenset[str]] = frozenset()
    """Ports that are passed by name."""

    def is_module(self) -> bool:
        return True

    def constructor(self) -> ast.expr:
        values = self.arguments()
        first = [code.const(values.pop(name)) for name in self.positional]
        keywords = {name: code.const(value) for name, value in values.items()}
        return code.call(TARGET + self.id.removeprefix(PREFIX), *first, **keywords)

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        assert module is not None
        by_name = {p.name for p in self.inputs if p.optional} | self.named
        plain: list[ast.expr] = []
        for name, value in inputs.items():
            if name in self.starred and isinstance(value, ast.Tuple):
                plain += value.elts
            elif name not in by_name:
                plain.append(value)
        named = {name: value for name, value in inputs.items() if name in by_name}
        return code.call(module, *plain, **named)

    def subtitle(self) -> str:
        return ", ".join(str(getattr(self, name)) for name in self.positional)[:60]


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One declared file: its path, its hash, and its layers by class name."""

    path: str
    sha256: str
    layers: Mapping[str, type[OwnLayer]]


class _Bad(ValueError):
    """Why a declaration can't be used."""


# -- paths and ids -----------------------------------------------------------------------------


def path_fault(path: str) -> str:
    """Why a path can't be that of a code file, in words that follow it; empty if it can."""
    parts = path.removesuffix(".py").split("/")
    if not path.endswith(".py"):
        return "is no Python file (.py)"
    if len(path) > 256 or not all(signatures.is_legal(part) for part in parts):
        return (
            "can't be imported by its name: use letters, digits and underscores, and a folder "
            "inside the project's"
        )
    if parts[0] in _LIBRARIES or parts[0] in sys.stdlib_module_names:
        return f"would hide the library '{parts[0]}': give it another name"
    return ""


def module_name(path: str) -> str:
    """`layers/gates.py` as Python imports it: `layers.gates`."""
    return path.removesuffix(".py").replace("/", ".")


def layer_id(path: str, class_name: str) -> str:
    """The id of the layer that a class of a file is; it stays when the file's content changes."""
    return f"{PREFIX}{module_name(path)}.{class_name}"


def entry(sha256: str, reading: signatures.Reading) -> Json:
    """What a project keeps of a file."""
    return {"sha256": sha256, "classes": dict(reading.classes)}


# -- declarations ------------------------------------------------------------------------------


def files(project: ProjectInfo) -> Mapping[str, CodeFile]:
    """The declared files by path; declarations that can't be understood are left out."""
    return _read(project)[0]


def problems(project: ProjectInfo) -> Iterator[Problem]:
    """What is wrong with the declarations."""
    for message in _read(project)[1]:
        hint = "Add the file again: Add layers from a Python file…"
        yield Problem("warning", "code.declaration", message, hint)


_Seen = tuple[Mapping[str, Json], Mapping[str, CodeFile], tuple[str, ...], Mapping[str, Any]]
_seen: dict[int, _Seen] = {}
"""What was read of the declarations of late, by the identity of the value."""
_remembering = threading.Lock()
_NONE: Mapping[str, type[OwnLayer]] = MappingProxyType({})
_NOTHING: _Seen = ({}, {}, (), _NONE)


def _read(project: ProjectInfo) -> tuple[Mapping[str, CodeFile], tuple[str, ...]]:
    known = _look(project.code)
    return known[1], known[2]


def _look(declared: Mapping[str, Json]) -> _Seen:
    if not declared:
        return _NOTHING
    known = _seen.get(id(declared))
    if known is None or known[0] is not declared:
        found, faults = _all_files(declared)
        types = {kind.id: kind for file in found.values() for kind in file.layers.values()}
        known = (declared, found, tuple(faults), MappingProxyType(types))
        with _remembering:
            while len(_seen) >= 16:
                del _seen[next(iter(_seen))]
            _seen[id(declared)] = known
    return known


def _all_files(declared: Mapping[str, Json]) -> tuple[dict[str, CodeFile], list[str]]:
    found: dict[str, CodeFile] = {}
    faults: list[str] = []
    taken: dict[str, str] = {}
    for path, value in list(declared.items())[:MAX_FILES]:
        try:
            found[path] = _file(path, value, faults)
        except _Bad as error:
            faults.append(f"What the project says of the code file {path[:80]!r}: it {error}.")
            continue
        for name in found[path].layers:
            if taken.setdefault(name, path) != path:
                faults.append(
                    f"{taken[name]} and {path} both have a class '{name}'; use one of them only."
                )
    return found, faults


def _file(path: str, value: Json, faults: list[str]) -> CodeFile:
    fault = path_fault(path)
    if fault:
        raise _Bad(fault)
    if not isinstance(value, Mapping):
        raise _Bad("is no object")
    sha256, classes = value.get("sha256"), value.get("classes", {})
    if not isinstance(sha256, str) or not _SHA256.match(sha256):
        raise _Bad("has no SHA-256")
    if not isinstance(classes, Mapping):
        raise _Bad("has no classes")
    layers: dict[str, type[OwnLayer]] = {}
    for name, declaration in list(classes.items())[: signatures.MAX_CLASSES]:
        try:
            layers[name] = _layer(path, sha256, name, declaration)
        except (_Bad, KeyError, TypeError, AttributeError, ValueError) as error:
            why = str(error) if isinstance(error, _Bad) else "can't be understood"
            faults.append(f"The declaration of the class {name[:80]!r} of {path} {why}.")
    return CodeFile(path, sha256, MappingProxyType(layers))


_made: dict[str, type[OwnLayer]] = {}
"""Classes by what they were made of: equal declarations are one class, also to caches."""


def _layer(path: str, sha256: str, name: str, declared: Json) -> type[OwnLayer]:
    key = repr((path, sha256, name, declared))
    known = _made.get(key)
    if known is not None:
        return known
    if not signatures.is_legal(name) or name in RESERVED:
        raise _Bad("has a name that code can't have")
    fields, positional = _fields(declared["parameters"])
    kind = create_model(name, __base__=OwnLayer, __doc__=_help(declared, path), **fields)
    kind.id = layer_id(path, name)
    kind.title = name
    kind.file, kind.sha256, kind.class_name = path, sha256, name
    kind.keywords = f"own {path} {module_name(path)}"
    kind.positional = tuple(positional)
    kind.inputs = tuple(_port(port) for port in declared["inputs"])
    kind.starred = frozenset(p["name"] for p in declared["inputs"] if p.get("star") is True)
    kind.named = frozenset(p["name"] for p in declared["inputs"] if p.get("named") is True)
    outputs = [_name(output) for output in declared["outputs"]]
    if not kind.inputs or not outputs or len(set(outputs)) < len(outputs):
        raise _Bad("has no ports")
    if len({port.name for port in kind.inputs}) < len(kind.inputs):
        raise _Bad("names a port twice")
    kind.outputs = tuple(map(Port, outputs))
    # A tuple of one is a tuple: "output_0" tells it from a tensor.
    kind.returns = outputs[0] if outputs == ["output"] else tuple(outputs)
    kind.starting = start_with(**{n: _guess(p) for n, p in _required(declared["parameters"])})
    if len(_made) > 2_000:
        _made.clear()
    return _made.setdefault(key, kind)


def _help(declared: Mapping[str, Json], path: str) -> str:
    text = declared.get("help", "")
    if not isinstance(text, str) or not text.strip():
        return f"A layer of {path}."
    return text[: signatures.MAX_HELP]


def _name(value: Json) -> str:
    if not signatures.is_legal(value):
        raise _Bad("has a name that code can't have")
    return str(value)


def _port(declared: Mapping[str, Json]) -> Port:
    return Port(
        _name(declared["name"]),
        optional=declared.get("optional") is True,
        variadic=declared.get("variadic") is True,
    )


def _required(parameters: tuple[Mapping[str, Json], ...]) -> Iterator[tuple[str, Any]]:
    for parameter in parameters:
        if parameter.get("optional") is not True:
            yield parameter["name"], parameter


def _fields(parameters: tuple[Any, ...]) -> tuple[dict[str, Any], list[str]]:
    """Pydantic's fields, and the names that are passed by position."""
    fields: dict[str, Any] = {}
    positional: list[str] = []
    if len(parameters) > signatures.MAX_NAMES:
        raise _Bad("has too many parameters")
    for parameter in parameters:
        name = _name(parameter["name"])
        if hasattr(Layer, name) or name in OwnLayer.__annotations__ or name.startswith("model_"):
            raise _Bad(f"has a parameter '{name}', a word that netbuilder uses itself: rename it")
        if name in fields:
            raise _Bad("names a parameter twice")
        annotation = _annotation(parameter)
        if parameter.get("optional") is not True:
            fields[name] = (annotation, ...)
            if parameter.get("named") is not True and len(positional) == len(fields) - 1:
                positional.append(name)
        else:
            default = parameter.get("default")
            if not _fits(annotation, default):
                annotation, default = annotation | None, None
            fields[name] = (annotation, default)
    return fields, positional


def _fits(annotation: Any, value: Json) -> bool:
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


Truth = bool
Words = Annotated[str, Field(max_length=1000)]
_TYPES: Mapping[str, Any] = {"int": Index, "float": Real, "bool": Truth, "str": Words, "none": None}


def _annotation(parameter: Mapping[str, Json]) -> Any:
    """`["int", "ints:2"]` as a type for pydantic."""
    kinds: list[Any] = []
    choices = parameter.get("choices", ())
    if choices:
        kinds.append(Literal[tuple(str(choice) for choice in choices)])
    for word in parameter.get("types", ()):
        head, _, length = word.partition(":")
        if word in _TYPES:
            kinds.append(_TYPES[word])
        elif head.endswith("s") and _TYPES.get(head[:-1]) is not None:
            kinds.append(_tuple(_TYPES[head[:-1]], length))
        else:
            raise _Bad("has a parameter of an unknown type")
    if not kinds:
        raise _Bad("has a parameter without a type")
    return Union[tuple(kinds)]  # noqa: UP007


def _tuple(item: Any, length: str) -> Any:
    count = int(length or 0)
    if not 0 <= count <= 64:
        raise _Bad("has a tuple that is too long")
    kind: Any = tuple
    return kind[(item,) * count] if length else kind[item, ...]


_GUESSES: Mapping[str, Json] = {"int": 16, "float": 1.0, "bool": False, "str": "", "none": None}


def _guess(parameter: Mapping[str, Json]) -> Json:
    """What a new node gets for a required parameter: a value of the right type."""
    if parameter.get("choices"):
        return parameter["choices"][0]
    head, _, length = str(parameter["types"][0]).partition(":")
    if head in _GUESSES:
        return _GUESSES[head]
    return (1 if head == "ints" else _GUESSES[head[:-1]],) * (int(length) if length else 1)


# -- which document ----------------------------------------------------------------------------

_known: ContextVar[Mapping[str, type[OwnLayer]]] = ContextVar("own_layers", default=_NONE)


def known() -> Mapping[str, type[OwnLayer]]:
    """The own layers by id of the document that this thread works on."""
    return _known.get()


def layers_of(project: ProjectInfo) -> Mapping[str, type[OwnLayer]]:
    """The own layers that a project declares, by id."""
    return _look(project.code)[3] if project.code else _NONE


def use(project: ProjectInfo) -> None:
    """From now on this thread works on this project."""
    _known.set(layers_of(project))


@contextmanager
def using(project: ProjectInfo) -> Iterator[None]:
    """Within the block this thread works on this project."""
    token = _known.set(layers_of(project))
    try:
        yield
    finally:
        _known.reset(token)

"""The source of `netbuilder.parts`: classes that go into the code of the networks that use them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Part:
    """A definition as text, its names, and what it needs: imports, definitions of its file."""

    names: tuple[str, ...]
    text: str
    imports: frozenset[str]
    needs: tuple[str, ...]


def parts(wanted: Iterable[str]) -> list[Part]:
    """The definitions behind names such as `routing.SqueezeExcite`, each after what it needs."""
    found: dict[int, Part] = {}
    for name in sorted(wanted):
        file, _, definition = name.partition(".")
        for part in _with_needs(file, definition, ()):
            found.setdefault(id(part), part)
    return list(found.values())


def names(wanted: Iterable[str]) -> frozenset[str]:
    """All names that these parts define at the top of a module."""
    return frozenset(name for part in parts(wanted) for name in part.names)


@cache
def all_names() -> frozenset[str]:
    """All names that any part defines."""
    files = (entry.name for entry in resources.files("netbuilder.parts").iterdir())
    stems = [name.removesuffix(".py") for name in files if name.endswith(".py")]
    return frozenset(name for stem in stems for name in _file(stem))


def _with_needs(file: str, name: str, within: tuple[str, ...]) -> Iterator[Part]:
    part = _file(file)[name]
    for need in part.needs:
        if need not in within:
            yield from _with_needs(file, need, (*within, name))
    yield part


@cache
def _file(name: str) -> dict[str, Part]:
    """The definitions of one file by name."""
    text = resources.files("netbuilder.parts").joinpath(f"{name}.py").read_text("utf-8")
    tree = ast.parse(text)
    lines = text.splitlines()
    imported = _imports(tree)
    definitions = {name: node for node in tree.body for name in _defined(node)}
    found: dict[str, Part] = {}
    for node in dict.fromkeys(definitions.values()):
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        own = _defined(node)
        part = Part(
            own,
            "\n".join(lines[_first_line(node) - 1 : node.end_lineno]),
            frozenset(imported[name] for name in used if name in imported),
            tuple(n for n in definitions if n in used and n not in own),
        )
        found |= dict.fromkeys(own, part)
    return found


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _imports(tree: ast.Module) -> dict[str, str]:
    """Import statements of a file by the name that they bind."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name] = ast.unparse(ast.Import([alias]))
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                statement = ast.ImportFrom(node.module, [alias], 0)
                found[alias.asname or alias.name] = ast.unparse(statement)
    return found


def _defined(node: ast.stmt) -> tuple[str, ...]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return (name,)
        case ast.AnnAssign(target=ast.Name(id=name)):
            return (name,)
        case ast.Assign(targets=targets):
            return tuple(target.id for target in targets if isinstance(target, ast.Name))
    return ()

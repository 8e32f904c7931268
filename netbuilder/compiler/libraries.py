"""The libraries that an expression speaks of, imported when they are first needed."""

from __future__ import annotations

import ast
import importlib
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

from netbuilder.layers import plugins

ROOTS = frozenset({"torch", "torchmetrics", "torch_geometric", "netbuilder", "math"})
"""Where the dotted names in layers' expressions may begin."""


def namespace(trees: Iterable[ast.expr | None]) -> dict[str, Any]:
    """What the expressions need as globals: the roots of their dotted names."""
    found: dict[str, Any] = {}
    for tree in trees:
        for name in _dotted(tree) if tree is not None else ():
            root = name.partition(".")[0]
            if root in ROOTS:
                found[root] = _library(root, name)
            elif module := plugins.module_of(name):
                importlib.import_module(module)
                found[root] = importlib.import_module(root)
    return found


@cache
def lacks(layer: str) -> bool:
    """Whether the PyTorch that is installed has nothing of this name, a layer's id."""
    root, *parts = layer.split(".")
    if root != "torch":
        return False
    found: Any = importlib.import_module(root)
    for part in parts:
        if not hasattr(found, part):
            return True
        found = getattr(found, part)
    return False


def _dotted(tree: ast.AST) -> Iterator[str]:
    """All names in an expression, dotted ones with each of their beginnings."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            continue
        if isinstance(node, ast.Call):
            waiting += (node.func, *node.args, *(word.value for word in node.keywords))
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            waiting.append(node.value)
            parts: list[str] = []
            inner: ast.expr = node
            while isinstance(inner, ast.Attribute):
                parts.insert(0, inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                yield ".".join((inner.id, *parts))
        else:
            waiting += ast.iter_child_nodes(node)


@cache
def _library(root: str, name: str) -> ModuleType:
    """The root of a dotted name, all on the way to the name imported."""
    _import(name)
    return importlib.import_module(root)


def _import(name: str) -> None:
    """Imports the modules on the way to `name` that do not come with their package."""
    if name.startswith("torch_geometric."):
        quietly("torch_geometric.nn")
    elif name.startswith("netbuilder.parts."):
        module = name.rpartition(".")[0]
        if module.count(".") > 1 and name.rpartition(".")[2][:1].isupper():
            importlib.import_module(module)


def quietly(module: str) -> ModuleType:
    """Imports a module without what it says of PyTorch's deprecated parts that it uses."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        return importlib.import_module(module)

"""Expressions as text, the way people write them: `nn.Conv2d`, `F.pad`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netbuilder.compiler import parts
from netbuilder.compiler.libraries import ROOTS
from netbuilder.compiler.printer import unparse
from netbuilder.layers import code, own, plugins
from netbuilder.layers.base import Layer

_ALIASES = {
    "torch.nn.functional": ("F", "import torch.nn.functional as F"),
    "torch.nn": ("nn", "from torch import nn"),
    "torch_geometric.nn": ("pyg_nn", "import torch_geometric.nn as pyg_nn"),
}
_PARTS = "netbuilder.parts."
_OWN = own.TARGET
ALIAS_NAMES = frozenset(alias for alias, _ in _ALIASES.values())


@dataclass(frozen=True, slots=True)
class Snippet:
    """An expression's text, and the import statements and `netbuilder.parts` that it needs."""

    text: str
    imports: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()


def snippet(expression: ast.expr) -> Snippet:
    """Unparses an expression, with the usual short names for PyTorch's modules."""
    shortener = _Shortener()
    text = unparse(shortener.visit(expression))
    return Snippet(text, frozenset(shortener.imports), frozenset(shortener.parts))


REMEMBERED = 50_000
"""Texts that are remembered at most."""
_remembered: dict[Any, tuple[Layer, Snippet | None]] = {}
"""Texts by the identity of a layer, which the entry keeps, and what else they depend on."""


def constructor(layer: Layer) -> Snippet | None:
    """What makes the layer's module; None if it has none."""
    known = _remembered.get(id(layer))
    if known is None:
        expression = layer.constructor()
        text = None if expression is None else snippet(expression)
        known = _remember(id(layer), layer, text)
    return known[1]


def forward(layer: Layer, attribute: str, arguments: tuple[tuple[str, str], ...]) -> Snippet:
    """What computes the layer's result from `(port, variable)` pairs.

    `attribute` names the module on `self`; it is empty for a plain function.
    """
    key = (id(layer), attribute, arguments)
    known = _remembered.get(key)
    if known is None:
        known = _remember(key, layer, snippet(forward_tree(layer, attribute, arguments)))
    assert known[1] is not None
    return known[1]


def _remember(key: Any, layer: Layer, text: Snippet | None) -> tuple[Layer, Snippet | None]:
    if len(_remembered) >= REMEMBERED:
        _remembered.clear()
    _remembered[key] = (layer, text)
    return layer, text


def forward_tree(layer: Layer, attribute: str, arguments: tuple[tuple[str, str], ...]) -> ast.expr:
    """The expression that `forward` writes."""
    module = ast.Attribute(code.dotted("self"), attribute, ast.Load()) if attribute else None
    values: dict[str, ast.expr] = {port: ast.Name(name, ast.Load()) for port, name in arguments}
    return layer.forward(module, call_inputs(layer, values))


def call_inputs(layer: Layer, arguments: Mapping[str, ast.expr]) -> dict[str, ast.expr]:
    """Expressions by port as `Layer.forward` takes them: variadic ports packed in a tuple."""
    result: dict[str, ast.expr] = {}
    for port in layer.ports().inputs:
        if not port.variadic:
            if port.name in arguments:
                result[port.name] = arguments[port.name]
            continue
        stem = f"{port.name}_"
        numbered = sorted(
            (int(name.removeprefix(stem)), name)
            for name in arguments
            if name.startswith(stem) and name.removeprefix(stem).isdecimal()
        )
        if numbered:
            result[port.name] = code.pack(arguments[name] for _, name in numbered)
    return result


class _Shortener(ast.NodeTransformer):
    """Writes `torch.nn.Conv2d` as `nn.Conv2d` and remembers the imports that needs."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.parts: set[str] = set()

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        parts: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            parts.insert(0, inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            self.generic_visit(node)
            return node
        name = ".".join([inner.id, *parts])
        if inner.id not in ROOTS:
            module = plugins.module_of(name)
            if module:
                self.imports.add(f"import {module}")
            return node
        if name.startswith(_PARTS):
            self.parts.add(name.removeprefix(_PARTS))
            return ast.Name(node.attr, ast.Load())
        if name.startswith(_OWN):
            return self._own(name.removeprefix(_OWN))
        for prefix, (alias, statement) in _ALIASES.items():
            if name.startswith(prefix + "."):
                self.imports.add(statement)
                return code.dotted(alias + name.removeprefix(prefix))
        self.imports.add(f"import {inner.id}")
        return node

    def _own(self, name: str) -> ast.expr:
        """A class of a person's own file, under another name where one of our parts has its own."""
        module, _, kind = name.rpartition(".")
        shown = f"Own{kind}" if kind in parts.all_names() else kind
        renamed = f" as {shown}" if shown != kind else ""
        self.imports.add(f"from {module} import {kind}{renamed}")
        return ast.Name(shown, ast.Load())

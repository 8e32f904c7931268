"""Hearing what every node of a generated module gives, while it computes.

The classes are executed once more with a call after each statement, and for as long as a tap is
open the module's own parts run those. Weights, buffers and what comes out are the same; a
module that nobody taps pays nothing.
"""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MethodType
from typing import Any

from torch import nn

from netbuilder.compiler.build import Origin
from netbuilder.compiler.emit import Place
from netbuilder.compiler.execute import run
from netbuilder.compiler.roles import node_names, role_of
from netbuilder.graph.document import Document
from netbuilder.layers.base import Role

Take = Callable[[Place, tuple[Any, ...], float], None]
"""Gets a node (ids of graph and node), what each output port that something uses gave, in port
order, and the seconds that took."""

_HEAR = "_netbuilder_hear"
_BEGIN = "_netbuilder_begin"
_RESULT = "_netbuilder_result"
_CLOCK = "_netbuilder_clock"


@dataclass(slots=True)
class _Tap:
    """Where the calls go. Its clock stands still while `take` works."""

    take: Take
    settle: Callable[[], None]
    lost: float = 0.0

    def now(self) -> float:
        self.settle()
        return time.perf_counter() - self.lost

    def hear(self, place: Place, value: Any, clock: list[float]) -> None:
        moment = self.now()
        self.take(place, value if isinstance(value, tuple) else (value,), moment - clock[0])
        after = time.perf_counter() - self.lost
        self.lost += after - moment
        clock[0] = moment


_open: list[_Tap] = []
"""The taps that are open on this process's modules, the innermost last."""


def _nothing() -> None:
    pass


@contextmanager
def tap(module: nn.Module, take: Take, settle: Callable[[], None] = _nothing) -> Iterator[None]:
    """Inside, `take` hears every node of this module and of what it calls, in order.

    A node that runs several times is heard each time. `settle` waits for the device, so that
    seconds are those of the node. One thread at a time may do this.
    """
    made = _Tap(take, settle)
    changed: list[nn.Module] = []
    hooks = []
    _open.append(made)
    try:
        for part in module.modules():
            origin = getattr(type(part), "netbuilder_origin", None)
            if not isinstance(origin, Origin):
                continue
            if isinstance(part, nn.Sequential):
                hooks += _chain(part, origin, made)
            else:
                part.forward = MethodType(_forward(type(part), origin), part)
                changed.append(part)
        yield
    finally:
        _open.pop()
        for part in changed:
            del part.forward
        for hook in hooks:
            hook.remove()


def _chain(chain: nn.Sequential, origin: Origin, made: _Tap) -> list[Any]:
    """Hooks on the modules of a chain, which has no statements."""
    hooks = []
    kind = type(chain).__name__
    graph = next(p[0] for (name, _), p in origin.source.modules.items() if name == kind)
    given = next(iter(_inputs(origin.document, graph)), None)
    if given is not None:
        hooks.append(chain.register_forward_pre_hook(partial(_given, made, (graph, given))))
    for name, child in chain.named_children():
        place = origin.source.modules.get((kind, name))
        if place is not None:
            clock = [0.0]
            hooks.append(child.register_forward_pre_hook(partial(_start, made, clock)))
            hooks.append(child.register_forward_hook(partial(_end, made, clock, place)))
    return hooks


def _given(made: _Tap, place: Place, *call: Any) -> None:
    made.hear(place, call[-1], [made.now()])


def _start(made: _Tap, clock: list[float], *_: Any) -> None:
    clock[0] = made.now()


def _end(made: _Tap, clock: list[float], place: Place, *call: Any) -> None:
    made.hear(place, call[-1], clock)


def _hear(place: Place, value: Any, clock: list[float]) -> None:
    _open[-1].hear(place, value, clock)


def _begin() -> list[float]:
    return [_open[-1].now()]


_classes: dict[str, dict[str, Any]] = {}
"""The classes that tell, by the name of the module of those that do not."""


def _forward(kind: type[nn.Module], origin: Origin) -> Callable[..., Any]:
    name = kind.__module__
    if name not in _classes:
        tree = ast.parse(origin.source.text)
        tree.body = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        _Telling(origin).visit(tree)
        ast.fix_missing_locations(tree)
        known = {**vars(sys.modules[name]), _HEAR: _hear, _BEGIN: _begin}
        # Under its own file name: an error on the way is located as always.
        _classes[name] = run(tree, name, known)
    return vars(_classes[name][kind.__name__])["forward"]  # type: ignore[no-any-return]


class _Telling(ast.NodeTransformer):
    """Puts a call after each statement of `forward` that belongs to a node."""

    def __init__(self, origin: Origin) -> None:
        self._lines = origin.source.lines
        self._document = origin.document
        self._inside = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name != "forward":
            return node
        self._inside = any(line in self._lines for line in range(node.lineno, _end_of(node) + 1))
        if self._inside:
            graph = next(p[0] for line, p in sorted(self._lines.items()) if line >= node.lineno)
            arguments = {a.arg for a in node.args.args}
            self.generic_visit(node)
            begin = ast.Call(ast.Name(_BEGIN, ast.Load()), [], [])
            given = _inputs(self._document, graph)
            node.body[:0] = [
                ast.Assign([ast.Name(_CLOCK, ast.Store())], begin),
                *(
                    self._call((graph, id), ast.Tuple([ast.Name(name, ast.Load())], ast.Load()))
                    for id, name in given.items()
                    if name in arguments
                ),
            ]
        self._inside = False
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        place = self._lines.get(node.lineno)
        if not self._inside or place is None:
            return node
        target = _loaded(node.targets[0])
        return node if target is None else [node, self._call(place, target)]

    def visit_Return(self, node: ast.Return) -> ast.AST | list[ast.stmt]:
        place = self._lines.get(node.lineno)
        if not self._inside or place is None or node.value is None:
            return node
        result = ast.Name(_RESULT, ast.Load())
        return [
            ast.Assign([ast.Name(_RESULT, ast.Store())], node.value),
            self._call(place, result),
            ast.Return(result),
        ]

    @staticmethod
    def _call(place: Place, value: ast.expr) -> ast.stmt:
        names = ast.Tuple([ast.Constant(part) for part in place], ast.Load())
        clock = ast.Name(_CLOCK, ast.Load())
        return ast.Expr(ast.Call(ast.Name(_HEAR, ast.Load()), [names, value, clock], []))


def _inputs(document: Document, graph: str) -> dict[str, str]:
    """The argument of `forward` that each input or data field of a graph is, by node id."""
    shown = document.graph(graph)
    names = node_names(shown)
    return {
        node.id: names[node.id]
        for node in shown.ordered()
        if role_of(node) in (Role.INPUT, Role.DATA)
    }


def _loaded(target: ast.expr) -> ast.expr | None:
    """The assigned variables that something uses, as a tuple: one for each used output port."""
    names: list[ast.expr] = [ast.Name(name, ast.Load()) for name in _names(target) if name != "_"]
    return ast.Tuple(names, ast.Load()) if names else None


def _names(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple):
        for element in target.elts:
            yield from _names(element)


def _end_of(node: ast.FunctionDef) -> int:
    return node.end_lineno or node.lineno

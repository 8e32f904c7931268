"""Which node of the user's a piece of a trace belongs to, and in which use of which block."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from netbuilder.compiler.build import Origin
from netbuilder.compiler.emit import Place
from netbuilder.compiler.roles import node_names, role_of
from netbuilder.graph.document import Document
from netbuilder.layers.base import Role

Frames = Sequence[tuple[str, int]]
"""Files and lines that led to an operation, the outermost first."""
_CALLS = re.compile(r"@\d+")


@dataclass(frozen=True, slots=True)
class Spot:
    """A node where it is used: ids of graph and node, and the module that it is in.

    `part` is the path of that module in the network: `encoder.0`, or empty for the network itself.
    """

    part: str
    graph: str
    node: str


class Spots:
    """Reads module paths and lines of a network's generated code."""

    def __init__(self, root: nn.Module) -> None:
        """`root` holds the network, or is it."""
        made = {
            path: part
            for path, part in root.named_modules()
            if isinstance(getattr(type(part), "netbuilder_origin", None), Origin)
        }
        self._base = min(made, key=len, default="")
        self._graphs: dict[tuple[str, str], str] = {}
        self._parts = {self._short(path): part for path, part in made.items()}
        self._parts = {path: part for path, part in self._parts.items() if self._graph(part)}

    def _short(self, path: str) -> str:
        """Seen from the network; calls of one module have one path."""
        return _CALLS.sub("", path).removeprefix(self._base).removeprefix(".")

    def _graph(self, part: nn.Module) -> str:
        """The id of the graph that a class was made of; empty for a part of netbuilder's own."""
        source, kind = _origin(part).source, type(part)
        known = self._graphs.get((kind.__module__, kind.__name__))
        if known is None:
            for found in ast.parse(source.text).body:
                if isinstance(found, ast.ClassDef):
                    lines = range(found.lineno, (found.end_lineno or found.lineno) + 1)
                    places = (source.lines.get(line) for line in lines)
                    graph = next((place[0] for place in places if place), "")
                    self._graphs[kind.__module__, found.name] = graph
            known = self._graphs.setdefault((kind.__module__, kind.__name__), "")
        return known

    def parts(self) -> Iterator[tuple[str, nn.Module]]:
        """The network, its blocks and their blocks, by path; those of the user's graphs alone."""
        yield from self._parts.items()

    def of_operation(self, scopes: Sequence[str], frames: Frames) -> Spot | None:
        """The node that an operation belongs to; `scopes` are the modules around it, outermost
        first, as `torch.export` names them."""
        paths = [self._short(scope) for scope in scopes]
        for at in reversed(range(len(paths))):
            part = self._parts.get(paths[at])
            if part is None:
                continue
            if isinstance(part, nn.Sequential):
                place = _child(part, paths[at], paths[at + 1] if at + 1 < len(paths) else "")
            else:
                place = self._place(part, frames)
            if place is not None:
                return Spot(paths[at], *place)
        return None

    def _place(self, part: nn.Module, frames: Frames) -> Place | None:
        graph, lines = self._graph(part), _origin(part).source.lines
        for file, line in reversed(frames):
            place = lines.get(line) if file == type(part).__module__ else None
            if place is not None and place[0] == graph:
                return place
        return None

    def of_module(self, path: str) -> Spot | None:
        """The node whose module has this path in the network."""
        above, _, name = path.rpartition(".")
        part = self._parts.get(above)
        place = None if part is None else _child(part, above, f"{above}.{name}".strip("."))
        return None if place is None else Spot(above, *place)

    def name(self, spot: Spot) -> str:
        """The node as one looks for it: `encoder.0.attention`."""
        names = node_names(self._document(spot).graph(spot.graph))
        return f"{spot.part}.{names[spot.node]}".removeprefix(".")

    def note(self, spot: Spot) -> str:
        """What the person wrote about the node."""
        return self._document(spot).graph(spot.graph).nodes[spot.node].note

    @property
    def title(self) -> str:
        """The name of the network."""
        whole = self._parts.get("")
        return _origin(whole).document.graph(self._graph(whole)).name if whole else ""

    @property
    def about(self) -> str:
        """What the person wrote about the project."""
        whole = self._parts.get("")
        return _origin(whole).document.project.description if whole else ""

    def takes(self, spot: Spot) -> bool:
        """Whether the node is an input, which computes nothing."""
        return role_of(self._document(spot).graph(spot.graph).nodes[spot.node]) is Role.INPUT

    def use(self, spot: Spot) -> str:
        """The use of the block that it is in, as in `Report.uses`; empty outside blocks."""
        ids: list[str] = []
        steps = spot.part.split(".") if spot.part else []
        above, caller = "", None
        for at in range(len(steps) + 1):
            path = ".".join(steps[:at])
            part = self._parts.get(path)
            if part is None:
                continue
            graph = self._graph(part)
            if _origin(part).document.graph(graph).kind != "block":
                ids = [graph]
            elif caller is not None:
                place = _child(caller, above, path)
                ids.append(place[1] if place is not None else "")
            above, caller = path, part
        return "/".join(ids) if len(ids) > 1 else ""

    def _document(self, spot: Spot) -> Document:
        return _origin(self._parts[spot.part]).document


def _origin(part: nn.Module) -> Origin:
    origin = part.netbuilder_origin
    assert isinstance(origin, Origin)
    return origin


def _child(part: nn.Module, path: str, below: str) -> Place | None:
    """The node of a part that has the module `below` (or holds it), both as paths."""
    name = below.removeprefix(path).removeprefix(".").split(".")[0]
    return _origin(part).source.modules.get((type(part).__name__, name))

"""Three-way merging of projects by what they mean, as git needs it when two people drew.

Everything is told apart by its id, and wires by the input that they feed. What one side changed
is taken; where both did, differently, ours stays and the result has a `Conflict`. Where things
stand on the canvas is never a conflict. The result is a whole document whatever came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from netbuilder.graph import three_way
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.graph_merging import GraphMerge, fields, meaning_of
from netbuilder.graph.model import GraphInfo, Node, ProjectInfo
from netbuilder.graph.names import settled
from netbuilder.graph.renaming import CALLED, renamed
from netbuilder.graph.three_way import ABSENT

_SILENT = ("flow",)
"""Fields of a project that are for the eye."""
Kind = Literal["value", "removed", "added", "wire", "cycle", "missing"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """What both sides changed differently; the result has it as ours.

    `place` names it (`main`, `main.conv1`; empty for the project), `key` the parameter, setting
    or input. Of `removed`, `ours` and `theirs` say `removed` or `changed`; else they are values,
    None where there is none. A `cycle` is a wire of theirs that was left out, `missing` a graph
    that is used and was removed.
    """

    kind: Kind
    place: str = ""
    key: str = ""
    base: Any = None
    ours: Any = None
    theirs: Any = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @property
    def words(self) -> str:
        """For a person, in one line."""
        at = self.place or "project"
        match self.kind:
            case "removed":
                return f"{at}: {self.ours} by ours, {self.theirs} by theirs"
            case "added":
                return f"{at}: both added something else under the id '{self.key}'"
            case "cycle":
                return f"{at}.{self.key}: the wire from {self.theirs} would close a circle"
            case "missing":
                return f"{at}: uses {self.key}, which the other side removed"
        key = f"{'.' if self.kind == 'wire' else ' '}{self.key}" if self.key else ""
        was = "" if self.base is None else f", was {_shown(self.base)}"
        return f"{at}{key}: {_shown(self.ours)} (ours), {_shown(self.theirs)} (theirs){was}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    match value:
        case str():
            shown = value
        case (str(layer), Mapping() as params):
            values = ", ".join(f"{key}={three_way.text(value)}" for key, value in params.items())
            shown = f"{layer}({values})" if values else layer
        case _:
            shown = three_way.text(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged project, what stayed as ours, and in `notes` what was renamed to fit."""

    document: Document
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()


def merge(base: Document, ours: Document, theirs: Document) -> Merged:
    """Both sides' changes since `base` in one document."""
    return _Merge(base, ours, theirs).run()


class _Merge:
    def __init__(self, base: Document, ours: Document, theirs: Document) -> None:
        self.conflicts: list[Conflict] = []
        self.notes: list[str] = []
        self.base, self.ours, self.theirs = base, ours, theirs
        self._staying = [
            id for id in dict.fromkeys((*ours.graphs, *theirs.graphs)) if self._stays(id)
        ]
        names = self._names()
        # From here on a graph is called the same everywhere, and so is what names it.
        self.base, self.ours, self.theirs = (renamed(d, names) for d in (base, ours, theirs))

    def run(self) -> Merged:
        project = self._project()
        items = {id: self._graph(id) for id in self._staying}
        for id, graph in self.ours.graphs.items():
            if id not in items and self._missed(graph, items):
                items[id] = _whole(self.ours, id)
        for id, graph in self.theirs.graphs.items():
            if id not in items:
                self._missed(graph, items)
        document = Document.of(project, (item for each in items.values() for item in each))
        return Merged(document, tuple(self.conflicts), tuple(self.notes))

    # -- names and settings --------------------------------------------------------------

    def _names(self) -> dict[str, str]:
        """What each graph is called in the result, by id."""
        result: dict[str, str] = {}
        for kind in ("network", "block", "step"):
            sides = [
                {graph.id: graph.name for graph in side.graphs.values() if graph.kind == kind}
                for side in (self.base, self.ours, self.theirs)
            ]
            names: dict[str, str] = {}
            for id in self._staying:
                was, here, there = (side.get(id, ABSENT) for side in sides)
                if isinstance(here, str) and isinstance(there, str):
                    names[id] = three_way.merged(was, here, there, "name", self._tell(here))
                elif isinstance(here, str) or isinstance(there, str):
                    names[id] = here if isinstance(here, str) else str(there)
            for id, name in settled(names, *sides[1:]).items():
                if name != names[id]:
                    self.notes.append(f"{names[id]}: both sides have one, renamed to {name}")
                result[id] = name
        return result

    def _project(self) -> ProjectInfo:
        old, own, other = (fields(side.project) for side in (self.base, self.ours, self.theirs))
        return ProjectInfo(**self._merged(old, own, other, "", _SILENT))

    def _merged(
        self, base: Any, ours: Any, theirs: Any, place: str, silent: Iterable[str]
    ) -> dict[str, Any]:
        """The fields of one thing."""
        tell = self._tell(place, silent)
        return {
            key: three_way.merged(base.get(key, ABSENT), ours[key], theirs[key], key, tell)
            for key in ours
        }

    def _tell(self, place: str, silent: Iterable[str] = ()) -> three_way.Tell:
        def tell(path: str, base: Any, ours: Any, theirs: Any) -> None:
            if path not in silent:
                values = (None if value is ABSENT else value for value in (base, ours, theirs))
                self.conflicts.append(Conflict("value", place, path, *values))

        return tell

    # -- graphs --------------------------------------------------------------------------

    def _stays(self, id: str) -> bool:
        """Whether a graph is in the result: who changed what the other removed is told."""
        old, own, other = (side.graphs.get(id) for side in (self.base, self.ours, self.theirs))
        left = own or other
        if old is None or left is None or (own is not None and other is not None):
            return left is not None
        if meaning_of(old) == meaning_of(left):
            return False
        words = ("changed", "removed") if other is None else ("removed", "changed")
        self.conflicts.append(Conflict("removed", left.name, "", None, *words))
        return other is None

    def _graph(self, id: str) -> list[Added]:
        """All of one graph."""
        old, own, other = (side.graphs.get(id) for side in (self.base, self.ours, self.theirs))
        if own is None:
            return _whole(self.theirs, id)
        if other is None:
            return _whole(self.ours, id)
        if old is None and (own.kind, own.name) != (other.kind, other.name):
            self.conflicts.append(Conflict("added", own.name, id))
            return _whole(self.ours, id)
        merge = GraphMerge(old, own, other, self._tell)
        info = self._info(None if old is None else old.info, own.info, other.info)
        found = list(merge.items())
        self.conflicts += [Conflict(*each) for each in merge.conflicts]
        self.notes += merge.notes
        return [Added(id, info), *(Added(id, item) for item in found)]

    def _info(self, old: GraphInfo | None, own: GraphInfo, other: GraphInfo) -> GraphInfo:
        base: Mapping[str, Any] = {} if old is None else fields(old)
        merged = self._merged(base, fields(own), fields(other), own.name, ("order", "extra.layout"))
        # Names were settled before.
        return replace(GraphInfo(**merged), id=own.id, kind=own.kind, name=own.name)

    def _missed(self, graph: Graph, items: Mapping[str, list[Added]]) -> bool:
        """Whether a graph that one side removed is called by what the other side drew."""
        here = [each.item for contents in items.values() for each in contents]
        if any(_named(item, graph) for item in here if isinstance(item, GraphInfo)):
            return False
        users = [
            item.name
            for item in here
            if isinstance(item, Node)
            and graph.kind in CALLED
            and item.params.get(graph.kind) == graph.name
        ]
        if users:
            word = f"the {graph.kind} '{graph.name}'"
            self.conflicts.append(Conflict("missing", users[0], word))
        return bool(users)


def _named(info: GraphInfo, graph: Graph) -> bool:
    return (info.kind, info.name) == (graph.kind, graph.name)


def _whole(side: Document, id: str) -> list[Added]:
    graph = side.graphs[id]
    return [Added(id, graph.info), *(Added(id, item) for item in graph.contents())]

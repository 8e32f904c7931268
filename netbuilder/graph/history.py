"""Undo and redo over the stream of changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count

from netbuilder.errors import ChangeError
from netbuilder.graph.changes import Change, Changed
from netbuilder.graph.document import Document
from netbuilder.graph.model import Frame, GraphInfo, Node, ProjectInfo, Unreadable, Wire

_serials = count(1)


@dataclass(slots=True)
class _Step:
    title: str
    changes: list[Change]
    merge: Hashable
    serial: int
    weight: int = 0
    """About how many bytes it keeps in memory."""


MEMORY = 64 * 2**20
"""What a history may keep, in bytes by its own estimate; the oldest steps go first."""
_CHANGE = 400
"""A change with its item, when texts and parameters are not counted (CPython 3.11)."""


def _weight(changes: Iterable[Change]) -> int:
    return sum(
        _CHANGE if _only_moves(change) else _CHANGE + _size(_contents(change)) for change in changes
    )


def _only_moves(change: Change) -> bool:
    """Whether the item after it shares all that is long with the one before."""
    if not isinstance(change, Changed) or type(change.after) is not Node:
        return False
    before, after = change.before, change.after
    assert isinstance(before, Node)
    return before.params is after.params and before.note is after.note


def _contents(change: Change) -> tuple[object, ...]:
    """What is long in an item. What a change was before belongs to an earlier one."""
    match change.after if isinstance(change, Changed) else change.item:
        case Node() as node:
            return node.params, node.note, node.extra
        case Frame() as frame:
            return frame.title, frame.note
        case GraphInfo() as info:
            return info.settings, info.extra
        case ProjectInfo() as project:
            return project.description, project.data, project.training, project.about
        case Unreadable() as entry:
            return (entry.raw,)
    return ()


def _size(value: object) -> int:
    """About how many bytes a JSON value takes."""
    if isinstance(value, str):
        return 56 + len(value)
    if isinstance(value, Mapping):
        return 64 + sum(80 + _size(item) for item in value.values())
    if isinstance(value, tuple):
        return 48 + sum(8 + _size(item) for item in value)
    return 28


def _compact(changes: list[Change]) -> list[Change]:
    """Joins chains of `Changed` on the same item, so that a drag costs one change an item."""
    joined: list[Change | None] = []
    last: dict[tuple[str, type, str], int] = {}
    for change in changes:
        # A wire's change needs the port that another one's may just have freed: keep their order.
        if isinstance(change, Changed) and not isinstance(change.before, Wire):
            key = (change.graph, type(change.before), getattr(change.before, "id", ""))
            at = last.get(key)
            earlier = joined[at] if at is not None else None
            if at is not None and isinstance(earlier, Changed):
                joined[at] = Changed(change.graph, earlier.before, change.after)
                continue
            last[key] = len(joined)
        else:
            # Adding or removing something orders what stands on both sides of it.
            last.clear()
        joined.append(change)
    return [
        change
        for change in joined
        if change is not None
        and not (isinstance(change, Changed) and change.before == change.after)
    ]


class History:
    """The steps that led to a document's present state.

    All edits happen inside `with history.step("Move 3 nodes"):`; a step that raises is
    rolled back as if it had never begun. Steps inside a step join it. Two steps in a row
    with the same `merge` key become one, until `seal` is called.
    """

    def __init__(self, document: Document, memory: int = MEMORY) -> None:
        """`memory` bounds what all steps keep together, in bytes; the oldest go first."""
        self.document = document
        self._memory = memory
        self._kept = 0
        self._done: deque[_Step] = deque()
        self._undone: deque[_Step] = deque()
        self._current: _Step | None = None
        self._base = 0
        self._saved = 0
        self._sealed = True
        self.changed: Callable[[], None] = lambda: None
        """Called after every step, undo and redo (titles and the dirty flag may differ)."""
        document.subscribe(self._record)

    def _record(self, change: Change) -> None:
        if self._current is not None:
            self._current.changes.append(change)

    @contextmanager
    def step(self, title: str, merge: Hashable = None) -> Iterator[Document]:
        """Group the edits in the body into one step that can be undone."""
        if self._current is not None:
            mark = len(self._current.changes)
            try:
                yield self.document
            except BaseException:
                self._roll_back(self._current, mark)
                raise
            return
        step = _Step(title, [], merge, next(_serials))
        with self.document.editing():
            self._current = step
            try:
                yield self.document
            except BaseException:
                self._roll_back(step, 0)
                raise
            finally:
                self._current = None
        step.changes = _compact(step.changes)
        if step.changes:
            self._push(step)
        self.changed()

    def _roll_back(self, step: _Step, mark: int) -> None:
        """Take back what the step did since it had `mark` changes."""
        changes, step.changes = step.changes[mark:], step.changes[:mark]
        current, self._current = self._current, None
        for change in reversed(changes):
            # A view that fails must not keep the document from getting whole again.
            with suppress(Exception):
                self.document.apply(change.inverse())
        self._current = current

    def _push(self, step: _Step) -> None:
        self._undone.clear()
        top = self._done[-1] if self._done else None
        mergeable = top is not None and not self._sealed and step.merge is not None
        if top is not None and mergeable and top.merge == step.merge:
            top.changes = _compact(top.changes + step.changes)
            top.serial = step.serial
            self._kept -= top.weight
            top.weight = _weight(top.changes)
            self._kept += top.weight
            if not top.changes:
                self._done.pop()
        else:
            step.weight = _weight(step.changes)
            self._kept += step.weight
            self._done.append(step)
        self._sealed = False
        while self._kept > self._memory and len(self._done) > 1:
            oldest = self._done.popleft()
            self._base = oldest.serial
            self._kept -= oldest.weight

    def seal(self) -> None:
        """End merging: the next step stands alone even with an equal merge key."""
        self._sealed = True

    def undo(self) -> str | None:
        """Take back the last step; its title, or None if there is none."""
        return self._move(self._done, self._undone, back=True)

    def redo(self) -> str | None:
        """Make the last undone step again; its title, or None if there is none."""
        return self._move(self._undone, self._done, back=False)

    def _move(self, source: deque[_Step], target: deque[_Step], *, back: bool) -> str | None:
        if self._current is not None:
            raise ChangeError("undo and redo can't happen inside a step")
        if not source:
            return None
        step = source.pop()
        changes = [change.inverse() for change in reversed(step.changes)] if back else step.changes
        failure: Exception | None = None
        with self.document.editing():
            for change in changes:
                try:
                    self.document.apply(change)
                except Exception as error:
                    # Of a listener: the change was made, and the other half must follow.
                    failure = failure or error
        target.append(step)
        self._kept += -step.weight if back else step.weight
        self._sealed = True
        self.changed()
        if failure is not None:
            raise failure
        return step.title

    @property
    def undo_title(self) -> str | None:
        return self._done[-1].title if self._done else None

    @property
    def redo_title(self) -> str | None:
        return self._undone[-1].title if self._undone else None

    @property
    def state(self) -> int:
        """A number that names the present state: equal numbers, equal documents."""
        return self._done[-1].serial if self._done else self._base

    @property
    def dirty(self) -> bool:
        """Whether the document differs from what `mark_saved` saw."""
        return self.state != self._saved

    def mark_saved(self, state: int | None = None) -> None:
        """The document (or its earlier `state`) is on disk now."""
        self._saved = self.state if state is None else state
        self.seal()

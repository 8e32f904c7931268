"""Keeping the report up to date: one analysis at a time, the latest document wins."""

from __future__ import annotations

from collections.abc import Callable

from netbuilder.app.asking import OnReply, report_of
from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import Reply, WorkerError
from netbuilder.errors import NetbuilderError
from netbuilder.graph.changes import Change, Changed
from netbuilder.graph.model import Frame, Node

MAX_DEATHS = 2
"""So often may the worker die over one state of the document before it is left alone."""


def is_loss(error: NetbuilderError | None) -> bool:
    """Whether a reply only tells that the worker died; it comes just before `WorkerDied`."""
    return isinstance(error, WorkerError) and not error.details


def has_meaning(change: Change) -> bool:
    """Whether a change can alter the report: places, frames and notes can't."""
    match change:
        case Changed(before=Node() as before, after=Node() as after):
            return _meaning(after) != _meaning(before)
        case Changed(before=Frame()):
            return False
    return not isinstance(getattr(change, "item", None), Frame)


def _meaning(node: Node) -> tuple[object, ...]:
    return node.name, node.layer, node.mute, node.shares, node.order, node.params, node.extra


class Analysis:
    """Asks the worker for reports, and asks again when the document has moved on."""

    def __init__(
        self,
        ask: Callable[[OnReply], None],
        arrived: Callable[[Report], None],
        failed: Callable[[NetbuilderError], None],
    ) -> None:
        """`ask` asks about the present document; `failed` hears why there is no report."""
        self._ask = ask
        self._serial = 0
        """Counts the requests: an answer to an older one concerns nobody."""
        self._arrived = arrived
        self._failed = failed
        self._ready = False
        self._wanted = False
        self._flying = False
        self._lost = False
        """The worker died over the last request; its `WorkerDied` is still to come."""
        self._void = False
        """The answer under way is about a document that was closed."""
        self._deaths = 0

    @property
    def busy(self) -> bool:
        """Whether the last report is not that of the present document."""
        return self._wanted or self._flying

    def request(self) -> None:
        """The document has changed: a report is wanted, now or as soon as can be."""
        self._wanted = True
        self._deaths = 0
        self._send()

    def again(self) -> None:
        """More is wanted of the same document, if it is none that the worker dies of."""
        if self._deaths < MAX_DEATHS:
            self._wanted = True
            self._send()

    def restart(self) -> None:
        """Another document is in the session: the answer under way concerns nobody."""
        self._void = self._flying
        self.request()

    def worker_started(self) -> None:
        """Requests can be sent from now on."""
        self._ready = True
        self._send()

    def worker_died(self) -> bool:
        """The worker is gone; False if this document seems to be what it dies of."""
        self._ready = False
        if self._flying or self._lost:
            self._flying = self._void = self._lost = False
            self._wanted = True
            self._deaths += 1
        if self._deaths >= MAX_DEATHS:
            self._wanted = False
            return False
        return True

    def _send(self) -> None:
        if not (self._ready and self._wanted) or self._flying:
            return
        self._wanted = False
        self._flying, self._lost = True, False
        self._serial += 1
        serial = self._serial
        self._ask(lambda reply: self._replied(serial, reply))

    def _replied(self, serial: int, reply: Reply) -> None:
        if not self._flying or serial != self._serial:
            return
        self._flying, void, self._void = False, self._void, False
        if is_loss(reply.error):
            # The worker died over it: `worker_died` follows and asks again.
            self._lost = True
            return
        if not void:
            self._deaths = 0
            self._deliver(reply)
        self._send()

    def _deliver(self, reply: Reply) -> None:
        report = report_of(reply)
        if isinstance(report, Report):
            self._arrived(report)
        else:
            self._failed(report)

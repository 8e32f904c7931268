"""Settling what git could not merge: theirs beside the open project, one thing after another."""

from __future__ import annotations

from collections.abc import Sequence

from netbuilder.app.comparison import Asks, Comparison
from netbuilder.app.git_stages import Unmerged
from netbuilder.graph.difference import Row
from netbuilder.graph.disputed import Disputes
from netbuilder.graph.three_way import text


class Merging(Comparison):
    """`rows` are what both sides changed: each is taken from theirs, or kept as it is here.

    To take is a step of the project's history; to keep changes nothing and is noted here alone.
    """

    def __init__(self, session: Asks, found: Unmerged) -> None:
        self._disputes = Disputes(found.base, found.theirs)
        self._kept: set[tuple[str, ...]] = set()
        super().__init__(session, found.theirs)

    def _rows(self) -> list[Row]:
        return self._disputes.among(self.after.document, super()._rows())

    def words(self, row: Row) -> str:
        """What a row says: both sides and the base."""
        return self._disputes.words(row)

    def keep(self, rows: Sequence[Row], *, kept: bool = True) -> None:
        """Let these be as they are here, or ask again."""
        keys = {_key(row) for row in rows}
        self._kept = self._kept | keys if kept else self._kept - keys
        self.changed()

    def is_kept(self, row: Row) -> bool:
        """Whether the person said so of just this."""
        return _key(row) in self._kept

    @property
    def left(self) -> list[Row]:
        """What waits for the person."""
        return [row for row in self.rows if not self.is_kept(row)]


def _key(row: Row) -> tuple[str, ...]:
    ids = (row.graph_id, row.node_id, row.old_graph_id, row.old_node_id, row.wire, row.old_wire)
    return row.change, row.what, row.key, *ids, text([row.before, row.after])

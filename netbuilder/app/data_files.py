"""The data of the open project in files: proposals, and what this person lets be read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from netbuilder.app import consent, fitting
from netbuilder.app.consent import ConsentStore
from netbuilder.app.link import OnDone
from netbuilder.data.places import Places
from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.quiet import quiet

Post = Callable[[Callable[[], None]], None]
Ask = Callable[[str, Mapping[str, Any], OnDone], None]


class Host(Protocol):
    """What is needed of the session."""

    document: Document
    history: History

    @property
    def path(self) -> Path | None: ...


class DataFiles:
    """Opens no data itself: the worker does, where it may."""

    def __init__(
        self, host: Host, ask: Ask, store: ConsentStore | None = None, later: Post | None = None
    ) -> None:
        """`later` calls something on the window's thread: with it templates are read on another."""
        self._host, self._ask, self._store, self._later = host, ask, store, later

    @property
    def store(self) -> ConsentStore:
        """What this person allowed, read when it is first needed."""
        if self._store is None:
            self._store = ConsentStore()
        return self._store

    def places(self) -> Places:
        """What the worker may read for the open project."""
        path = self._host.path
        self.store.refresh()
        return Places(path.parent if path is not None else None, self.store.paths)

    def wanted(self) -> list[Path]:
        """What the project's data names and the person has to allow before it is trained on."""
        return consent.wanted(self._host.document.project.data, self.places())

    def allow(self, places: Iterable[Path]) -> None:
        """The person lets these be read, now and later."""
        self.store.allow(places)

    def remember(self) -> None:
        """The project is about to be trained on its data."""
        consent.remember(self.store, self._host.document.project.data, self.places())

    def bring(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What a request to the worker brings along: where it may read."""
        if params.keys() & {"project", "data"}:
            source = consent.source_of(params.get("data") or self._host.document.project.data)
            needed = source is not None and source.on_disk
        else:
            needed = "run" in params and bool(self.store.paths)
        return {"places": self.places().to_json()} if needed else {}

    # -- proposals -------------------------------------------------------------------------

    def propose(self, path: Path, then: OnDone) -> None:
        """What the file or folder may be trained on; the person chose it, so it may be read.

        `then` hears a proposal as in `data.proposing`, or why there is none.
        """
        place = Path(os.path.abspath(path))

        def told(answer: dict[str, Any] | NetbuilderError) -> None:
            if isinstance(answer, dict):
                self.allow([place])
                self._choose(answer, then)
            else:
                then(answer)

        self._ask("propose_data", {"path": str(place)}, told)

    def _choose(self, proposal: dict[str, Any], then: OnDone) -> None:
        """Add the templates that fit. To read them all takes longer than a window may stand
        still."""
        later = self._later

        def work() -> None:
            with quiet():
                proposal["templates"] = fitting.choose(proposal)
            if later is None:
                then(proposal)
            else:
                later(lambda: then(proposal))

        if later is None:
            work()
        else:
            threading.Thread(target=work, name="fitting", daemon=True).start()

    def take(self, proposal: Mapping[str, Any]) -> None:
        """Make this the data of the open project, whose graphs stay as they are."""
        data = {
            "source": proposal["source"],
            "params": proposal["params"],
            **proposal["settings"],
        }
        edits.set_project(self._host.history, "Use the data", data=data)

    def use(self, proposal: Mapping[str, Any]) -> None:
        """Make the open project one on this data, as one edit; `ChangeError` if it does not fit."""
        fitting.apply(self._host.history, fitting.fit(self._host.document, proposal))

"""Data sets from the network, only when this person asks for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.app.consent import ConsentStore
from netbuilder.app.link import OnDone
from netbuilder.app.settings import SettingsStore
from netbuilder.data import fetching
from netbuilder.engine.protocol import DownloadProgress
from netbuilder.errors import NetbuilderError

Ask = Callable[[str, Mapping[str, Any], OnDone], None]
Tell = Callable[[DownloadProgress], None]


class Fetching:
    """Has the worker fetch: where it computes is where the data is wanted."""

    def __init__(
        self,
        ask: Ask,
        store: Callable[[], ConsentStore],
        settings: Callable[[], SettingsStore] = SettingsStore,
    ) -> None:
        self._ask, self._store, self._settings = ask, store, settings
        self._tells: dict[str, Tell] = {}

    @staticmethod
    def listed() -> list[dict[str, Any]]:
        """What can be fetched by name: `id`, `title`, `about`, `page`, `bytes`, `there`."""
        return fetching.listed()

    def fetch(self, what: str, tell: Tell, then: OnDone) -> None:
        """Fetch a data set by its name; a folder that came this way may be read from now on.

        `tell` hears how far it is; `then` hears `title`, `folder`, `files` and `bytes`, to be
        followed by a proposal for the folder, or why it did not come.
        """
        self._tells[what] = tell

        def done(answer: dict[str, Any] | NetbuilderError) -> None:
            self._tells.pop(what, None)
            if isinstance(answer, dict):
                self._store().allow([Path(answer["folder"])])
            then(answer)

        offline = self._settings().value.offline
        self._ask("download", {"what": what, "offline": offline}, done)

    def hear(self, progress: DownloadProgress) -> None:
        """The worker tells how far it is."""
        tell = self._tells.get(progress.what)
        if tell is not None:
            tell(progress)

    def cancel(self, then: OnDone = lambda answer: None) -> None:
        """Call off what is under way."""
        self._ask("cancel_download", {}, then)

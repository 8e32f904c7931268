"""What others may ask of a training while it runs."""

from __future__ import annotations

import threading


class Control:
    """Pause, resume and stop, from any thread.

    The loop reads `wanted`, one plain attribute, after every batch.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = False
        self.stopping = False
        self.wanted = False

    def pause(self) -> None:
        """Rest after the present batch, until `resume` or `stop`."""
        self._set(paused=True)

    def resume(self) -> None:
        """Go on."""
        self._set(paused=False)

    def stop(self) -> None:
        """End after the present batch with a checkpoint; can't be taken back."""
        with self._changed:
            self.stopping = True
        self._set(paused=False)

    def _set(self, *, paused: bool) -> None:
        with self._changed:
            self._paused = paused
            self.wanted = paused or self.stopping
            self._changed.notify_all()

    @property
    def paused(self) -> bool:
        """Whether the training is to rest."""
        return self._paused

    def wait(self) -> None:
        """Rest until nobody wants a pause."""
        with self._changed:
            self._changed.wait_for(lambda: not self._paused)

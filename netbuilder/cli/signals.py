"""What Ctrl+C and the end of a terminal mean to a command that works for long."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress

from netbuilder.cli import output


def stop_on_signals(stop: Callable[[], object], *, once: bool) -> None:
    """Call `stop` at SIGINT, SIGTERM or SIGHUP; with `once` the next SIGINT or SIGTERM ends it."""

    def handle(number: int, frame: object) -> None:
        stop()
        if once:
            signal.signal(number, signal.SIG_DFL)
            with suppress(OSError):  # the terminal may be gone
                output.say("Stopping after this batch. Once more ends it at once.")
        # torchrun repeats what the terminal has told everybody, and ends all by itself in time.

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:  # as under nohup
        signal.signal(hangup, handle)

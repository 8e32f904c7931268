"""Telling work from a halt: a process that was stopped for an hour has not trained for an hour."""

from __future__ import annotations

import time

HALT_S = 5.0
"""A shorter pause is counted as work: it changes no forecast."""
AWAKE = 0.01
"""A process that used less of a processor than this was not at work."""


class Halts:
    """Takes halts (SIGSTOP, a laptop that sleeps, a debugger) out of measured times."""

    def __init__(self) -> None:
        self._used = time.process_time()

    def without(self, passed_s: float) -> float:
        """Of the seconds since the last call those in which the process worked: as a rule all.

        Of a time with a halt in it only what the processor was used for is left.
        """
        used = time.process_time()
        worked, self._used = used - self._used, used
        halted = passed_s > HALT_S and worked < AWAKE * passed_s
        return min(worked, passed_s) if halted else passed_s

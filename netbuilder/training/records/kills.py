"""What the system tells of processes that it ended itself."""

from __future__ import annotations

from pathlib import Path

VMSTAT = Path("/proc/vmstat")


def for_memory() -> int | None:
    """How many processes were ended for lack of memory since the computer was started.

    Those that went beyond the limit of their container count too. None where the system keeps
    no such number (it is Linux's `oom_kill`).
    """
    try:
        lines = VMSTAT.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    counts = (line.split() for line in lines if line.startswith("oom_kill "))
    return next((int(line[1]) for line in counts if line[1:] and line[1].isdecimal()), None)

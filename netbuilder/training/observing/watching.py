"""How a watcher and a training find each other's files in a run folder; see `instruments`."""

from __future__ import annotations

WATCH = "watch"
FILE = "instruments.json"
WATCHED_S = 5.0
"""How long after a touch of `WATCH` a training still takes looks."""

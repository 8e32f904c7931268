"""Numbers around the edge of a signal, an image or a volume."""

from __future__ import annotations

"""Other resolutions of a signal, an image or a volume."""

from __future__ import annotations

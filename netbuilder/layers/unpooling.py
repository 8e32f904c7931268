"""The way back from a pooled image."""

from __future__ import annotations

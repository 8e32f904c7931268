"""Order: the largest first."""

from __future__ import annotations

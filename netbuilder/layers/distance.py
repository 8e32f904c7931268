"""How far apart vectors are."""

from __future__ import annotations

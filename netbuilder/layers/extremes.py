"""The largest and the smallest, and where they stand."""

from __future__ import annotations

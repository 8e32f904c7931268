"""Masks: where numbers count, and where not."""

from __future__ import annotations

"""Losses that compare distances and rankings."""

from __future__ import annotations

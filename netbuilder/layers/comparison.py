"""Comparisons and logic, number by number."""

from __future__ import annotations

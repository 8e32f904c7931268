"""Spectra of a signal over time."""

from __future__ import annotations

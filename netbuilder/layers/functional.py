"""Layers whose weights come by wire, and functions that no module is for."""

from __future__ import annotations

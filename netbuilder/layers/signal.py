"""Fourier transforms and what goes with them."""

from __future__ import annotations

"""Numbers that come from nowhere else: constants, learnt parameters, positions."""

from __future__ import annotations

"""The same numbers in another order, or several times."""

from __future__ import annotations

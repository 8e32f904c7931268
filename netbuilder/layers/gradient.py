"""What changes gradients and leaves the numbers alone."""

from __future__ import annotations

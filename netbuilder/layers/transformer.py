"""Whole stages of a transformer as torch.nn has them."""

from __future__ import annotations

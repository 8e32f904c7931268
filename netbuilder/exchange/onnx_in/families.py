"""The modules with operators; they register them when they are imported."""

from __future__ import annotations

from functools import cache
from importlib import import_module

NAMES = (
    "weighted",
    "recurrent",
    "activations",
    "attention",
    "elementwise",
    "gathering",
    "lists",
    "noise",
    "padding",
    "pooling",
    "products",
    "quantising",
    "reducing",
    "resizing",
    "shaping",
    "signals",
)


@cache
def load() -> None:
    """Fill the table."""
    for name in NAMES:
        import_module(f"netbuilder.exchange.onnx_in.{name}")

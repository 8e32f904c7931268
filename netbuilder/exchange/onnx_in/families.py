"""The modules with operators; they register them when they are imported."""

from __future__ import annotations

from functools import cache
from importlib import import_module

import onnx

from netbuilder.exchange.onnx_in.inner import OURS

NAMES = (
    "convolving",
    "weighted",
    "recurrent",
    "activations",
    "attention",
    "elementwise",
    "fused",
    "gathering",
    "learners",
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


def name_of(node: onnx.NodeProto) -> str:
    """What the table has a node's operator under: with its domain, unless that is ONNX's own."""
    return node.op_type if node.domain in OURS else f"{node.domain}.{node.op_type}"


def missing(domain: str) -> str:
    """Why there is nothing in the table for an operator of this domain."""
    if domain in OURS:
        return "there is no such operator here"
    if domain.startswith("ai.onnx"):
        return "trees, support vectors, texts and training are no layers"
    if domain.startswith("com.microsoft"):
        return "it is ONNX Runtime's own; take the file as it was before it was optimised"
    return f"only who made the domain '{domain[:40]}' knows what it does"

"""One set of rules for the mouse, the loader and the compiler."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from netbuilder.graph import topology
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node

MAX_NAME = 64
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


class PortLike(Protocol):
    """What the rules need to know of a port."""

    @property
    def name(self) -> str: ...
    @property
    def optional(self) -> bool: ...


class PortsLike(Protocol):
    """The ports of a node, by side."""

    @property
    def inputs(self) -> tuple[PortLike, ...]: ...
    @property
    def outputs(self) -> tuple[PortLike, ...]: ...


PortsOf = Callable[[Document, Graph, Node], PortsLike]
"""Tells a node's ports; `layers.catalogue.ports_of` is the one in use."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a wire: a node's id and a port's name."""

    node: str
    port: str


def may_connect(
    document: Document, graph: Graph, source: End, target: End, ports_of: PortsOf
) -> str | None:
    """Why an output can't be wired to an input, in words for a person; None if it can.

    That the input has a wire already is no reason: the new wire replaces it.
    """
    if source.node not in graph.nodes or target.node not in graph.nodes:
        return "One end is not in this graph."
    from_node, to_node = graph.nodes[source.node], graph.nodes[target.node]
    if source.node == target.node:
        return f"'{from_node.name}' can't feed itself."
    outputs = ports_of(document, graph, from_node).outputs
    if all(port.name != source.port for port in outputs):
        return f"'{from_node.name}' has no output '{source.port}'."
    inputs = ports_of(document, graph, to_node).inputs
    if all(port.name != target.port for port in inputs):
        return f"'{to_node.name}' has no input '{target.port}'."
    wire = graph.wire_into(target.node, target.port)
    if wire and (wire.source, wire.source_port) == (source.node, source.port):
        return "They are connected already."
    if source.node in topology.descendants(graph, [target.node]):
        return f"That would be a cycle: '{to_node.name}' already feeds '{from_node.name}'."
    return None


RESERVED_NAMES = frozenset(
    {
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "nn",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "self",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "torch",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    }
)
"""Names that torch.nn.Module, or the generated code itself, uses: no node may take them."""


def name_refusal(graph: Graph, name: str, node: str = "") -> str | None:
    """Why a node (the one with id `node`) can't have this name; None if it can."""
    if not _IDENTIFIER.match(name):
        return "A name has letters, digits and underscores, and begins with a letter."
    if keyword.iskeyword(name) or name in RESERVED_NAMES or name.startswith("__"):
        return f"'{name}' is a word of Python or PyTorch."
    other = graph.named(name)
    if other is not None and other.id != node:
        return f"Another node is called '{name}'."
    return None


@lru_cache(maxsize=20_000)
def identifier(text: str, fallback: str = "node", reserved: frozenset[str] = RESERVED_NAMES) -> str:
    """A legal name as near to `text` as can be, other than the `reserved` ones."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")[: MAX_NAME - 8] or fallback
    if name[0].isdigit():
        name = f"{fallback}_{name}"
    if keyword.iskeyword(name) or name in reserved:
        name += "_"
    return name


def unique_name(wanted: str, taken: set[str]) -> str:
    """`wanted`, or `wanted_2`, `wanted_3`, ... if it is taken."""
    if wanted not in taken:
        return wanted
    stem = re.sub(r"_\d+\Z", "", wanted) or wanted
    number = 2
    while f"{stem}_{number}" in taken:
        number += 1
    return f"{stem}_{number}"


def default_name(layer: str) -> str:
    """The name a new node of this layer gets: `torch.nn.BatchNorm2d` gives `batch_norm2d`."""
    last = layer.rpartition(".")[2].replace("ReLU", "Relu").replace("SiLU", "Silu")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    words = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", words)
    return identifier(words.lower())

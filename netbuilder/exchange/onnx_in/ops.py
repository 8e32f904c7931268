"""The table of ONNX operators: what makes a module or a function of each.

An operator is one small function:

    @op("Reshape", since=5, known=(1,))
    def reshape(call: Call) -> Function:
        keep_zero = call.attr("allowzero", 0)

        def run(x: Tensor, shape: Numbers) -> Tensor: ...

        return run

What it returns runs in the forward of the module that is made of the graph, which is traced: it
must be plain torch. It gets the node's inputs by position, a `Tensor` each, None for one that is
left out; those in `known` come as a flat tuple of numbers, among them sizes that are free
(`torch.SymInt`). An operator of several outputs returns a tuple. What can't be done raises
`Unsupported`: the node is drawn as one of an unknown layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

Number = int | float | bool | torch.SymInt
Numbers = tuple[Any, ...]
"""Numbers that are known while the module is traced; sizes among them may be free."""
Function = Callable[..., Any]
Builder = Callable[["Call"], "nn.Module | Function"]


NOTHING = -1
"""For `Call.only`: the position of no input."""


class Unsupported(Exception):
    """There is no way to compute this node with torch; the text says why."""


@dataclass(slots=True)
class Call:
    """One node of the graph, for the function that makes a module of it.

    `constants` has the inputs whose values the file has (initializers, and what follows from
    them), by position; `zeros` are inputs that are zeros of some size. `ranks` has how many dims
    the inputs have, None where that isn't known. `makers` are the calls before this one, by the
    values that they make.
    """

    op: str
    name: str
    opset: int
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[int, Tensor] = field(default_factory=dict)
    ranks: tuple[int | None, ...] = ()
    zeros: frozenset[int] = frozenset()
    held: list[nn.Module] = field(default_factory=list)
    takes: tuple[int, ...] | None = None
    makers: Mapping[str, Call] = field(default_factory=dict)
    turned: dict[tuple[Any, ...], Tensor] = field(default_factory=dict)
    """Matrices with rows and columns exchanged: nodes that share one share the other."""
    batch_first: bool = False
    """Of a recurrent layer: whether what it holds takes the batch before time."""
    layer: tuple[str, str] = ("", "")
    """The layer that the file says it is of, and the layer's class."""

    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute: a number, a text, a tuple of those, or a tensor."""
        return self.attributes.get(name, default)

    def has(self, at: int) -> bool:
        """Whether the input at this position is given: optional ones may be left out."""
        return at < len(self.inputs) and self.inputs[at] != ""

    def gives(self, at: int) -> bool:
        """Whether the output at this position is asked for."""
        return at < len(self.outputs) and self.outputs[at] != ""

    def read(self) -> list[str]:
        """The names of the inputs that the function gets."""
        takes = self.takes if self.takes is not None else range(len(self.inputs))
        return [self.inputs[at] for at in takes if 0 <= at < len(self.inputs)]

    def constant(self, at: int) -> Tensor | None:
        """The values of an input, where the file has them."""
        return self.constants.get(at)

    def rank(self, at: int = 0) -> int | None:
        """How many dims an input has, where that is known."""
        return self.ranks[at] if at < len(self.ranks) else None

    def maker(self, at: int) -> Call | None:
        """The call that makes an input; None for what the file has or gets."""
        return self.makers.get(self.inputs[at]) if self.has(at) else None

    def hold(self, module: nn.Module) -> Any:
        """Keep a module with weights under the node's name; the function may call it."""
        self.held.append(module)
        return module

    def only(self, *positions: int) -> None:
        """The function gets these inputs alone: the others are in the modules that it holds."""
        self.takes = positions


@dataclass(frozen=True, slots=True)
class Operator:
    """What makes a module or a function of a node from opset `since` on."""

    since: int
    known: frozenset[int]
    build: Builder


TABLE: dict[str, list[Operator]] = {}
"""All operators of the default domain, by name, with their versions from the newest down."""


def op(*names: str, since: int = 1, known: tuple[int, ...] = ()) -> Callable[[Builder], Builder]:
    """Registers what makes a node of these operators.

    A node of a file takes the newest version whose `since` isn't above the file's opset.
    `known`: the inputs that come as numbers.
    """

    def register(build: Builder) -> Builder:
        for name in names:
            versions = TABLE.setdefault(name, [])
            versions.append(Operator(since, frozenset(known), build))
            versions.sort(key=lambda version: -version.since)
        return build

    return register


def find(name: str, opset: int) -> Operator | None:
    """The version of an operator for a file's opset."""
    from netbuilder.exchange.onnx_in import families

    families.load()
    return next((each for each in TABLE.get(name, ()) if each.since <= opset), None)

"""An exported program as plain data: what a traced module and a `.pt2` file have in common.

Values have names. An operation takes its arguments by the names of its schema, so that
whoever reads it need not count. Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from netbuilder.errors import NetbuilderError

Size = int | str
"""A size: a number, the name of a free size, or a formula of those (`2*s0`)."""


class BringError(NetbuilderError):
    """Something can't be brought into a project; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that an operation or the caller made, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Dtype:
    """A dtype as an argument: `float32`."""

    name: str


Arg = Ref | Dtype | int | float | bool | str | tuple["Arg", ...] | None


@dataclass(frozen=True, slots=True)
class Type:
    """What is known of a tensor."""

    shape: tuple[Size, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Scope:
    """One call of a module. `key` tells calls of the same module apart, `path` is its name
    (`layer1.0.conv1`), `kind` the dotted name of its class."""

    key: str
    path: str
    kind: str

    @property
    def number(self) -> int:
        """Which call of its module it is, from 0 on."""
        _, _, number = self.key.rpartition("@")
        return int(number) if number.isdecimal() and "@" in self.key else 0


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of a function, `aten.add.Tensor`, inside the module calls of `stack`."""

    name: str
    target: str
    args: Mapping[str, Arg]
    outputs: tuple[str, ...]
    stack: tuple[Scope, ...] = ()

    @property
    def base(self) -> str:
        """`add` of `aten.add.Tensor` and of `aten.add_.Tensor`."""
        parts = self.target.split(".")
        name = parts[1] if parts[0] == "aten" and len(parts) > 1 else self.target
        return name.rstrip("_") or name

    @property
    def in_place(self) -> bool:
        """Whether it overwrites its first argument."""
        parts = self.target.split(".")
        name = parts[1] if parts[0] == "aten" and len(parts) > 1 else ""
        return name.endswith("_") and not name.endswith("__")

    @property
    def shown(self) -> str:
        """The operation for a person: `aten.add` rather than `aten.add.Tensor`."""
        return ".".join(self.target.split(".")[:2])

    def refs(self) -> Iterator[str]:
        """The names of the values that it takes, in the order of the arguments."""
        for value in self.args.values():
            yield from refs(value)


def refs(value: Arg) -> Iterator[str]:
    """The names of values inside an argument."""
    if isinstance(value, Ref):
        yield value.name
    elif isinstance(value, tuple):
        for item in value:
            yield from refs(item)


@dataclass(frozen=True, slots=True)
class State:
    """A tensor that the module holds: its key in the `state_dict`."""

    key: str
    kind: Literal["parameter", "buffer", "constant"]


@dataclass(slots=True)
class Program:
    """A module as a list of operations.

    `inputs` are the values that a caller gives, `outputs` what it gets back with the path to
    it in the result (`logits`, `0`). `states` tells for values which tensor they hold,
    `tensors` has those by key. `types` knows tensors, `sizes` whole numbers that are worked
    out from shapes. `module` is the living module where there is one.
    """

    title: str
    inputs: list[str]
    outputs: list[tuple[str, Arg]]
    operations: list[Operation]
    states: dict[str, State]
    tensors: dict[str, Tensor]
    types: dict[str, Type]
    sizes: dict[str, Size]
    symbols: dict[str, int]
    """What each free size was in the example."""
    names: dict[str, str] = field(default_factory=dict)
    """Names that were given to free sizes."""
    titles: dict[str, str] = field(default_factory=dict)
    """Names that inputs and operations (by their first output) have for a person, where those
    are not the values' own."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why an operation (by its first output) has no layer, where its file tells more than that."""
    module: nn.Module | None = None
    given: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)
    """For calls of modules, by path and number: values by the names of `forward`'s arguments."""
    tied: dict[str, str] = field(default_factory=dict)
    """Keys of tensors that are another one's, under which they stand in `tensors`."""
    training: str = ""
    """What the file says of its training: see `exchange.further`."""

    def submodule(self, path: str) -> nn.Module | None:
        """The living module at a path, if there is one."""
        if self.module is None:
            return None
        try:
            return self.module.get_submodule(path)
        except AttributeError:
            return None

    def example_shape(self, value: str) -> tuple[int, ...]:
        """The shape of a value as it was in the example; formulas count as their value."""
        return tuple(self.number(size) for size in self.types[value].shape)

    def number(self, size: Size) -> int:
        """A size with the numbers of the example; 0 for a formula that says nothing."""
        return size if isinstance(size, int) else self.symbols.get(size, 0)


Json = Any

"""Which module called which: the operations of a program as a tree of calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netbuilder.exchange.bring.program import Operation, Program, Scope

IDLE = frozenset({"sym_size", "_assert_tensor_metadata", "_assert_scalar", "_assert_async"})
"""Operations that make no tensor: sizes, and checks that tracing leaves behind."""
CONTAINERS = frozenset(
    f"torch.nn.modules.container.{kind}" for kind in ("Sequential", "ModuleList")
)


@dataclass(slots=True)
class Call:
    """One call of a module. `items` are what runs in it, in order."""

    scope: Scope
    items: list[Operation | Call] = field(default_factory=list)

    def operations(self) -> Iterator[Operation]:
        """All operations inside, those of inner calls too."""
        for item in self.items:
            if isinstance(item, Call):
                yield from item.operations()
            else:
                yield item


def tree(program: Program) -> Call:
    """The call of the whole module. Calls in which nothing runs are left out."""
    root = Call(Scope("", "", ""))
    known: dict[tuple[str, ...], Call] = {}
    for operation in program.operations:
        here = root
        keys: tuple[str, ...] = ()
        for scope in operation.stack[1:]:
            keys = (*keys, scope.key)
            if keys not in known:
                known[keys] = Call(scope)
                here.items.append(known[keys])
            here = known[keys]
        if operation.stack:
            root.scope = operation.stack[0]
        here.items.append(operation)
    return root


def idle(operation: Operation, program: Program) -> bool:
    """Whether an operation leads to no tensor."""
    made_sizes = operation.outputs and all(name in program.sizes for name in operation.outputs)
    return operation.base in IDLE or bool(made_sizes)

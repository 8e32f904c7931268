"""Changes of shape in a row, said in as few operations as they come to.

Graphs of exporters move dims to and fro: a recurrent operator wants time first and gives its
directions apart, a product wants two dims. Each value is described by what has become of the
dims of the value that the row began with; where one operation does the same as several, or none,
it takes their place.

What works on the last dim alone does not need the others flattened into one, from which several
free sizes could not be told apart again: it is done before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref, Size, refs

_MOVES = frozenset({"permute", "transpose", "t", "mT"})
_SHAPES = frozenset(
    {"view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze"}
)

_ALONG_LAST = frozenset(
    {"elu", "gelu", "hardswish", "leaky_relu", "linear", "relu", "sigmoid", "silu", "softplus"}
) | {"dropout", "exp", "tanh"}
"""What treats each row along the last dim by itself, its first argument."""

Dim = tuple[int, ...]
"""The parts of the first value's dims, by number, that a dim is made of; none for a dim of one."""
Dims = tuple[Dim, ...]
Product = tuple[int, tuple[str, ...]]
"""A size as a number times free sizes in order."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A value in a row of changes; `row` has its values up to this one, the first one too."""

    dims: Dims
    row: tuple[str, ...]


def shortened(program: Program) -> Program:
    """The same program with fewer changes of shape; those inside of submodules are left alone."""
    return _Rows(program).shortened()


class _Rows:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.places: dict[str, _Place] = {}
        self.parts: list[Product] = []
        """The size of each part."""
        self.within: dict[int, Dim] = {}
        """What parts were taken apart into."""
        self.same: dict[str, str] = {}

    def shortened(self) -> Program:
        made = [one for each in self.program.operations for one in self._operations(each)]
        outputs = [(path, self._now(value)) for path, value in self.program.outputs]
        return replace(self.program, operations=_read(made, outputs), outputs=outputs)

    def _operations(self, operation: Operation) -> list[Operation]:
        """The operation, or what comes in its place."""
        args = {name: self._now(given) for name, given in operation.args.items()}
        operation = replace(operation, args=args)
        if operation.base in _ALONG_LAST and operation.target.startswith("aten."):
            return self._unflattened(operation)
        made = self._shortest(operation)
        return [made] if made is not None else []

    def _shortest(self, operation: Operation) -> Operation | None:
        """The operation, another one in its place, or None where it gives what is there."""
        args = operation.args
        source = args.get("self")
        if not _changes_shape(operation) or not isinstance(source, Ref):
            return operation
        made, types = operation.outputs[0], self.program.types
        if made not in types or source.name not in types or source.name in self.program.states:
            return operation
        place = self._placed(operation, source.name)
        if place is None:
            return operation
        self.places[made] = place
        for earlier in place.row[:-1]:
            short = self._at_once(earlier, made)
            if short == {}:
                self.same[made] = earlier
                return None
            if short is not None and earlier != source.name:
                target = _RESHAPE if "shape" in short else "aten.permute.default"
                return replace(operation, target=target, args={"self": Ref(earlier), **short})
        return operation

    def _now(self, given: Arg) -> Arg:
        if isinstance(given, Ref):
            return Ref(self.same.get(given.name, given.name))
        return tuple(self._now(one) for one in given) if isinstance(given, tuple) else given

    def _unflattened(self, operation: Operation) -> list[Operation]:
        """On rows in as many dims as they had, where those were flattened from free sizes."""
        first = next(iter(operation.args), "")
        given, made = operation.args.get(first), operation.outputs[0]
        place = self.places.get(given.name) if isinstance(given, Ref) else None
        if place is None or not isinstance(given, Ref) or made not in self.program.types:
            return [operation]
        front = [self._fine(dim) for dim in place.dims[:-1]]
        if not any(sum(bool(self.parts[part][1]) for part in dim) > 1 for dim in front):
            return [operation]
        sizes = tuple(_size(self.parts[part]) for dim in front for part in dim)
        known, result = self.program.types[given.name], self.program.types[made]
        rows, whole = f"{made}.rows", f"{made}.whole"
        self.program.types[rows] = replace(known, shape=(*sizes, known.shape[-1]))
        self.program.types[whole] = replace(result, shape=(*sizes, result.shape[-1]))
        before = Operation(rows, _RESHAPE, {"self": given}, (rows,), operation.stack[:1])
        short = self._shortest(before)
        inner = replace(
            operation, args={**operation.args, first: self._now(Ref(rows))}, outputs=(whole,)
        )
        after = Operation(f"{made}.flat", _RESHAPE, {"self": Ref(whole)}, (made,), before.stack)
        return [*([short] if short else []), inner, *([self._shortest(after) or after])]

    # -- what has become of the dims -----------------------------------------------------------

    def _placed(self, operation: Operation, source: str) -> _Place | None:
        before = self.places.get(source) or self._first(source)
        shape = self.program.types[source].shape
        if operation.base in _MOVES:
            order = _order(operation, len(shape))
            dims = None if order is None else tuple(before.dims[at] for at in order)
        else:
            dims = self._regrouped(before.dims, self.program.types[operation.outputs[0]].shape)
        return None if dims is None else _Place(dims, (*before.row, operation.outputs[0]))

    def _first(self, name: str) -> _Place:
        dims = tuple(
            () if size == 1 else (self._part(product_of(size)),) for size in self._shape(name)
        )
        self.places[name] = _Place(dims, (name,))
        return self.places[name]

    def _shape(self, name: str) -> tuple[Size, ...]:
        return self.program.types[name].shape

    def _part(self, size: Product) -> int:
        self.parts.append(size)
        return len(self.parts) - 1

    def _fine(self, dim: Dim) -> Dim:
        """The same dim in parts that were not taken apart since."""
        found: list[int] = []
        for part in dim:
            found += self._fine(self.within[part]) if part in self.within else (part,)
        return tuple(found)

    def _regrouped(self, dims: Dims, after: Sequence[Size]) -> Dims | None:
        """The dims of a tensor of these sizes with the same numbers in the same order."""
        left = [part for dim in dims for part in self._fine(dim)]
        made: list[Dim] = []
        for size in after:
            wanted, group = product_of(size), []
            while wanted != ONE:
                if not left:
                    return None
                part = left.pop(0)
                rest = _quotient(wanted, self.parts[part])
                if rest is None:
                    further = _quotient(self.parts[part], wanted)
                    if further is None:
                        return None
                    self.within[part] = (self._part(wanted), self._part(further))
                    part, rest = self.within[part][0], ONE
                    left.insert(0, len(self.parts) - 1)
                group.append(part)
                wanted = rest
            made.append(tuple(group))
        return None if left else tuple(made)

    def _at_once(self, earlier: str, made: str) -> dict[str, Arg] | None:
        """Arguments of one permute or reshape between two values of a row; {} for the same."""
        old = [self._fine(dim) for dim in self.places[earlier].dims]
        new = [self._fine(dim) for dim in self.places[made].dims]
        if old == new:
            return {}
        if sum(old, ()) == sum(new, ()):
            return {"shape": tuple(-1 if isinstance(s, str) else s for s in self._shape(made))}
        if sorted(old) != sorted(new):
            return None
        places = list(range(len(old)))
        order = []
        for dim in new:
            at = next(at for at in places if old[at] == dim)
            places.remove(at)
            order.append(at)
        return {"dims": tuple(order)}


ONE: Product = (1, ())
_RESHAPE = "aten.reshape.default"


def _size(product: Product) -> Size:
    number, names = product
    factors = [*([str(number)] if number != 1 else []), *names]
    return "*".join(factors) if names else number


def product_of(size: Size) -> Product:
    """A size as a number times free sizes."""
    if isinstance(size, int):
        return size, ()
    number, names = 1, []
    for factor in size.split("*"):
        if factor.isdecimal():
            number *= int(factor)
        elif factor.isidentifier():
            names.append(factor)
        else:
            return 1, (size,)
    return number, tuple(sorted(names))


def _quotient(a: Product, b: Product) -> Product | None:
    """a / b, where that is a product again."""
    if not b[0] or a[0] % b[0] or not a[0]:
        return None
    names = list(a[1])
    for name in b[1]:
        if name not in names:
            return None
        names.remove(name)
    return a[0] // b[0], tuple(names)


def _changes_shape(operation: Operation) -> bool:
    known = operation.base in _MOVES or operation.base in _SHAPES
    plain = len(operation.stack) <= 1 and len(operation.outputs) == 1
    return known and plain and not operation.in_place and operation.target.startswith("aten.")


def _order(operation: Operation, rank: int) -> tuple[int, ...] | None:
    """The order of dims after a move."""
    dims = operation.args.get("dims")
    if operation.base == "permute":
        if not isinstance(dims, tuple):
            return None
        order = tuple(dim % rank for dim in dims if isinstance(dim, int))
        return order if len(order) == rank else None
    a, b = operation.args.get("dim0", -2), operation.args.get("dim1", -1)
    if not isinstance(a, int) or not isinstance(b, int) or rank < 2:
        return None
    order_list = list(range(rank))
    order_list[a % rank], order_list[b % rank] = order_list[b % rank], order_list[a % rank]
    return tuple(order_list)


def _read(operations: Sequence[Operation], outputs: Sequence[tuple[str, Arg]]) -> list[Operation]:
    """Without changes of shape that no one reads."""
    wanted = {name for _, value in outputs for name in refs(value)}
    kept = []
    for operation in reversed(operations):
        if _changes_shape(operation) and wanted.isdisjoint(operation.outputs):
            continue
        wanted.update(operation.refs())
        kept.append(operation)
    return kept[::-1]

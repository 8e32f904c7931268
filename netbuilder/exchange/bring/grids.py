"""What is chosen by numbers that only count, without choosing.

Exporters write slices, masks and steps of a loop as a choice of places, with places for all dims
and with what makes negative ones count from the end. Where the places are a grid of counts the
choice is the value itself, cut and turned; where they surely are not negative they are taken as
they are; what is true anyway is left out. Then what is free stays free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from netbuilder.exchange.bring.calls import IDLE
from netbuilder.exchange.bring.counts import Counting, Counts, times
from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref, Size, Type
from netbuilder.exchange.bring.views import ONE, product_of

_RESHAPES = frozenset({"view", "reshape", "_unsafe_view", "flatten"})


def plainer(program: Program) -> Program:
    """The same program, in which nothing is chosen by what only counts."""
    program = replace(program, types=dict(program.types), sizes=dict(program.sizes))
    return _Grids(program).plainer()


class _Grids:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.counts = Counts(program)
        self.made = self.counts.made

    def plainer(self) -> Program:
        kept: list[Operation] = []
        gone: list[Operation] = []
        for operation in self.program.operations:
            plain = self._plain(operation)
            kept += plain or [operation]
            gone += [operation] if plain else []
            for each in plain or ():
                self.made.update(dict.fromkeys(each.outputs, each))
        return replace(self.program, operations=_without(self.program, kept, gone))

    def _plain(self, operation: Operation) -> list[Operation] | None:
        """What says the same as an operation; None where it stays as it is."""
        if len(operation.outputs) != 1 or operation.outputs[0] not in self.program.types:
            return None
        match operation.base:
            case "where":
                return self._from_the_end(operation)
            case "logical_and" | "bitwise_and":
                return self._anyway(operation)
            case "index":
                return self._indexed(operation)
            case "index_select":
                return self._flattened(operation)
            case "gather":
                return self._gathered(operation)
        return None

    def _from_the_end(self, operation: Operation) -> list[Operation] | None:
        """Places that are counted from the end where they are negative, if none is."""
        below, _, places = (*operation.args.values(), None, None, None)[:3]
        asked = self.made.get(below.name) if isinstance(below, Ref) else None
        if asked is None or asked.base != "lt" or not isinstance(places, Ref):
            return None
        same = list(asked.args.values()) == [places, 0]
        fits = self.program.types.get(places.name) == self.program.types[operation.outputs[0]]
        if not same or not fits or not self.counts.never_negative(places):
            return None
        return [_then(operation, "alias", {"self": places})]

    def _anyway(self, operation: Operation) -> list[Operation] | None:
        """The other of two truths, where one is always true."""
        first, second = list(operation.args.values())[:2]
        result = self.program.types[operation.outputs[0]]
        if result.dtype != "bool":
            return None  # of whole numbers each bit counts
        for one, other in ((first, second), (second, first)):
            known = self.program.types.get(other.name) if isinstance(other, Ref) else None
            if isinstance(other, Ref) and known and known.dtype == "bool" and self.counts.true(one):
                return self._chain(
                    operation, other, self._stretched(operation, known.shape, result.shape)
                )
        return None

    # -- choices -------------------------------------------------------------------------------

    def _indexed(self, operation: Operation) -> list[Operation] | None:
        """A choice by an index for each of some dims side by side."""
        indices, source = operation.args.get("indices"), operation.args.get("self")
        types = self.program.types
        if not isinstance(indices, tuple) or not isinstance(source, Ref):
            return None
        chosen = [each for each in indices if each is not None]
        first = next((at for at, each in enumerate(indices) if each is not None), 0)
        names = [each.name for each in chosen if isinstance(each, Ref) and each.name in types]
        beside = indices[first : first + len(chosen)] == tuple(chosen)
        if not names or len(names) != len(chosen) or not beside or source.name not in types:
            return None
        rank = max(len(types[name].shape) for name in names)
        places = []
        for name in names:
            counting = self.counts.counting(name)
            if counting is None or list(counting.values()) != [ONE]:
                return None
            places.append(next(iter(counting)) + rank - len(types[name].shape))
        result = types[operation.outputs[0]].shape
        wide = result[first : first + rank]
        for name, place in zip(names, places, strict=True):
            if types[name].shape[place - rank] != wide[place]:
                return None  # one count that is stretched
        return self._slices(operation, source, first, places, wide, result)

    def _flattened(self, operation: Operation) -> list[Operation] | None:
        """A choice of rows of flattened dims, `row * width + column`."""
        flat, index = operation.args.get("self"), operation.args.get("index")
        types = self.program.types
        if (
            operation.args.get("dim") != 0
            or not isinstance(flat, Ref)
            or not isinstance(index, Ref)
        ):
            return None
        source, grid = self._before(flat.name), self._before(index.name)
        counting = self.counts.counting(grid)
        if counting is None or len(counting) < 2 or source == flat.name:
            return None
        shape, rows = types[source].shape, types[flat.name].shape
        for count in range(1, len(shape) + 1):
            if _times(shape[:count]) == product_of(rows[0]) and _times(shape[count:]) == _times(
                rows[1:]
            ):
                places = _places(counting, shape[:count])
                wide = types[grid].shape
                if places is not None and _within(wide, places, shape):
                    whole = (*wide, *shape[count:])
                    return self._slices(operation, Ref(source), 0, places, wide, whole)
        return None

    def _before(self, name: str) -> str:
        """The value that a change of shape began with."""
        operation = self.made.get(name)
        while operation is not None and operation.base in _RESHAPES | {"alias"}:
            name = next(operation.refs())
            operation = self.made.get(name)
        return name

    def _gathered(self, operation: Operation) -> list[Operation] | None:
        """Numbers at places that count along the dim in which they are looked for."""
        source, dim, index = (operation.args.get(name) for name in ("self", "dim", "index"))
        if not isinstance(source, Ref) or not isinstance(index, Ref) or not isinstance(dim, int):
            return None
        before, after = (self.counts.shape(each.name) for each in (source, index))
        dim %= max(len(before), 1)
        alike = len(before) == len(after) and all(
            a == b for at, (a, b) in enumerate(zip(before, after, strict=True)) if at != dim
        )
        if not alike or self.counts.counting(index.name) != {dim: ONE}:
            return None
        end = self._size(after[dim], f"{operation.outputs[0]}.end")
        step: Step = ("slice", {"dim": dim, "start": 0, "end": end}, after)
        return self._chain(operation, source, [step] if before != after else [])

    def _slices(
        self,
        operation: Operation,
        source: Ref,
        first: int,
        places: list[int],
        wide: tuple[Size, ...],
        whole: tuple[Size, ...],
    ) -> list[Operation] | None:
        """The value itself in the place of a choice from its dims, from `first` on.

        `places` are where these dims are among those of the places, of the sizes `wide`; `whole`
        is the shape with those.
        """
        if len(set(places)) != len(places):
            return None
        made, shape = operation.outputs[0], self.counts.shape(source.name)
        steps: list[Step] = []
        for at, place in enumerate(places, first):
            if shape[at] != wide[place]:
                end = self._size(wide[place], f"{made}.end{at}")
                shape = (*shape[:at], wide[place], *shape[at + 1 :])
                steps.append(("slice", {"dim": at, "start": 0, "end": end}, shape))
        order = sorted(range(len(places)), key=lambda at: places[at])
        if order != list(range(len(places))):
            dims = (*range(first), *(first + at for at in order))
            dims += tuple(range(len(dims), len(shape)))
            shape = tuple(shape[at] for at in dims)
            steps.append(("permute", {"dims": dims}, shape))
        for place in range(len(wide)):
            if place not in places:
                at = first + place
                shape = (*shape[:at], 1, *shape[at:])
                steps.append(("unsqueeze", {"dim": at}, shape))
        steps += self._stretched(operation, shape, whole)
        result = self.counts.shape(made)
        if result != whole:
            sizes = tuple(self._size(b, f"{made}.whole{at}") for at, b in enumerate(result))
            steps.append(("reshape", {"shape": sizes}, result))
        return self._chain(operation, source, steps)

    # -- in their place ------------------------------------------------------------------------

    def _stretched(
        self, operation: Operation, shape: tuple[Size, ...], result: tuple[Size, ...]
    ) -> list[Step]:
        """What spreads a shape to another one, if anything."""
        if shape == result:
            return []
        before = (*(None,) * (len(result) - len(shape)), *shape)
        ends = tuple(
            -1 if a == b else self._size(b, f"{operation.outputs[0]}.size{at}")
            for at, (a, b) in enumerate(zip(before, result, strict=True))
        )
        return [("expand", {"size": ends}, result)]

    def _size(self, size: Size, name: str) -> Arg:
        """A size as an argument."""
        if isinstance(size, int):
            return size
        self.program.sizes[name] = size
        return Ref(name)

    def _chain(self, operation: Operation, source: Ref, steps: Sequence[Step]) -> list[Operation]:
        made: list[Operation] = []
        name, dtype = operation.outputs[0], self.program.types[source.name].dtype
        nothing: Step = ("alias", {}, self.counts.shape(source.name))
        for at, (base, args, shape) in enumerate(steps or [nothing]):
            here = name if at >= len(steps) - 1 else f"{name}.{base}{at}"
            whole: dict[str, Arg] = {"self": source, **args}
            made.append(_then(replace(operation, name=here, outputs=(here,)), base, whole))
            self.program.types[here] = Type(shape, dtype)
            source = Ref(here)
        return made


Step = tuple[str, dict[str, Arg], tuple[Size, ...]]
"""An operation, its arguments, and the shape that it gives."""


def _times(sizes: Sequence[Size]) -> tuple[int, tuple[str, ...]]:
    whole = ONE
    for size in sizes:
        whole = times(whole, product_of(size))
    return whole


def _places(counting: Counting, shape: Sequence[Size]) -> list[int] | None:
    """For each of some flattened dims, the dim of a grid along which it is gone through."""
    if len(counting) != len(shape):
        return None
    wanted = [_times(shape[at + 1 :]) for at in range(len(shape))]
    found = [next((at for at, by in counting.items() if by == each), None) for each in wanted]
    return [at for at in found if at is not None] if None not in found else None


def _within(wide: Sequence[Size], places: Sequence[int], shape: Sequence[Size]) -> bool:
    """Whether a grid leaves no row: windows that overlap go on in the next one."""
    pairs = [(wide[place], size) for place, size in zip(places[1:], shape[1:], strict=False)]
    return all(a == b or (isinstance(a, int) and isinstance(b, int) and a <= b) for a, b in pairs)


def _then(operation: Operation, base: str, args: dict[str, Arg]) -> Operation:
    """Another operation in the place of one."""
    overload = "Tensor" if base == "slice" else "default"
    return replace(operation, target=f"aten.{base}.{overload}", args=args)


def _without(program: Program, kept: list[Operation], gone: list[Operation]) -> list[Operation]:
    """Operations without those that only led to what is gone."""
    read: dict[str, int] = {}
    for name in _read(program, kept):
        read[name] = read.get(name, 0) + 1
    made = {name: each for each in kept for name in each.outputs}
    waiting = [name for each in gone for name in each.refs()]
    dropped: set[str] = set()
    while waiting:
        operation = made.get(waiting.pop())
        if operation is None or operation.name in dropped or operation.in_place:
            continue
        if operation.base in IDLE or any(read.get(name) for name in operation.outputs):
            continue
        dropped.add(operation.name)
        for name in operation.refs():
            read[name] -= 1
            waiting.append(name)
    return [each for each in kept if each.name not in dropped]


def _read(program: Program, operations: list[Operation]) -> Iterator[str]:
    for operation in operations:
        if operation.base not in IDLE:
            yield from operation.refs()
    for _, value in program.outputs:
        if isinstance(value, Ref):
            yield value.name

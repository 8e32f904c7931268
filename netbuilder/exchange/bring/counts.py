"""What is known of whole numbers in a program: that they count, and that none is negative."""

from __future__ import annotations

from netbuilder.exchange.bring import turns
from netbuilder.exchange.bring.functions import SAME
from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref, Size
from netbuilder.exchange.bring.views import ONE, Product, product_of

_AS_IT_WAS = SAME | {"expand", "index_select", "permute", "reshape", "select", "slice", "squeeze"}
_AS_IT_WAS |= {"_to_copy", "detach", "flatten", "to", "transpose", "unflatten", "unsqueeze", "view"}
_AS_IT_WAS |= {"lift_fresh_copy", "repeat", "resolve_conj", "resolve_neg"}
"""What gives numbers of its first argument as they are."""
_SHORT = frozenset({"bool", "int8", "uint8"})
"""What begins anew when it has counted as far as it can, or chooses otherwise."""
Counting = dict[int, Product]
"""By how much numbers grow along each dim in which they are not the same, from 0 on."""


def never_negative(program: Program, name: str) -> bool:
    """Whether whole numbers are surely 0 or more."""
    return Counts(program).never_negative(Ref(name))


class Counts:
    """The numbers of a program; `made` has what makes each value, and may be added to."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.made = {name: each for each in program.operations for name in each.outputs}

    def shape(self, name: str) -> tuple[Size, ...]:
        """The shape of a value."""
        return self.program.types[name].shape

    # -- not negative --------------------------------------------------------------------------

    def never_negative(self, given: Arg) -> bool:
        """Whether whole numbers are surely 0 or more."""
        if not isinstance(given, Ref):
            return isinstance(given, int) and given >= 0
        if given.name in self.program.sizes:
            # Sizes are not, but what is taken off one may leave less than nothing.
            return "-" not in str(self.program.sizes[given.name])
        state, maker = self.program.states.get(given.name), self.made.get(given.name)
        if state is not None:
            tensor = self.program.tensors[state.key]
            return state.kind == "constant" and tensor.numel() > 0 and float(tensor.min()) >= 0
        sources = self._sources(maker, given.name) if maker is not None else ()
        return bool(sources) and all(map(self.never_negative, sources))

    def _sources(self, maker: Operation, name: str) -> tuple[Arg, ...]:
        """What must not be negative for this not to be; nothing where more is needed."""
        args = tuple(maker.args.values())
        if maker.target == turns.ENTER:
            # A step of a sequence, or what is the same at every step.
            given = [maker.args[key] for key in ("sequences", "states", "constants")]
            sequences, states, constants = (each for each in given if isinstance(each, tuple))
            entered: tuple[Arg, ...] = (*sequences, *(-1 for _ in states), *constants)
            return (entered[maker.outputs.index(name)],)
        match maker.base:
            case "arange":
                return maker.args.get("start", 0), maker.args.get("step", 1)
            case "cat" | "stack":
                return args[0] if isinstance(args[0], tuple) else ()
            case "clamp" | "clamp_min":
                # A largest number below the smallest one is what all come to.
                most = maker.args.get("max")
                return (maker.args.get("min"), *(() if most is None else (most,)))
            case "add" | "mul":
                return args
            case "where":
                return args[1:]
            case "scalar_tensor":
                return args[:1]
        return args[:1] if maker.base in _AS_IT_WAS else ()

    def true(self, given: Arg) -> bool:
        """Whether truths are surely true all over."""
        if not isinstance(given, Ref):
            return given is True
        state, maker = self.program.states.get(given.name), self.made.get(given.name)
        if state is not None:
            tensor = self.program.tensors[state.key]
            return state.kind == "constant" and tensor.numel() > 0 and bool(tensor.all())
        if maker is None:
            return False
        first, second = (*maker.args.values(), None, None)[:2]
        match maker.base:
            case "ge":
                return isinstance(second, int) and second <= 0 and self.never_negative(first)
            case "logical_and" | "bitwise_and":
                return self.true(first) and self.true(second)
        return maker.base in _AS_IT_WAS and self.true(first)

    # -- counts --------------------------------------------------------------------------------

    def counting(self, name: str) -> Counting | None:
        """How numbers grow along dims, all from 0 on; None where that is not known."""
        operation, known = self.made.get(name), self.program.types.get(name)
        if operation is None or known is None or known.dtype in _SHORT:
            return None
        args, shape = operation.args, self.shape(name)
        match operation.base:
            case "arange":
                plain = args.get("start", 0) == 0 and args.get("step", 1) == 1
                return {0: ONE} if plain and len(shape) == 1 else None
            case "add":
                return self._sum(operation)
            case "mul":
                return self._multiple(operation)
            case "select":
                source = self._part(args.get("self"), args.get("dim"), args.get("index"))
                return self._seen(source, operation, shape)
        first = next(iter(args.values()), None)
        moved = operation.base in _AS_IT_WAS and operation.base != "index_select"
        return self._seen(first, operation, shape) if moved else None

    def number(self, given: Arg) -> Product | None:
        """A number that is a size."""
        if isinstance(given, int):
            return product_of(given)
        if not isinstance(given, Ref):
            return None
        if given.name in self.program.sizes:
            return product_of(self.program.sizes[given.name])
        state, maker = self.program.states.get(given.name), self.made.get(given.name)
        if state is not None:
            tensor = self.program.tensors[state.key]
            whole = tensor.numel() == 1 and not tensor.dtype.is_floating_point
            return product_of(int(tensor)) if whole and state.kind == "constant" else None
        known = self.program.types.get(given.name)
        if maker is None or known is None or any(size != 1 for size in known.shape):
            return None
        first = next(iter(maker.args.values()), None)
        if maker.base in ("stack", "cat") and isinstance(first, tuple) and len(first) == 1:
            return self.number(first[0])
        return self.number(first) if maker.base in _AS_IT_WAS | {"scalar_tensor"} else None

    def _seen(self, given: Arg, operation: Operation, after: tuple[Size, ...]) -> Counting | None:
        """The same numbers after an operation that moves them."""
        found = self.counting(given.name) if isinstance(given, Ref) else None
        if found is None or not isinstance(given, Ref):
            return None
        before = self.shape(given.name)
        places: list[int | None] = []
        for at in found:
            place = self._moved(operation, at, before, after)
            places.append(place)
        if any(place is None for place in places):
            return None
        return {
            place: by for place, by in zip(places, found.values(), strict=True) if place is not None
        }

    def _moved(
        self, operation: Operation, at: int, before: tuple[Size, ...], after: tuple[Size, ...]
    ) -> int | None:
        """Where a dim is after an operation; None where it is no more as it was."""
        match operation.base:
            case "permute" | "transpose":
                order = _order(operation, len(before))
                return order.index(at) if order else None
            case "expand":
                place = at + len(after) - len(before)
                return place if before[at] == after[place] else None
            case "slice":
                begin, step = operation.args.get("start") or 0, operation.args.get("step", 1)
                dim = operation.args.get("dim", 0)
                other = isinstance(dim, int) and dim % len(before) != at
                return at if other or (begin == 0 and step == 1) else None
        # Only dims of one come or go.
        old = [place for place, size in enumerate(before) if size != 1]
        new = [place for place, size in enumerate(after) if size != 1]
        same = [before[place] for place in old] == [after[place] for place in new]
        return new[old.index(at)] if same and at in old else None

    def _sum(self, operation: Operation) -> Counting | None:
        if operation.args.get("alpha", 1) != 1:
            return None
        rank = len(self.shape(operation.outputs[0]))
        found: Counting = {}
        for given in list(operation.args.values())[:2]:
            if self.number(given) == (0, ()):
                continue
            own = self.counting(given.name) if isinstance(given, Ref) else None
            if own is None or not isinstance(given, Ref):
                return None
            wide = {at + rank - len(self.shape(given.name)): by for at, by in own.items()}
            if found.keys() & wide.keys():
                return None
            found |= wide
        return found

    def _multiple(self, operation: Operation) -> Counting | None:
        first, second = list(operation.args.values())[:2]
        for given, by in ((first, self.number(second)), (second, self.number(first))):
            own = self.counting(given.name) if isinstance(given, Ref) and by else None
            if own is not None and by is not None and isinstance(given, Ref):
                added = len(self.shape(operation.outputs[0])) - len(self.shape(given.name))
                return {at + added: times(one, by) for at, one in own.items()}
        return None

    def _part(self, given: Arg, dim: Arg, at: Arg) -> Arg:
        """What was put at one place of a dim, where values of one place each were joined."""
        joined = self.made.get(given.name) if isinstance(given, Ref) else None
        while joined is not None and joined.base in SAME:
            joined = self.made.get(next(joined.refs()))
        if joined is None or joined.base not in ("cat", "stack"):
            return None
        parts, along = joined.args.get("tensors"), joined.args.get("dim", 0)
        if not isinstance(parts, tuple) or not all(isinstance(n, int) for n in (dim, at, along)):
            return None
        assert isinstance(dim, int)
        assert isinstance(at, int)
        assert isinstance(along, int)
        rank = len(self.shape(joined.outputs[0]))
        if along % rank != dim % rank or not -len(parts) <= at < len(parts):
            return None
        single = joined.base == "stack" or all(
            isinstance(each, Ref) and self.shape(each.name)[along] == 1 for each in parts
        )
        return parts[at] if single else None


def times(a: Product, b: Product) -> Product:
    """The product of both."""
    return a[0] * b[0], tuple(sorted((*a[1], *b[1])))


def _order(operation: Operation, rank: int) -> list[int]:
    """The order of dims after a move; none where it is not known."""
    given = [each for name, each in operation.args.items() if name != "self"]
    dims = given[0] if len(given) == 1 and isinstance(given[0], tuple) else tuple(given)
    whole = [each % rank for each in dims if isinstance(each, int)]
    if operation.base == "permute":
        return whole if len(whole) == rank else []
    order = list(range(rank))
    if len(whole) != 2:
        return []
    order[whole[0]], order[whole[1]] = order[whole[1]], order[whole[0]]
    return order

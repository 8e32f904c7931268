"""What an attention may not look at, as the ports of `MultiheadAttention` take it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from netbuilder.errors import NetbuilderError
from netbuilder.exchange.bring import running
from netbuilder.exchange.bring.counts import Counts
from netbuilder.exchange.bring.functions import SAME
from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref, Type
from netbuilder.exchange.onnx_in.tracks import Tracks

PADDING, MASK = "key_padding_mask", "attn_mask"
_OF_SIZES = frozenset({"full_like", "zeros_like", "ones_like", "new_zeros", "new_ones", "new_full"})
"""What only looks at the shape of its first argument."""
_BUILT = (
    _OF_SIZES
    | SAME
    | {
        *(
            "arange",
            "cumsum",
            "ones",
            "zeros",
            "full",
            "select",
            "slice",
            "index_select",
            "expand_as",
        ),
        *("view", "reshape", "unsqueeze", "squeeze", "permute", "transpose", "expand", "flatten"),
        *(
            "eq",
            "ne",
            "le",
            "lt",
            "ge",
            "gt",
            "logical_not",
            "logical_and",
            "bitwise_and",
            "bitwise_not",
        ),
        *("where", "masked_fill", "triu", "tril", "to", "_to_copy", "resolve_conj", "resolve_neg"),
        *("add", "sub", "unflatten", "detach", "scalar_tensor", "mul"),
    }
)
"""What masks that hide the future are made with."""
_NOTHING = -1e30
"""What a number is below that, added to a score, leaves nothing of it."""


@dataclass(frozen=True, slots=True)
class Masks:
    """Values by port. Those in `turned` are true for what may be looked at."""

    ports: Mapping[str, str] = field(default_factory=dict)
    turned: frozenset[str] = frozenset()
    causal: bool = False
    squeezed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Dims of one that the ports do not take."""
    filled: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Numbers in the place of truths, of true ones and of others."""

    @property
    def finite(self) -> bool:
        """Whether all that is hidden from everywhere still is looked at in the same way."""
        return self.ports.keys() <= self.filled.keys()


def read(
    tracks: Tracks, given: Arg, causal: bool, shape: tuple[int, int, int, int]
) -> Masks | None:
    """A mask for scores of this shape by ports; None where there is no port for it."""
    if given is None or _all_over(tracks, given) == 0.0:
        return Masks(causal=causal)
    if not isinstance(given, Ref) or causal:
        return None
    if _hides_future(tracks, given.name, shape):
        return Masks(causal=True)
    parts = [given.name]
    for name, _ in tracks.back(given.name):
        operation = tracks.matcher.made.get(name)
        if operation is not None and operation.base == "add" and len(operation.args) == 2:
            both = [each.name for each in operation.args.values() if isinstance(each, Ref)]
            parts = both if len(both) == 2 else parts
    found = Masks()
    for name in parts:
        one = _one(tracks, name, shape)
        if one is None or found.ports.keys() & one.ports.keys() or (found.causal and one.causal):
            return None
        found = Masks(
            {**found.ports, **one.ports},
            found.turned | one.turned,
            found.causal or one.causal,
            {**found.squeezed, **one.squeezed},
            {**found.filled, **one.filled},
        )
    return found


def _one(tracks: Tracks, name: str, shape: tuple[int, int, int, int]) -> Masks | None:
    if _hides_future(tracks, name, shape):
        return Masks(causal=True)
    batch, _, length, steps = shape
    known = tracks.program.types.get(name)
    if known is None or known.dtype not in ("bool", "float32"):
        return None
    chosen = _chosen(tracks, name)
    if chosen is not None:
        seen = _one(tracks, chosen[0], shape)
        return None if seen is None or seen.causal else _with_numbers(seen, chosen[1])
    last: Masks | None = None
    wanted = {
        PADDING: torch.arange(batch * steps).reshape(batch, 1, 1, steps).expand(shape),
        MASK: torch.arange(length * steps).reshape(1, 1, length, steps).expand(shape),
    }
    for value, at in tracks.back(name):
        size = tracks.program.example_shape(value)
        whole = (
            at.reshape(-1, *shape[1:]) if at.dim() == 3 and len(at) == shape[0] * shape[1] else at
        )
        if whole.dim() > 4:
            continue
        for port, places in wanted.items():
            rows = batch if port == PADDING else length
            thin = tuple(dim for dim, count in enumerate(size) if count == 1)
            kept = tuple(count for count in size if count != 1)
            if math.prod(size) != rows * steps or (len(size) != 2 and kept != (rows, steps)):
                continue
            with suppress(RuntimeError):
                if torch.equal(whole.expand(shape), places):
                    turned = frozenset({port} if known.dtype == "bool" else ())
                    squeezed = {port: thin} if len(size) != 2 else {}
                    last = Masks({port: value}, turned, False, squeezed)
                    if not squeezed:
                        return _plainer(tracks, last, port)
    return last


def _plainer(tracks: Tracks, found: Masks, port: str) -> Masks:
    """The truths themselves, where a mask is what they are not."""
    operation = tracks.matcher.made.get(found.ports[port])
    if operation is None:
        return found
    if port in found.turned and operation.base in ("logical_not", "bitwise_not"):
        return Masks({port: next(operation.refs())}, frozenset())
    return found


def _chosen(tracks: Tracks, name: str) -> tuple[str, tuple[float, float]] | None:
    """The truths that say what a mask hides, and its numbers for true ones and for others."""
    operation = tracks.matcher.made.get(name)
    args = list(operation.args.values()) if operation is not None else []
    if operation is None or operation.base != "where" or not isinstance(args[0], Ref):
        return None
    one, other = (_all_over(tracks, each) for each in args[1:])
    return None if one is None or other is None else (args[0].name, (one, other))


def _with_numbers(seen: Masks, numbers: tuple[float, float]) -> Masks | None:
    """A mask that has these numbers where truths are true, and where they are not."""
    if numbers == (0.0, -math.inf):
        return seen
    if numbers == (-math.inf, 0.0):
        return replace(seen, turned=seen.turned ^ seen.ports.keys())
    plain = seen.turned == seen.ports.keys() and all(map(math.isfinite, numbers))
    filled = dict.fromkeys(seen.ports, numbers)
    return replace(seen, turned=frozenset(), filled=filled) if plain else None


def _all_over(tracks: Tracks, given: Arg) -> float | None:
    """The number that a value is all over; None if it is not one."""
    number = tracks.matcher.number(given)
    operation = tracks.matcher.made.get(given.name) if isinstance(given, Ref) else None
    if number is None and operation is not None:
        if operation.base in ("full", "full_like"):
            return tracks.matcher.number(operation.args.get("fill_value"))
        if operation.base in ("expand", "expand_as", "view", "reshape", *SAME):
            return _all_over(tracks, next(iter(operation.args.values())))
        if operation.base in ("zeros", "zeros_like"):
            return 0.0
        one, *others = operation.args.values()
        if operation.base == "where" and Counts(tracks.program).true(one):
            return _all_over(tracks, others[0])
    return number


def wired(
    program: Program, found: Masks, known: dict[str, str]
) -> tuple[list[Operation], dict[str, str]]:
    """Values for the ports, and the operations that make those that are not there yet.

    `known` has what was made for attentions before, which others use again.
    """
    made: list[Operation] = []
    ports: dict[str, str] = {}
    makers = {name: o for o in program.operations for name in o.outputs}
    args: dict[str, Arg]
    for port, value in found.ports.items():
        dims = found.squeezed.get(port, ())
        if dims:
            kept = len(program.types[value].shape) - 2
            value = _thin(program, makers, value, dims[-kept:], known, made)
        if port in found.filled:
            filled = known.get(f"{found.filled[port]} {value}")
            if filled is None:
                filled = known[f"{found.filled[port]} {value}"] = f"{value}_{port}"
                one, other = found.filled[port]
                args = {"condition": Ref(value), "self": one, "other": other}
                made.append(Operation(filled, "aten.where.Scalar", args, (filled,)))
                program.types[filled] = replace(program.types[value], dtype="float32")
            value = filled
        if port in found.turned:
            turned = known.get(f"not {value}")
            if turned is None:
                turned = known[f"not {value}"] = f"{value}_{port}"
                args = {"self": Ref(value)}
                made.append(Operation(turned, "aten.logical_not.default", args, (turned,)))
                program.types[turned] = program.types[value]
            value = turned
        ports[port] = value
    return made, ports


_EACH = frozenset({"to", "_to_copy", "add", "sub", "mul", "div", "rsub", "neg", "eq", "ne"})
"""What treats each number by itself."""


def _thin(
    program: Program,
    makers: Mapping[str, Operation],
    value: str,
    dims: tuple[int, ...],
    known: dict[str, str],
    made: list[Operation],
    left: int = 20,
) -> str:
    """A value without these dims of one: what makes it is done without them."""
    name = f"{value}_thin"
    if value in known:
        return known[value]
    before = program.types[value]
    shape = tuple(size for at, size in enumerate(before.shape) if at not in dims)
    state, operation = program.states.get(value), makers.get(value)
    known[value], program.types[name] = name, Type(shape, before.dtype)
    if state is not None:
        program.tensors[f"{state.key}_thin"] = program.tensors[state.key].squeeze(dims)
        program.states[name] = replace(state, key=f"{state.key}_thin")
        return name
    source = next(operation.refs(), "") if operation else ""
    same = source in program.types and program.types[source].shape
    if operation and same == shape and operation.base in _ADDING:
        known[value] = source
        return source
    alone = operation and list(operation.refs()) == [source]
    if operation and alone and left and operation.base in _EACH and same == before.shape:
        thin = _thin(program, makers, source, dims, known, made, left - 1)
        args = {k: Ref(thin) if isinstance(v, Ref) else v for k, v in operation.args.items()}
        made.append(replace(operation, name=name, args=args, outputs=(name,)))
        return name
    for dim in sorted(dims, reverse=True):
        shape = (*before.shape[:dim], *before.shape[dim + 1 :])
        before, last = Type(shape, before.dtype), name if dim == min(dims) else f"{name}_{dim}"
        args = {"self": Ref(value), "dim": dim}
        made.append(Operation(last, "aten.squeeze.dim", args, (last,)))
        program.types[last], value = before, last
    return value


_ADDING = frozenset({"view", "reshape", "unsqueeze"})


_NUMBERS = frozenset({"self", "other", "value", "fill_value"}) | {"diagonal", "start", "step"}
"""Arguments that may say what holds up to some size only, as a window of 20 steps."""


# -- the future ----------------------------------------------------------------------------------


def _hides_future(tracks: Tracks, name: str, shape: tuple[int, int, int, int]) -> bool:
    """Whether a mask hides what comes later and nothing else, at any size.

    It is worked out at the sizes of the example; that it goes on like that is told by what it is
    made with: no numbers but 0 and 1, and tensors that hide the future themselves.
    """
    length, steps = shape[2:]
    if length != steps or length < 2:
        return False
    mask = _worked_out(tracks, name, {})
    if mask is None or mask.dim() < 2 or mask.shape[-2:] != (length, steps):
        return False
    allowed = mask if mask.dtype is torch.bool else mask > _NOTHING
    later = torch.ones(length, steps, dtype=torch.bool).tril()
    exact = mask.dtype is torch.bool or bool((mask[allowed] == 0).all())
    return exact and torch.equal(allowed, later.expand_as(allowed))


def _worked_out(tracks: Tracks, name: str, known: dict[str, Tensor | None]) -> Tensor | None:
    if name not in known:
        known[name] = None
        with suppress(NetbuilderError, RuntimeError, TypeError, LookupError, ValueError):
            known[name] = _made(tracks, name, known)
    return known[name]


def _made(tracks: Tracks, name: str, known: dict[str, Tensor | None]) -> Tensor | None:
    program = tracks.program
    state = program.states.get(name)
    if state is not None:
        tensor = program.tensors[state.key]
        return tensor if _goes_on(tensor) else None
    operation = tracks.matcher.made.get(name)
    if operation is None or operation.base not in _BUILT or operation.outputs != (name,):
        return None
    args: dict[str, Arg | Tensor | list[int]] = {}
    for key, given in operation.args.items():
        shown = operation.base in _OF_SIZES and not args
        shown = shown or (operation.base == "expand_as" and key == "other")
        if isinstance(given, Ref) and given.name in program.sizes:
            args[key] = program.number(program.sizes[given.name])
        elif isinstance(given, Ref) and shown:
            dtype = getattr(torch, program.types[given.name].dtype)
            args[key] = torch.zeros(program.example_shape(given.name), dtype=dtype)
        elif isinstance(given, Ref):
            made = _worked_out(tracks, given.name, known)
            if made is None:
                return None
            args[key] = made
        elif isinstance(given, tuple):
            if any(isinstance(each, Ref) and each.name not in program.sizes for each in given):
                return None
            args[key] = [_number(program, each) for each in given]
        elif isinstance(given, float | int) and not isinstance(given, bool):
            if key in _NUMBERS and not _goes_on(torch.tensor(given)):
                return None
            args[key] = given
        else:
            args[key] = given
    if operation.base in ("view", "reshape", "expand", "unflatten", "flatten"):
        return _as_shaped(operation, args, program.example_shape(name))
    result = running.call(operation.target, args)
    return result if isinstance(result, Tensor) else None


def _as_shaped(operation: Operation, args: Mapping[str, object], shape: tuple[int, ...]) -> Tensor:
    tensor = args["self"]
    assert isinstance(tensor, Tensor)
    return tensor.expand(shape) if operation.base == "expand" else tensor.reshape(shape)


def _number(program: Program, given: Arg) -> int:
    if isinstance(given, Ref):
        return program.number(program.sizes[given.name])
    assert isinstance(given, int)
    return given


def _goes_on(tensor: Tensor) -> bool:
    """Whether a tensor says the same of any size: 0, 1, nothing; or it hides the future itself."""
    if tensor.numel() <= 1:
        number = float(tensor)
        return number in (0.0, 1.0) or number <= _NOTHING
    square = tensor.dim() >= 2 and tensor.shape[-1] == tensor.shape[-2]
    if not square:
        return False
    allowed = tensor.bool() if tensor.dtype is not torch.float32 else tensor > _NOTHING
    if tensor.dtype is torch.float32 and bool(((tensor == 0) | (tensor == 1)).all()):
        allowed = tensor.bool()
    lower = torch.ones(tensor.shape[-2:], dtype=torch.bool).tril().expand_as(allowed)
    return torch.equal(allowed, lower) or torch.equal(~allowed, lower)

"""What an exporter took apart becomes one operation again, where that computes the same.

The rules are data in `patterns`. They apply to the program that was traced of the graph, in
which every shape is known; operations that nobody reads any more go.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn

from netbuilder.exchange.bring import turns
from netbuilder.exchange.bring.calls import IDLE
from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref, Scope, State, Type
from netbuilder.exchange.onnx_in import heads, patterns, stacked
from netbuilder.exchange.onnx_in.matching import Found, Matcher, short
from netbuilder.exchange.onnx_in.patterns import Lifted, Rule
from netbuilder.graph import rules


def lift(program: Program) -> tuple[Program, Counter[str]]:
    """The program with all that the rules find, and how often each was found.

    The program that is given stays as it is.
    """
    program = replace(
        program,
        module=_copied(program.module),
        operations=list(program.operations),
        states=dict(program.states),
        tensors=dict(program.tensors),
        types=dict(program.types),
    )
    counts: Counter[str] = Counter()
    for rule in patterns.RULES:
        counts[rule.name] += _apply(program, rule)
    _drop_unread(program)
    counts["multi-head attention"] = heads.lift(program)
    counts["layers upon one another"] = stacked.lift(program)
    _drop_unread(program)
    program.operations = [_with_numbers(program, each) for each in program.operations]
    return program, +counts


def _copied(module: nn.Module | None) -> nn.Module | None:
    """The same module with the same children, which can be replaced."""
    made = copy.copy(module)
    if made is not None:
        made._modules = dict(made._modules)
    return made


def _apply(program: Program, rule: Rule) -> int:
    matcher = Matcher(program)
    heads = {getattr(pattern, "base", "") for pattern in rule.patterns}
    heads |= {"mul", "div"} if "" in heads else set()
    taken: set[str] = set()
    made: dict[str, list[Operation]] = {}
    for operation in reversed(program.operations):
        if operation.base not in heads or operation.name in taken:
            continue
        found, lifted = next(_places(matcher, rule, operation, taken), (None, None))
        if found is not None and lifted is not None:
            taken |= found.inside
            made[operation.name] = _made(program, found, lifted)
    if made:
        kept: list[Operation] = []
        for operation in program.operations:
            if operation.name in made:
                kept += made[operation.name]
            elif operation.name not in taken:
                kept.append(operation)
        program.operations = kept
    return len(made)


def _places(
    matcher: Matcher, rule: Rule, operation: Operation, taken: set[str]
) -> Iterator[tuple[Found, Lifted]]:
    for pattern in rule.patterns:
        for found in matcher.find(pattern, operation):
            lifted = rule.make(found) if found.inside.isdisjoint(taken) else None
            if lifted is not None:
                yield found, lifted


def _made(program: Program, found: Found, lifted: Lifted) -> list[Operation]:
    """The operation in the place of the last one that it stands for, and what it needs."""
    end = found.end
    args = dict(lifted.args)
    before: list[Operation] = []
    if "turned" in args:
        before, args["key"] = _turned_back(program, end, args.pop("turned"))
        args = {name: args[name] for name in ("query", "key", "value", *args)}
    stack = turns.around(end.stack)
    if lifted.kind:
        path, values = _module(program, found, lifted)
        kind = f"{_home(lifted.kind)}.{lifted.kind}"
        stack = (*stack, Scope(path, path, kind))
        args |= {name: Ref(value) for name, value in values.items()}
    return [*before, Operation(end.name, lifted.target, args, end.outputs, stack)]


def _turned_back(program: Program, end: Operation, given: Arg) -> tuple[list[Operation], Arg]:
    """The keys of an attention, whose last two dims were exchanged before the product."""
    assert isinstance(given, Ref)
    shape = program.types[given.name].shape
    rank = len(shape)
    turn = (*range(rank - 2), rank - 1, rank - 2)
    source = next((o for o in program.operations if given.name in o.outputs), None)
    dims = source.args.get("dims") if source is not None and source.base == "permute" else None
    if source is not None and isinstance(dims, tuple) and len(dims) == rank:
        first = source.args["self"]
        whole = tuple(dims[at] for at in turn)
        if whole == tuple(range(rank)):
            return [], first
    else:
        first, whole = given, turn
    name = f"{end.name}_key"
    program.types[name] = Type((*shape[:-2], shape[-1], shape[-2]), program.types[given.name].dtype)
    args: dict[str, Arg] = {"self": first, "dims": whole}
    stack = turns.around(end.stack)
    return [Operation(name, "aten.permute.default", args, (name,), stack)], Ref(name)


# -- weights -------------------------------------------------------------------------------------


def _home(kind: str) -> str:
    return str(getattr(nn, kind).__module__)


def _module(program: Program, found: Found, lifted: Lifted) -> tuple[str, dict[str, str]]:
    """A module with the weights, in the program's own; its name, and the values that it has."""
    assert program.module is not None
    keys = {name: program.states[value].key for name, value in lifted.weights.items()}
    tensors = {
        name: program.tensors[key].reshape(-1) if lifted.flat else program.tensors[key]
        for name, key in keys.items()
    }
    path = _path(program, found, list(keys.values()))
    module = _empty(lifted, tensors)
    for name, tensor in tensors.items():
        module.register_parameter(name, nn.Parameter(tensor, requires_grad=True))
    program.module.add_module(path, module)
    values = {}
    for name, tensor in tensors.items():
        key, value = f"{path}.{name}", f"{path} {name}"
        program.tensors[key] = tensor
        program.states[value] = State(key, "parameter")
        program.types[value] = replace(
            program.types[lifted.weights[name]], shape=tuple(tensor.shape)
        )
        values[name] = value
    return path, values


def _path(program: Program, found: Found, keys: list[str]) -> str:
    """What the weights' names begin with: `norm` of `norm_weight` and `norm_bias`."""
    assert program.module is not None
    for operation in found.operations.values():
        within = operation.stack[len(turns.around(operation.stack)) :]
        path = within[-1].path if within else ""
        if path and "." not in path and _only_call(program, path):
            # Its own module goes with its operation.
            delattr(program.module, path)
            return path
    words = [key.replace(".", "_").split("_") for key in keys]
    same = [parts[0] for parts in zip(*words, strict=False) if len(set(parts)) == 1]
    stem = rules.identifier("_".join(same if len(keys) > 1 else same[:-1]), found.end.base)
    taken = {name for name in dir(program.module) if not name.startswith("__")}
    return rules.unique_name(stem, taken | set(program.tensors))


def _only_call(program: Program, path: str) -> bool:
    scopes = (scope for o in program.operations for scope in o.stack if scope.path == path)
    return len({scope.key for scope in scopes}) == 1


def _empty(lifted: Lifted, tensors: dict[str, torch.Tensor]) -> nn.Module:
    weight, biased = tensors["weight"], "bias" in tensors
    eps = lifted.args.get("eps")
    with torch.device("meta"):
        if lifted.kind == "Linear":
            return nn.Linear(weight.shape[1], weight.shape[0], bias=biased)
        if lifted.kind == "LayerNorm":
            return nn.LayerNorm(tuple(weight.shape), eps, bias=biased)  # type: ignore[arg-type]
        if lifted.kind == "RMSNorm":
            return nn.RMSNorm(tuple(weight.shape), eps)  # type: ignore[arg-type]
        if lifted.kind == "GroupNorm":
            groups = lifted.args["num_groups"]
            return nn.GroupNorm(groups, weight.numel(), eps)  # type: ignore[arg-type]
        norm: type[nn.Module] = getattr(nn, lifted.kind)
        return norm(weight.numel(), eps, affine=True)


# -- what is left over ---------------------------------------------------------------------------

_ARITHMETIC = frozenset({"add", "sub", "mul", "div"})


def _with_numbers(program: Program, operation: Operation) -> Operation:
    """Arithmetic with a constant of one number has the number itself."""
    if operation.base not in _ARITHMETIC or len(operation.args) != 2:
        return operation
    (first, one), (second, other) = operation.args.items()
    number = _constant(program, operation, other, one)
    if number is not None:
        return replace(operation, args={first: one, second: number})
    number = _constant(program, operation, one, other)
    if number is not None and operation.base in ("add", "mul"):
        return replace(operation, args={first: other, second: number})
    return operation


def _constant(program: Program, operation: Operation, given: Arg, beside: Arg) -> float | None:
    """The number of a constant that changes neither shape nor dtype of what it is beside."""
    if not isinstance(given, Ref) or not isinstance(beside, Ref):
        return None
    state, known = program.states.get(given.name), program.types.get(beside.name)
    if state is None or state.kind != "constant" or known is None:
        return None
    tensor, result = program.tensors[state.key], program.types[operation.outputs[0]]
    single = tensor.numel() == 1 and tensor.dtype is torch.float32
    if not single or known != result or known.dtype != "float32":
        return None
    number = float(tensor.reshape(-1)[0])
    return short(number) if math.isfinite(number) else None


def _drop_unread(program: Program) -> None:
    """Leave out operations that only led to what is gone; those that make sizes stay."""
    read = {value.name for _, value in program.outputs if isinstance(value, Ref)}
    kept = []
    for operation in reversed(program.operations):
        sizes = all(name in program.sizes for name in operation.outputs)
        if operation.base in IDLE or sizes or not read.isdisjoint(operation.outputs):
            kept.append(operation)
            if operation.base not in IDLE:
                read.update(operation.refs())
    program.operations = kept[::-1]

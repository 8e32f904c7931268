"""Runs an exported program, one operation after another, to compare with what was drawn.

Only operations of ATen that compute tensors from tensors are run: none that opens a file, prints
or calls anything. What a file asks for beyond that is not run, and the import is not verified.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from netbuilder.exchange.bring.program import Arg, BringError, Dtype, Operation, Program, Ref

MAX_NUMBERS = 2**28
"""Numbers in one tensor: a file may claim any size."""
_PYTHON: Mapping[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "truediv": operator.truediv,
    "mod": operator.mod,
    "neg": operator.neg,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "sym_max": max,
    "sym_min": min,
    "sym_int": int,
    "sym_float": float,
}
_NEVER = frozenset(
    {
        "from_file",
        "_print",
        "warn",
        "set_",
        "set_data",
        "requires_grad_",
        "_test_ambiguous_defaults",
    }
)
"""Operations of ATen that do more than compute."""
_IDLE = frozenset(
    {"_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range"}
)
_PASSED = frozenset({"device", "layout", "memory_format", "pin_memory"})


def check_size(shape: Any) -> None:
    """`BringError` for a tensor of more numbers than `MAX_NUMBERS`."""
    count = 1
    for size in shape if isinstance(shape, list | tuple) else ():
        if isinstance(size, int):
            count *= max(1, size)
    if count > MAX_NUMBERS:
        raise BringError("The program makes a tensor that is too large to be compared.")


def run(program: Program, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The program's tensors for these inputs; `BringError` for what is not run."""
    values: dict[str, Any] = dict(zip(program.inputs, inputs, strict=True))
    for name, state in program.states.items():
        values[name] = program.tensors[state.key].clone()
    for operation in program.operations:
        if operation.base in _IDLE:
            continue
        args = {
            name: _value(given, values)
            for name, given in operation.args.items()
            if name not in _PASSED
        }
        made = call(operation.target, args)
        parts = made if isinstance(made, tuple | list) else (made,)
        values.update(zip(operation.outputs, parts, strict=False))
    results = [_value(value, values) for _, value in program.outputs]
    return tuple(result for result in results if isinstance(result, Tensor))


def fold(program: Program, operation: Operation) -> dict[str, Tensor]:
    """What an operation on constants gives, by the names of its outputs."""
    values = {name: program.tensors[program.states[name].key].clone() for name in operation.refs()}
    args = {k: _value(v, values) for k, v in operation.args.items() if k not in _PASSED}
    made = call(operation.target, args)
    parts = made if isinstance(made, tuple | list) else (made,)
    found = dict(zip(operation.outputs, parts, strict=False))
    if not all(isinstance(part, Tensor) for part in found.values()):
        raise BringError(f"{operation.shown} gives no tensor.")
    return found


def _value(given: Arg, values: Mapping[str, Any]) -> Any:
    match given:
        case Ref():
            if given.name not in values:
                raise BringError(f"The value '{given.name[:80]}' is used before it is made.")
            return values[given.name]
        case Dtype():
            return getattr(torch, given.name)
        case tuple():
            return [_value(part, values) for part in given]
    return given


def call(target: str, args: dict[str, Any]) -> Any:
    """What an operation of ATen gives; `BringError` for one that is not run."""
    if target in _PYTHON:
        return _PYTHON[target](*args.values())
    parts = target.split(".")
    if parts[0] != "aten" or len(parts) != 3 or parts[1] in _NEVER or parts[1][:2] == "__":
        raise BringError(f"The operation {target[:80]} is not run.")
    packet = getattr(torch.ops.aten, parts[1], None)
    overload = getattr(packet, parts[2], None)
    if not isinstance(overload, torch._ops.OpOverload):
        raise BringError(f"There is no operation {target[:80]}.")
    for name in ("size", "shape", "output_size", "repeats"):
        check_size(args.get(name))
    if parts[1] in ("arange", "linspace", "eye", "one_hot"):
        check_size([given for given in args.values() if isinstance(given, int)])
    if parts[1] in ("view", "_unsafe_view"):
        # Strides are not kept here; what a view gives is the same as what a copy gives.
        return torch.reshape(*args.values())
    return overload(**args)

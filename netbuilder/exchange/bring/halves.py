"""Modules in 16 bits as the same ones in float32, which is what projects compute in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from netbuilder.exchange.bring.program import Arg, Dtype, Operation, Program, Type
from netbuilder.exchange.bring.proof import Reference, Trial

BOUNDS: Mapping[str, float] = {"float16": 0.01, "bfloat16": 0.05}
"""Types of 16 bits, and the relative error up to which what is computed in one and in float32 is
the same: they have 11 bits of precision, and 8."""


def kinds(program: Program) -> tuple[str, ...]:
    """Which types of 16 bits a program's weights and inputs have; what it casts to aside."""
    found = {str(tensor.dtype).removeprefix("torch.") for tensor in program.tensors.values()}
    found |= {program.types[name].dtype for name in program.inputs if name in program.types}
    return tuple(name for name in BOUNDS if name in found)


def widened(program: Program, reference: Reference) -> tuple[Program, Reference, tuple[str, ...]]:
    """The program in float32, the reference for what it takes, and what to tell of it."""
    short = kinds(program)
    if not short:
        return program, reference, ()
    made = replace(
        program,
        types={name: _wide(known) for name, known in program.types.items()},
        tensors={key: _floats(tensor) for key, tensor in program.tensors.items()},
        operations=[_operation(each) for each in program.operations],
    )
    before = [program.types[name].dtype for name in program.inputs if name in program.types]
    run = reference.run

    def narrow(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        given = zip(inputs, before, strict=True)
        results = run(tuple(each.to(getattr(torch, dtype)) for each, dtype in given))
        return tuple(map(_floats, results))

    held = replace(
        reference,
        run=narrow,
        trials=_trials(reference.trials),
        blind=_trials(reference.blind),
        tolerance=max(reference.tolerance, *(BOUNDS[kind] for kind in short)),
    )
    return made, held, (f"The original computes in {' and '.join(short)}, the project in float32.",)


def _trials(given: tuple[Trial, ...]) -> tuple[Trial, ...]:
    return tuple((text, tuple(map(_floats, inputs))) for text, inputs in given)


def _floats(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _wide(known: Type) -> Type:
    return replace(known, dtype="float32") if known.dtype in BOUNDS else known


def _operation(operation: Operation) -> Operation:
    return replace(operation, args={name: _arg(given) for name, given in operation.args.items()})


def _arg(given: Arg) -> Arg:
    if isinstance(given, Dtype) and given.name in BOUNDS:
        return Dtype("float32")
    return tuple(map(_arg, given)) if isinstance(given, tuple) else given

"""Recurrent layers upon one another as one module of several layers.

An operator of ONNX is one layer, so exporters write a stack as a row of them, with a part of the
first states for each and the last states put together again. Values are followed as numbers are
moved (`tracks`), so it does not matter how the directions are laid beside each other in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from netbuilder.exchange.bring import turns
from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref, Scope, State, Type
from netbuilder.exchange.onnx_in.matching import Matcher
from netbuilder.exchange.onnx_in.tracks import Tracks

_KINDS = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})
_ALIKE = ("hidden_size", "bias", "batch_first", "bidirectional")
_ZEROS = frozenset({"zeros", "new_zeros"})


def lift(program: Program) -> int:
    """Put modules in the place of stacks, in the program itself; how many it were."""
    count = 0
    while (found := _Reading(program).found()) is not None:
        _put(program, found)
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class _Layer:
    """The one call of a module of one layer."""

    operation: Operation
    module: Any
    scope: Scope

    @property
    def states(self) -> tuple[str, ...]:
        """The first states: that of the outputs, for an LSTM that of the cells too."""
        given = self.operation.args["hx"]
        parts = given if isinstance(given, tuple) else (given,)
        return tuple(part.name for part in parts if isinstance(part, Ref))

    @property
    def keys(self) -> tuple[str, ...]:
        """Its weights' names within the module, in PyTorch's order."""
        return tuple(name for name, _ in self.module.named_parameters())


@dataclass(frozen=True, slots=True)
class _Stack:
    layers: tuple[_Layer, ...]
    states: tuple[str | Operation, ...]
    """The values that have the first states of all layers, or what makes those of one of zeros."""


class _Reading:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.matcher = Matcher(program)
        self.tracks = Tracks(program, self.matcher)
        found = (self._layer(o) for o in program.operations if o.base in _KINDS)
        self.layers = {each.operation.name: each for each in found if each is not None}

    def found(self) -> _Stack | None:
        """The first stack, as high as it goes."""
        above = dict(self._pairs())
        for layer in self.layers.values():
            row = [layer]
            while row[-1].operation.name in above:
                row.append(self.layers[above[row[-1].operation.name]])
            for count in range(len(row), 1, -1):
                states = self._states(row[:count])
                if states is not None:
                    return _Stack(tuple(row[:count]), states)
        return None

    def _layer(self, operation: Operation) -> _Layer | None:
        """The layer, if a module of its own is called for it, once."""
        scope = operation.stack[-1] if operation.stack else Scope("", "", "")
        module: Any = self.program.submodule(scope.path)
        calls = {s.key for o in self.program.operations for s in o.stack if s.path == scope.path}
        params = operation.args.get("params")
        if not isinstance(module, nn.RNNBase) or len(calls) != 1 or not isinstance(params, tuple):
            return None
        layer = _Layer(operation, module, scope)
        held = [self.program.states[p.name].key for p in params if isinstance(p, Ref)]
        own = [f"{scope.path}.{key}" for key in layer.keys]
        plain = module.num_layers == 1 and not module.proj_size and "." not in scope.path
        fits = held == own and all(key in self.program.tensors for key in own)
        return layer if plain and fits else None

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """Layers by name with those that get all of what they give, and nothing else."""
        for name, upper in self.layers.items():
            given = upper.operation.args["input"]
            chain = list(self.tracks.back(given.name)) if isinstance(given, Ref) else []
            if not chain:
                continue
            source, at = chain[-1]
            made = self.matcher.made.get(source)
            lower = self.layers.get(made.name) if made is not None else None
            if lower is None or source != lower.operation.outputs[0] or not _alike(lower, upper):
                continue
            alone = all(self.tracks.reader(each) is not None for each, _ in chain)
            if alone and torch.equal(at, torch.arange(at.numel()).reshape(at.shape)):
                yield lower.operation.name, name

    def _states(self, row: Sequence[_Layer]) -> tuple[str | Operation, ...] | None:
        """The first states of all layers of a row; None where they are not one value's parts."""
        found: list[str | Operation] = []
        for given in zip(*(layer.states for layer in row), strict=True):
            made = [self.matcher.made.get(each) for each in given]
            if all(each is not None and each.base in _ZEROS for each in made):
                assert made[0] is not None
                found.append(made[0])
                continue
            source = self._whole(given)
            if source is None:
                return None
            found.append(source)
        return tuple(found)

    def _whole(self, names: Sequence[str]) -> str | None:
        """The value whose parts, one after the other, these are."""
        chains = [dict(self.tracks.back(name)) for name in names]
        for source in chains[0]:
            parts = [chain[source] for chain in chains if source in chain]
            wanted = self.tracks.places(source)
            if len(parts) < len(names) or wanted is None or wanted.dim() != 3:
                continue
            whole = torch.cat(parts)
            if whole.shape == wanted.shape and torch.equal(whole, wanted):
                return source
        return None


def _alike(lower: _Layer, upper: _Layer) -> bool:
    one, other = lower.module, upper.module
    same = all(getattr(one, name) == getattr(other, name) for name in _ALIKE)
    same = same and lower.operation.base == upper.operation.base
    return same and turns.around(lower.operation.stack) == turns.around(upper.operation.stack)


# -- the module ------------------------------------------------------------------------------------


def _put(program: Program, found: _Stack) -> None:
    """One call at the lowest layer's place, where all that it takes is there."""
    lowest, highest = found.layers[0], found.layers[-1]
    _hold(program, found)
    count, begun = len(found.layers), lowest.operation
    ways = 2 if lowest.module.bidirectional else 1
    stack = (*turns.around(begun.stack), lowest.scope)
    before: list[Operation] = []
    states: list[Arg] = []
    for at, given in enumerate(found.states):
        if isinstance(given, Operation):
            name = f"{begun.name}_zeros_{at}"
            size = given.args["size"]
            assert isinstance(size, tuple)
            args = {**given.args, "size": (count * ways, *size[1:])}
            before.append(replace(given, name=name, args=args, outputs=(name,), stack=stack))
            program.types[name] = _higher(program.types[given.outputs[0]], count)
            given = name
        states.append(Ref(given))
    rows = [layer.operation.outputs for layer in found.layers]
    outputs, after, gone = [highest.operation.outputs[0]], list[Operation](), set[str]()
    for parts in zip(*(row[1:] for row in rows), strict=True):
        joined = _joined(program, parts)
        whole = joined.outputs[0] if joined is not None else f"{parts[0]}_all"
        outputs.append(whole)
        program.types[whole] = _higher(program.types[parts[0]], count)
        gone |= {joined.name} if joined is not None else set()
        for at, part in enumerate(parts):
            begin, end = at * ways, (at + 1) * ways
            args = {"self": Ref(whole), "dim": 0, "start": begin, "end": end}
            around = turns.around(begun.stack)
            after.append(Operation(part, "aten.slice.Tensor", args, (part,), around))
    params = [p for layer in found.layers for p in _params(layer.operation)]
    args = {**begun.args, "hx": tuple(states) if len(states) > 1 else states[0]}
    args |= {"params": tuple(params), "num_layers": count}
    made = replace(begun, args=args, outputs=tuple(outputs), stack=stack)
    gone |= {layer.operation.name for layer in found.layers[1:]}
    kept: list[Operation] = []
    for operation in program.operations:
        if operation.name == begun.name:
            kept += [*before, made, *after]
        elif operation.name not in gone:
            kept.append(operation)
    program.operations = kept


def _hold(program: Program, found: _Stack) -> None:
    """A living module with all weights, under the lowest layer's name."""
    assert program.module is not None
    lowest = found.layers[0]
    path, old = lowest.scope.path, lowest.module
    kind: dict[str, Any] = {name: getattr(old, name) for name in _ALIKE}
    if isinstance(old, nn.RNN):
        kind["nonlinearity"] = old.nonlinearity
    with torch.device("meta"):
        module = type(old)(old.input_size, num_layers=len(found.layers), **kind)
    for number, layer in enumerate(found.layers):
        for given, local in zip(_params(layer.operation), layer.keys, strict=True):
            key = f"{path}.{local.replace('_l0', f'_l{number}')}"
            program.tensors[key] = program.tensors.pop(f"{layer.scope.path}.{local}")
            program.states[given.name] = State(key, "parameter")
        del program.module._modules[layer.scope.path]
    program.module.add_module(path, module.eval())


def _params(operation: Operation) -> tuple[Ref, ...]:
    given = operation.args["params"]
    assert isinstance(given, tuple)
    return tuple(each for each in given if isinstance(each, Ref))


def _higher(known: Type, count: int) -> Type:
    first, *rest = known.shape
    assert isinstance(first, int)
    return Type((count * first, *rest), known.dtype)


def _joined(program: Program, parts: Sequence[str]) -> Operation | None:
    """What puts the last states of all layers together."""
    wanted = tuple(Ref(part) for part in parts)
    for operation in program.operations:
        joins = operation.base == "cat" and operation.args.get("dim", 0) == 0
        if joins and operation.args.get("tensors") == wanted:
            return operation
    return None

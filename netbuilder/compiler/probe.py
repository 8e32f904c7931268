"""One layer on PyTorch's meta device: what comes out of it, at any size.

A layer is run at a few sizes of the symbols in its inputs; each output size is fitted by a
polynomial with integer coefficients and the fit is checked at further sizes. Where it does
not hold (a strided convolution over `T`), the formula comes from PyTorch's symbolic shapes
instead. Results are cached by layer, parameters and input types.
"""

from __future__ import annotations

import contextlib
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch

from netbuilder.compiler import fit
from netbuilder.compiler.execute import function
from netbuilder.compiler.libraries import namespace
from netbuilder.compiler.report import NodeReport
from netbuilder.compiler.text import call_inputs
from netbuilder.layers import code, dims
from netbuilder.layers.base import Layer, Targets, TensorType

Types = dict[str, TensorType]

CACHE_SIZE = 20_000
MOST_NUMBERS = 2**26
"""Weights, or numbers of an input, of a layer that is run on zeros: 256 MB."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running one layer on meta gave: output types and weights, or torch's refusal."""

    outputs: Mapping[str, TensorType]
    parameters: int = 0
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A layer that has nothing to complain about: with its sizes, those inferred, its outcome.

    `asked` is the layer as it was drawn, `report` what the window is told of such a node.
    """

    asked: Layer
    layer: Layer
    inputs: Types
    inferred: dict[str, Any]
    outputs: Types
    parameters: int
    report: NodeReport


class Cache:
    """Outcomes by (layer, parameters, input types); the least recently used go first."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._known: OrderedDict[Any, Outcome] = OrderedDict()
        self._settled: dict[Any, Settled] = {}
        self._types: dict[TensorType, TensorType] = {}

    def shared(self, types: Mapping[str, TensorType]) -> Types:
        """The types, each as the same object as an equal one before: `settled` looks at that."""
        if len(self._types) >= self._size:
            self._types.clear()
        return {port: self._types.setdefault(tensor, tensor) for port, tensor in types.items()}

    def settled(self, layer: Layer, inputs: Types) -> Settled | None:
        """What `settle` was told of this very layer with these very types."""
        return self._settled.get(_identities(layer, inputs))

    def settle(self, settled: Settled) -> None:
        """Remembers a layer for which all is well."""
        if len(self._settled) >= self._size:
            self._settled.clear()
        self._settled[_identities(settled.asked, settled.inputs)] = settled

    def outcome(
        self, layer: Layer, inputs: Types, run: Callable[[Layer, Types], Outcome] | None = None
    ) -> Outcome:
        """What the layer gives, by `run` (`run_layer`) where it is not known."""
        key = (layer.id, layer, tuple(inputs.items()))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (run or run_layer)(layer, inputs)
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known


def _identities(layer: Layer, inputs: Types) -> tuple[Any, ...]:
    """Objects by their identities: to compare them takes longer than an edit has time for.

    Whoever keeps this keeps the objects too, so that their identities are nobody else's.
    """
    return (id(layer), *inputs, *map(id, inputs.values()))


def run_layer(layer: Layer, inputs: Types) -> Outcome:
    """Runs a layer on the meta device at several sizes and fits the output sizes."""
    with warnings.catch_warnings():
        # What PyTorch has to say about a value it accepts, the layer's complaints say better.
        warnings.simplefilter("ignore")
        return _run_layer(layer, inputs)


def _run_layer(layer: Layer, inputs: Types) -> Outcome:
    if layer.same_type in inputs:
        return _same(layer, inputs[layer.same_type])
    names = sorted(frozenset().union(*(dims.symbols(t.shape) for t in inputs.values())))
    try:
        runner = Runner(layer, tuple(inputs))
        with torch.device("meta"):
            runner.make()
        parameters = sum(p.numel() for p in runner.parameters())
        ruled = layer.output_types(inputs)
        if ruled is not None:
            return Outcome(ruled, parameters)
        targets = list(flatten_targets(layer.targets()))
        probes = _probe_batch(runner, inputs, targets) if names == ["N"] else None
        probes = probes or _probe_all(runner, inputs, names)
    except Exception as error:
        return Outcome({}, refusal=_first_line(error))
    first = probes[0][1]
    outputs: dict[str, TensorType] = {}
    try:
        for path, port in targets:
            tensor = _pick(first, path)
            if tensor is None:
                continue
            sizes = [(at, tuple(_pick(result, path).shape)) for at, result in probes]
            shape = fit.shape(sizes, names)
            if shape is None and layer.needs_values:
                shape = tuple(dims.symbol(f"{port}_{i}") for i in range(tensor.dim()))
            elif shape is None:
                shape = _formulas(runner, inputs, path, port, sizes)
            dtype = str(tensor.dtype).removeprefix("torch.")
            whole = not (tensor.is_floating_point() or tensor.is_complex() or dtype == "bool")
            high = layer.bound(port, inputs) if whole else None
            outputs[port] = TensorType(shape, dtype, high)
    except Exception as error:
        return Outcome({}, parameters, refusal=_first_line(error))
    return Outcome(outputs, parameters)


def _formulas(
    runner: Runner,
    inputs: Types,
    path: tuple[int, ...],
    port: str,
    probes: Sequence[fit.Probe],
) -> dims.Shape:
    """Sizes that are no polynomials; a symbol of its own, named after the port, if unknown."""
    try:
        exact = fit.exact(runner, inputs, path, port)
    except Exception:
        # What fits each of the sizes need not fit a size that PyTorch knows nothing of.
        exact = tuple(dims.symbol(f"{port}_{i}") for i in range(len(probes[0][1])))
    base, names = probes[0][0], sorted(probes[0][0])
    if len({len(sizes) for _, sizes in probes}) != 1:
        return exact

    coming = [d for tensor in inputs.values() for d in tensor.shape if isinstance(d, dims.Symbolic)]
    found: list[dims.Dim] = []
    for i, formula in enumerate(exact):

        def measure(at: fit.Sizes, dim: int = i) -> int:
            return int(_pick(_probe(runner, inputs, at), path).shape[dim])

        values = [(at, sizes[i]) for at, sizes in probes]
        known = fit.polynomial(values, names)
        if known is None and fit.holds(formula, values):
            known = formula
        if known is None:
            known = fit.stepped(measure, base, names)
        if known is None:
            known = fit.of_one(values, coming)
        holds = known is not None and fit.holds(known, values)
        found.append(known if known is not None and holds else dims.symbol(f"{port}_{i}"))
    return tuple(found)


def _same(layer: Layer, tensor: TensorType) -> Outcome:
    """The outcome of a layer that changes neither sizes nor dtype: its weights are counted."""
    constructor = layer.constructor()
    parameters = 0
    if constructor is not None:
        with torch.device("meta"):
            made = function(constructor, [], namespace((constructor,)))()
        parameters = sum(p.numel() for p in made.parameters())
    (port,) = (port for _, port in flatten_targets(layer.targets()))
    high = None if tensor.high is None else layer.bound(port, {layer.same_type: tensor})
    return Outcome({port: replace(tensor, high=high)}, parameters)


def _probe_batch(
    runner: Runner, inputs: Types, targets: Iterable[tuple[tuple[int, ...], str]]
) -> list[tuple[fit.Sizes, Any]] | None:
    """Results at two sizes of the batch, or None if these don't tell how sizes follow it."""
    points = fit.probe_sizes(["N"])
    found = [(at, _probe(runner, inputs, at)) for at in (points[0], points[-1])]
    for path, _ in targets:
        tensors = [(at, _pick(result, path)) for at, result in found]
        sizes = [(at, tuple(tensor.shape)) for at, tensor in tensors if tensor is not None]
        if len(sizes) == 1 or (sizes and not fit.follows_batch(*sizes)):
            return None
    return found


def _probe_all(runner: Runner, inputs: Types, names: Sequence[str]) -> list[tuple[fit.Sizes, Any]]:
    """Results at several sizes; at larger ones if the layer can't take the usual ones."""
    try:
        found = [(sizes, _probe(runner, inputs, sizes)) for sizes in fit.probe_sizes(names)]
    except Exception:
        if set(names) <= {"N"}:
            raise
        larger = fit.probe_sizes(names, fit.LARGE)
        found = [(sizes, _probe(runner, inputs, sizes)) for sizes in larger]
    if not set(names) <= {"N"} and not runner.needs_values:
        # Some layers have a largest size.
        with contextlib.suppress(Exception):
            sizes = fit.far(found[0][0])
            found.append((sizes, _probe(runner, inputs, sizes)))
    return found


def _probe(runner: Runner, inputs: Types, sizes: Mapping[str, int]) -> Any:
    tensors = [example(t, sizes, "cpu" if runner.needs_values else "meta") for t in inputs.values()]
    if runner.needs_values:
        runner.make_of_zeros()  # anew, as it may keep what it has seen
    with torch.no_grad():
        return runner(*tensors)


def example(tensor: TensorType, sizes: Mapping[str, int], device: str) -> torch.Tensor:
    """A tensor of this type at these sizes of its symbols; zeros where it has numbers."""
    shape, dtype = dims.concrete(tensor.shape, sizes), getattr(torch, tensor.dtype)
    if device == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    _affordable(prod(shape))
    # Zeros are ids that are there whatever they name.
    return torch.zeros(shape, dtype=dtype, device=device)


def fill_with_zeros(module: torch.nn.Module) -> None:
    """Gives a module of the meta device weights on the CPU: zeros, and no random numbers drawn.

    A training that runs meanwhile draws from the same generator.
    """
    tensors = [*module.parameters(), *module.buffers()]
    _affordable(sum(tensor.numel() for tensor in tensors))
    module.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            tensor.zero_()


def _affordable(numbers: int) -> None:
    if numbers > MOST_NUMBERS:
        raise ValueError(f"{numbers} numbers are too many to try it out")


def flatten_targets(
    shape: Targets, path: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], str]]:
    """Where in a result each output port is: `((), "output")`, `((1, 0), "h_n")`."""
    if isinstance(shape, str):
        yield path, shape
    else:
        for i, part in enumerate(shape):
            yield from flatten_targets(part, (*path, i))


def _pick(result: Any, path: tuple[int, ...]) -> Any:
    for i in path:
        result = result[i]
    return result


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


class _Evaluated:
    """What `self.training` speaks of where a layer is run on its own."""

    training = False


class Runner:
    """A layer as a callable: its module, if it is one, and its forward expression."""

    def __init__(
        self, layer: Layer, ports: tuple[str, ...], further: Mapping[str, Any] | None = None
    ) -> None:
        """`ports` are the wired input ports, in port order; `further` are names of its code."""
        constructor = layer.constructor()
        arguments: dict[str, Any] = {
            port: code.dotted(f"input_{i}") for i, port in enumerate(ports)
        }
        holder = code.dotted("module") if constructor is not None else None
        body = layer.forward(holder, call_inputs(layer, arguments))
        names = ["module", *(f"input_{i}" for i in range(len(ports)))]
        libraries = {"self": _Evaluated, **namespace((constructor, body))}
        libraries |= further or {}
        self._make = function(constructor, [], libraries) if constructor is not None else None
        self._run = function(body, names, libraries)
        self.module: Any = None
        self.needs_values = layer.needs_values

    def make(self) -> None:
        """Create the module, on whichever device is the default."""
        if self._make is not None:
            self.module = self._make()
            with contextlib.suppress(AttributeError):
                self.module.eval()

    def make_of_zeros(self) -> None:
        """Create the module on the CPU, its weights zero."""
        with torch.device("meta"):
            self.make()
        if self.module is not None:
            fill_with_zeros(self.module)

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The module's weights; none for a function."""
        return iter(()) if self.module is None else self.module.parameters()

    def __call__(self, *inputs: Any) -> Any:
        return self._run(self.module, *inputs)

"""What comes out of a person's own layer: asked like the others, and looked at more closely.

PyTorch's own modules keep their promises; a class written this morning may return None, change
what it was given, or never end. Each such thing is told here, at its node, with file and line.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from netbuilder.compiler import fit, own_code
from netbuilder.compiler.own_code import OwnCodeError
from netbuilder.compiler.probe import Outcome, Runner, Types, flatten_targets
from netbuilder.layers import dims
from netbuilder.layers.base import Layer, TensorType
from netbuilder.layers.own import OwnLayer

MOST = 2**22
"""Elements of an input up to which a layer is also tried in training."""

Results = list[tuple[fit.Sizes, dict[str, torch.Tensor]]]


def run(layer: Layer, inputs: Types) -> Outcome:
    """Runs an own layer at several sizes; `UntrustedCodeError` if that is not allowed."""
    assert isinstance(layer, OwnLayer)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            what = f"{layer.class_name} of {layer.file}"
            return own_code.guarded(lambda: _run(layer, inputs), own_code.PROBE_S, what)
    except OwnCodeError as error:
        return Outcome({}, refusal=str(error).rstrip("."))


def _run(layer: OwnLayer, inputs: Types) -> Outcome:
    names = sorted(frozenset().union(*(dims.symbols(t.shape) for t in inputs.values())))
    libraries = own_code.libraries(layer)
    try:
        runner, results = _results(layer, inputs, names, libraries, "meta")
    except Exception:
        # What needs numbers (`item()`, NumPy) fails without them: real tensors show what is wrong.
        runner, results = _results(layer, inputs, names, libraries, "cpu")
    _train_once(layer, inputs, names, libraries)
    parameters = sum(p.numel() for p in runner.parameters())
    outputs: dict[str, TensorType] = {}
    for path, port in flatten_targets(layer.targets()):
        sizes = [(at, tuple(found[port].shape)) for at, found in results]
        shape = fit.shape(sizes, names) or _exact(runner, inputs, path, port)
        dtype = str(results[0][1][port].dtype).removeprefix("torch.")
        outputs[port] = TensorType(shape, dtype)
    return Outcome(outputs, parameters)


def _exact(runner: Runner, inputs: Types, path: tuple[int, ...], port: str) -> dims.Shape:
    try:
        return fit.exact(runner, inputs, path, port)
    except Exception as error:
        raise OwnCodeError(f"no formula fits the sizes of its output '{port}'") from error


def _results(
    layer: OwnLayer, inputs: Types, names: Sequence[str], libraries: Mapping[str, Any], device: str
) -> tuple[Runner, Results]:
    runner = _made(layer, tuple(inputs), libraries, device)
    try:
        return runner, _at(layer, runner, inputs, fit.probe_sizes(names), device)
    except Exception:
        if set(names) <= {"N"}:
            raise
        return runner, _at(layer, runner, inputs, fit.probe_sizes(names, fit.LARGE), device)


def _made(
    layer: OwnLayer, ports: tuple[str, ...], libraries: Mapping[str, Any], device: str
) -> Runner:
    runner = Runner(layer, ports, libraries)
    try:
        with torch.device(device):
            runner.make()
    except Exception as error:
        raise OwnCodeError(f"__init__ failed: {own_code.words(error)}") from error
    if not isinstance(runner.module, torch.nn.Module):
        raise OwnCodeError(f"{layer.class_name} is no torch.nn.Module when it runs")
    return runner


def _at(
    layer: OwnLayer, runner: Runner, inputs: Types, points: Sequence[fit.Sizes], device: str
) -> Results:
    found = []
    with torch.no_grad():
        for sizes in points:
            found.append((sizes, _call(layer, runner, _tensors(inputs, sizes, device))))
        again = _call(layer, runner, _tensors(inputs, points[0], device))
    for port, tensor in found[0][1].items():
        first, second = tuple(tensor.shape), tuple(again[port].shape)
        if first != second:
            raise OwnCodeError(f"its output has another shape each time: {first}, then {second}")
    return found


def _tensors(inputs: Types, sizes: fit.Sizes, device: str) -> list[torch.Tensor]:
    made = []
    for tensor in inputs.values():
        shape, dtype = dims.concrete(tensor.shape, sizes), getattr(torch, tensor.dtype)
        filled = torch.rand if tensor.dtype.startswith("float") else torch.zeros
        made.append(filled(shape, dtype=dtype, device=device))
    return made


def _call(
    layer: OwnLayer, runner: Runner, tensors: Sequence[torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The output tensors by port; `OwnCodeError` for anything else that comes back."""
    try:
        result = runner(*tensors)
    except Exception as error:
        raise OwnCodeError(f"forward failed: {own_code.words(error)}") from error
    wanted = layer.targets()
    if isinstance(wanted, str):
        parts: Sequence[Any] = (result,)
    else:
        if not isinstance(result, tuple | list) or len(result) != len(wanted):
            raise OwnCodeError(
                f"forward returns {described(result)}, not {len(wanted)} tensors{_where(runner)}"
            )
        parts = result
    names = [port for _, port in flatten_targets(wanted)]
    for part in parts:
        if not isinstance(part, torch.Tensor):
            raise OwnCodeError(f"forward returns {described(part)}, not a tensor{_where(runner)}")
    return dict(zip(names, parts, strict=True))


def described(value: Any) -> str:
    """What a value is, in words: `None`, `a list of 2`."""
    if value is None:
        return "None"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _where(runner: Runner) -> str:
    place = own_code.place_of_function(type(runner.module).forward)
    return f" ({place})" if place else ""


def _train_once(
    layer: OwnLayer, inputs: Types, names: Sequence[str], libraries: Mapping[str, Any]
) -> None:
    """Forward and backward on real tensors: what is changed in place shows only there."""
    sizes = dict.fromkeys(names, 3)
    if any(math.prod(dims.concrete(t.shape, sizes)) > MOST for t in inputs.values()):
        return
    runner = _made(layer, tuple(inputs), libraries, "cpu")
    runner.module.train()
    tensors = [
        t.requires_grad_().clone() if t.is_floating_point() else t
        for t in _tensors(inputs, sizes, "cpu")
    ]
    try:
        with torch.enable_grad():
            outputs = _call(layer, runner, tensors).values()
            sums = [t.sum() for t in outputs if t.requires_grad and t.is_floating_point()]
            if sums:
                torch.autograd.backward(sums)
    except (RuntimeError, OwnCodeError) as error:
        text = str(error)
        if "inplace" not in text.replace("-", "") and "in place" not in text:
            return  # small sizes may not suit it; what matters was asked at fitting ones
        cause = error.__cause__ if isinstance(error, OwnCodeError) else None
        place = own_code.place_of(cause) if cause is not None else None
        where = f" ({place})" if place is not None else _where(runner)
        first = str(cause or text).strip().splitlines()[0][:160].rstrip(".")
        what = "it changes in place what the gradient needs"
        raise OwnCodeError(f"{what}{where}: {first}") from error

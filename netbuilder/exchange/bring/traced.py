"""A living module through `torch.export`, as a `Program`."""

from __future__ import annotations

import contextlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental import proxy_tensor
from torch.utils import _pytree as pytree

from netbuilder.exchange.bring import whole
from netbuilder.exchange.bring.exported import read, size_of
from netbuilder.exchange.bring.program import BringError, Program

Given = dict[tuple[str, int], dict[str, str]]
"""Values by the names of `forward`'s arguments, for the calls of modules by path and number."""
Inputs = Any
"""A tensor, a tuple of arguments, or a mapping of arguments by name."""


def arguments(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and named arguments of a call."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, list | tuple):
        return tuple(inputs), {}
    return (inputs,), {}


def trace(module: nn.Module, inputs: Inputs, dynamic_shapes: Any = None) -> Program:
    """The module as it runs on these inputs, in the mode (train, eval) that it is in.

    The first dim of every tensor is left free where the module allows it; `dynamic_shapes`
    (as `torch.export.export` takes them) say it otherwise. `BringError` for what has no one
    graph: a module that decides by the numbers it gets.
    """
    args, named = arguments(inputs)
    given: Given = {}
    if dynamic_shapes is not None:
        exported = _export(module, args, named, dynamic_shapes, given)
        program = read(exported, module, _dim_names(exported, dynamic_shapes))
        return replace(program, given=_final(given, exported))
    wide_args, wide_named = _widened((args, named))
    free = _free_batch(module, wide_args, wide_named)
    attempts = [(wide_args, wide_named, free), (args, named, None)]
    for place, (these, those, shapes) in enumerate(attempts):
        try:
            exported = _export(module, these, those, shapes, given)
            return replace(read(exported, module, {}), given=_final(given, exported))
        except BringError:
            if place == len(attempts) - 1:
                raise
    raise AssertionError("one attempt is the last")


def _export(
    module: nn.Module, args: tuple[Any, ...], named: dict[str, Any], shapes: Any, given: Given
) -> ExportedProgram:
    given.clear()
    with warnings.catch_warnings(), _listening(module, given), whole.recurrent():
        # Deprecations and remarks inside the exporter are not the user's business.
        warnings.simplefilter("ignore")
        try:
            return torch.export.export(module, args, named, dynamic_shapes=shapes, strict=False)
        except Exception as error:
            raise _refusal(module, error) from error


@contextmanager
def _listening(module: nn.Module, given: Given) -> Iterator[None]:
    """Notes what each call of a submodule is given, while the module is traced."""
    counts: dict[str, int] = {}

    def listen(path: str) -> Callable[[nn.Module, Any, Any], None]:
        def hear(part: nn.Module, args: Any, named: Any) -> None:
            number = counts[path] = counts.get(path, -1) + 1
            # It only gives ports their names: what it can't tell must not stop the tracing.
            with contextlib.suppress(Exception):
                bound = inspect.signature(part.forward).bind(*args, **named).arguments
                names = {name: traced_name(value) for name, value in bound.items()}
                given[path, number] = {name: value for name, value in names.items() if value}

        return hear

    hooks = [
        part.register_forward_pre_hook(listen(path), with_kwargs=True)
        for path, part in module.named_modules()
        if path
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


_PLACEHOLDER = re.compile(r"arg(\d+)_1\Z")


def _final(given: Given, exported: ExportedProgram) -> Given:
    """The same with the names that placeholders have in the end: while traced they are numbers."""
    names = [node.name for node in exported.graph.find_nodes(op="placeholder")]

    def final(name: str) -> str:
        match = _PLACEHOLDER.match(name)
        at = int(match[1]) if match else len(names)
        return names[at] if at < len(names) else name

    return {call: {k: final(v) for k, v in values.items()} for call, values in given.items()}


def traced_name(value: Any) -> str:
    """The name of a tensor in the graph that is being traced; empty if it has none."""
    mode = proxy_tensor.get_proxy_mode()
    if mode is None or not isinstance(value, Tensor):
        return ""
    slot = proxy_tensor.get_proxy_slot(value, mode.tracer, None)
    return str(slot.proxy.node.name) if slot is not None else ""


_BY_DATA = ("data-dependent", "data dependent", "Dynamic control flow", "unbacked", "is_nonzero")


def _refusal(module: nn.Module, error: Exception) -> BringError:
    text = " ".join(str(error).split())
    name = type(module).__name__
    at = _own_line(error)
    where = f" ({at})" if at else ""
    if any(word in text for word in _BY_DATA) or "GuardOnDataDependent" in type(error).__name__:
        return BringError(
            f"{name} decides by the numbers that come in{where}; a drawing runs the same way for "
            "all numbers.",
            "Write the choice with torch.where, or bring in the parts on both sides of it.",
        )
    first = text[:300] or type(error).__name__
    return BringError(
        f"PyTorch can't trace {name}{where}: {first}",
        "torch.export must be able to read it: try the module on these inputs first.",
    )


def _own_line(error: BaseException) -> str:
    """The innermost line outside torch that the error went through."""
    found, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "torch" not in file.replace("\\", "/").split("/") and "netbuilder" not in file:
            name = trace.tb_frame.f_code.co_name
            found = f"{name}, line {trace.tb_lineno}" if name == "forward" else found
        trace = trace.tb_next
    return found


def _widened(inputs: Any) -> Any:
    """Batches of one doubled: a size of one would be taken for a constant."""
    tensors = [
        leaf for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, Tensor) and leaf.dim()
    ]
    if not tensors or any(tensor.shape[0] != 1 for tensor in tensors):
        return inputs
    return pytree.tree_map_only(
        Tensor, lambda tensor: torch.cat([tensor, tensor]) if tensor.dim() else tensor, inputs
    )


def _free_batch(module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    try:
        bound = inspect.signature(module.forward).bind(*args, **named).arguments
    except TypeError as error:
        raise BringError(
            f"{type(module).__name__} can't be called with these inputs: {error}.",
            "Give the arguments of forward: a tuple in their order, or a mapping by name.",
        ) from error
    tensors = [
        leaf for leaf in pytree.tree_leaves(bound) if isinstance(leaf, Tensor) and leaf.dim()
    ]
    batch = next((tensor.shape[0] for tensor in tensors if tensor.shape[0] > 1), 0)

    def free(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor) or not leaf.dim():
            return None
        # A state of a recurrent layer has its batch second.
        second = leaf.dim() > 1 and leaf.shape[0] != batch and leaf.shape[1] == batch
        return {1 if second else 0: Dim.AUTO}

    return {name: pytree.tree_map(free, value) for name, value in bound.items()}


def _dim_names(exported: ExportedProgram, shapes: Any) -> dict[str, str]:
    """Names that a person gave to free sizes (`Dim("T")`), by symbol."""
    leaves = shapes.values() if isinstance(shapes, Mapping) else shapes
    values = [
        node.meta["val"]
        for node in exported.graph.find_nodes(op="placeholder")
        if node.name in exported.graph_signature.user_inputs
    ]
    found: dict[str, str] = {}
    for value, leaf in zip(values, leaves, strict=False):
        entries = leaf.items() if isinstance(leaf, Mapping) else enumerate(leaf or ())
        for at, dim in entries:
            name = getattr(dim, "__name__", "")
            if isinstance(at, int) and isinstance(value, Tensor) and name.isidentifier():
                found[str(size_of(value.shape[at]))] = name
    return found

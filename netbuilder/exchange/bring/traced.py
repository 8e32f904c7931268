"""A living module through `torch.export`, as a `Program`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from netbuilder.exchange.bring.program import (
    Arg,
    BringError,
    Dtype,
    Operation,
    Program,
    Ref,
    Scope,
    Size,
    State,
    Type,
)

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
    if dynamic_shapes is not None:
        exported = _export(module, args, named, dynamic_shapes)
        return read(exported, module, _dim_names(exported, dynamic_shapes))
    wide_args, wide_named = _widened((args, named))
    free = _free_batch(module, wide_args, wide_named)
    attempts = [(wide_args, wide_named, free), (args, named, None)]
    for place, (these, those, shapes) in enumerate(attempts):
        try:
            return read(_export(module, these, those, shapes), module, {})
        except BringError:
            if place == len(attempts) - 1:
                raise
    raise AssertionError("one attempt is the last")


def _export(
    module: nn.Module, args: tuple[Any, ...], named: dict[str, Any], shapes: Any
) -> ExportedProgram:
    with warnings.catch_warnings():
        # Deprecations and remarks inside the exporter are not the user's business.
        warnings.simplefilter("ignore")
        try:
            return torch.export.export(module, args, named, dynamic_shapes=shapes, strict=False)
        except Exception as error:
            raise _refusal(module, error) from error


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


# -- the graph as a program --------------------------------------------------------------------


def read(exported: ExportedProgram, module: nn.Module | None, names: Mapping[str, str]) -> Program:
    """The exported program as plain data."""
    return _Reader(exported, module, names).program


def size_of(value: Any) -> Size:
    """A size of the tracer's as a number or as the text of its formula."""
    if isinstance(value, int):
        return value
    formula = value.node.expr
    return int(formula) if formula.is_Integer else str(formula)


class _Reader:
    def __init__(
        self, exported: ExportedProgram, module: nn.Module | None, names: Mapping[str, str]
    ) -> None:
        self.exported = exported
        self.program = Program(
            title=type(module).__name__ if module is not None else "Module",
            inputs=[name for name in exported.graph_signature.user_inputs if isinstance(name, str)],
            outputs=[],
            operations=[],
            states={},
            tensors={},
            types={},
            sizes={},
            symbols={},
            names=dict(names),
            module=module,
        )
        self._names: dict[fx.Node, str] = {}
        self._states()
        self._walk(exported.graph)
        self._outputs()

    def _walk(self, graph: fx.Graph) -> None:
        for node in graph.nodes:
            self._note(node)
            if node.op == "call_function":
                self._call(node)

    def _inlined(self, node: fx.Node) -> None:
        """Operations under `torch.no_grad()` stand in a graph of their own: they come here.

        What leaves it is detached, which is what it means for the gradient.
        """
        enabled, inner, *operands = node.args
        assert isinstance(inner, fx.Node)
        module = getattr(self.exported.graph_module, str(inner.target))
        taken = list(module.graph.find_nodes(op="placeholder"))
        for placeholder, operand in zip(taken, operands, strict=True):
            assert isinstance(operand, fx.Node)
            self._names[placeholder] = self._name(operand)
        for part in module.graph.nodes:
            if part.op == "call_function":
                self._names[part] = f"{node.name}.{part.name}"
        self._walk(module.graph)
        (end,) = module.graph.find_nodes(op="output")
        results = end.args[0] if isinstance(end.args[0], list | tuple) else (end.args[0],)
        names = self._output_names(node)
        for name, result in zip(names, results, strict=True):
            stack = self._stack(result)
            target = "aten.alias.default" if enabled else "aten.detach.default"
            made = Operation(name, target, {"self": self._arg(result)}, (name,), stack)
            self.program.operations.append(made)

    def _states(self) -> None:
        exported = self.exported
        seen: dict[int, str] = {}
        for spec in exported.graph_signature.input_specs:
            if spec.kind is InputKind.USER_INPUT or not hasattr(spec.arg, "name"):
                continue
            key = spec.target or spec.arg.name
            kind: Any = {InputKind.PARAMETER: "parameter", InputKind.BUFFER: "buffer"}.get(
                spec.kind, "constant"
            )
            tensor = exported.state_dict.get(key, exported.constants.get(key))
            if isinstance(tensor, Tensor):
                key = seen.setdefault(id(tensor), key)
                self.program.tensors[key] = tensor.detach()
            self.program.states[spec.arg.name] = State(key, kind)
        self._tied(seen)

    def _tied(self, seen: Mapping[int, str]) -> None:
        """Keys that the module's `state_dict` has for tensors under other keys, too."""
        module = self.program.module
        for key, tensor in module.state_dict(keep_vars=True).items() if module is not None else ():
            first = seen.get(id(tensor))
            if first is not None and first != key:
                self.program.tied[key] = first

    def _note(self, node: fx.Node) -> None:
        value = node.meta.get("val")
        if isinstance(value, Tensor):
            self.program.types[self._name(node)] = self._type(value)
        elif isinstance(value, torch.SymInt):
            self.program.sizes[self._name(node)] = self._size(value)

    def _type(self, tensor: Tensor) -> Type:
        shape = tuple(self._size(size) for size in tensor.shape)
        return Type(shape, str(tensor.dtype).removeprefix("torch."))

    def _size(self, value: Any) -> Size:
        size = size_of(value)
        if isinstance(size, str):
            hint = value.node.hint if value.node.has_hint() else None
            self.program.symbols[size] = int(hint) if hint is not None else 0
        return size

    def _call(self, node: fx.Node) -> None:
        target = self._target(node)
        if target == "getitem":
            return
        if target == "wrap_with_set_grad_enabled":
            self._inlined(node)
            return
        names = self._output_names(node)
        args = {name: self._arg(value) for name, value in self._named(node)}
        made = Operation(self._name(node), target, args, names, self._stack(node))
        self.program.operations.append(made)

    def _stack(self, node: fx.Node) -> tuple[Scope, ...]:
        return tuple(
            Scope(key, path, kind if isinstance(kind, str) else _dotted(kind))
            for key, (path, kind) in node.meta.get("nn_module_stack", {}).items()
            if not key.startswith("_empty")
        )

    def _target(self, node: fx.Node) -> str:
        target = node.target
        if isinstance(target, torch._ops.OpOverload):
            return str(target)
        name = getattr(target, "__name__", str(target))
        value = node.args[0] if node.args else None
        inner = value.meta.get("val") if isinstance(value, fx.Node) else None
        return "getitem" if name == "getitem" and not isinstance(inner, Tensor) else name

    def _name(self, node: fx.Node) -> str:
        return self._names.get(node, node.name)

    def _output_names(self, node: fx.Node) -> tuple[str, ...]:
        """The names of what it gives: several are taken apart by `getitem` nodes."""
        value = node.meta.get("val")
        if not isinstance(value, list | tuple):
            return (self._name(node),)
        names = [f"{self._name(node)}_unused_{at}" for at in range(len(value))]
        for user in node.users:
            if user.op == "call_function" and getattr(user.target, "__name__", "") == "getitem":
                at = user.args[1]
                assert isinstance(at, int)
                names[at] = self._name(user)
        for name, part in zip(names, value, strict=True):
            if isinstance(part, Tensor):
                self.program.types[name] = self._type(part)
        return tuple(names)

    def _named(self, node: fx.Node) -> Iterator[tuple[str, Any]]:
        schema = getattr(node.target, "_schema", None)
        names: Sequence[str] = [argument.name for argument in schema.arguments] if schema else ()
        for at, value in enumerate(node.args):
            yield (names[at] if at < len(names) else f"arg{at}"), value
        yield from node.kwargs.items()

    def _arg(self, value: Any) -> Arg:
        if isinstance(value, fx.Node):
            return Ref(self._name(value))
        if isinstance(value, torch.dtype):
            return Dtype(str(value).removeprefix("torch."))
        if isinstance(value, list | tuple):
            return tuple(self._arg(item) for item in value)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        return str(value)

    def _outputs(self) -> None:
        (output,) = self.exported.graph.find_nodes(op="output")
        spec = self.exported.call_spec.out_spec
        values = [self._arg(value) for value in output.args[0]]
        count = len(self.exported.graph_signature.user_outputs)
        values = values[len(values) - count :]
        paths = [""] * len(values)
        if spec is not None and spec.num_leaves == len(values):
            tree = pytree.tree_unflatten(list(range(len(values))), spec)
            keyed, _ = pytree.tree_flatten_with_path(tree)
            paths = [_path(path) for path, _ in keyed]
        self.program.outputs = list(zip(paths, values, strict=True))


def _path(path: Sequence[Any]) -> str:
    """`logits`, `0`, `states_1`: how to get at a part of the result."""
    parts = []
    for key in path:
        part = next(
            (getattr(key, name) for name in ("key", "idx", "name") if hasattr(key, name)), key
        )
        parts.append(str(part))
    return "_".join(parts)


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"

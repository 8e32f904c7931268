"""The graph of `torch.export`, as it lies in memory, as a `Program`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from netbuilder.exchange.bring.program import (
    Arg,
    Dtype,
    Operation,
    Program,
    Ref,
    Scope,
    Size,
    State,
    Type,
)


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

"""An ONNX graph as a module: a child for each node with weights, plain torch for all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from netbuilder.exchange.bring.program import BringError
from netbuilder.exchange.onnx_in import (
    called,
    control,
    declared,
    families,
    nodes,
    placeholder,
    room,
    sizes,
    steps,
    uniform,
    values,
)
from netbuilder.exchange.onnx_in.inner import OURS
from netbuilder.exchange.onnx_in.ops import Call, Unsupported, find
from netbuilder.exchange.onnx_in.steps import Step
from netbuilder.exchange.onnx_in.values import Value
from netbuilder.graph import rules

MAX_NUMBERS = room.MAX_NUMBERS
_RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"}
) | {"RandomUniformLike", "Dropout"}
_GROWING = frozenset(
    {"ConstantOfShape", "Expand", "Tile", "Range", "Resize", "Upsample", "Pad", "OneHot", "EyeLike"}
)
_LITERAL = 64
"""Constants of at most so many numbers are no weights."""


class OnnxModule(nn.Module):
    """The graph of a model, on tensors by position; a tuple of its outputs.

    `inputs` and `outputs` are their names in the file.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        control.scoped(model)
        self.types = placeholder.Types(model)
        self.opset = next((i.version for i in model.opset_import if i.domain in OURS), 1)
        self.steps: list[Step] = []
        self.fixed: dict[str, Tensor] = {}
        self.places: dict[str, str] = {}
        """Attributes of this module that hold constants, by their names in the file."""
        self.uniform: dict[str, float] = {}
        """Values that are one number all over, whatever their size."""
        self.makers: dict[str, Call] = {}
        self.turned: dict[tuple[Any, ...], Tensor] = {}
        self.heard = called.Heard()
        """What nodes are called, by the names of their values in the graph traced last."""
        self._taken: set[str] = set()
        self._room = room.Room()
        graph = model.graph
        fixed = {each.name for each in graph.initializer}
        self.inputs = [each.name for each in graph.input if each.name not in fixed]
        self.outputs = [each.name for each in graph.output]
        self._graph(graph)
        self.steps = steps.read(self.steps, self.outputs)
        self.every = list(steps.every(self.steps))
        """All steps, those of graphs in nodes too."""
        for number, step in enumerate(self.every):
            step.number = number
            self._keep_inputs(step)
        self._keep(self.outputs)
        self._left = control.MAX_STEPS

    # -- making it ---------------------------------------------------------------------------

    def _graph(self, graph: onnx.GraphProto) -> None:
        for each in graph.initializer:
            with suppress(Unsupported):
                self.fixed[each.name] = nodes.tensor(each)
        for node in graph.node:
            self._node(node)

    def _node(self, node: onnx.NodeProto) -> None:
        if node.op_type == "Constant" and node.domain in OURS:
            self._constant(node)
            return
        if node.op_type == "If" and self._chosen(node):
            return
        if control.is_control(node):
            inner = control.made(self, node)
            self._hold(inner.call)
            around = frozenset(range(len(node.input), len(inner.call.inputs)))
            self.steps.append(Step(inner.call, lambda x: x, around, inner=inner))
            return
        call = Call(
            families.name_of(node),
            node.name or next(iter(node.output), node.op_type),
            self.opset,
            {},
            tuple(node.input),
            tuple(node.output),
            {at: self.fixed[name] for at, name in enumerate(node.input) if name in self.fixed},
            tuple(self.types.rank(name) for name in node.input),
            frozenset(at for at, name in enumerate(node.input) if self.uniform.get(name) == 0),
            makers=self.makers,
            turned=self.turned,
            layer=called.layer(node),
        )
        step = self._step(call, node)
        sized = declared.sizes(call, self.types)
        if sized is not None:
            self.fixed[call.outputs[0]] = sized
        elif step.run is None or not self._folded(step):
            self.steps.append(step)
        uniform.note(call, self.fixed, self.uniform)
        self.makers.update((name, call) for name in node.output if name)

    def nested(self, graph: onnx.GraphProto) -> list[Step]:
        """The steps of a graph in a node."""
        outer, self.steps = self.steps, []
        self._graph(graph)
        outputs = [each.name for each in graph.output]
        inner, self.steps = steps.read(self.steps, outputs), outer
        self._keep(outputs)
        return inner

    def _step(self, call: Call, node: onnx.NodeProto) -> Step:
        nothing: frozenset[int] = frozenset()
        try:
            call.attributes = nodes.attributes(node)
            found = find(call.op, call.opset)
            if found is None and call.op not in ("Shape", "Size"):
                return Step(call, None, nothing, families.missing(node.domain))
            if found is None:
                return Step(call, lambda x: x, nothing)
            made = found.build(call)
        except Unsupported as reason:
            return Step(call, None, nothing, str(reason))
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            # What a file says of a node may be any nonsense.
            return Step(call, None, nothing, f"it can't be read: {_first(error)}")
        if isinstance(made, nn.Module):
            call.hold(made)
            call.only(0)
        self._hold(call)
        return Step(call, made, found.known)

    def _hold(self, call: Call) -> None:
        for module in call.held:
            module.eval()
            self.add_module(self._name(_stem(call)), module)

    def _constant(self, node: onnx.NodeProto) -> None:
        with suppress(Unsupported):
            for name, given in nodes.attributes(node).items():
                if isinstance(given, Tensor):
                    self.fixed[node.output[0]] = given
                elif name in ("value_int", "value_ints"):
                    self.fixed[node.output[0]] = torch.tensor(given, dtype=torch.int64)
                elif name in ("value_float", "value_floats"):
                    self.fixed[node.output[0]] = torch.tensor(given, dtype=torch.float32)
        if node.output[0] not in self.fixed:
            call = Call("Constant", node.name, self.opset, {}, (), tuple(node.output))
            self.steps.append(Step(call, None, frozenset(), "it is no tensor of numbers"))

    def _chosen(self, node: onnx.NodeProto) -> bool:
        """Take the branch of an If whose condition is known; False if it isn't."""
        condition = self.fixed.get(node.input[0])
        if condition is None or condition.numel() != 1:
            return False
        wanted = "then_branch" if bool(condition.reshape(-1)[0]) else "else_branch"
        branch = next(each.g for each in node.attribute if each.name == wanted)
        self._graph(branch)
        for made, name in zip(branch.output, node.output, strict=True):
            if made.name in self.fixed:
                self.fixed[name] = self.fixed[made.name]
            else:
                call = Call("Identity", "", self.opset, {}, (made.name,), (name,))
                self.steps.append(Step(call, lambda x: x, frozenset()))
        return True

    def _folded(self, step: Step) -> bool:
        """Work out what depends on constants alone."""
        call = step.call
        fixed = all(name in self.fixed for name in call.inputs if name)
        if not fixed or call.op in _RANDOM or call.held:
            return False
        given: list[Value] = [self.fixed.get(name) for name in call.inputs]
        try:
            if call.op in ("Shape", "Size"):
                assert isinstance(given[0], Tensor)
                made: Any = values.tensor(_sizes_of(call, given[0]))
            else:
                if call.op in _GROWING:
                    self._tried(step, given)
                elif room.may_be_large(given):
                    # Where sizes follow from numbers nothing can be tried, and nothing grows.
                    with suppress(Unsupported, RuntimeError, TypeError, ValueError, IndexError):
                        self._tried(step, given)
                with torch.no_grad():
                    made = self._ran(step, given)
        except (Unsupported, RuntimeError, TypeError, ValueError, IndexError):
            return False
        parts = made if isinstance(made, tuple | list) else (made,)
        if not all(isinstance(part, Tensor) for part in parts if part is not None):
            return False
        found = {
            name: part.detach()
            for name, part in zip(call.outputs, parts, strict=False)
            if name and part is not None
        }
        self._room.take(found.values())
        self.fixed |= found
        return True

    def _tried(self, step: Step, given: list[Value]) -> None:
        """Refuses what would be too large, before it is made."""
        with FakeTensorMode() as fake:
            inputs: list[Value] = [
                given
                if at in step.known or not isinstance(given, Tensor)
                else fake.from_tensor(given)
                for at, given in enumerate(given)
            ]
            made = self._ran(step, inputs)
        for part in made if isinstance(made, tuple | list) else (made,):
            if isinstance(part, Tensor) and part.numel() > MAX_NUMBERS:
                raise BringError(
                    f"The node '{step.call.name[:80]}' makes a tensor of {part.numel():,} numbers.",
                    f"At most {MAX_NUMBERS:,} are brought in.",
                )

    def _keep_inputs(self, step: Step) -> None:
        takes = step.call.takes
        self._keep(
            name
            for at, name in enumerate(step.call.inputs)
            if at not in step.known and (takes is None or at in takes)
        )

    def _keep(self, names: Iterable[str]) -> None:
        """Give constants that are read as tensors their places: weights are parameters."""
        for name in names:
            tensor = self.fixed.get(name)
            if tensor is None or name in self.places or tensor.numel() <= 1:
                continue
            if tensor.is_floating_point():
                place = self._name(name)
                self.register_parameter(place, nn.Parameter(tensor, requires_grad=True))
            elif tensor.numel() > _LITERAL:
                place = self._name(name)
                self.register_buffer(place, tensor)
            else:
                continue
            self.places[name] = place

    def _name(self, wanted: str) -> str:
        """A name for a child that is no attribute of this module."""
        name = rules.identifier(wanted.strip("/").replace(".", "_").replace("/", "_"), "node")
        while name.startswith("_"):
            name = name[1:] or "node"
        name = f"{name}_" if hasattr(OnnxModule, name) else name
        name = rules.unique_name(name, self._taken | set(self.__dict__))
        self._taken.add(name)
        return name

    # -- running it --------------------------------------------------------------------------

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The graph's outputs."""
        here: dict[str, Value] = dict(zip(self.inputs, inputs, strict=True))
        self._left = control.MAX_STEPS
        self.run(self.steps, here, self.types.free(self.inputs, inputs))
        outputs = [values.tensor(self._value(here, name)) for name in self.outputs]
        for name, output in zip(self.outputs, outputs, strict=True):
            if not isinstance(output, Tensor):
                what = "made by no node" if output is None else "no tensor"
                raise BringError(f"The output '{name[:80]}' is {what}.")
        return tuple(output for output in outputs if output is not None)

    def run(self, rows: Iterable[Step], here: dict[str, Value], free: Mapping[str, Any]) -> None:
        """Add what the steps make to what is there."""
        for step in rows:
            given = [self._value(here, name) for name in step.call.inputs]
            made = self._made(step, given, free)
            parts = made if isinstance(made, tuple | list) else (made,)
            self.heard.note(step.call, parts)
            here.update(zip(step.call.outputs, parts, strict=False))

    def allow(self, steps: int) -> None:
        """`Unsupported` where what loops come to would become too much."""
        if steps > self._left:
            raise Unsupported(f"it comes to more than {control.MAX_STEPS:,} steps")

    def spend(self, steps: int) -> None:
        """Counts what loops come to."""
        self.allow(steps)
        self._left -= steps

    def small(self, here: Mapping[str, Value], name: str) -> Value:
        """A value; few whole numbers that the file has are known ones."""
        tensor = self.fixed.get(name) if name not in here else None
        value = self._value(here, name)
        if tensor is None and isinstance(value, Tensor) and value is self.fixed.get(name):
            tensor = value
        if tensor is not None and tensor.dtype in (torch.int64, torch.bool):
            return values.of_constant(tensor) if tensor.numel() <= _LITERAL else value
        return value

    def _value(self, here: Mapping[str, Value], name: str) -> Value:
        if name in here:
            return here[name]
        if name in self.places:
            placed = getattr(self, self.places[name])
            assert isinstance(placed, Tensor)
            return placed
        return self.fixed.get(name)

    def _made(self, step: Step, given: list[Value], free: Mapping[str, Any]) -> Any:
        call, at = step.call, step.number
        if step.run is None:
            return placeholder.made(call, given, self.types, free, step.why, at)
        if call.op in ("Shape", "Size") and isinstance(given[0], Tensor):
            return _sizes_of(call, given[0])
        try:
            if step.inner is not None:
                return step.inner.run(self, given, free)
            return self._ran(step, given)
        except Unsupported as reason:
            step.why = str(reason)
            return placeholder.made(call, given, self.types, free, step.why, at)
        except (IndexError, TypeError, KeyError) as error:
            raise BringError(f"The node '{call.name[:80]}' ({call.op}): {_first(error)}") from error

    def _ran(self, step: Step, given: list[Value]) -> Any:
        call = step.call
        rule = sizes.SIZES.get(call.op)
        if rule is not None and any(isinstance(value, np.ndarray) for value in given):
            with suppress(Unsupported):
                numbers = [
                    values.of_constant(v)
                    if isinstance(v, Tensor) and name in self.fixed and v.numel() <= _LITERAL
                    else v
                    for v, name in zip(given, call.inputs, strict=True)
                ]
                if not any(isinstance(value, Tensor) for value in numbers):
                    made = rule(call, *numbers)
                    if made is not NotImplemented:
                        return made
        assert step.run is not None
        takes = call.takes if call.takes is not None else range(len(given))
        read: list[Any] = []
        for at in takes:
            value = given[at] if 0 <= at < len(given) else None
            if at in step.known:
                if isinstance(value, Tensor) and call.inputs[at] in self.fixed:
                    value = values.of_constant(self.fixed[call.inputs[at]])
                read.append(values.numbers(value))
            else:
                read.append(values.tensor(value))
        return step.run(*read)


def _sizes_of(call: Call, tensor: Tensor) -> values.Known:
    if call.op == "Size":
        return values.known(tensor.numel())
    return values.known(list(tensor.shape)[call.attr("start", 0) : call.attr("end")])


def _stem(call: Call) -> str:
    """A name from the file: that of the layer, what its weights are called, or the node."""
    path, kind = call.layer
    if path and any(type(module).__name__ == kind for module in call.held):
        return path
    for at in sorted(call.constants):
        stem, dot, last = call.inputs[at].rpartition(".")
        if dot and last in ("weight", "bias", "gamma", "running_mean") and stem:
            return stem
    if called.is_counted(call.name) and call.held:
        return type(call.held[0]).__name__.lower()
    operator = call.op.rpartition(".")[2]
    return _scope(call.name.removesuffix(f"/{operator}") or call.name)


def _scope(name: str) -> str:
    """`/layer/layer.0/query` is the layer `layer.0.query`."""
    parts = name.split("/")
    return "/".join(
        part
        for part, after in zip(parts, (*parts[1:], ""), strict=True)
        if not (part and after.startswith(f"{part}."))
    )


def _first(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]

"""If, Loop and Scan: what they come to where the sizes alone say which branch and how often.

Bodies are lists of steps, which run while the module is traced: a branch as if it stood there
itself, a loop once for each of its steps; where a free size says how many there are, one of them,
as the step of a loop. What the numbers that come in decide has no counterpart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import onnx
import torch
from torch import Tensor

from netbuilder.exchange.bring.turns import Turns
from netbuilder.exchange.onnx_in import nodes, scanned, values
from netbuilder.exchange.onnx_in.inner import OURS, inner_graphs
from netbuilder.exchange.onnx_in.ops import Call, Unsupported
from netbuilder.exchange.onnx_in.steps import Free, Runner, Step, Values
from netbuilder.exchange.onnx_in.values import Value

MAX_STEPS = 2048
"""Nodes that all loops of a graph come to, each counted as often as it runs."""


class Running(Protocol):
    """What a control node does with the values it is given."""

    def __call__(self, module: Runner, given: Sequence[Value], free: Free) -> list[Value]: ...


@dataclass(slots=True)
class Body:
    """A graph in a node: its steps, and the names of what it is given and gives."""

    steps: list[Step]
    inputs: list[str]
    outputs: list[str]

    @property
    def size(self) -> int:
        """What it counts for each time that it runs."""
        return 1 + len(self.steps)

    def read(self) -> dict[str, None]:
        """What it takes from around it, in order."""
        made = set(self.inputs).union(*(step.call.outputs for step in self.steps))
        taken = [name for step in self.steps for name in step.call.read()]
        return dict.fromkeys(name for name in (*taken, *self.outputs) if name not in made)

    def run(self, module: Runner, here: Values, free: Free) -> list[Value]:
        """What it gives for the values that are there."""
        module.spend(self.size)
        module.run(self.steps, here, free)
        return [module.small(here, name) for name in self.outputs]


@dataclass(slots=True)
class Control:
    """A node with graphs in it."""

    call: Call
    bodies: list[Body]
    does: Running = field(init=False)

    def __post_init__(self) -> None:
        self.does = {"If": self._if, "Loop": self._loop, "Scan": self._scan}[self.call.op]

    def graphs(self) -> Iterator[Sequence[Step]]:
        """The steps of each of its graphs."""
        return (body.steps for body in self.bodies)

    def run(self, module: Runner, given: Sequence[Value], free: Free) -> tuple[Value, ...]:
        """What the node gives; `Unsupported` where it has no counterpart."""
        return tuple(self.does(module, given, free))

    def _here(self, given: Sequence[Value]) -> Values:
        return dict(zip(self.call.inputs, given, strict=True))

    def _if(self, module: Runner, given: Sequence[Value], free: Free) -> list[Value]:
        here = self._here(given)
        condition = _number(module.small(here, self.call.inputs[0]), "what it chooses")
        return self.bodies[0 if condition else 1].run(module, here, free)

    def _loop(self, module: Runner, given: Sequence[Value], free: Free) -> list[Value]:
        (body,), here = self.bodies, self._here(given)
        count = len(body.inputs) - 2
        often = self.call.has(0)
        limit = _number(module.small(here, self.call.inputs[0]), _OFTEN) if often else None
        goes = _said(module.small(here, self.call.inputs[1])) if self.call.has(1) else True
        names = self.call.inputs[2 : 2 + count]
        states = [module.small(here, name) for name in names]
        if goes and isinstance(limit, torch.SymInt):
            rest = {**here, body.inputs[1]: values.known(True)}
            seen = (body.inputs[:1], body.inputs[2:])
            count_up: Any = torch.arange
            last, rows = self._turned(module, rest, free, seen, ([count_up(limit)], states))
            return [*last, *rows]
        limit = _said(values.known(limit)) if often else None
        if limit is not None and goes:
            module.allow(limit * body.size)
        parts: list[list[Value]] = []
        while goes and (limit is None or len(parts) < limit):
            inside = here | dict(
                zip(
                    body.inputs,
                    [values.known(len(parts)), values.known(True), *states],
                    strict=True,
                )
            )
            goes_on, *made = body.run(module, inside, free)
            goes, states = _said(goes_on), made[:count]
            parts.append(made[count:])
        return [*states, *self._stacked(parts, len(body.outputs) - 1 - count)]

    def _scan(self, module: Runner, given: Sequence[Value], free: Free) -> list[Value]:
        (body,), here, attr = self.bodies, self._here(given), self.call.attr
        if self.call.opset < 9:
            raise Unsupported("it is of opset 8, which scans each sample by itself")
        several = attr("num_scan_inputs")
        count = len(body.inputs) - several
        more = len(body.outputs) - count
        names = self.call.inputs[: len(body.inputs)]
        states = [module.small(here, name) for name in names[:count]]
        axes = attr("scan_input_axes") or (0,) * several
        ways = attr("scan_input_directions") or (0,) * several
        later = attr("scan_output_axes") or (0,) * more
        after = attr("scan_output_directions") or (0,) * more
        sequences = [values.given(here[name]) for name in names[count:]]
        if sequences and not isinstance(sequences[0].shape[axes[0]], int):
            dim = scanned.best_dim(self.call, range(count, len(names)), axes)
            cut = scanned.laid_out(sequences, axes, ways, dim)
            seen = (body.inputs[count:], body.inputs[:count])
            last, rows = self._turned(module, here, free, seen, (cut, states), dim)
            return [*last, *scanned.laid_back(rows, later, after, dim)]
        steps = [_steps(*each) for each in zip(sequences, axes, ways, strict=True)]
        module.allow(len(steps[0]) * body.size if steps else 0)
        parts: list[list[Value]] = []
        for here_now in zip(*steps, strict=True):
            inside = here | dict(zip(body.inputs, [*states, *here_now], strict=True))
            made = body.run(module, inside, free)
            states = made[:count]
            parts.append(made[count:])
        return [*states, *self._stacked(parts, more, later, after)]

    def _turned(
        self,
        module: Runner,
        here: Values,
        free: Free,
        names: tuple[Sequence[str], Sequence[str]],
        given: tuple[Sequence[Tensor], Sequence[Value]],
        dim: int = 0,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The last states and what is gathered, of a body that runs as often as a free size says.

        It runs once, between what goes into all steps and what comes out of them. `names` are
        those of a step of the sequences and of the states in the body, `given` what they are.
        """
        (body,), (turns,) = self.bodies, self.call.held
        around = {
            name: value
            for name in body.read()
            if isinstance(value := here.get(name), Tensor) and name not in module.fixed
        }

        refused: list[Unsupported] = []

        def step(
            each: list[Tensor], carried: list[Tensor], same: list[Tensor]
        ) -> tuple[list[Tensor], list[Tensor]]:
            own = (*around, *names[0], *names[1])
            inside = here | dict(zip(own, (*same, *each, *carried), strict=True))
            try:
                made = body.run(module, inside, free)
                if self.call.op == "Loop" and not _number(made.pop(0), "whether it goes on"):
                    raise Unsupported("it runs once, or never")
                tensors = [values.given(value) for value in made]
            except Unsupported as reason:
                # The tracer must see the call of a module end.
                refused.append(reason)
                return carried, []
            return tensors[: len(carried)], tensors[len(carried) :]

        titles = [name.rpartition(".")[0] or name for name in around]
        states = [values.given(state) for state in given[1]]
        last, rows = turns(step, list(given[0]), states, list(around.values()), dim, titles)
        if refused:
            raise refused[0]
        return list(last), list(rows)

    def _stacked(
        self,
        parts: Sequence[Sequence[Value]],
        count: int,
        axes: Sequence[int] = (),
        ways: Sequence[int] = (),
    ) -> list[Value]:
        if count and not parts:
            raise Unsupported("it never runs")
        made: list[Value] = []
        for at in range(count):
            rows = [values.tensor(part[at]) for part in parts]
            if not all(isinstance(row, Tensor) for row in rows):
                raise Unsupported("it gathers what is no tensor")
            rows = rows[::-1] if ways and ways[at] else rows
            made.append(
                torch.stack([row for row in rows if row is not None], (axes or [0] * count)[at])
            )
        return made


_OFTEN = "how often it runs"


def _number(value: Value, what: str) -> Any:
    """The one number of a value that is known."""
    if isinstance(value, Tensor):
        raise Unsupported(f"{what} depends on the numbers that come in")
    given = values.numbers(value)
    if given is None or len(given) != 1:
        raise Unsupported(f"{what} is not one number")
    return given[0]


def _said(value: Value) -> Any:
    """How often to go on, or whether."""
    number = _number(value, _OFTEN)
    if not isinstance(number, int):
        raise Unsupported("how often it runs depends on a free size")
    return number


def _steps(x: Tensor, axis: int, back: int) -> Sequence[Tensor]:
    size: Any = x.shape[axis]
    if not isinstance(size, int):
        raise Unsupported("some of what it scans is of free size")
    if size > MAX_STEPS:
        raise Unsupported(f"it runs {size:,} times")
    parts = torch.unbind(x, axis)
    return parts[::-1] if back else parts


# -- making them ----------------------------------------------------------------------------------


def is_control(node: onnx.NodeProto) -> bool:
    """Whether a node has graphs that decide what runs."""
    return node.op_type in ("If", "Loop", "Scan") and node.domain in OURS


def made(module: Runner, node: onnx.NodeProto) -> Control:
    """The node; its steps become steps of the module."""
    graphs = {each.name: each.g for each in node.attribute if each.HasField("g")}
    wanted = ("then_branch", "else_branch") if node.op_type == "If" else ("body",)
    bodies = [
        Body(
            module.nested(graphs[name]),
            [each.name for each in graphs[name].input],
            [each.name for each in graphs[name].output],
        )
        for name in wanted
    ]
    around = dict.fromkeys(name for body in bodies for name in body.read())
    inputs = (*node.input, *(name for name in around if name not in node.input))
    call = Call(
        node.op_type,
        node.name or next(iter(node.output), node.op_type),
        module.opset,
        nodes.attributes(node),
        inputs,
        tuple(node.output),
        makers=module.makers,
    )
    if node.op_type != "If":
        call.hold(Turns())
    return Control(call, bodies)


def scoped(model: onnx.ModelProto) -> None:
    """Give the values of inner graphs names of their own: two branches may use the same."""
    if any(is_control(node) for node in model.graph.node):
        _scope(model.graph, {}, {})


def _scope(graph: onnx.GraphProto, renamed: Mapping[str, str], taken: dict[str, int]) -> None:
    """`taken` has the names that are given, with the last number behind each."""
    own = [each.name for each in (*graph.input, *graph.initializer)]
    own += [name for node in graph.node for name in node.output]
    here = dict(renamed)
    for name in dict.fromkeys(own):
        if not name:
            continue
        new = name
        while new in taken:
            taken[name] += 1
            new = f"{name}_{taken[name]}"
        taken[new] = 0
        here[name] = new
    for each in (*graph.input, *graph.initializer, *graph.output, *graph.value_info):
        each.name = here.get(each.name, each.name)
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = here.get(name, name)
        for at, name in enumerate(node.output):
            node.output[at] = here.get(name, name)
        for inner in inner_graphs(node):
            _scope(inner, here, taken)

"""The code of a loop over time: a Python loop as people write it, or PyTorch's scan."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from netbuilder.compiler import recurrence
from netbuilder.compiler.calls import input_types
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.program import Call, Line, Site
from netbuilder.compiler.variables import Variables
from netbuilder.layers import code
from netbuilder.layers.blocks import Loop, Turns
from netbuilder.layers.catalogue import graph_ports


class _Writing:
    """One loop on its way to code: the variables in it, and what comes before it."""

    def __init__(self, site: Site, loop: Loop, variables: Variables, inside: Inference) -> None:
        self.site, self.loop = site, loop
        self.ports = graph_ports(inside.graph)
        self.turns = Turns.of(self.ports, loop.constants)
        self.types = input_types(inside)
        self.states = {state: variables.local(state) for state in self.turns.states}
        self.each = {name: variables.local(f"{name}_t") for name in self.turns.sequences}
        self.made: dict[str, str] = {}
        """Variables by output of the block, of those that are used."""
        for port, output in self.turns.last.items():
            if port in site.outputs:
                state = next(s for s, o in self.turns.states.items() if o == output)
                variables.hold(site, port, self.states[state])
        self.made = {output: self.states[state] for state, output in self.turns.states.items()}
        self.stacked = {p: o for p, o in self.turns.stacked.items() if p in site.outputs}
        for output in self.stacked.values():
            if output not in self.made:
                self.made[output] = variables.local(output)
        self.dim = code.const(site.owner.params.get("dim", 1))

    @property
    def targets(self) -> str:
        """What a call of the block is assigned to."""
        return ", ".join(self.made.get(port.name, "_") for port in self.ports.outputs)

    def call(self) -> ast.expr:
        """`self.cell(x_t, h)`."""
        inner = {**self.site.arguments, **self.each, **self.states}
        values = [_name(inner[port.name]) for port in self.ports.inputs]
        return code.call(f"self.{self.site.attribute}", *values)

    def begin(self) -> list[Line]:
        """What the states are before the first step."""
        lines = []
        for state, variable in self.states.items():
            given = self.site.arguments.get(state)
            tree = self._zeros(state) if given is None else _name(given)
            lines.append(Line(target=variable, tree=tree))
        return lines

    def _zeros(self, state: str) -> ast.expr:
        kind = self.types[state]
        given = {name: t for name, t in self.types.items() if name != state}
        given = {k: t for k, t in given.items() if k in self.each or k in self.site.arguments}
        places = recurrence.origins(kind, self.loop, self.turns, given)
        assert places is not None
        sizes = [code.const(p) if isinstance(p, int) else self._size(*p) for p in places]
        like = next((name for name, t in given.items() if t.dtype == kind.dtype), None)
        if like is not None:
            return code.method(self._value(like), "new_zeros", *(sizes or [code.const(())]))
        if not given:
            return code.call("torch.zeros", *sizes)
        device = code.attribute(self._value(next(iter(given))), "device")
        return code.call("torch.zeros", *sizes, device=device)

    def _value(self, name: str) -> ast.expr:
        return _name(self.site.arguments[name])

    def _size(self, name: str, at: int) -> ast.expr:
        if name in self.each:
            # The sequence has one dim more than its steps.
            rank = self.types[name].rank + 1
            at += at >= self.loop.dim % rank
        return code.method(self._value(name), "size", code.const(at))


def plain(
    site: Site,
    loop: Loop,
    constructor: ast.expr | None,
    variables: Variables,
    inside: Inference,
) -> Call:
    """`for x_t in x.unbind(1):`, with what is stacked in lists."""
    writing = _Writing(site, loop, variables, inside)
    single = len(writing.stacked) == 1
    lists = {
        port: variables.local("outputs" if single else f"{port}_steps") for port in writing.stacked
    }
    call = Call.of_trees(site, constructor, writing.call(), writing.targets)
    call.depth, call.outputs = 1, ()
    call.before = [*writing.begin(), *(Line(f"{name} = []") for name in lists.values())]
    call.before.append(_head(writing))
    for port, output in writing.stacked.items():
        call.after.append(Line(f"{lists[port]}.append({writing.made[output]})", depth=1))
    for port, name in lists.items():
        steps = _name(name)
        if loop.reverse:
            backwards = ast.Slice(None, None, code.const(-1))
            steps = ast.Subscript(steps, backwards, ast.Load())
        stack = code.call("torch.stack", steps, writing.dim)
        call.after.append(Line(target=variables.choose(site, port), tree=stack, port=port))
    return call


def _head(writing: _Writing) -> Line:
    """The first line of the Python loop."""
    names = ", ".join(writing.each.values())
    if not names:
        steps = code.const(writing.site.owner.params.get("steps") or 1)
        return Line("for _ in ", tree=code.call("range", steps), tail=":")
    cut: list[ast.expr] = []
    for name in writing.each:
        steps = code.method(_name(writing.site.arguments[name]), "unbind", writing.dim)
        cut.append(code.call("reversed", steps) if writing.loop.reverse else steps)
    over = cut[0] if len(cut) == 1 else code.call("zip", *cut)
    return Line(f"for {names} in ", tree=over, tail=":")


def scanned(
    site: Site,
    loop: Loop,
    constructor: ast.expr | None,
    variables: Variables,
    inside: Inference,
) -> Call:
    """The same with PyTorch's scan, for exporters: they can't unroll a length that is free."""
    turns = Turns.of(graph_ports(inside.graph), loop.constants)
    if not turns.sequences:
        return plain(site, loop, constructor, variables, inside)
    writing = _Writing(site, loop, variables, inside)
    step = variables.local("step")
    states, each = variables.local("states"), variables.local("each")
    call = Call.of_trees(site, constructor, writing.call(), writing.targets)
    call.depth, call.outputs = 1, ()
    # A scan needs a state and a result, whatever they are.
    carried = list(writing.states.values())
    spare = "" if carried else variables.local("spare")
    first = _name(site.arguments[turns.sequences[0]])
    call.before = writing.begin()
    if spare:
        call.before.append(Line(target=spare, tree=code.method(first, "new_zeros", code.const(1))))
        carried = [spare]
    call.before += [
        Line(f"def {step}({states}, {each}):"),
        Line(f"{_list(carried)} = {states}", depth=1),
        Line(f"{_list(list(writing.each.values()))} = {each}", depth=1),
    ]
    results = [writing.made[output] for output in writing.stacked.values()] or carried[:1]
    call.after.append(Line(f"return {_copies(carried)}, {_copies(results)}", depth=1))
    kept = [variables.choose(site, port) for port in writing.stacked] or ["_"]
    over = [_name(site.arguments[name]) for name in writing.each]
    tree = code.call(
        "torch._higher_order_ops.scan",
        _name(step),
        ast.List([_name(name) for name in carried], ast.Load()),
        ast.List(over, ast.Load()),
        dim=writing.dim,
        reverse=code.const(loop.reverse),
    )
    call.after.append(Line(f"{_list(carried)}, {_list(kept)} = ", tree=tree))
    return call


def _copies(names: Sequence[str]) -> str:
    # What a scan gives back must not be what it was given, nor one thing twice.
    return _list([f"{name}.clone()" for name in names])


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"


def _name(variable: str) -> ast.expr:
    return ast.Name(variable, ast.Load())

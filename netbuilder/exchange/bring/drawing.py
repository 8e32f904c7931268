"""From a program to drafts: calls become nodes and blocks, the rest functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from netbuilder.errors import NetbuilderError
from netbuilder.exchange.bring import (
    functions,
    indexed,
    making,
    running,
    shapes,
    sized,
    turns,
    tying,
    weighted,
)
from netbuilder.exchange.bring.calls import CONTAINERS, Call, idle, tree
from netbuilder.exchange.bring.drafts import BLOCK, Draft, DraftNode
from netbuilder.exchange.bring.functions import Same, Unsupported
from netbuilder.exchange.bring.holding import hold, relative
from netbuilder.exchange.bring.leaves import leaf
from netbuilder.exchange.bring.program import Arg, Dtype, Operation, Program, Ref, State, refs
from netbuilder.graph import rules
from netbuilder.graph.loops import LOOP
from netbuilder.graph.model import Json

RULES = (functions, indexed, making, shapes, sized, weighted)
"""The modules with rules for operations; they register them when they are imported."""
_RANDOM = frozenset({"bernoulli", "multinomial", "normal", "rand", "randint", "randn", "randperm"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """The network as a draft, what has no layer, and what a person should know."""

    network: Draft
    unsupported: dict[str, int]
    notes: list[str] = field(default_factory=list)


def draw(program: Program) -> Drawn:
    """The whole program as a draft with blocks inside."""
    return _Drawing(program).drawn()


class _Drawing:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.same: dict[str, str] = {}
        """Values that are others as they are."""
        self.unsupported: dict[str, int] = {}
        self.notes: list[str] = []
        self.readers: dict[str, list[Operation | None]] = {}
        for operation in program.operations:
            for name in operation.refs():
                self.readers.setdefault(name, []).append(operation)
        for _, value in program.outputs:
            for name in refs(value):
                self.readers.setdefault(name, []).append(None)
        self.made_by = {n: o for o in program.operations for n in o.outputs}
        self.shared: dict[tuple[int, str], DraftNode] = {}

    def drawn(self) -> Drawn:
        root = tree(self.program)
        network = Draft(root.scope)
        taken: set[str] = set()
        for name in self.program.inputs:
            shown = self.program.titles.get(name, name)
            title = rules.unique_name(rules.identifier(shown, "input"), taken)
            taken.add(title)
            network.inputs[name] = title
        self._fill(network, root, "")
        self._ends(network)
        _name_all(network)
        self.notes += tying.tie(self.program, network)
        return Drawn(network, self.unsupported, self.notes)

    def _ends(self, network: Draft) -> None:
        for at, (path, value) in enumerate(self.program.outputs):
            if not isinstance(value, Ref) or value.name in self.program.sizes:
                self.notes.append(
                    f"Output {path or at} is {value if not isinstance(value, Ref) else 'a size'}, "
                    "no tensor: it is left out."
                )
                continue
            name = path or ("output" if len(self.program.outputs) == 1 else str(at))
            title = rules.identifier(f"output_{name}" if name[:1].isdigit() else name, "output")
            here = self.resolve(value.name)
            hold(self.program, network, [here])
            network.outputs.append((here, title))

    # -- values --------------------------------------------------------------------------------

    def resolve(self, name: str) -> str:
        """The value itself, where it is another one's name."""
        while name in self.same:
            name = self.same[name]
        return name

    def _crossing(self, call: Call) -> tuple[list[str], list[str]]:
        """Values that a call takes from outside, and those of its own that others read."""
        inside = {id(operation) for operation in call.operations()}
        made = {name for operation in call.operations() for name in operation.outputs}
        taken: dict[str, None] = {}
        given: dict[str, None] = {}
        for operation in call.operations():
            if idle(operation, self.program):
                continue
            for name in map(self.resolve, operation.refs()):
                own_state = name in self.program.states and self._belongs(name, call)
                if name not in made and name not in self.program.sizes and not own_state:
                    taken[name] = None
            for name in operation.outputs:
                outside = [r for r in self.readers.get(name, ()) if id(r) not in inside]
                if any(reader is None or not idle(reader, self.program) for reader in outside):
                    given[name] = None
        return list(taken), list(given)

    def _belongs(self, name: str, call: Call) -> bool:
        return self.program.states[name].key.startswith(f"{call.scope.path}.")

    # -- what a graph holds -------------------------------------------------------------------

    def _fill(self, draft: Draft, call: Call, path: str) -> None:
        for item in call.items:
            if isinstance(item, Operation):
                if not idle(item, self.program):
                    self._operation(draft, item)
            else:
                self._call(draft, item)

    def _call(self, draft: Draft, call: Call) -> None:
        if call.scope.kind == turns.KIND:
            self._loop(draft, call)
            return
        taken, given = self._crossing(call)
        node = leaf(call, self.program, taken, given)
        if node is not None:
            node.inputs = {port: self.resolve(value) for port, value in node.inputs.items()}
            hold(self.program, draft, node.inputs.values())
            self._add(draft, node, call.scope.path)
            return
        if call.scope.kind in CONTAINERS or not given or self._does_nothing(call):
            self._fill(draft, call, call.scope.path)
            return
        self._block(draft, call, taken, given)

    def _does_nothing(self, call: Call) -> bool:
        """Whether all that is in a call gives its input as it is: dropout of a frozen module."""
        return all(
            operation.base in functions.SAME or idle(operation, self.program)
            for operation in call.operations()
        )

    def _block(self, draft: Draft, call: Call, taken: list[str], given: list[str]) -> None:
        inner = Draft(call.scope)
        for at, value in enumerate(taken):
            inner.inputs[value] = "input" if len(taken) == 1 else f"input_{at + 1}"
        self._names_of_inputs(inner, call)
        self._fill(inner, call, call.scope.path)
        self._take_sizes(inner)
        ends = dict.fromkeys(map(self.resolve, given))
        hold(self.program, inner, ends)
        made = inner.makers()
        # What goes through as it is needs no way through the block.
        ends = {value: None for value in ends if value in made}
        if not ends:
            return
        for at, value in enumerate(ends):
            inner.outputs.append((value, "output" if len(ends) == 1 else f"output_{at + 1}"))
        _name_all(inner)
        node = DraftNode(BLOCK, inner=inner)
        node.inputs = {port: value for value, port in inner.inputs.items()}
        node.outputs = dict(inner.outputs)
        hold(self.program, draft, node.inputs.values())
        self._add(draft, node, call.scope.path)

    def _loop(self, draft: Draft, call: Call) -> None:
        loop = turns.read(call)
        if loop is None or not self._crossing(call)[1]:
            return
        inner = loop.inner
        self._fill(inner, loop.body, call.scope.path)
        made = (*loop.states.values(), *loop.gathered.values())
        ends = {value: self.resolve(value) for value in made}
        hold(self.program, inner, ends.values())
        known = set(inner.inputs)
        self._take_sizes(inner, ends.values())
        more = {value: port for value, port in inner.inputs.items() if value not in known}
        node = DraftNode(LOOP, inner=inner)
        node.outputs = loop.finish(ends)
        _name_all(inner)
        node.inputs = {port: self.resolve(value) for port, value in loop.inputs.items()}
        node.inputs |= {port: value for value, port in more.items()}
        node.params = {"dim": loop.dim, "constants": (*loop.constants, *more.values())}
        hold(self.program, draft, node.inputs.values())
        self._add(draft, node, call.scope.path)

    def _take_sizes(self, inner: Draft, ends: Iterable[str] = ()) -> None:
        """Let what nodes were shown for its size, and what no operation reads, come in too."""
        made = inner.makers()
        taken = set(inner.inputs.values())
        shown = [value for node in inner.nodes for value in node.inputs.values()]
        for value in (*shown, *ends):
            if value not in made and value not in inner.inputs:
                inner.inputs[value] = rules.unique_name("sized", taken)
                taken.add(inner.inputs[value])

    def _names_of_inputs(self, inner: Draft, call: Call) -> None:
        """The names of `forward`'s arguments, where it is known which is which."""
        scope = call.scope
        heard = self.program.given.get((scope.path, scope.number), {})
        names = {self.resolve(value): name for name, value in reversed(heard.items())}
        if len(inner.inputs) == 1 and not names.keys() & inner.inputs.keys():
            names = dict(zip(inner.inputs, self._arguments(scope.path), strict=False))
        taken: set[str] = set()
        for value, spare in inner.inputs.items():
            name = rules.identifier(names.get(value, spare), "input")
            inner.inputs[value] = rules.unique_name(name, taken)
            taken.add(inner.inputs[value])

    def _arguments(self, path: str) -> list[str]:
        module = self.program.submodule(path)
        return argument_names(module) if module is not None else []

    def _add(self, draft: Draft, node: DraftNode, path: str) -> None:
        """Put a module's node into the graph; a second call of a module shares its weights."""
        node.name, node.path = relative(path, draft.scope.path), path
        key = (id(draft), path)
        owner = self.shared.setdefault(key, node)
        if owner is not node and _alike(owner, node):
            node.shares = owner
            node.params = dict(owner.params)
            node.states = {}
        draft.nodes.append(node)

    def _operation(self, draft: Draft, operation: Operation) -> None:
        try:
            nodes = functions.convert(operation, self.program)
        except Same as way:
            self.same[operation.outputs[0]] = self.resolve(way.value)
            return
        except Unsupported as reason:
            if self._folded(operation):
                return
            first = next(iter(operation.outputs), "")
            why = self.program.reasons.get(first, str(reason))
            nodes = [self._placeholder(operation, why)]
        title = self.program.titles.get(next(iter(operation.outputs), ""), "")
        if nodes:
            nodes[-1].name = nodes[-1].name or title
        for node in nodes:
            node.inputs = {port: self.resolve(value) for port, value in node.inputs.items()}
            hold(self.program, draft, node.inputs.values())
            node.name = node.name or operation.base.strip("_")
            self._share_held(draft, node)
            draft.nodes.append(node)
        if operation.in_place:
            # Whoever reads the overwritten value afterwards reads the result; the tracer has
            # already seen to that, unless the value is a part of another one.
            self._warn_of_views(operation)

    def _folded(self, operation: Operation) -> bool:
        """Work out what depends on constants alone, and keep the result with the weights."""
        states = self.program.states
        fixed = all(name in states and states[name].kind == "constant" for name in operation.refs())
        if not fixed or not operation.target.startswith("aten.") or operation.base in _RANDOM:
            return False
        try:
            made = running.fold(self.program, operation)
        except (NetbuilderError, RuntimeError, TypeError):
            return False
        for name, tensor in made.items():
            key = f"{operation.base.strip('_')}_{len(self.program.tensors)}"
            states[name] = State(key, "constant")
            self.program.tensors[key] = tensor
        return True

    def _share_held(self, draft: Draft, node: DraftNode) -> None:
        """Functions that take the same weights share them."""
        if not node.states:
            return
        key = (id(draft), " ".join(sorted(node.states.values())))
        owner = self.shared.setdefault(key, node)
        if owner is not node and _alike(owner, node):
            node.shares, node.states = owner, {}

    def _warn_of_views(self, operation: Operation) -> None:
        first = next(iter(operation.refs()), "")
        maker = self.made_by.get(first)
        if maker is not None and maker.base in _VIEWS:
            self._count(operation)
            self.notes.append(
                f"{operation.shown} overwrites a part of another tensor; here it makes a new one."
            )

    def _placeholder(self, operation: Operation, reason: str) -> DraftNode:
        """A node of an unknown layer that keeps what the operation was given."""
        self._count(operation)
        node = DraftNode(operation.shown)
        node.unsupported = operation.shown
        node.note = f"{operation.target}: {reason}."[:500]
        for name, given in operation.args.items():
            if name in functions.IDLE_ARGUMENTS or given is None:
                continue
            many = isinstance(given, tuple) and any(isinstance(part, Ref) for part in given)
            for at, part in (
                enumerate(given) if many and isinstance(given, tuple) else [(-1, given)]
            ):
                port = name if at < 0 else f"{name}_{at}"
                if isinstance(part, Ref) and part.name not in self.program.sizes:
                    node.inputs[port] = part.name
                elif part is not None:
                    node.params[port] = self._kept(part)
        single = len(operation.outputs) == 1
        for at, made in enumerate(operation.outputs):
            node.outputs[made] = "output" if single else f"output_{at}"
        return node

    def _kept(self, given: Arg) -> Json:
        match given:
            case Ref():
                return str(self.program.sizes.get(given.name, given.name))
            case Dtype():
                return given.name
            case tuple():
                return tuple(self._kept(part) for part in given)
            case float() if given != given or abs(given) == float("inf"):
                return str(given)
            case int() if abs(given) >= 2**53:
                return str(given)
        return given

    def _count(self, operation: Operation) -> None:
        self.unsupported[operation.shown] = self.unsupported.get(operation.shown, 0) + 1


_VIEWS = frozenset({"slice", "select", "view", "narrow", "transpose", "permute", "unsqueeze"})


def argument_names(module: object) -> list[str]:
    """The names of the positional arguments of a module's `forward`."""
    import inspect

    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(module.forward).parameters.values()  # type: ignore[attr-defined]
    except (TypeError, ValueError, AttributeError):
        return []
    return [parameter.name for parameter in parameters if parameter.kind in kinds]


def _alike(owner: DraftNode, node: DraftNode) -> bool:
    return owner.layer == node.layer and (owner.inner is None) == (node.inner is None)


def _name_all(draft: Draft) -> None:
    """Legal names, each once; inputs and outputs of the graph come first."""
    taken = set(draft.inputs.values())
    ends = []
    for value, name in draft.outputs:
        title = rules.unique_name(rules.identifier(name, "output"), taken)
        taken.add(title)
        ends.append((value, title))
    draft.outputs = ends
    # Names of modules before those of functions: they are keys of the weights.
    for node in sorted(draft.nodes, key=lambda node: not (node.states or node.inner)):
        wanted = rules.identifier(node.name or rules.default_name(node.layer))
        node.name = rules.unique_name(wanted, taken)
        taken.add(node.name)

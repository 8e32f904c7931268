"""All classes that a graph's code needs: those of its blocks, inner ones first, then its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from netbuilder.compiler import merge, parts, text
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.lower import lower, mark
from netbuilder.compiler.merge import Arguments
from netbuilder.compiler.networks import helpers, needed, network_arguments, network_names
from netbuilder.compiler.program import Argument, Call, Given, Made, Program
from netbuilder.compiler.roles import node_names
from netbuilder.compiler.text import ALIAS_NAMES
from netbuilder.graph import expressions, rules
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json
from netbuilder.graph.parameters import RESERVED
from netbuilder.layers import code
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import parameters_of
from netbuilder.layers.own import OwnLayer

_BUILTIN = frozenset({"Sequential", "ModuleList", "Module", "Tensor"})


def programs(
    document: Document,
    inference: Inference,
    networks: Mapping[str, Inference],
    *,
    scanned: bool = False,
) -> list[Program]:
    """The programs of a network or step and of all that is in it, in the order of their code.

    `networks` has what is known of the networks that it may call, by name. `scanned` writes
    loops over time for exporters.
    """
    return _Classes(document, inference, networks, scanned).all()


def class_name(document: Document, name: str, kind: str) -> str:
    """`Main` is nobody's name for a network: a lone `main` takes the project's title."""
    given = name
    if kind == "network" and name == "main":
        given = document.project.title if document.project.title != "Untitled" else name
    words = re.findall(r"[A-Za-z0-9]+", given) or [name]
    camel = "".join(word[0].upper() + word[1:] for word in words)
    if kind == "step":
        camel += "" if camel.endswith("Step") else "Step"
    name = rules.identifier(camel, "Network")
    return f"{name}Network" if name in ALIAS_NAMES | _BUILTIN else name


class _Classes:
    def __init__(
        self,
        document: Document,
        inference: Inference,
        networks: Mapping[str, Inference],
        scanned: bool,
    ) -> None:
        self.document = document
        self.top = inference
        self.scanned = scanned
        self.inner = self._inner_networks(inference, networks)
        """The networks that a network needs, each after those that it needs itself."""
        self.uses: dict[str, list[Inference]] = {}
        """Uses of each block that differ, by its id, inner blocks first."""
        self.names: set[str] = set()
        """Names of classes that are taken: first those of `netbuilder.parts`."""
        seen: set[int] = set()
        for network in self.inner.values():
            self._gather(network, seen)
        self._gather(inference, seen)
        self.class_names: dict[str, str] = {}
        """Classes of the networks by their names, and that of the top graph."""
        for each in (inference, *self.inner.values()):
            name = class_name(document, each.graph.name, each.graph.kind)
            name = self._free(f"{name}Network" if name in self.names else name)
            self.class_names[each.graph.name] = name
        self.made: dict[int, Made] = {}

    @staticmethod
    def _inner_networks(
        inference: Inference, networks: Mapping[str, Inference]
    ) -> dict[str, Inference]:
        if inference.graph.kind == "step":
            return {}
        return {name: networks[name] for name in needed(inference, networks)}

    def _free(self, wanted: str) -> str:
        """The name, or one with a number, for a class; it is taken then."""
        name, number = wanted, 2
        while name in self.names:
            name, number = f"{wanted}{number}", number + 1
        self.names.add(name)
        return name

    def _gather(self, inference: Inference, seen: set[int]) -> None:
        self.names |= parts.names(k.part for k in inference.layers.values() if k.part)
        self.names |= parts.names(helpers(inference))
        # An argument would stand before a class of its name.
        self.names |= set(parameters_of(inference.graph))
        self.names |= {k.class_name for k in inference.layers.values() if isinstance(k, OwnLayer)}
        for repeated in inference.blocks.values():
            for use in repeated:
                if id(use) not in seen:
                    seen.add(id(use))
                    self._gather(use, seen)
                    self.uses.setdefault(use.graph.id, []).append(use)

    def all(self) -> list[Program]:
        result: list[Program] = []
        for id in self._inner_first():
            result += self._block(self.document.graph(id), self.uses[id])
        result += [self._network(inference) for inference in self.inner.values()]
        return [*result, self._network(self.top)]

    def _network(self, inference: Inference) -> Program:
        """A network that may be given others, and makes those that it is not given; or a step."""
        program = self._lowered(inference)
        program.class_name = self.class_names[inference.graph.name]
        names = network_names(self.document)
        if inference.graph.kind == "step":
            program.given = [Given(names[name]) for name in program.networks]
            return program
        for name in needed(inference, self.inner):
            inside = {names[n]: code.dotted(names[n]) for n in needed(self.inner[name], self.inner)}
            made = text.snippet(code.call(self.class_names[name], **inside))
            program.given.append(Given(names[name], made, held=name in inference.networks))
        return program

    def _lowered(self, inference: Inference) -> Program:
        return lower(self.document, inference, self.made, scanned=self.scanned)

    def _inner_first(self) -> list[str]:
        """Blocks in such an order that each comes after those that stand in it."""
        done: dict[str, None] = {}

        def visit(id: str) -> None:
            for use in self.uses[id]:
                for repeated in use.blocks.values():
                    if repeated and repeated[0].graph.id not in done:
                        visit(repeated[0].graph.id)
            done.setdefault(id)

        for id in sorted(self.uses, key=lambda id: (self.document.graph(id).info.order, id)):
            visit(id)
        return list(done)

    def _block(self, block: Graph, uses: Sequence[Inference]) -> Iterator[Program]:
        """One class for all uses, or more where their code differs in more than sizes."""
        groups: dict[str, list[tuple[Inference, Program]]] = {}
        for use in uses:
            program = self._lowered(use)
            groups.setdefault(_form(program), []).append((use, program))
        for group in groups.values():
            name = self._free(class_name(self.document, block.name, "block"))
            yield self._merged(block, name, group)

    def _merged(
        self, block: Graph, name: str, group: Sequence[tuple[Inference, Program]]
    ) -> Program:
        uses = [use for use, _ in group]
        program = group[0][1]
        program.class_name = name
        declared = parameters_of(block)
        networks = network_arguments(self.document, uses[0])
        reserved = RESERVED | set(declared) | set(networks.values())
        arguments = Arguments([use.values for use in uses], _candidates(block), reserved)
        legal = node_names(block)
        for number, call in enumerate(program.calls):
            others = [other.calls[number] for _, other in group]
            self._merge_call(arguments, call, others, uses, number, legal[call.node.id])
        self._store(program, legal)
        program.types = _common_types(uses)
        further = {key: values[0] for key, values in arguments.further.items()}
        program.arguments = [
            *(Argument(key, value, default=False) for key, value in further.items()),
            *(Argument(key, value, default=True) for key, value in declared.items()),
        ]
        for at, use in enumerate(uses):
            extra = {key: values[at] for key, values in arguments.further.items()}
            self.made[id(use)] = Made(name, extra, networks)
        program.given = [
            Given(own, held=network in program.networks) for network, own in networks.items()
        ]
        return program

    @staticmethod
    def _merge_call(
        arguments: Arguments,
        call: Call,
        others: Sequence[Call],
        uses: Sequence[Inference],
        number: int,
        name: str,
    ) -> None:
        inferred = [use.inferred.get(call.node.id, {}) for use in uses]
        marks = {mark(number, parameter): parameter for parameter in inferred[0]}

        def inferred_size(found: str) -> ast.expr | None:
            parameter = marks.get(found)
            if parameter is None:
                return None
            values = tuple(values[parameter] for values in inferred)
            return arguments.stand_in((parameter, f"{name}_{parameter}"), values)

        def whole(trees: Sequence[ast.expr | None]) -> ast.expr | None:
            known = [tree for tree in trees if tree is not None]
            if not known:
                return None
            tree = merge.merge(known, lambda values: arguments.stand_in((f"{name}_value",), values))
            return merge.replace_names(tree, inferred_size)

        made = whole([other.trees[0] for other in others if other.trees])
        run = whole([other.trees[1] for other in others if other.trees])
        assert run is not None
        call.trees = (made, run)
        for at, line in enumerate(call.lines):
            line.tree = whole([other.lines[at].tree for other in others])

    @staticmethod
    def _store(program: Program, legal: Mapping[str, str]) -> None:
        """What `forward` needs of the arguments is kept on `self`, apart from the modules."""
        for call in program.calls:
            assert call.trees is not None
            _, run = call.trees
            for tree in (run, *(line.tree for line in call.lines)):
                for name in merge.names_in(tree) if tree is not None else ():
                    if name not in program.stored:
                        program.stored.append(name)

        def own(name: str) -> ast.expr:
            return ast.Attribute(ast.Name("self", ast.Load()), stored_name(name, legal), ast.Load())

        for call in program.calls:
            assert call.trees is not None
            made, run = call.trees
            call.trees = (made, merge.replace_names(run, own))
            for line in call.lines:
                line.tree = None if line.tree is None else merge.replace_names(line.tree, own)
            call.finish()


def stored_name(name: str, legal: Mapping[str, str]) -> str:
    """The attribute that keeps an argument: another one where a node has its name."""
    return rules.unique_name(name, set(legal.values()) | {f"{name}_"})


def _form(program: Program) -> str:
    parts = []
    for call in program.calls:
        assert call.trees is not None
        parts += [merge.form(call.trees[0]), merge.form(call.trees[1]), call.targets]
        for line in call.lines:
            parts += [line.head, merge.form(line.tree), line.tail, line.target]
    return "\n".join(parts)


def _candidates(block: Graph) -> list[str]:
    """The block's parameters, and the expressions over them that stand in it."""
    found = {f"={name}": None for name in parameters_of(block)}

    def look(value: Json) -> None:
        if expressions.is_expression(value):
            found.setdefault(value)
        elif isinstance(value, tuple | list):
            for item in value:
                look(item)
        elif hasattr(value, "values"):
            look(tuple(value.values()))

    for node in block.ordered():
        look(node.params)
    return list(found)


def _common_types(uses: Sequence[Inference]) -> dict[str, dict[str, TensorType]]:
    """Output types that are the same in all uses."""
    first = uses[0]
    return {
        node: {
            port: known
            for port, known in outputs.items()
            if all(use.outputs.get(node, {}).get(port) == known for use in uses)
        }
        for node, outputs in first.outputs.items()
    }

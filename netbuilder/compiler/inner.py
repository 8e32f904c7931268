"""Calls of blocks: once, in a row of several, or once for each step of a sequence."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from itertools import pairwise

from netbuilder.compiler import looping, merge
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.program import Call, Classes, Line, Site
from netbuilder.compiler.variables import Variables
from netbuilder.graph import expressions, rules
from netbuilder.graph.model import Json
from netbuilder.graph.parameters import map_expressions, put_in
from netbuilder.layers import code
from netbuilder.layers.blocks import Loop

INDEX = expressions.INDEX


class Inner:
    """Writes the calls of blocks in one graph. `networks` are arguments by network."""

    def __init__(
        self,
        inference: Inference,
        classes: Classes,
        variables: Variables,
        networks: Mapping[str, str],
        scanned: bool,
    ) -> None:
        self.inference = inference
        self.classes = classes
        self.variables = variables
        self.networks = networks
        self.scanned = scanned

    def call(self, site: Site, made: bool) -> Call:
        """A call of a block; `made` tells that its module is there already."""
        constructor = None if made else self._modules(site)
        if isinstance(site.layer, Loop):
            (inside,) = self.inference.blocks[site.node.id]
            write = looping.scanned if self.scanned else looping.plain
            return write(site, site.layer, constructor, self.variables, inside)
        values = [_name(variable) for variable in site.arguments.values()]
        if not _repeated(site) or _is_plain(site):
            forward = code.call(f"self.{site.attribute}", *values)
            return Call.of_trees(site, constructor, forward, self.variables.assign(site))
        every = tuple(port.name for port in site.ports.outputs)
        arguments = list(site.arguments.values())
        # What every module gets besides must outlive the first of them.
        targets = self.variables.assign(site, every, arguments[len(every) :])
        back = [name.strip() for name in targets.split(",")]
        begin = ", ".join(arguments[: len(back)])
        forward = code.call("module", *map(_name, back), *values[len(back) :])
        call = Call.of_trees(site, constructor, forward, targets)
        if begin != targets:
            call.before.append(Line(f"{targets} = {begin}"))
        call.before.append(Line(f"for module in self.{site.attribute}:"))
        call.depth = 1
        return call

    def _modules(self, site: Site) -> ast.expr:
        """`BasicBlock(channels=64)`, or a container of several of them."""
        uses = self.inference.blocks[site.owner.id]
        made = [self._module(site, use) for use in uses]
        if not _repeated(site):
            return made[0]
        same = [ast.dump(tree) for tree in made]
        starts = [at for at in range(len(made)) if not at or same[at] != same[at - 1]]
        repeat = site.owner.params.get("repeat", 1)
        parts: list[ast.expr] = []
        for start, end in pairwise([*starts, len(made)]):
            stop: Json = end
            if end == len(made) and expressions.is_expression(repeat):
                stop = repeat
            elif end - start == 1:
                parts.append(self._module(site, uses[start], start))
                continue
            parts.append(self._row(made[start], start, stop))
        if _is_plain(site):
            return code.call("torch.nn.Sequential", *parts)
        return code.call("torch.nn.ModuleList", ast.List(parts, ast.Load()))

    def _module(self, site: Site, use: Inference, index: int | None = None) -> ast.expr:
        """`BasicBlock(channels=64)`; where `index` is given, what counts repetitions is that."""
        values = site.owner.params.get("values", {})
        if index is not None:
            values = map_expressions(values, lambda text: put_in(text, {INDEX: index}))
        made = self.classes[id(use)]
        given = {own: _name(self.networks[name]) for name, own in made.networks.items()}
        further = {k: code.const(v) for k, v in made.further.items()}
        declared = {k: code.const(v) for k, v in values.items()}
        return code.call(made.class_name, **given, **further, **declared)

    def _row(self, tree: ast.expr, start: int, stop: Json) -> ast.expr:
        """`*(Unit(...) for _ in range(2))`, or over `index` where what is made speaks of it.

        `stop` is a number or an expression over the parameters of the block around.
        """
        counter = "_"
        ends = [code.const(stop)]
        if INDEX in merge.names_in(tree):
            # A network that is handed on may have that name.
            counter = rules.unique_name(INDEX, set(self.networks.values()))
            tree = merge.replace_names(tree, lambda name: _name(counter) if name == INDEX else None)
            ends = [code.const(start), *ends] if start else ends
        elif start:
            ends = [code.const(f"={stop[1:]} - {start}" if isinstance(stop, str) else stop - start)]
        times = ast.comprehension(
            ast.Name(counter, ast.Store()), code.call("range", *ends), [], is_async=0
        )
        return ast.Starred(ast.GeneratorExp(tree, [times]), ast.Load())


def _repeated(site: Site) -> bool:
    repeat = site.owner.params.get("repeat", 1)
    return getattr(site.layer, "repeat", 1) > 1 or expressions.is_expression(repeat)


def _is_plain(site: Site) -> bool:
    """Whether a row of them is an nn.Sequential."""
    return len(site.ports.inputs) == 1 and len(site.ports.outputs) == 1


def _name(variable: str) -> ast.expr:
    return ast.Name(variable, ast.Load())

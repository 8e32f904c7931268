"""Calls of blocks: once, in a row of several, or once for each step of a sequence."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from netbuilder.compiler import looping
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.program import Call, Classes, Line, Site
from netbuilder.compiler.variables import Variables
from netbuilder.graph import expressions
from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.blocks import Loop

Run = tuple[ast.expr, str, int]
"""A constructor, its dump, and how often it stands in a row."""


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
        values = site.owner.params.get("values", {})
        declared = {k: code.const(v) for k, v in values.items()}
        runs: list[Run] = []
        for use in self.inference.blocks[site.owner.id]:
            made = self.classes[id(use)]
            given = {own: _name(self.networks[name]) for name, own in made.networks.items()}
            further = {k: code.const(v) for k, v in made.further.items()}
            tree = code.call(made.class_name, **given, **further, **declared)
            same = ast.dump(tree)
            if runs and runs[-1][1] == same:
                runs[-1] = (tree, same, runs[-1][2] + 1)
            else:
                runs.append((tree, same, 1))
        if not _repeated(site):
            return runs[0][0]
        return _container(runs, site.owner.params.get("repeat", 1), _is_plain(site))


def _repeated(site: Site) -> bool:
    repeat = site.owner.params.get("repeat", 1)
    return getattr(site.layer, "repeat", 1) > 1 or expressions.is_expression(repeat)


def _is_plain(site: Site) -> bool:
    """Whether a row of them is an nn.Sequential."""
    return len(site.ports.inputs) == 1 and len(site.ports.outputs) == 1


def _name(variable: str) -> ast.expr:
    return ast.Name(variable, ast.Load())


def _container(runs: list[Run], repeat: Json, plain: bool) -> ast.expr:
    """`nn.Sequential(first, *(other for _ in range(2)))`; a list of modules if not `plain`."""
    parts: list[ast.expr] = []
    done = 0
    for at, (tree, _, count) in enumerate(runs):
        length = code.const(count)
        if at == len(runs) - 1 and expressions.is_expression(repeat):
            length = expressions.python(str(repeat) if not done else f"={repeat[1:]} - {done}")
        elif count == 1:
            parts.append(tree)
            done += 1
            continue
        target = ast.comprehension(
            ast.Name("_", ast.Store()), code.call("range", length), [], is_async=0
        )
        parts.append(ast.Starred(ast.GeneratorExp(tree, [target]), ast.Load()))
        done += count
    if plain:
        return code.call("torch.nn.Sequential", *parts)
    return code.call("torch.nn.ModuleList", ast.List(parts, ast.Load()))

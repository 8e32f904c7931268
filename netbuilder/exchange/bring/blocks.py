"""Which calls become uses of one block, and with which parameters.

Calls of one class that come to the same nodes and wires are uses of one block. Where numbers
differ between them, the block declares a parameter; numbers that differ alike share it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from netbuilder.exchange.bring.drafts import Draft, DraftNode
from netbuilder.graph import parameters, rules
from netbuilder.graph.model import Json
from netbuilder.layers import catalogue


@dataclass(slots=True)
class Block:
    """A block to be: a draft to draw it from, and its parameters with their defaults."""

    name: str
    pattern: Draft
    parameters: dict[str, Json] = field(default_factory=dict)
    inner: dict[str, Block] = field(default_factory=dict)
    """All blocks that were there before it, by name."""


def arrange(network: Draft) -> list[Block]:
    """Give all uses their blocks, from the innermost outwards; rows of equal ones are repeats."""
    groups: dict[str, list[DraftNode]] = {}
    for node in _uses(network):
        assert node.inner is not None
        groups.setdefault(skeleton(node.inner), []).append(node)
    blocks: list[Block] = []
    taken: set[str] = set()
    ranked = sorted(groups.values(), key=lambda nodes: _inner(nodes[0]).depth())
    for nodes in ranked:
        drafts = [_inner(node) for node in nodes]
        kind = drafts[0].scope.kind.rpartition(".")[2] or "block"
        name = rules.unique_name(rules.identifier(_words(kind), "block"), taken)
        taken.add(name)
        block = Block(name, drafts[0], inner={known.name: known for known in blocks})
        _parametrise(block, nodes)
        for node, draft in zip(nodes, drafts, strict=True):
            draft.block = name
            node.params["block"] = name
        blocks.append(block)
    for node in [use for nodes in ranked for use in nodes]:
        if not node.params["values"]:
            del node.params["values"]
    for draft in [network, *(_inner(use) for nodes in ranked for use in nodes)]:
        repeat(draft)
    return blocks


def _words(kind: str) -> str:
    """`basic_block` for BasicBlock, `gpt_block` for GPTBlock."""
    return re.sub(r"(?<=[A-Za-z0-9])(?=[A-Z][a-z])", "_", kind).lower()


def _inner(node: DraftNode) -> Draft:
    assert node.inner is not None
    return node.inner


def _uses(draft: Draft) -> Iterator[DraftNode]:
    for node in draft.nodes:
        if node.inner is not None:
            yield node
            yield from _uses(node.inner)


# -- what makes two calls alike --------------------------------------------------------------


def skeleton(draft: Draft) -> str:
    """A text that is equal for calls that differ in numbers only."""
    order = {value: f"i{at}" for at, value in enumerate(draft.inputs)}
    lines = [draft.scope.kind, *draft.inputs.values()]
    places: dict[int, int] = {}
    for at, node in enumerate(draft.nodes):
        places[id(node)] = at
        for value, port in node.outputs.items():
            order[value] = f"{at}.{port}"
    for node in draft.nodes:
        inner = skeleton(node.inner) if node.inner is not None else ""
        wires = [f"{port}={order.get(value, '?')}" for port, value in node.inputs.items()]
        params = [(name, value) for name, value in sorted(node.params.items()) if not _free(value)]
        shares = places.get(id(node.shares), "") if node.shares is not None else ""
        parts = (node.layer, node.name, shares, inner, wires, params, sorted(node.outputs.values()))
        lines.append(repr(parts))
    lines.append(repr([(order.get(value), name) for value, name in draft.outputs]))
    return "\n".join(lines)


def _free(value: Json) -> bool:
    """Whether a parameter may differ between uses of a block: numbers may, all else may not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _default(layer: str, name: str) -> Json:
    """What a parameter is where it is left out."""
    kind = catalogue.find(layer)
    if kind is None or name not in kind.model_fields:
        return None
    field = kind.model_fields[name]
    return None if field.is_required() else field.get_default(call_default_factory=True)


def _parametrise(block: Block, nodes: list[DraftNode]) -> None:
    """Declare a parameter for each group of numbers that differ between the uses."""
    drafts = [_inner(node) for node in nodes]
    for node in nodes:
        node.params["values"] = {}
    chosen: dict[tuple[Any, ...], str] = {}
    for at, pattern in enumerate(block.pattern.nodes):
        alike = [draft.nodes[at] for draft in drafts]
        if pattern.inner is not None:
            _pass_on(block, nodes, alike, chosen)
            continue
        for name in dict.fromkeys(name for node in alike for name in node.params):
            default = _default(pattern.layer, name)
            given = tuple(node.params.get(name, default) for node in alike)
            if all(value == given[0] and type(value) is type(given[0]) for value in given):
                continue
            parameter = _parameter(block, nodes, chosen, given, name, pattern.name)
            for node in alike:
                node.params[name] = f"={parameter}"


def _pass_on(
    block: Block, nodes: list[DraftNode], alike: list[DraftNode], chosen: dict[tuple[Any, ...], str]
) -> None:
    """Values of an inner block that differ between uses of the outer one."""
    pattern, known = alike[0], block.inner[alike[0].params["block"]].parameters
    for name in dict.fromkeys(name for node in alike for name in node.params.get("values", {})):
        given = tuple(node.params.get("values", {}).get(name, known[name]) for node in alike)
        if all(value == given[0] for value in given):
            continue
        parameter = _parameter(block, nodes, chosen, given, name, pattern.name)
        for node in alike:
            node.params["values"] = {**node.params.get("values", {}), name: f"={parameter}"}


def _parameter(
    block: Block,
    nodes: list[DraftNode],
    chosen: dict[tuple[Any, ...], str],
    given: tuple[Any, ...],
    name: str,
    owner: str,
) -> str:
    """The declared parameter that has these values in the uses."""
    if given in chosen:
        return chosen[given]
    wanted = name if not parameters.word_refusal(name) else f"{owner}_{name}"
    if wanted in block.parameters:
        wanted = f"{owner}_{name}"
    parameter = rules.unique_name(wanted, set(block.parameters))
    chosen[given] = parameter
    block.parameters[parameter] = given[0]
    for node, value in zip(nodes, given, strict=True):
        if value != given[0]:
            node.params["values"] = {**node.params["values"], parameter: value}
    return parameter


# -- rows ------------------------------------------------------------------------------------


def repeat(draft: Draft) -> None:
    """Make one node with a number of uses that follow one another: `layers_0`, `layers_1`, ..."""
    makers = draft.makers()
    readers: dict[str, set[int]] = {}
    for node in draft.nodes:
        for value in node.inputs.values():
            readers.setdefault(value, set()).add(id(node))
    for value, _ in draft.outputs:
        readers.setdefault(value, set()).add(0)
    owners = {id(node.shares) for node in draft.nodes if node.shares is not None}
    rows = [row for row in _rows(draft, makers, readers, owners) if len(row) > 1]
    for row in rows:
        _merge(draft, row)


def _rows(
    draft: Draft,
    makers: Mapping[str, tuple[DraftNode, str]],
    readers: Mapping[str, set[int]],
    owners: set[int],
) -> Iterator[list[DraftNode]]:
    """Whole rows of a container, from its element 0 to its last."""
    by_stem: dict[str, list[DraftNode]] = {}
    for node in draft.nodes:
        path = _inner(node).scope.path if node.inner is not None else ""
        stem, _, number = path.rpartition(".")
        if number.isdecimal() and stem and node.shares is None and id(node) not in owners:
            row = by_stem.setdefault(stem, [])
            if int(number) == len(row):
                row.append(node)
            else:
                by_stem[stem] = [*row, node, node]
    for row in by_stem.values():
        if len(set(map(id, row))) == len(row) and _is_chain(row, readers):
            yield row


def _is_chain(row: list[DraftNode], readers: Mapping[str, set[int]]) -> bool:
    first = row[0]
    for before, after in pairwise(row):
        if after.params != first.params or list(after.inputs) != list(first.inputs):
            return False
        ins, outs = list(after.inputs.values()), list(before.outputs)
        count = len(outs)
        if ins[:count] != outs or ins[count:] != list(first.inputs.values())[count:]:
            return False
        if any(readers.get(value, set()) != {id(after)} for value in outs):
            return False
    return True


def _merge(draft: Draft, row: list[DraftNode]) -> None:
    first, last = row[0], row[-1]
    stem = _inner(first).scope.path.rpartition(".")[0]
    base = f"{draft.scope.path}." if draft.scope.path else ""
    taken = {node.name for node in draft.nodes if node not in row}
    taken |= {name for _, name in draft.outputs} | set(draft.inputs.values())
    name = rules.identifier(stem.removeprefix(base).replace(".", "_"))
    first.name = rules.unique_name(name, taken)
    first.params["repeat"] = len(row)
    first.repeats = row
    first.outputs = dict(last.outputs)
    draft.nodes = [node for node in draft.nodes if node is first or node not in row]

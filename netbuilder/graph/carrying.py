"""The blocks that copied nodes need: a clipboard carries them from project to project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, fragment, rules
from netbuilder.graph.blocks import OUTPUT, USES
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.fragment import Fragment
from netbuilder.graph.history import History
from netbuilder.graph.model import GraphInfo, Json, Node, freeze

MAX_BLOCKS = 1_000


@dataclass(frozen=True, slots=True)
class CarriedBlock:
    """A block with its contents, as it was where the nodes were copied."""

    name: str
    parameters: tuple[Json, ...]
    contents: Fragment


@dataclass(frozen=True, slots=True)
class Carried:
    """Copied nodes, and the blocks that they need: those needed by others come first."""

    part: Fragment
    blocks: tuple[CarriedBlock, ...] = ()


def cut_out(document: Document, graph: Graph, items: Iterable[str]) -> dict[str, Any]:
    """These nodes and frames as `fragment.cut_out` has them, with the blocks that they need."""
    chosen = dict.fromkeys(items)
    result = fragment.cut_out(graph, chosen)
    for entry in result["nodes"]:
        # Elsewhere there is no owner: what counts here goes along.
        owner = graph.nodes.get(entry.get("shares", ""))
        if owner is not None and owner.id not in chosen:
            entry["params"] = dict(owner.params)
    uses = [graph.nodes[id] for id in chosen if id in graph.nodes]
    names = [str(node.params.get("block")) for node in uses if node.layer in USES]
    carried = [_block_json(block) for block in blocks.needed(document, names)]
    if carried:
        result["blocks"] = carried
    return result


def _block_json(block: Graph) -> dict[str, Any]:
    contents = fragment.cut_out(block, [*block.nodes, *block.frames])
    parameters = block.info.settings.get("parameters", ())
    return {"name": block.name, "parameters": parameters, **contents}


def read(value: Mapping[str, Any]) -> Carried:
    """Check what may come from anywhere; `ChangeError` if it is no fragment."""
    part = fragment.read(value)
    entries = value.get("blocks", [])
    if not isinstance(entries, list | tuple) or len(entries) > MAX_BLOCKS:
        raise ChangeError("The blocks on the clipboard can't be read.")
    found: dict[str, CarriedBlock] = {}
    total = len(part.nodes)
    read_blocks = [_read_block(entry) for entry in entries]
    all_names = {block.name for block in read_blocks}
    for block in read_blocks:
        needs = _names(block.contents.nodes) & all_names
        if block.name in found or not needs <= set(found):
            raise ChangeError("The blocks on the clipboard hold each other.")
        found[block.name] = block
        total += len(block.contents.nodes)
    if total > fragment.MAX_NODES:
        raise ChangeError(f"The clipboard holds more than {fragment.MAX_NODES:,} nodes.")
    return Carried(part, tuple(found.values()))


def _read_block(entry: Any) -> CarriedBlock:
    if not isinstance(entry, Mapping):
        raise ChangeError("The blocks on the clipboard can't be read.")
    name, parameters = entry.get("name"), entry.get("parameters", ())
    if not isinstance(name, str) or rules.identifier(name, "block") != name:
        raise ChangeError("A block on the clipboard has no legal name.")
    if not isinstance(parameters, list | tuple):
        raise ChangeError("The blocks on the clipboard can't be read.")
    return CarriedBlock(name, freeze(parameters), fragment.read(entry))


def _names(nodes: Iterable[Node]) -> set[str]:
    return {str(node.params.get("block")) for node in nodes if node.layer in USES}


def paste(
    history: History,
    graph: Graph,
    carried: Carried,
    *,
    offset: tuple[float, float] = (32.0, 32.0),
    keep_inputs: bool = False,
    title: str = "Paste",
) -> list[Node]:
    """Add nodes, and of the blocks that they need those that the project lacks.

    A block of the project with the same name and contents serves; one with other contents
    is left alone, and the pasted one gets a name of its own. One step to undo.
    """
    count = len(carried.part.nodes)
    with history.step(f"{title} {count} nodes" if count != 1 else f"{title} node"):
        names = _bring(history, carried.blocks)
        part = _renamed(carried.part, names)
        for name in sorted(_names(part.nodes)):
            reason = blocks.refusal(history.document, graph, name)
            if reason:
                raise ChangeError(reason)
        return fragment.paste(
            history, graph, part, offset=offset, keep_inputs=keep_inputs, title=title
        )


def _bring(history: History, carried: Iterable[CarriedBlock]) -> dict[str, str]:
    """Add what the project lacks; the names that the carried blocks have here."""
    document = history.document
    names: dict[str, str] = {}
    for block in carried:
        contents = _renamed(block.contents, names)
        settings = {"parameters": block.parameters} if block.parameters else {}
        # Compared as it would be here, with fresh ids and legal names.
        trial = History(Document())
        twin = edits.add_graph(trial, "block", block.name, settings)
        fragment.paste(trial, twin, contents, offset=(0.0, 0.0))
        there = document.block(block.name)
        if there is not None and meaning(there) == meaning(twin):
            names[block.name] = there.name
            continue
        fresh = edits.add_graph(history, "block", block.name, settings)
        fragment.paste(history, fresh, contents, offset=(0.0, 0.0))
        names[block.name] = fresh.name
    return names


def _renamed(part: Fragment, names: Mapping[str, str]) -> Fragment:
    def here(node: Node) -> Node:
        new = names.get(str(node.params.get("block"))) if node.layer in USES else None
        return node if new is None else replace(node, params={**node.params, "block": new})

    return replace(part, nodes=tuple(map(here, part.nodes)))


def meaning(graph: Graph) -> Any:
    """What a graph computes, by names: equal for graphs that differ in ids and places only."""
    names = {node.id: node.name for node in graph.nodes.values()}
    info: GraphInfo = graph.info
    nodes = {
        node.name: (node.layer, node.params, node.mute, names.get(node.shares, ""))
        for node in graph.nodes.values()
    }
    wires = {
        (names[wire.source], wire.source_port, names[wire.target], wire.target_port)
        for wire in graph.wires.values()
    }
    ports = [node.name for node in graph.ordered() if node.layer in (blocks.BLOCK_INPUT, OUTPUT)]
    return nodes, wires, ports, info.settings.get("parameters", ())

"""Random drawings of blocks in blocks, and what they compute, worked out node by node.

Everything is N×T×width or, inside a loop over time, N×width. A `Value` knows the expression that
its width is, so that only what fits is joined; the rest goes through a Linear first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from tests.drawing import Drawing

WIDTHS = ("=width", "=2*width", "=width+3", "=max(width, 4)", "=depth*width")
COUNTED = ("=3+index", "=2**(index+1)", "=max(4, 3*index)")
PARAMETERS = ({"name": "width", "default": 4}, {"name": "depth", "default": 2})


@dataclass
class Value:
    """An output, and what its width is: equal texts are equal widths."""

    node: Node
    port: str
    width: str

    @property
    def end(self) -> tuple[Node, str]:
        return self.node, self.port


@dataclass
class Kind:
    """A block that was drawn: its inputs and outputs, and whether a loop stands in it."""

    name: str
    inputs: list[str]
    outputs: list[tuple[str, str]]
    loops: bool = False
    cell: bool = False


@dataclass
class Nested:
    """A drawing in the making."""

    random: Random
    d: Drawing = field(default_factory=Drawing)
    kinds: list[Kind] = field(default_factory=list)
    count: int = 0

    def draw(self) -> Document:
        """Blocks that use the ones before them, a network that is called, and `main`."""
        main = self.d.graph
        for number in range(self.random.randint(2, 5)):
            self._block(number)
        self.d.add_graph("network", "shared")
        x = Value(self.d.input("T", 5, name="image"), "output", "5")
        self._body([x], self.random.randint(1, 3))
        self.d.graph = main
        start = [
            Value(self.d.input("T", 5, name=name), "output", "5")
            for name in ("a", "b")[: self.random.randint(1, 2)]
        ]
        if self.random.random() < 0.6:
            call = self.d.add(
                "netbuilder.NetworkCall",
                start[0].end,
                name="called",
                network="shared",
                mode=self.random.choice(["train", "eval", "frozen"]),
            )
            start += [Value(call, "y0", self._unknown())]
        self._body(start, self.random.randint(3, 7))
        return self.d.document

    def _unknown(self) -> str:
        self.count += 1
        return f"?{self.count}"

    def _name(self, wanted: str) -> str:
        self.count += 1
        # Names that the code uses itself come up as well.
        odd = ["x", "h", "outputs", "module", "states", "step", "each", f"{wanted}_{self.count}"]
        name = self.random.choice(odd)
        return name if self.d.graph.named(name) is None else f"{wanted}_{self.count}"

    def _block(self, number: int) -> None:
        name = f"block{number}"
        self.d.add_graph("block", name, parameters=PARAMETERS)
        cell = self.random.random() < 0.4
        names = ["i0", "s"] if cell else [f"i{n}" for n in range(self.random.randint(1, 3))]
        start = [
            Value(self.d.add("netbuilder.BlockInput", name=port), "output", f"={port}")
            for port in names
        ]
        before = self.count_loops
        kind = Kind(name, names, [], cell=cell)
        values = self._values(start, self.random.randint(1, 4), loops=not cell)
        if cell:
            # The state comes back as what it was given.
            mixed = self._linear(self._all(values), "=width")
            past = self._linear(start[1], "=width")
            state = self.d.add("torch.add", mixed.end, past.end, name=self._name("state"))
            self.d.output(state, name="s_next")
            kind.outputs.append(("s_next", "=width"))
        else:
            most = self.random.randint(1, len(names)) - 1
            # Narrow again, or widths grow without end in blocks of blocks.
            narrow = self._tanh(self._linear(self._all(values), self.random.choice(WIDTHS)))
            chosen = [narrow, *self.random.sample(values, min(most, len(values)))]
            for at, value in enumerate(chosen):
                self.d.output(value.end, name=f"y{at}")
                kind.outputs.append((f"y{at}", value.width))
        kind.loops = self.count_loops > before
        self.kinds.append(kind)

    @property
    def count_loops(self) -> int:
        """How many nodes so far hold a loop, themselves or inside."""
        holding = {kind.name for kind in self.kinds if kind.loops}
        return sum(
            node.layer == "netbuilder.Loop" or node.params.get("block") in holding
            for graph in self.d.document.graphs.values()
            for node in graph.nodes.values()
        )

    def _body(self, start: list[Value], steps: int) -> None:
        values = self._values(start, steps, loops=True)
        for at, value in enumerate((self._all(values), self.random.choice(values))):
            self.d.output(value.end, name=f"y{at}")

    def _all(self, values: list[Value]) -> Value:
        """All that feeds nothing yet, side by side."""
        graph = self.d.graph
        loose = [
            value
            for value in values
            if all(w.source_port != value.port for w in graph.wires_out_of(value.node.id))
        ] or values[-1:]
        result = loose[0]
        for value in loose[1:]:
            node = self.d.add("torch.cat", result.end, value.end, dim=-1, name=self._name("all"))
            result = Value(node, "output", self._unknown())
        return result

    def _values(self, start: list[Value], steps: int, *, loops: bool) -> list[Value]:
        values = list(start)
        for _ in range(steps):
            values += self._step(values, loops=loops)
        return values

    def _step(self, values: list[Value], *, loops: bool) -> list[Value]:
        r = self.random
        x = r.choice(values)
        inside = self.d.graph.kind == "block"
        match r.randrange(8):
            case 0:
                return [self._linear(x, r.choice(WIDTHS) if inside else r.choice((3, 4, 6)))]
            case 1:
                norm = self.d.add("LayerNorm", x.end, name=self._name("norm"))
                return [Value(norm, "output", x.width)] if not inside else [self._tanh(x)]
            case 2:
                alike = [v for v in values if v.width == x.width]
                layer = r.choice(["torch.add", "torch.mul"])
                other = r.choice(alike)
                node = self.d.add(layer, x.end, other.end, name=self._name("sum"))
                # Products of products grow beyond all numbers.
                result = Value(node, "output", x.width)
                return [self._tanh(result, skipped=0.0) if layer == "torch.mul" else result]
            case 3:
                other = r.choice(values)
                node = self.d.add("torch.cat", x.end, other.end, dim=-1, name=self._name("all"))
                return [Value(node, "output", self._unknown())]
            case 4:
                owners = [v for v in values if v.node.layer == "torch.nn.Linear"]
                owners = [v for v in owners if not v.node.shares]
                if owners:
                    return self._again(values, r.choice(owners))
        return self._use(values, loops=loops)

    def _tanh(self, x: Value, skipped: float = 0.1) -> Value:
        node = self.d.add("Tanh", x.end, name=self._name("act"))
        if self.random.random() < skipped:
            edits.set_mute(self.d.history, self.d.graph, [node.id], "bypassed")
        return Value(node, "output", x.width)

    def _linear(self, x: Value, width: int | str) -> Value:
        node = self.d.add("Linear", x.end, name=self._name("fc"), out_features=width)
        return Value(node, "output", str(width))

    def _again(self, values: list[Value], x: Value) -> list[Value]:
        """The same weights a second time, for something of the same width."""
        wire = self.d.graph.wire_into(x.node.id, "input")
        assert wire is not None
        source = next(v for v in values if (v.node.id, v.port) == (wire.source, wire.source_port))
        other = self.random.choice([v for v in values if v.width == source.width])
        node = self.d.add("Linear", other.end, name=self._name("again"), out_features=1)
        edits.set_node(self.d.history, self.d.graph, node.id, shares=x.node.id)
        return [Value(self.d.graph.nodes[node.id], "output", x.width)]

    def _use(self, values: list[Value], *, loops: bool) -> list[Value]:
        r = self.random
        inside = self.d.graph.kind == "block"
        fitting = [k for k in self.kinds if loops or not k.loops]
        if not fitting:
            return [self._tanh(r.choice(values))]
        kind = r.choice(fitting)
        given: dict[str, Any] = {}
        if r.random() < 0.7:
            given["width"] = r.choice(("=width", "=width+1")) if inside else r.choice((3, 4, 8))
        if r.random() < 0.3:
            given["depth"] = "=depth" if inside else 3
        params: dict[str, Any] = {"block": kind.name, **({"values": given} if given else {})}
        over = loops and not kind.loops and (kind.cell or r.random() < 0.3)
        sources = [r.choice(values).end for _ in kind.inputs]
        if over:
            sources = sources[:1] if kind.cell else sources
            params["reverse"] = r.random() < 0.5
        elif len(kind.outputs) <= len(kind.inputs) and r.random() < 0.5:
            params["repeat"] = "=depth" if inside else r.randint(2, 3)
            if "width" in given and r.random() < 0.5:
                # Each repetition is wider than the one before it.
                given["width"] = r.choice(("=width+index", "=width") if inside else COUNTED)
        layer = "netbuilder.Loop" if over else "netbuilder.Block"
        node = self.d.add(layer, *sources, name=self._name("use"), **params)
        ports = ["s", "s_last"] if over and kind.cell else [port for port, _ in kind.outputs]
        # A last state has lost its time: it is not for what follows.
        return [Value(node, port, self._unknown()) for port in ports if port != "s_last"]


class Interpreter:
    """Computes a document's graphs node by node, with the weights of a compiled module."""

    def __init__(self, document: Document, module: nn.Module) -> None:
        self.document = document
        self.module = module

    def run(
        self,
        graph: Graph,
        prefix: str,
        inputs: Mapping[str, Tensor],
        values: Mapping[str, Any],
    ) -> dict[str, Tensor]:
        """Outputs of a graph by name; `prefix` is where its modules are."""
        found: dict[tuple[str, str], Tensor] = {}

        def at(node: Node, port: str) -> Tensor:
            wire = graph.wire_into(node.id, port)
            assert wire is not None
            if (wire.source, wire.source_port) not in found:
                compute(graph.nodes[wire.source])
            return found[wire.source, wire.source_port]

        def compute(node: Node) -> None:
            for port, value in self._node(graph, node, prefix, inputs, values, at).items():
                found[node.id, port] = value

        return {
            node.name: at(node, "input")
            for node in graph.ordered()
            if node.layer == "netbuilder.Output"
        }

    def _node(
        self,
        graph: Graph,
        node: Node,
        prefix: str,
        inputs: Mapping[str, Tensor],
        values: Mapping[str, Any],
        at: Any,
    ) -> dict[str, Tensor]:
        owner = graph.nodes.get(node.shares, node)
        if node.mute == "bypassed":
            return {"output": at(node, "input")}
        match node.layer.rpartition(".")[2]:
            case "Input" | "BlockInput":
                return {"output": inputs[node.name]}
            case "Block":
                return self._block(owner, node, prefix, values, at)
            case "Loop":
                return self._loop(node, prefix, values, at)
            case "NetworkCall":
                inner = self.document.network("shared")
                assert inner is not None
                return self.run(inner, "shared.", {"image": at(node, "image")}, {})
            case "add":
                return {"output": at(node, "input") + at(node, "other")}
            case "mul":
                return {"output": at(node, "input") * at(node, "other")}
            case "cat":
                return {"output": torch.cat((at(node, "tensors_0"), at(node, "tensors_1")), -1)}
        module: Any = self.module.get_submodule(f"{prefix}{owner.name}")
        if "out_features" in owner.params:
            assert module.out_features == worked_out(owner.params["out_features"], values)
        return {"output": module(at(node, "input"))}

    def _inner(
        self, node: Node, values: Mapping[str, Any], index: int = 0
    ) -> tuple[Graph, dict[str, Any]]:
        values = {**values, "index": index}
        block = self.document.block(node.params["block"])
        assert block is not None
        given = {name: worked_out(v, values) for name, v in node.params.get("values", {}).items()}
        return block, {"width": 4, "depth": 2, **given}

    def _block(
        self, owner: Node, node: Node, prefix: str, values: Mapping[str, Any], at: Any
    ) -> dict[str, Tensor]:
        block, _ = self._inner(owner, values)
        names = [n.name for n in block.ordered() if n.layer == "netbuilder.BlockInput"]
        given = {name: at(node, name) for name in names}
        repeat = owner.params.get("repeat", 1)
        row = repeat != 1
        outputs: dict[str, Tensor] = {}
        for number in range(worked_out(repeat, values)):
            place = f"{prefix}{owner.name}.{f'{number}.' if row else ''}"
            _, inside = self._inner(owner, values, number)
            outputs = self.run(block, place, given, inside)
            given |= dict(zip(names, outputs.values(), strict=False))
        return outputs

    def _loop(
        self, node: Node, prefix: str, values: Mapping[str, Any], at: Any
    ) -> dict[str, Tensor]:
        block, inside = self._inner(node, values)
        names = [n.name for n in block.ordered() if n.layer == "netbuilder.BlockInput"]
        each = {name: at(node, name) for name in names if name != "s"}
        length = next(iter(each.values())).shape[1]
        order = range(length)
        batch = next(iter(each.values())).shape[0]
        state = torch.zeros(batch, inside["width"]) if "s" in names else None
        steps: dict[int, dict[str, Tensor]] = {}
        for t in reversed(order) if node.params.get("reverse") else order:
            given = {name: tensor[:, t] for name, tensor in each.items()}
            if state is not None:
                given["s"] = state
            steps[t] = self.run(block, f"{prefix}{node.name}.", given, inside)
            state = steps[t].get("s_next")
        ports = {"s_next": "s"}
        return {
            ports.get(name, name): torch.stack([steps[t][name] for t in order], 1)
            for name in steps[0]
        }


def worked_out(value: Any, values: Mapping[str, Any]) -> Any:
    """What an expression is, by Python itself."""
    if isinstance(value, str) and value.startswith("="):
        return eval(value[1:], {"max": max}, dict(values))  # noqa: S307
    return value

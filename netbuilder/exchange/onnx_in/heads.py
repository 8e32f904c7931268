"""Attention with the products around it as one `MultiheadAttention`.

Exporters split, turn and reshape what goes into `scaled_dot_product_attention` in ways of their
own. So no way of writing it is looked for: each number is followed to where it comes from, and
where query, key and value are products of sequences, and what comes out goes through one more
product, the weights are put into PyTorch's order. A bias that only some have is zero in others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref
from netbuilder.exchange.onnx_in import masks, multihead
from netbuilder.exchange.onnx_in.matching import Matcher
from netbuilder.exchange.onnx_in.multihead import NAMES, Attention, Part
from netbuilder.exchange.onnx_in.patterns import GUARDED
from netbuilder.exchange.onnx_in.tracks import Tracks


def lift(program: Program) -> int:
    """Put modules in the place of what they do, in the program itself; how many it were."""
    count = 0
    known: dict[tuple[str, ...], str] = {}
    thin: dict[str, str] = {}
    for end in [o for o in program.operations if o.base == "scaled_dot_product_attention"]:
        found = _Reading(program, end).found()
        if found is not None:
            multihead.put(program, found, known, thin, count)
            count += 1
    return count


class _Reading:
    """One attention, followed to both sides."""

    def __init__(self, program: Program, end: Operation) -> None:
        self.program, self.end = program, end
        self.matcher = Matcher(program)
        self.tracks = Tracks(program, self.matcher)

    def found(self) -> Attention | None:
        """The module's parts; None unless all is there, and nobody else reads what is inside."""
        args = dict(self.end.args)
        values = [args.pop(name, None) for name in NAMES]
        query, key, value = (each.name if isinstance(each, Ref) else "" for each in values)
        out = self._out()
        if out is None or not all(self._plain(name) for name in (query, key, value)):
            return None
        width = out.weight.shape[1]
        shape = self.program.example_shape(query)
        steps = self.program.example_shape(key)[-2]
        size, length = shape[-1], shape[-2]
        if not size or width % size or not self._usual(args, size):
            return None
        heads = width // size
        batch = math.prod(shape) // (width * length)
        parts = [
            self._part(name, (batch, heads, count, size))
            for name, count in ((query, length), (key, steps), (value, steps))
        ]
        seen = masks.read(
            self.tracks,
            args.get("attn_mask"),
            args.get("is_causal") is True,
            (batch, heads, length, steps),
        )
        first, second, third = parts
        if first is None or second is None or third is None or seen is None:
            return None
        # The module gives no numbers for what may look at nothing.
        if self.end.target == GUARDED and not seen.finite:
            return None
        if first.weight.shape[1] != width or out.weight.shape[0] != width:
            return None
        three = (first, second, third)
        for batch_first in (True, False):
            if all(batch_first in part.sources for part in (*three, out)):
                end = self.matcher.made[out.sources[batch_first]]
                inside = self._inside(three, out, end)
                if not self._closed(inside, end):
                    continue
                return Attention(heads, batch_first, three, out, seen, end, inside)
        return None

    def _plain(self, name: str) -> bool:
        known = self.program.types.get(name)
        return known is not None and known.dtype == "float32" and len(known.shape) in (3, 4)

    def _usual(self, args: dict[str, Arg], size: int) -> bool:
        scale = args.pop("scale", None)
        if isinstance(scale, float) and math.isclose(scale, size**-0.5, rel_tol=1e-6):
            scale = None
        rest = {name for name, given in args.items() if given not in (None, False, 0.0)}
        return scale is None and rest <= {"attn_mask", "is_causal"}

    # -- to both sides -------------------------------------------------------------------------

    def _held(self, operation: Operation | None) -> tuple[tuple[str, ...], Tensor, Tensor | None]:
        """Keys and tensors of a product with weights; no keys if it is none."""
        states, tensors = self.program.states, self.program.tensors
        if operation is None or operation.base != "linear":
            return (), torch.empty(0), None
        given = [operation.args.get(name) for name in ("weight", "bias")]
        keys = [states[g.name].key for g in given if isinstance(g, Ref) and g.name in states]
        if len(keys) != sum(each is not None for each in given) or not keys:
            return (), torch.empty(0), None
        weight = tensors[keys[0]]
        if weight.dim() != 2 or any(tensors[key].dtype is not torch.float32 for key in keys):
            return (), torch.empty(0), None
        return tuple(keys), weight, tensors[keys[1]] if len(keys) > 1 else None

    def _part(self, name: str, shape: tuple[int, int, int, int]) -> Part | None:
        """The product that a value of (batch, heads, steps, features) comes from."""
        chain = list(self.tracks.back(name))
        if not chain:
            return None
        end, at = chain[-1]
        operation = self.matcher.made.get(end)
        keys, weight, bias = self._held(operation)
        if not keys or operation is None or at.numel() != math.prod(shape):
            return None
        at = at.reshape(shape)
        rows = at[:, 0, :, 0] // weight.shape[0]
        features = at[0, :, 0, :] % weight.shape[0]
        wanted = rows[:, None, :, None] * weight.shape[0] + features[None, :, None, :]
        if not torch.equal(at, wanted):
            return None
        chosen = features.reshape(-1)
        sources = self._sources(operation, rows, weight.shape[1])
        inside = {self.matcher.made[each].name for each, _ in chain}
        return Part(
            keys,
            weight[chosen],
            None if bias is None else bias[chosen],
            sources,
            frozenset(inside),
        )

    def _sources(self, operation: Operation, rows: Tensor, width: int) -> dict[bool, str]:
        """The sequences of three dims whose rows come into a product."""
        given = operation.args.get("input")
        found: dict[bool, str] = {}
        for name, at in self.tracks.back(given.name if isinstance(given, Ref) else ""):
            whole = at.reshape(-1, width) if at.numel() % width == 0 else at.reshape(1, -1)
            shape = self.program.example_shape(name)
            if len(shape) != 3 or shape[-1] != width or whole.shape[-1] != width:
                continue
            first = whole[:, 0] // width
            if torch.equal(whole, first[:, None] * width + torch.arange(width)):
                for batch_first in _orders(first[rows], shape):
                    found.setdefault(batch_first, name)
        return found

    def _out(self) -> Part | None:
        """The product that an attention's outcome goes into, its columns in the heads' order."""
        name = self.end.outputs[0]
        shape = self.program.example_shape(name)
        if not self._plain(name):
            return None
        start = self.tracks.places(name)
        chain = list(self.tracks.on(name, start)) if start is not None else []
        if not chain:
            return None
        last, at = chain[-1]
        operation = self.tracks.reader(last)
        keys, weight, bias = self._held(operation)
        if not keys or operation is None or operation.args.get("input") != Ref(last):
            return None
        width, size, length = weight.shape[1], shape[-1], shape[-2]
        if at.shape[-1] != width or width % size or math.prod(shape) % (width * length):
            return None
        heads = width // size
        # As (batch, heads, steps, features): the heads are a part of the first dim of three.
        at = at.reshape(-1, width)
        step, feature = at // size % length, at // (size * length) % heads * size + at % size
        batch = at // (size * length * heads)
        row = batch * length + step
        if not torch.equal(row, row[:, :1].expand_as(row)):
            return None
        if not torch.equal(feature, feature[:1].expand_as(feature)):
            return None
        ordered = torch.empty_like(weight)
        ordered[:, feature[0]] = weight
        sources, steps = self._ends(operation, row[:, 0], weight.shape[0], length)
        inside = {o.name for each, _ in chain[1:] if (o := self.matcher.made.get(each))}
        return Part(keys, ordered, bias, sources, frozenset(inside | {operation.name} | steps))

    def _ends(
        self, operation: Operation, rows: Tensor, width: int, length: int
    ) -> tuple[dict[bool, str], set[str]]:
        """Values of three dims that are the product's outcome, and what makes those in between."""
        name = operation.outputs[0]
        start = self.tracks.places(name)
        found: dict[bool, str] = {}
        steps: set[str] = set()
        if start is None:
            return found, steps
        for each, at in self.tracks.on(name, start):
            steps.add(self.matcher.made[each].name)
            shape = self.program.example_shape(each)
            if len(shape) != 3 or shape[-1] != width:
                continue
            first = at[..., 0] // width
            if torch.equal(at, first[..., None] * width + torch.arange(width)):
                inner = torch.empty(shape[0] * shape[1], dtype=torch.long)
                inner[rows[first].reshape(-1)] = torch.arange(inner.numel())
                for batch_first in _orders(inner.reshape(-1, length), shape):
                    found.setdefault(batch_first, each)
        return found, steps

    # -- what is inside ------------------------------------------------------------------------

    def _inside(self, parts: tuple[Part, ...], out: Part, end: Operation) -> frozenset[str]:
        inside = {self.end.name, end.name}.union(*(part.inside for part in parts))
        after = [o.name for o in self.program.operations]
        last = after.index(end.name)
        return frozenset(inside | {name for name in out.inside if after.index(name) <= last})

    def _closed(self, inside: frozenset[str], end: Operation) -> bool:
        for name in inside - {end.name}:
            for value in self.matcher.named[name].outputs:
                outside = [r for r in self.matcher.readers.get(value, ()) if r not in inside]
                if outside or value in self.matcher.ends:
                    return False
        return True


def _orders(places: Tensor, shape: tuple[int, ...]) -> Iterator[bool]:
    """Whether rows that belong to (batch, step) lie with the batch first (True) or second."""
    batch, steps = places.shape
    if shape[:2] == (batch, steps) and torch.equal(
        places, torch.arange(batch * steps).reshape(batch, steps)
    ):
        yield True
    if shape[:2] == (steps, batch) and torch.equal(
        places, torch.arange(batch * steps).reshape(steps, batch).T
    ):
        yield False

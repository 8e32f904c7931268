"""What is odd about a node in the light of what comes in: it runs, and does nothing sensible.

One function a kind of layer; `RULES` says which asks which. To add a rule, add a function and
an entry. What a layer can say without doubt stands in the layer's own complaints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, permutations
from typing import Any

from netbuilder.errors import Fix
from netbuilder.layers.base import Complaint, Layer, TensorType, Types
from netbuilder.layers.checks import BATCH, insert, spread
from netbuilder.layers.operands import Elementwise

Rule = Callable[[Any, Types], Iterator[Complaint]]
FEW_DIMS = 5
"""A reshape of more dims is not compared with all orders of them."""


def alone(layer: Layer, inputs: Types) -> Iterable[Complaint]:
    """What a layer does to these inputs that nobody wants."""
    rule = RULES.get(layer.id)
    if rule is not None:
        return rule(layer, inputs)
    return _outer(layer, inputs) if isinstance(layer, Elementwise) else ()


def _warning(message: str, hint: str, code: str, *fixes: Fix, port: str = "input") -> Complaint:
    return Complaint(message, hint, port, code, "warning", fixes)


# -- scores -----------------------------------------------------------------------------------


def _softmax(layer: Any, inputs: Types) -> Iterator[Complaint]:
    tensor = inputs.get("input")
    dim = getattr(layer, "dim", None)
    if tensor is None or dim is None or not -tensor.rank <= dim < tensor.rank:
        return
    if tensor.shape[dim] == 1:
        yield _warning(
            f"{layer.title} over dim {dim} of {tensor}, a single number, is always the same.",
            "Use Sigmoid for one score, or a Linear with an output for each class.",
            "softmax.single",
            Fix("Use Sigmoid", "replace_layer", {"layer": "torch.nn.Sigmoid", "params": {}}),
        )


def _one_class(layer: Any, inputs: Types) -> Iterator[Complaint]:
    scores, target = inputs.get("input"), inputs.get("target")
    if scores is None or target is None or scores.rank != 2 or scores.shape[1] != 1:
        return
    chain = [
        {"layer": "torch.Tensor.to", "params": {"dtype": "float32"}},
        {"layer": "torch.unsqueeze", "params": {"dim": -1}},
    ]
    loss = {"layer": "torch.nn.BCEWithLogitsLoss", "params": {}}
    parts = [
        {"operation": "replace_layer", "arguments": loss},
        {"operation": "insert_chain", "arguments": {"port": "target", "chain": chain}},
    ]
    plain = target.rank == 1 and not target.floating
    fix = Fix("Use BCEWithLogitsLoss", "several", {"fixes": parts})
    yield _warning(
        f"{layer.title} of {scores}, one score, is always 0: nothing is learnt.",
        "For yes or no use BCEWithLogitsLoss, for classes an output feature for each.",
        "loss.one_class",
        *((fix,) if plain else ()),
    )


# -- convolution ------------------------------------------------------------------------------


def _uneven_upsampling(layer: Any, inputs: Types) -> Iterator[Complaint]:
    kernel, stride = (spread(value, layer.spatial) for value in (layer.kernel_size, layer.stride))
    odd = [(k, s) for k, s in zip(kernel, stride, strict=True) if s > 1 and k % s]
    if not odd:
        return
    k, s = odd[0]
    wanted = -(-k // s) * s
    change: dict[str, Any] = {"kernel_size": wanted}
    more = spread(layer.output_padding, layer.spatial)
    fixes = []
    if len(set(zip(kernel, stride, more, strict=True))) == 1 and more[0] >= wanted - k:
        # The larger window gives what output_padding added, so that the sizes stay.
        change["output_padding"] = more[0] - (wanted - k)
        arguments = {"values": change}
        fixes.append(Fix(f"Set kernel_size to {wanted}", "set_parameters", arguments))
    yield Complaint(
        f"A kernel of {k} with stride {s} covers some pixels more often than others: pictures "
        "may show a chequered pattern.",
        f"Use a kernel_size that stride divides, such as {wanted}.",
        code="conv.checkerboard",
        severity="info",
        fixes=tuple(fixes),
    )


# -- shapes -----------------------------------------------------------------------------------


def _scrambling(layer: Any, inputs: Types) -> Iterator[Complaint]:
    """A reshape to the sizes that a permute would give keeps the numbers in their old order."""
    tensor = inputs.get("input")
    if tensor is None or not 3 <= tensor.rank <= FEW_DIMS or layer.wanted.count(-1) != 1:
        return
    if tensor.shape[0] != BATCH or layer.wanted[0] != -1 or len(layer.wanted) != tensor.rank:
        return
    have, want = tensor.shape[1:], layer.wanted[1:]
    if have == want or 1 in want or sorted(map(str, have)) != sorted(map(str, want)):
        return
    rank = range(len(have))
    order = next(p for p in permutations(rank) if tuple(have[i] for i in p) == want)
    turned = (0, *(i + 1 for i in order))
    shown = ", ".join(map(str, turned))
    yield _warning(
        f"{layer.title} of {tensor} to {TensorType((BATCH, *want))} keeps the numbers in their "
        "order: it does not exchange dims, it scrambles them.",
        f"Use torch.permute with dims {shown}.",
        "shape.scrambled",
        Fix(
            f"Permute to ({shown})",
            "replace_layer",
            {"layer": "torch.permute", "params": {"dims": turned}},
        ),
    )


def _outer(layer: Layer, inputs: Types) -> Iterator[Complaint]:
    """A column with a row makes a table of every pair, whatever the sizes are."""
    for one, two in combinations(inputs.items(), 2):
        (port, short), (_, long) = sorted((one, two), key=lambda named: named[1].rank)
        column = short.rank > 0 and long.shape == (*short.shape, 1)
        if not column or short.shape[-1] == 1 or BATCH in short.shape[:1]:
            continue
        yield _warning(
            f"{layer.title} of {one[1]} and {two[1]} pairs every number with every other.",
            "Add a dim of 1 to the smaller one, or remove one from the larger.",
            "shape.broadcast",
            insert("Insert a dim at -1", port, "torch.unsqueeze", dim=-1),
            port=port,
        )


RULES: Mapping[str, Rule] = {
    "torch.nn.Softmax": _softmax,
    "torch.nn.LogSoftmax": _softmax,
    "torch.nn.functional.softmax": _softmax,
    "torch.nn.functional.log_softmax": _softmax,
    "torch.nn.CrossEntropyLoss": _one_class,
    "torch.nn.ConvTranspose1d": _uneven_upsampling,
    "torch.nn.ConvTranspose2d": _uneven_upsampling,
    "torch.nn.ConvTranspose3d": _uneven_upsampling,
    "torch.reshape": _scrambling,
    "torch.Tensor.view": _scrambling,
}

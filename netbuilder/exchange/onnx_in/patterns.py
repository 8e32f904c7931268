"""What exporters take apart, and the one operation that each came from.

A `Rule` has a pattern and what makes the operation of a place where it is found: None where
that would not compute exactly the same. Rules apply in their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from netbuilder.exchange.bring.program import Arg, Ref
from netbuilder.exchange.onnx_in.matching import Found, Held, Number, Op, Pattern, Product


@dataclass(frozen=True, slots=True)
class Lifted:
    """An operation with its arguments, and the class of torch.nn that holds its weights.

    `weights` are the values that it holds, by the class's names for them; each is given the
    shape of one dim if `flat`.
    """

    target: str
    args: Mapping[str, Arg]
    weights: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Patterns of one thing, and what it is; the first that is found counts."""

    name: str
    patterns: tuple[Pattern, ...]
    make: Callable[[Found], Lifted | None]


def _ref(found: Found, name: str) -> Ref:
    return Ref(found.values[name])


def _of_x(target: str) -> Callable[[Found], Lifted | None]:
    """A function of `x` alone."""

    def make(found: Found) -> Lifted | None:
        # A constant with a dim more than x would add one.
        same = found.result == found.shape("x")
        return Lifted(target, {"self": _ref(found, "x")}) if same else None

    return make


# -- activations ---------------------------------------------------------------------------------

_ERF = (
    Op("add", Op("erf", Product(1 / math.sqrt(2), "x")), 1.0),
    Op("add", Op("special_erf", Product(1 / math.sqrt(2), "x")), 1.0),
)
_TANH = Op(
    "add",
    Op("tanh", Product(math.sqrt(2 / math.pi), Op("add", "x", Product(0.044715, "x", "x", "x")))),
    1.0,
)


def _gelu_tanh(found: Found) -> Lifted | None:
    made = _of_x("aten.gelu.default")(found)
    return made and Lifted(made.target, {**made.args, "approximate": "tanh"})


ACTIVATIONS = (
    Rule("gelu", tuple(Product(0.5, "x", each) for each in _ERF), _of_x("aten.gelu.default")),
    Rule("gelu, tanh", (Product(0.5, "x", _TANH),), _gelu_tanh),
    Rule("silu", (Product(1.0, "x", Op("sigmoid", "x")),), _of_x("aten.silu.default")),
    Rule("mish", (Product(1.0, "x", Op("tanh", Op("softplus", "x"))),), _of_x("aten.mish.default")),
    Rule(
        "hardswish",
        (
            Product(1.0, "x", Op("hardsigmoid", "x")),
            Product(1 / 6, "x", Op("clamp", Op("add", "x", 3.0), 0.0, 6.0)),
            Product(1 / 6, "x", Op("hardtanh", Op("add", "x", 3.0), 0.0, 6.0)),
            Product(1 / 6, "x", Op("relu6", Op("add", "x", 3.0))),
        ),
        _of_x("aten.hardswish.default"),
    ),
)


# -- normalisation -------------------------------------------------------------------------------

_MEAN = Op("mean", "x", label="mean")
_CENTRED = Op("sub", "x", _MEAN)
_SQUARES = Op("mean", Product(1.0, _CENTRED, _CENTRED), label="squares")
_PLAIN_SQUARES = Op("mean", Product(1.0, "x", "x"), label="squares")


def _inverse(variance: Pattern) -> tuple[Pattern, ...]:
    """Ways to write one over the root of a variance."""
    safe = Op("add", variance, Number("eps"))
    root = Op("sqrt", safe)
    return Op("rsqrt", safe), Op("reciprocal", root), Op("div", 1.0, root), Op("pow", safe, -0.5)


def _normalised(value: Pattern, variance: Pattern) -> list[tuple[Pattern, ...]]:
    """Ways to write a value divided by the root, as the parts of a product."""
    quotient = Op("div", value, Op("sqrt", Op("add", variance, Number("eps"))))
    return [(quotient,), *((value, each) for each in _inverse(variance))]


_ROOTS = [Product(1.0, each, Held("weight")) for each in _inverse(_SQUARES)]
_LAYER_NORMS: tuple[Pattern, ...] = (
    *(
        Op("add", Product(1.0, *parts, Held("weight")), Held("bias"))
        for parts in _normalised(_CENTRED, _SQUARES)
    ),
    # As Keras writes it: the mean is taken off last.
    *(
        Op("add", Product(1.0, "x", root), Op("sub", Held("bias"), Product(1.0, _MEAN, root)))
        for root in _ROOTS
    ),
    *(Product(1.0, *parts, Held("weight")) for parts in _normalised(_CENTRED, _SQUARES)),
)
_RMS_NORMS: tuple[Pattern, ...] = tuple(
    Product(1.0, *parts, Held("weight")) for parts in _normalised("x", _PLAIN_SQUARES)
)


def _over(found: Found, *labels: str) -> tuple[int, ...]:
    """The dims of the means, from the first on; none unless all are kept and the same."""
    rank = len(found.shape("x"))
    sets = set()
    for label in labels:
        args = found.operations[label].args
        dims = args.get("dim")
        dims = dims if isinstance(dims, tuple) else (dims,)
        whole = [dim % rank for dim in dims if isinstance(dim, int)]
        if len(whole) != len(dims) or args.get("keepdim") is not True or "dtype" in args:
            return ()
        sets.add(tuple(sorted(whole)))
    return sets.pop() if len(sets) == 1 else ()


def _weights(found: Found) -> dict[str, str]:
    return {name: found.values[name] for name in ("weight", "bias") if name in found.values}


def _held_as(found: Found, shape: tuple[int | str, ...]) -> bool:
    """Whether all weights have this shape."""
    return all(found.shape(name) == shape for name in _weights(found))


def _layer_norm(found: Found) -> Lifted | None:
    shape, dims = found.shape("x"), _over(found, "mean", "squares")
    last = shape[dims[0] :] if dims else ()
    if not last or dims != tuple(range(dims[0], len(shape))) or found.result != shape:
        return None
    if all(isinstance(size, int) for size in last) and _held_as(found, last):
        args: dict[str, Arg] = {"input": _ref(found, "x"), "normalized_shape": last}
        args["eps"] = found.numbers["eps"]
        return Lifted("aten.layer_norm.default", args, _weights(found), "LayerNorm")
    channels = shape[1] if len(shape) > 2 else ""
    spatial = dims == tuple(range(2, len(shape))) and 3 <= len(shape) <= 5
    along = (channels, *(1,) * (len(shape) - 2))
    if not spatial or not isinstance(channels, int) or "bias" not in found.values:
        return None
    if not _held_as(found, along) and not _held_as(found, (1, *along)):
        return None
    args = {"input": _ref(found, "x"), "use_input_stats": True, "momentum": 0.1}
    args["eps"] = found.numbers["eps"]
    kind = f"InstanceNorm{len(shape) - 2}d"
    return Lifted("aten.instance_norm.default", args, _weights(found), kind, flat=True)


def _rms_norm(found: Found) -> Lifted | None:
    shape, dims = found.shape("x"), _over(found, "squares")
    last = shape[dims[0] :] if dims else ()
    if not last or dims != tuple(range(dims[0], len(shape))) or found.result != shape:
        return None
    if not all(isinstance(size, int) for size in last) or not _held_as(found, last):
        return None
    args: dict[str, Arg] = {"input": _ref(found, "x"), "normalized_shape": last}
    args["eps"] = found.numbers["eps"]
    return Lifted("aten.rms_norm.default", args, _weights(found), "RMSNorm")


_GROUPED = Op(
    "reshape", Op("instance_norm", Op("reshape", "x", label="parted"), label="norm"), label="whole"
)


def _group_norm(found: Found) -> Lifted | None:
    """Groups are told as channels, normalised without weights of their own, and put back."""
    program, shape = found.program, found.shape("x")
    norm = found.operations["norm"].args
    parted = program.types[found.operations["parted"].outputs[0]].shape
    back = program.types[found.operations["whole"].outputs[0]].shape
    if len(shape) < 3 or len(parted) != 3 or back != shape or found.result != shape:
        return None
    groups, channels = parted[1], shape[1]
    if not isinstance(groups, int) or not isinstance(channels, int) or parted[0] != shape[0]:
        return None
    for name, wanted in (("weight", 1.0), ("bias", 0.0)):
        given = norm.get(name)
        if given is None:
            continue
        state = program.states.get(given.name) if isinstance(given, Ref) else None
        if state is None or not bool(torch.all(program.tensors[state.key] == wanted)):
            return None
    along = (channels, *(1,) * (len(shape) - 2))
    if channels % groups or not (_held_as(found, along) or _held_as(found, (1, *along))):
        return None
    args: dict[str, Arg] = {"input": _ref(found, "x"), "num_groups": groups}
    args["eps"] = norm.get("eps", 1e-5)
    return Lifted("aten.group_norm.default", args, _weights(found), "GroupNorm", flat=True)


NORMS = (
    Rule("layer norm", _LAYER_NORMS, _layer_norm),
    Rule("RMS norm", _RMS_NORMS, _rms_norm),
    Rule(
        "group norm",
        (Op("add", Product(1.0, _GROUPED, Held("weight")), Held("bias")),),
        _group_norm,
    ),
)


# -- products ------------------------------------------------------------------------------------


def _biased(found: Found) -> Lifted | None:
    args = found.operations["linear"].args
    weight = args.get("weight")
    plain = (
        args.get("bias") is None and isinstance(weight, Ref) and weight.name in found.program.states
    )
    if not plain or found.result[-1:] != found.shape("bias"):
        return None
    assert isinstance(weight, Ref)
    weights = {"weight": weight.name, "bias": found.values["bias"]}
    return Lifted("aten.linear.default", {"input": _ref(found, "x")}, weights, "Linear")


_SCORES = Product("scale", Op("matmul", Product("of_query", "query"), Product("of_key", "turned")))
_SHARES = (
    Op("softmax", Op("add", _SCORES, "mask"), label="softmax"),
    Op("softmax", _SCORES, label="softmax"),
)
_ATTENTIONS = tuple(
    Op("matmul", weights, "value")
    for shares in _SHARES
    # Nothing of what may be looked at nowhere: so it is with the function, too.
    for weights in (shares, Op("where", Op("isnan", shares), 0.0, shares, label="guard"))
)
GUARDED = "aten.scaled_dot_product_attention.guarded"
"""The function where a file says that what may look at nothing sees nothing: as it does anyway."""


def _attention(found: Found) -> Lifted | None:
    """`softmax(q @ k.T * scale + mask) @ v`."""
    scores = found.program.types[found.operations["softmax"].outputs[0]]
    query, turned, value = (found.shape(name) for name in ("query", "turned", "value"))
    over = list(found.operations["softmax"].args.values())[1]
    rank = len(query)
    if over not in (-1, rank - 1) or not 3 <= rank == len(turned) == len(value) <= 4:
        return None
    if not query[:-2] == turned[:-2] == value[:-2] or scores.shape[-1] != turned[-1]:
        return None
    if any(found.program.types[found.values[n]].dtype != "float32" for n in found.values):
        return None
    if "mask" in found.values and not _spreads(found.shape("mask"), scores.shape):
        return None
    numbers = found.numbers
    scale = numbers["scale"] * numbers["of_query"] * numbers["of_key"]
    width = query[-1]
    if not isinstance(width, int) or scale <= 0:
        return None
    args: dict[str, Arg] = {name: _ref(found, name) for name in ("query", "turned", "value")}
    if "mask" in found.values:
        args["attn_mask"] = _ref(found, "mask")
    if not math.isclose(scale, 1 / math.sqrt(width), rel_tol=1e-6):
        args["scale"] = scale
    guarded = "guard" in found.operations
    return Lifted(GUARDED if guarded else "aten.scaled_dot_product_attention.default", args)


def _spreads(shape: tuple[int | str, ...], wanted: tuple[int | str, ...]) -> bool:
    """Whether a tensor is spread to a shape, and adds no dims to it."""
    if len(shape) > len(wanted) or len(shape) < 2:
        return False
    pairs = zip(shape[::-1], wanted[::-1], strict=False)
    return all(size in (1, other) for size, other in pairs)


PRODUCTS: tuple[Rule, ...] = (
    Rule(
        "linear with a bias",
        (Op("add", Op("linear", "x", label="linear"), Held("bias")),),
        _biased,
    ),
    Rule("attention", _ATTENTIONS, _attention),
)


# -- shapes --------------------------------------------------------------------------------------

_TURNED = (
    Op("permute", Op("reshape", "x", label="parted"), label="turned"),
    Op("transpose", Op("reshape", "x", label="parted"), label="turned"),
)


def _shuffle(found: Found) -> Lifted | None:
    """Channels in groups, taken in turns."""
    shape = found.shape("x")
    parted = found.program.types[found.operations["parted"].outputs[0]].shape
    turned = list(found.operations["turned"].args.values())[1:]
    if len(shape) < 3 or len(parted) != len(shape) + 1 or found.result != shape:
        return None
    swapped = (0, 2, 1, *range(3, len(parted)))
    if turned not in ([swapped], [1, 2], [2, 1]) or not isinstance(parted[1], int):
        return None
    groups, channels = parted[1], shape[1]
    split = isinstance(channels, int) and parted[1:3] == (groups, channels // max(groups, 1))
    if not split or parted[0] != shape[0] or parted[3:] != shape[2:] or groups < 2:
        return None
    return Lifted("aten.channel_shuffle.default", {"self": _ref(found, "x"), "groups": groups})


def _pool(found: Found) -> Lifted | None:
    """The mean over rows and columns, both kept as one."""
    shape = found.shape("x")
    if len(shape) != 4 or _over(found, "mean") != (2, 3):
        return None
    args: dict[str, Arg] = {"self": _ref(found, "x"), "output_size": (1, 1)}
    return Lifted("aten.adaptive_avg_pool2d.default", args)


SHAPES = (
    Rule(
        "channel shuffle", tuple(Op("reshape", each, label="whole") for each in _TURNED), _shuffle
    ),
    Rule("average pool", (_MEAN,), _pool),
)

RULES: tuple[Rule, ...] = (*PRODUCTS[:1], *NORMS, *ACTIVATIONS, *PRODUCTS[1:], *SHAPES)
"""In their order: what is larger comes before its parts."""

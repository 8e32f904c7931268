"""Operations of PyTorch as layers of the catalogue.

Most follow from one rule: the layer has the operation's name, its ports and parameters have the
names of the schema. `ALIASES` has those of another name, `RULES` those that need more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args

import torch

from netbuilder.exchange.bring.drafts import DraftNode
from netbuilder.exchange.bring.program import Arg, Dtype, Operation, Program, Ref
from netbuilder.graph.model import Json, Node
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer

PREFIXES = (
    "torch.",
    "torch.nn.functional.",
    "torch.Tensor.",
    "torch.special.",
    "torch.linalg.",
)
ALIASES: Mapping[str, str] = {
    "_adaptive_avg_pool2d": "adaptive_avg_pool2d",
    "_adaptive_avg_pool3d": "adaptive_avg_pool3d",
    "_log_softmax": "log_softmax",
    "_safe_softmax": "softmax",
    "_softmax": "softmax",
    "_to_copy": "to",
    "absolute": "abs",
    "arctan": "atan",
    "clip": "clamp",
    "concat": "cat",
    "concatenate": "cat",
    "divide": "div",
    "fft_fft": "torch.fft.fft",
    "fft_fft2": "torch.fft.fft2",
    "fft_ifft": "torch.fft.ifft",
    "fft_ifft2": "torch.fft.ifft2",
    "fft_irfft": "torch.fft.irfft",
    "fft_irfft2": "torch.fft.irfft2",
    "fft_rfft": "torch.fft.rfft",
    "fft_rfft2": "torch.fft.rfft2",
    "greater": "gt",
    "less": "lt",
    "linalg_vector_norm": "torch.linalg.vector_norm",
    "max_pool1d_with_indices": "max_pool1d",
    "max_pool2d_with_indices": "max_pool2d",
    "max_pool3d_with_indices": "max_pool3d",
    "mm": "matmul",
    "mv": "matmul",
    "multiply": "mul",
    "negative": "neg",
    "special_erf": "erf",
    "special_expit": "sigmoid",
    "special_log_softmax": "log_softmax",
    "special_softmax": "softmax",
    "subtract": "sub",
    "true_divide": "div",
    "upsample_nearest": "interpolate",
}
"""Names in ATen that differ from those that people write."""
ARGUMENTS: Mapping[str, str] = {
    "self": "input",
    "indices": "input",
    "mat2": "other",
    "vec": "other",
    "half_to_float": "",
}
"""Names of arguments in ATen that differ from those of ports and parameters; "" for idle ones."""
IDLE_ARGUMENTS = frozenset({"device", "layout", "pin_memory", "memory_format", "cudnn_enabled"})
SAME = frozenset({"alias", "clone", "contiguous", "lift", "lift_fresh", "lift_fresh_copy"})
"""Operations that give what they get; a copy matters only to what overwrites it."""


class Unsupported(Exception):
    """There is no layer for an operation with these arguments."""


class Same(Exception):
    """The operation gives one of its inputs as it is: `value`."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


Rule = Callable[[Operation, Program], DraftNode | list[DraftNode]]
RULES: dict[str, Rule] = {}
"""What makes a node of an operation, by the operation's name."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers a rule for operations of these names."""

    def register(made: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, made))
        return made

    return register


def convert(operation: Operation, program: Program) -> list[DraftNode]:
    """The nodes for an operation, mostly one; `Unsupported`, or `Same` where it does nothing."""
    if not operation.target.startswith("aten."):
        raise Unsupported(f"there is no layer for {operation.target}")
    if operation.base in SAME or operation.target.startswith("aten.detach_."):
        raise Same(value(operation, "self"))
    try:
        made = RULES.get(operation.base, plain)(operation, program)
    except Unsupported:
        # Weights that are worked out go into the function itself.
        by_function = f"torch.nn.functional.{operation.base}"
        if operation.base not in RULES or by_function not in catalogue.layers():
            raise
        made = bound(operation, program, by_function)
    return [checked(node) for node in (made if isinstance(made, list) else [made])]


def checked(node: DraftNode) -> DraftNode:
    """The node, if its layer takes these parameters; else `Unsupported`."""
    if catalogue.find(node.layer) is None:
        raise Unsupported(f"there is no layer {node.layer}")
    read = catalogue.read(Node(id="n", layer=node.layer, name="n", params=node.params))
    if not isinstance(read, Layer):
        why = read[0].message if read else "its parameters"
        raise Unsupported(why)
    return node


# -- arguments -------------------------------------------------------------------------------


def value(operation: Operation, name: str) -> str:
    """The value that is given for an argument; `Unsupported` if it is no value."""
    given = operation.args.get(name)
    if not isinstance(given, Ref):
        raise Unsupported(f"'{name}' of {operation.shown} is no tensor")
    return given.name


def number(program: Program, given: Arg) -> int | str | None:
    """A size among the arguments: a number or a formula; None if it is neither."""
    if isinstance(given, Ref):
        return program.sizes.get(given.name)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def only_output(operation: Operation, node: DraftNode, port: str = "output") -> DraftNode:
    """The node with its one output."""
    node.outputs = {operation.outputs[0]: port}
    return node


# -- the one rule ------------------------------------------------------------------------------


@cache
def _classes() -> Mapping[str, str]:
    """Module classes by the names of the functions that they call: `max_pool2d`."""
    found: dict[str, str] = {}
    for id in catalogue.layers():
        head, _, tail = id.rpartition(".")
        if head == "torch.nn" and tail[:1].isupper():
            found[tail.lower()] = id
    return found


@cache
def layer_of(name: str) -> str:
    """The id of the layer for a function's name; `Unsupported` if there is none."""
    name = ALIASES.get(name, name)
    known = catalogue.layers()
    if name.startswith("torch.") and name in known:
        return name
    for prefix in PREFIXES:
        if prefix + name in known:
            return prefix + name
    found = _classes().get(name.replace("_", "").lower())
    if found is None:
        raise Unsupported(f"there is no layer for {name}")
    return found


def plain(operation: Operation, program: Program) -> DraftNode:
    """A node whose ports and parameters have the names of the schema."""
    return bound(operation, program, layer_of(operation.base))


def bound(
    operation: Operation, program: Program, layer: str, leave: frozenset[str] = frozenset()
) -> DraftNode:
    """A node of this layer: tensors go to ports, numbers to parameters; `leave` some out."""
    kind = catalogue.layers()[layer]
    node = DraftNode(layer)
    ports = {port.name: port for port in kind.inputs}
    for name, given in with_defaults(operation).items():
        if name in leave or name in IDLE_ARGUMENTS:
            continue
        given_name = name
        if name not in ports and name not in kind.model_fields:
            name = ARGUMENTS.get(name, name)
        if name == "" or given is None:
            continue
        if name not in ports and name not in kind.model_fields:
            name = _renamed(kind, name, operation)
        if name in ports and isinstance(given, Ref) and given.name not in program.sizes:
            node.inputs[name] = given.name
        elif name in ports and ports[name].variadic and isinstance(given, tuple):
            for at, one in enumerate(given):
                if not isinstance(one, Ref):
                    raise Unsupported(
                        f"'{name}' of {operation.shown} has parts that are no tensors"
                    )
                node.inputs[f"{name}_{at}"] = one.name
        elif name in kind.model_fields:
            put(node, kind, name, constant(given, operation, name))
        else:
            _expect_default(operation, program, given_name, given)
    if "count" in kind.model_fields and "count" not in node.params:
        put(node, kind, "count", len(operation.outputs))
    _outputs(operation, node, kind)
    return node


def _renamed(kind: type[Layer], name: str, operation: Operation) -> str:
    """The first port for the first tensor, whatever the schema calls it."""
    first = next(iter(operation.args))
    if ARGUMENTS.get(first, first) == name and kind.inputs and not kind.inputs[0].variadic:
        return kind.inputs[0].name
    return name


def _outputs(operation: Operation, node: DraftNode, kind: type[Layer]) -> None:
    read = catalogue.read(Node(id="n", layer=node.layer, name="n", params=node.params))
    ports = read.ports().outputs if isinstance(read, Layer) else kind.outputs
    for at, name in enumerate(operation.outputs):
        if at < len(ports):
            node.outputs[name] = ports[at].name


@cache
def defaults(target: str) -> Mapping[str, Arg]:
    """The defaults of an operation's arguments, other than None, by the names of its schema."""
    found: Any = torch.ops.aten
    for part in target.split(".")[1:]:
        found = getattr(found, part, None)
    schema = getattr(found, "_schema", None)
    if schema is None:
        return {}
    pairs = ((a.name, a.default_value) for a in schema.arguments if a.has_default_value())
    return {
        name: tuple(default) if isinstance(default, list) else default
        for name, default in pairs
        if isinstance(default, bool | int | float | str | list)
    }


def with_defaults(operation: Operation) -> dict[str, Arg]:
    """All arguments, those left out too: a layer's own defaults may be others."""
    return {
        **operation.args,
        **{
            name: default
            for name, default in defaults(operation.target).items()
            if name not in operation.args
        },
    }


def constant(given: Arg, operation: Operation, name: str) -> Json:
    """An argument as a parameter; `Unsupported` for sizes that are known only at run time."""
    if isinstance(given, Dtype):
        return given.name
    if isinstance(given, tuple):
        return tuple(constant(item, operation, name) for item in given)
    if isinstance(given, Ref):
        raise Unsupported(f"'{name}' of {operation.shown} depends on the size of the input")
    return given


_WHOLE = frozenset(
    {"dims", "normalized_shape", "repeats", "shape", "size", "sizes", "split_size_or_sections"}
)
"""Lists in which equal numbers are not the same as one number."""


def put(node: DraftNode, kind: type[Layer], name: str, given: Json) -> None:
    """Set a parameter in the shortest form that the layer takes, unless it is the default."""
    field = kind.model_fields[name]
    default = field.get_default(call_default_factory=True) if not field.is_required() else None
    forms: list[Json] = [given]
    if isinstance(given, tuple):
        if not given and not field.is_required():
            return
        if len(set(given)) == 1 and (len(given) == 1 or name not in _WHOLE):
            forms.insert(0, given[0])
    if isinstance(given, int) and not isinstance(given, bool) and _wants_float(field.annotation):
        forms.insert(0, float(given))
    if isinstance(given, float) and given in (float("inf"), float("-inf")):
        forms.insert(0, str(given))
    if any(form == default and type(form) is type(default) for form in forms):
        return
    for form in forms[:-1]:
        trial = Node(id="n", layer=kind.id, name="n", params={**_rest(kind, name), name: form})
        if isinstance(catalogue.read(trial), Layer):
            node.params[name] = form
            return
    node.params[name] = forms[-1]


def _rest(kind: type[Layer], name: str) -> dict[str, Json]:
    """Values for the parameters that a layer can't do without."""
    return {
        key: kind.starting[key]
        for key, field in kind.model_fields.items()
        if key != name and field.is_required() and key in kind.starting
    }


def _wants_float(annotation: Any) -> bool:
    return annotation is float or (
        float in get_args(annotation) and int not in get_args(annotation)
    )


_HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "train": (True, False),
    "training": (True, False),
    "inplace": (True, False),
    "count_include_pad": (True,),
    "implicit": (False,),
    "non_blocking": (False,),
    "copy": (True, False),
    "dtype": (),
}
"""Arguments that a layer may lack, and the values for which that makes no difference."""


def _expect_default(operation: Operation, program: Program, name: str, given: Arg) -> None:
    """`Unsupported` unless the argument, which the layer lacks, says what is so anyway."""
    harmless = given in _HARMLESS.get(name, ())
    known = program.types.get(next(iter(operation.refs()), ""))
    same_dtype = isinstance(given, Dtype) and known is not None and given.name == known.dtype
    if not (harmless or same_dtype or given == defaults(operation.target).get(name, ())):
        raise Unsupported(f"'{name}' of {operation.shown} has no counterpart")

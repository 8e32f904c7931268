"""Calls of torch.nn's own classes as single nodes.

Where the living module is there its parameters are read from it; of a file, they are read from
the operations that the call came to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from torch import nn

from netbuilder.exchange.bring import attention, functions
from netbuilder.exchange.bring.calls import Call, idle
from netbuilder.exchange.bring.drafts import DraftNode
from netbuilder.exchange.bring.functions import Same, Unsupported
from netbuilder.exchange.bring.program import Program, Type
from netbuilder.graph.model import Json
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer

UNREAD = frozenset({"device", "dtype", "inplace"})
"""Parameters that a drawing leaves out: where tensors are, and whether memory is saved."""


_PARTS = "netbuilder.parts."


@cache
def _layers_of_parts() -> Mapping[str, str]:
    """Layers by the classes of `netbuilder.parts` that they are."""
    kinds = catalogue.layers().items()
    return {kind.part: id for id, kind in kinds if kind.part and id.startswith("netbuilder.")}


def layer_id(kind: str) -> str:
    """The layer for a class of torch.nn or of `netbuilder.parts`; empty if there is none."""
    if kind.startswith(_PARTS):
        return _layers_of_parts().get(kind.removeprefix(_PARTS), "")
    if not kind.startswith("torch.nn.modules."):
        return ""
    id = f"torch.nn.{kind.rpartition('.')[2]}"
    return id if catalogue.find(id) is not None else ""


def states_under(program: Program, path: str) -> dict[str, str]:
    """The tensors of a module: their keys by their names within it."""
    start = f"{path}." if path else ""
    found = {key.removeprefix(start): key for key in program.tensors if key.startswith(start)}
    for key, other in program.tied.items():
        if key.startswith(start):
            found[key.removeprefix(start)] = other
    return found


def leaf(
    call: Call, program: Program, taken: Sequence[str], given: Sequence[str]
) -> DraftNode | None:
    """One node for the call; None if it must be taken apart.

    `taken` are the values that it takes from outside, `given` those that others need of it.
    """
    id = layer_id(call.scope.kind)
    if not id:
        return None
    module = program.submodule(call.scope.path)
    if program.module is not None and not _as_made(module, call.scope.kind):
        return None
    kind = catalogue.layers()[id]
    node = _single(call, program, id, taken, given)
    if node is None and id == attention.ID:
        node = attention.node(call, program, taken, given)
    single = len(given) == 1 and len(kind.outputs) == 1
    wired = _ports(call, program, kind, taken)
    if node is None and module is not None and single and wired and _uniform(module):
        node = DraftNode(id, "", {}, wired)
        node.outputs = {given[0]: kind.outputs[0].name}
    if node is None or not set(given) <= set(node.outputs):
        return None
    if module is not None:
        node.params = attributes(module, kind, node.inputs, program.types)
    node.states = states_under(program, call.scope.path)
    try:
        return functions.checked(node)
    except Unsupported:
        return None


def _as_made(module: nn.Module | None, kind: str) -> bool:
    """Whether a module is what its class makes it: no hooks, no parametrisation."""
    if module is None or f"{type(module).__module__}.{type(module).__qualname__}" != kind:
        return False
    return not (module._forward_hooks or module._forward_pre_hooks)


def _ports(call: Call, program: Program, kind: type[Layer], taken: Sequence[str]) -> dict[str, str]:
    """Values by port, as the call was heard to get them; empty if that is not plain."""
    names = {port.name for port in kind.inputs}
    heard = program.given.get((call.scope.path, call.scope.number), {})
    wired = {name: value for name, value in heard.items() if name in names}
    if wired and set(wired.values()) == set(taken):
        return wired
    required = [port.name for port in kind.inputs if not port.optional]
    return dict(zip(required, taken, strict=True)) if len(required) == len(taken) == 1 else {}


def _uniform(module: nn.Module) -> bool:
    """Whether a stack has stages of PyTorch's own class, one like the other."""
    stages = getattr(module, "layers", None)
    if not isinstance(stages, nn.ModuleList):
        return True
    return len({str(stage) for stage in stages}) == 1 and all(
        type(stage).__module__ == type(module).__module__ for stage in stages
    )


_SHAPING = frozenset(
    {
        "torch.nn.Flatten",
        "torch.nn.Unflatten",
        "torch.permute",
        "torch.reshape",
        "torch.squeeze",
        "torch.transpose",
        "torch.unsqueeze",
    }
)


def _single(
    call: Call, program: Program, id: str, taken: Sequence[str], given: Sequence[str]
) -> DraftNode | None:
    """The node, if the call came to one operation that is this layer by itself.

    Changes of shape around it do not count where one value comes in and one goes out: exporters
    lay out the inputs of a product anew.
    """
    found: list[DraftNode] = []
    same: dict[str, str] = {}
    for operation in call.operations():
        if idle(operation, program) or operation.base in ("zeros", "new_zeros", "zeros_like"):
            continue
        try:
            found += functions.convert(operation, program)
        except Same as way:
            same[operation.outputs[0]] = way.value
        except Unsupported:
            return None
    if len(found) > 1 and len(taken) == len(given) == 1:
        found = [node for node in found if node.layer not in _SHAPING or node.layer == id]
        if len(found) == 1:
            found[0].inputs = dict.fromkeys(list(found[0].inputs)[:1], taken[0])
            found[0].outputs = dict.fromkeys(given, next(iter(found[0].outputs.values())))
    if len(found) != 1:
        return None
    node = found[0] if found[0].layer == id else _as(found[0], id)
    if node is None:
        return None
    node.inputs = {port: same.get(value, value) for port, value in node.inputs.items()}
    node.outputs |= {
        made: node.outputs[source] for made, source in same.items() if source in node.outputs
    }
    return node


def _as(node: DraftNode, id: str) -> DraftNode | None:
    """The same under the name of the class, which may be another than that of its function.

    `ReLU6` calls `hardtanh`, say. Whether its parameters are right is told by the comparison.
    """
    kind = catalogue.layers()[id]
    if len(node.inputs) != 1 or len(kind.inputs) != 1 or node.states:
        return None
    params = {name: value for name, value in node.params.items() if name in kind.model_fields}
    port, out = kind.inputs[0].name, kind.outputs[0].name
    made = DraftNode(id, "", params, {port: next(iter(node.inputs.values()))})
    made.outputs = dict.fromkeys(node.outputs, out)
    return made


# -- parameters of living modules --------------------------------------------------------------


def attributes(
    module: nn.Module, kind: type[Layer], inputs: Mapping[str, str], types: Mapping[str, Type]
) -> dict[str, Json]:
    """The constructor's parameters of a module that differ from their defaults.

    Sizes that follow from what comes in are left out.
    """
    node = DraftNode(kind.id)
    skipped = UNREAD | set(kind.inferable())
    for name in kind.model_fields:
        if name in skipped and not _must_say(module, name):
            continue
        known, given = _attribute(module, name)
        if known:
            functions.put(node, kind, name, given)
    return node.params


def _must_say(module: nn.Module, name: str) -> bool:
    """Sizes that nothing else tells: rows of an Embedding, several dims of a LayerNorm."""
    if name == "num_embeddings":
        return True
    return name == "normalized_shape" and len(getattr(module, name, ())) > 1


def _attribute(module: nn.Module, name: str) -> tuple[bool, Json]:
    """A parameter as the module keeps it; False first if it does not."""
    special = _SPECIAL.get(type(module).__name__, {}).get(name)
    if special is not None:
        return True, special(module)
    if not hasattr(module, name):
        return False, None
    given = getattr(module, name)
    if name == "bias" and not isinstance(given, bool):
        affine = getattr(module, "affine", getattr(module, "elementwise_affine", True))
        return bool(affine), given is not None
    if isinstance(given, tuple | list):
        return True, tuple(given)
    return given is None or isinstance(given, bool | int | float | str), given


Reader = Callable[[Any], Json]


def _activation(module: Any) -> Json:
    given = module.activation
    return getattr(given, "__name__", type(given).__name__).lower()


_ATTENTION: Mapping[str, Reader] = {
    "bias": lambda module: module.in_proj_bias is not None,
    "add_bias_kv": lambda module: module.bias_k is not None,
}
_STAGE: Mapping[str, Reader] = {
    "nhead": lambda module: module.self_attn.num_heads,
    "dim_feedforward": lambda module: module.linear1.out_features,
    "dropout": lambda module: module.dropout.p,
    "activation": _activation,
    "layer_norm_eps": lambda module: module.norm1.eps,
    "batch_first": lambda module: module.self_attn.batch_first,
    "bias": lambda module: module.linear1.bias is not None,
}
_STACK: Mapping[str, Reader] = {
    **{name: lambda module, read=read: read(module.layers[0]) for name, read in _STAGE.items()},  # type: ignore[misc]
    "norm_first": lambda module: module.layers[0].norm_first,
    "norm": lambda module: module.norm is not None,
}
_SPECIAL: Mapping[str, Mapping[str, Reader]] = {
    "MultiheadAttention": _ATTENTION,
    "TransformerEncoderLayer": _STAGE,
    "TransformerDecoderLayer": _STAGE,
    "TransformerEncoder": _STACK,
    "TransformerDecoder": _STACK,
}
"""What a module keeps under another name than that of its constructor's parameter."""

"""A `MultiheadAttention` in the place of the operations that it does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from netbuilder.exchange.bring import turns
from netbuilder.exchange.bring.program import Operation, Program, Ref, Scope, State, Type
from netbuilder.exchange.onnx_in import masks
from netbuilder.exchange.onnx_in.masks import Masks
from netbuilder.graph import rules

KIND = "torch.nn.modules.activation.MultiheadAttention"
TARGET = "aten.multi_head_attention.default"
"""No operation of ATen: the call of a module as one."""
NAMES = ("query", "key", "value")


@dataclass(frozen=True, slots=True)
class Part:
    """A projection: rows of a weight, and the sequences that it can be said to be of.

    `sources` are values with the batch first (True) or second.
    """

    keys: tuple[str, ...]
    weight: Tensor
    bias: Tensor | None
    sources: dict[bool, str]
    inside: frozenset[str]


@dataclass(frozen=True, slots=True)
class Attention:
    """An attention with the products around it."""

    heads: int
    batch_first: bool
    parts: tuple[Part, Part, Part]
    out: Part
    masks: Masks
    end: Operation
    """What made the value that is made by the module now."""
    inside: frozenset[str]

    @property
    def keys(self) -> tuple[str, ...]:
        """The tensors that it holds, as the file calls them."""
        return tuple(key for part in (*self.parts, self.out) for key in part.keys)


def put(
    program: Program,
    found: Attention,
    known: dict[tuple[str, ...], str],
    thin: dict[str, str],
    at: int,
) -> None:
    """The module's call in the place of all that it does."""
    root = turns.around(found.end.stack)
    kind = (*found.keys, f"{found.heads} {found.batch_first} {found.masks.causal}")
    path = known.get(kind)
    if path is None:
        path = known[kind] = _path(program, found)
        _hold(program, found, path)
    scope = Scope(f"{path}@{at}", path, KIND)
    before, wired = masks.wired(program, found.masks, thin)
    sources = [part.sources[found.batch_first] for part in found.parts]
    args = {name: Ref(value) for name, value in zip(NAMES, sources, strict=True)}
    args |= {name: Ref(value) for name, value in wired.items()}
    made = Operation(
        found.end.name,
        TARGET,
        {**args, "num_heads": found.heads},
        found.end.outputs,
        (*root, scope),
    )
    kept: list[Operation] = []
    for operation in program.operations:
        if operation.name == found.end.name:
            kept += [*(replace(each, stack=root) for each in before), made]
        elif operation.name not in found.inside:
            kept.append(operation)
    program.operations = kept


def _hold(program: Program, found: Attention, path: str) -> None:
    """A living module with the weights, and the weights under its keys."""
    assert program.module is not None
    query, key, value = found.parts
    width = query.weight.shape[1]
    kdim, vdim = key.weight.shape[1], value.weight.shape[1]
    every = (*found.parts, found.out)
    biased = any(part.bias is not None for part in every)
    with torch.device("meta"):
        module = nn.MultiheadAttention(
            width, found.heads, bias=biased, kdim=kdim, vdim=vdim, batch_first=found.batch_first
        )
    if found.masks.causal:
        module.is_causal = True  # type: ignore[assignment]
    tensors = {"out_proj.weight": found.out.weight}
    if kdim == vdim == width:
        tensors["in_proj_weight"] = torch.cat([part.weight for part in found.parts])
    else:
        tensors |= {f"{n[0]}_proj_weight": p.weight for n, p in zip(NAMES, every, strict=False)}
    if biased:
        biases = [_bias(part) for part in every]
        tensors |= {"in_proj_bias": torch.cat(biases[:3]), "out_proj.bias": biases[3]}
    program.module.add_module(path, module)
    for name, tensor in tensors.items():
        program.tensors[f"{path}.{name}"] = tensor.contiguous()
        program.states[f"{path} {name}"] = State(f"{path}.{name}", "parameter")
        program.types[f"{path} {name}"] = Type(tuple(tensor.shape), "float32")


def _bias(part: Part) -> Tensor:
    return part.bias if part.bias is not None else torch.zeros(part.weight.shape[0])


def _path(program: Program, found: Attention) -> str:
    """What the names of the weights have in common: `layer_0_attn` of `layer_0_attn_out_proj`."""
    words = [key.rpartition(".")[0].replace(".", "_").split("_") for key in found.keys]
    # Names that an exporter made up tell nothing.
    told = [each for each in words if each[:1] != ["node"] and len(each) > 1] or [["attention"]]
    same: list[str] = []
    for column in zip(*told, strict=False):
        if len(set(column)) > 1:
            break
        same.append(column[0])
    for ending in (["out", "proj"], ["o", "proj"], ["proj"], ["c"], ["output", "dense"], ["dense"]):
        if same[-len(ending) :] == ending:
            same = same[: -len(ending)]
            break
    # What goes with what is replaced leaves its name.
    stays = [o for o in program.operations if o.name not in found.inside]
    read = {name for operation in stays for name in operation.refs()}
    called = {scope.path for operation in stays for scope in operation.stack[1:]}
    gone = {s.key for n, s in program.states.items() if n not in read} & set(found.keys)
    for key in gone:
        del program.tensors[key]
        path = key.rpartition(".")[0]
        if path and path not in called and hasattr(program.module, path):
            delattr(program.module, path)
    taken = {name for name in dir(program.module) if not name.startswith("__")}
    taken |= {key.partition(".")[0] for key in program.tensors}
    return rules.unique_name(rules.identifier("_".join(same), "attention"), taken)

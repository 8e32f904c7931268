"""Parts of a tensor by indices that are tensors."""

from __future__ import annotations

from netbuilder.exchange.bring import counts
from netbuilder.exchange.bring.drafts import DraftNode
from netbuilder.exchange.bring.functions import Unsupported, only_output, rule, value
from netbuilder.exchange.bring.program import Operation, Program, Ref
from netbuilder.exchange.bring.shapes import shape_of, steps
from netbuilder.graph.model import Json


@rule("index")
def index(operation: Operation, program: Program) -> DraftNode | list[DraftNode]:
    """`x[:, ids]`, by numbers that are known or worked out; dims side by side at once."""
    indices = operation.args.get("indices")
    chosen = [one for one in indices if one is not None] if isinstance(indices, tuple) else []
    names = [one.name for one in chosen if isinstance(one, Ref)]
    if not isinstance(indices, tuple) or not names or len(names) != len(chosen):
        raise Unsupported("it is indexed by what is no tensor")
    dim = indices.index(chosen[0])
    if indices[dim : dim + len(chosen)] != tuple(chosen):
        raise Unsupported("dims are indexed that are not side by side")
    kinds = [program.types.get(name) for name in names]
    if any(kind is None or kind.dtype not in ("int64", "int32") for kind in kinds):
        raise Unsupported("it is indexed by a mask")
    name, source = names[0], value(operation, "self")
    if len(names) > 1 or len(shape_of(program, name)) != 1:
        return _at_places(operation, program, source, dim, names)
    state = program.states.get(name)
    if state is not None and state.kind == "constant" and program.tensors[state.key].numel() <= 16:
        numbers = ", ".join(str(number) for number in program.tensors[state.key].tolist())
        text = ", ".join([*[":"] * dim, f"[{numbers}]"])
        made = DraftNode("torch.Tensor.__getitem__", "", {"index": text}, {"input": source})
        return only_output(operation, made)
    node = DraftNode("torch.index_select", "", {"dim": dim}, {"input": source, "index": name})
    return only_output(operation, node)


def _at_places(
    operation: Operation, program: Program, source: str, dim: int, names: list[str]
) -> list[DraftNode]:
    """The indexed dims as one, of which the indices together choose rows."""
    shape, made = shape_of(program, source), operation.outputs[0]
    sizes = shape[dim : dim + len(names)]
    after = shape_of(program, made)
    places = after[dim : len(after) - (len(shape) - dim - len(names))]
    nodes: list[DraftNode] = []

    def then(layer: str, params: dict[str, Json], **inputs: str) -> str:
        name = f"{made}.{len(nodes)}"
        nodes.append(DraftNode(layer, "", params, dict(inputs), {name: "output"}))
        return name

    chosen = ""
    for name, size in zip(names, sizes, strict=True):
        if not counts.never_negative(program, name):
            if not isinstance(size, int):
                raise Unsupported("indices of a free dim may be negative")
            name = then("torch.remainder", {"other": size}, input=name)
        if chosen:
            if not isinstance(size, int):
                raise Unsupported("an indexed dim behind another one is of free size")
            chosen = then("torch.mul", {"other": size}, input=chosen)
            name = then("torch.add", {}, input=chosen, other=name)
        chosen = name
    flat = ("places",)
    if len(places) != 1:
        for layer, params in steps(places, flat):
            chosen = then(layer, params, input=chosen)
    rows = source
    if len(names) > 1:
        for layer, params in steps(shape, (*shape[:dim], "rows", *shape[dim + len(names) :])):
            rows = then(layer, params, input=rows)
    result = then("torch.index_select", {"dim": dim}, input=rows, index=chosen)
    if len(places) != 1:
        rest = shape[dim + len(names) :]
        for layer, params in steps((*shape[:dim], *flat, *rest), after):
            result = then(layer, params, input=result)
    nodes[-1].outputs = {made: "output"}
    return nodes

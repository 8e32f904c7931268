"""A call of `torch.nn.MultiheadAttention`, told from the operations that it came to.

PyTorch projects query, key and value by one, two or three products, so their inputs tell what
came in where; the mask of padding is given a shape of four dims, the other one gets a dim.
"""

from __future__ import annotations

from collections.abc import Sequence

from netbuilder.exchange.bring.calls import Call
from netbuilder.exchange.bring.drafts import DraftNode
from netbuilder.exchange.bring.functions import SAME, only_output, rule, value
from netbuilder.exchange.bring.program import Operation, Program, Ref

ID = "torch.nn.MultiheadAttention"
_WAY = SAME | {"transpose", "unsqueeze", "to", "logical_not"}
_MASKING = frozenset({"masked_fill", "to", "_to_copy", "zeros_like", *SAME})


@rule("multi_head_attention")
def whole(operation: Operation, program: Program) -> DraftNode:
    """The call of a module that is one operation: ports and the number of heads."""
    ports = [name for name, given in operation.args.items() if isinstance(given, Ref)]
    found = DraftNode(ID, "", {}, {port: value(operation, port) for port in ports})
    heads = operation.args["num_heads"]
    assert isinstance(heads, int)
    found.params["num_heads"] = heads
    return only_output(operation, found, "attn_output")


def node(
    call: Call, program: Program, taken: Sequence[str], given: Sequence[str]
) -> DraftNode | None:
    """The node with its ports and parameters; None where the call is not understood."""
    operations = list(call.operations())
    made = {name: operation for operation in operations for name in operation.outputs}
    path = f"{call.scope.path}."
    out_key, in_key = f"{path}out_proj.weight", f"{path}in_proj_weight"
    if out_key not in program.tensors:
        return None
    out = [o for o in operations if o.base == "linear" and _holds(o, program, out_key)]
    projections = [
        o for o in operations if o.base == "linear" and o not in out and _origin(o, made) in taken
    ]
    sources = [_origin(o, made) for o in projections]
    if len(out) != 1 or not 1 <= len(sources) <= 3:
        return None
    query, key, content = [*sources, *sources[-1:] * 2][:3]
    found = DraftNode(ID, "", {}, {"query": query, "key": key, "value": content})
    for mask in taken:
        if mask not in sources:
            found.inputs[_mask_port(mask, operations)] = mask
    ends = [name for name in given if _follows(name, out[0], made)]
    others = [name for name in given if name not in ends]
    if len(ends) > 1 or len(others) > 1:
        return None
    found.outputs = dict.fromkeys(ends, "attn_output")
    found.outputs |= dict.fromkeys(others, "attn_output_weights")
    _parameters(found, program, operations, out_key, in_key in program.tensors)
    return found


def _parameters(
    found: DraftNode, program: Program, operations: list[Operation], out_key: str, packed: bool
) -> None:
    path = out_key.removesuffix("out_proj.weight")
    width = int(program.tensors[out_key].shape[0])
    heads = _heads(operations, program, width)
    found.params["num_heads"] = heads
    first = next((o for o in operations if o.base == "transpose"), None)
    if first is not None and first.args.get("self") == Ref(found.inputs["query"]):
        found.params["batch_first"] = True
    if f"{path}in_proj_bias" not in program.tensors:
        found.params["bias"] = False
    if f"{path}bias_k" in program.tensors:
        found.params["add_bias_kv"] = True
    for operation in operations:
        p = operation.args.get("p", operation.args.get("dropout_p"))
        if operation.base in ("dropout", "scaled_dot_product_attention") and p:
            found.params["dropout"] = p


def _heads(operations: list[Operation], program: Program, width: int) -> int:
    """From the first value that has the heads apart: its last dim is that of one head."""
    for operation in operations:
        if operation.base in ("view", "reshape") and len(operation.outputs) == 1:
            before = program.types.get(next(iter(operation.refs()), ""))
            after = program.types.get(operation.outputs[0])
            if before is None or after is None or not before.shape or before.shape[-1] != width:
                continue
            size = after.shape[-1]
            if isinstance(size, int) and size and width % size == 0 and len(after.shape) >= 3:
                return width // size
    return 1


def _holds(operation: Operation, program: Program, key: str) -> bool:
    return any(program.states[n].key == key for n in operation.refs() if n in program.states)


def _origin(operation: Operation, made: dict[str, Operation]) -> str:
    """Where the first argument of an operation comes from, through mere exchanges of dims."""
    name = next(iter(operation.refs()))
    while name in made and made[name].base in _WAY:
        name = next(iter(made[name].refs()))
    return name


def _follows(name: str, end: Operation, made: dict[str, Operation]) -> bool:
    waiting, seen = [name], set()
    while waiting:
        operation = made.get(waiting.pop())
        if operation is end:
            return True
        if operation is not None and operation.name not in seen:
            seen.add(operation.name)
            waiting += operation.refs()
    return False


def _mask_port(mask: str, operations: list[Operation]) -> str:
    names = {mask}
    for operation in operations:
        if not names & set(operation.refs()):
            continue
        if operation.base in _MASKING:
            names |= set(operation.outputs)
        elif operation.base in ("view", "reshape"):
            return "key_padding_mask"
        else:
            return "attn_mask"
    return "attn_mask"

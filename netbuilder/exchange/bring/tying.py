"""Weights that several nodes have in common stay one, in training and in what leaves the house.

Nodes of one layer that have all of their weights in common share them. Where layers differ, as
the table of an Embedding that is the matrix of the last Linear, the tensor becomes a node of its
own, wired to the functions that the layers call; it goes into blocks by a port. Where a layer
has no function that takes its weights by wire, there are copies, and that is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from netbuilder.exchange.bring import functions
from netbuilder.exchange.bring.drafts import Draft, DraftNode
from netbuilder.exchange.bring.functions import Unsupported
from netbuilder.exchange.bring.holding import PARAMETER, relative
from netbuilder.exchange.bring.program import Program
from netbuilder.graph import rules
from netbuilder.graph.loops import LOOP
from netbuilder.layers import catalogue

_FORMS: Mapping[str, str] = {
    "torch.nn.Embedding": "torch.nn.functional.embedding",
    "torch.nn.Linear": "torch.nn.functional.linear",
    **{
        f"torch.nn.Conv{way}{dims}d": f"torch.nn.functional.conv{name}{dims}d"
        for way, name in (("", ""), ("Transpose", "_transpose"))
        for dims in (1, 2, 3)
    },
}
"""Functions that take by wire what a layer holds."""
_HELD = frozenset({"bias", "embedding_dim", "in_channels", "in_features", "kernel_size"}) | {
    "num_embeddings",
    "out_channels",
    "out_features",
}
"""Parameters of layers that the weights themselves tell."""

Chain = tuple[tuple[DraftNode, Draft], ...]
"""The uses of blocks around a node, each with its inside, from the outermost on."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """A node that holds a tensor under a name."""

    node: DraftNode
    name: str
    draft: Draft
    chain: Chain


def tie(program: Program, network: Draft) -> list[str]:
    """Let nodes have in common what was one tensor; a line for each that becomes several."""
    notes: list[str] = []
    first = _firsts(program)
    for key in dict.fromkeys(first.values()):
        tensor = program.tensors[key]
        held = [each for each in _holders(network) if first.get(each.node.states[each.name]) == key]
        if len({id(each.node) for each in held}) < 2 or _uniform(tensor):
            continue
        if not (_share(held, first) or (tensor.dim() > 1 and _wire(program, network, held, key))):
            notes += _told(held, key)
    return notes


def _firsts(program: Program) -> dict[str, str]:
    """For each key the first one of the same tensor: the same memory, seen in the same way."""
    seen: dict[tuple[object, ...], str] = {}
    found: dict[str, str] = {}
    for key, tensor in program.tensors.items():
        if tensor.numel() > 1:
            place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
            found[key] = seen.setdefault(place, key)
    for key, other in program.tied.items():
        if other in found:
            found[key] = found[other]
    return found


def _uniform(tensor: Tensor) -> bool:
    """Whether it is one number all over: exporters put what is equal into one place."""
    return bool((tensor == tensor.reshape(-1)[0]).all())


def _holders(draft: Draft, chain: Chain = ()) -> Iterator[_Holder]:
    for node in draft.nodes:
        if node.shares is not None:
            continue
        if node.inner is not None:
            yield from _holders(node.inner, (*chain, (node, node.inner)))
        for name in node.states:
            yield _Holder(node, name, draft, chain)


def _told(held: list[_Holder], key: str) -> Iterator[str]:
    owner, *others = held
    for each in others:
        each.node.note = f"{each.name} was one tensor with {key}; here it is a copy."
        yield (
            f"{_shown(each)} and {_shown(owner)} were one tensor; here they are two, and training "
            "tells them apart."
        )


def _shown(each: _Holder) -> str:
    return ".".join([*(node.name for node, _ in each.chain), each.node.name, each.name])


# -- nodes of one layer ---------------------------------------------------------------------------


def _share(held: list[_Holder], first: Mapping[str, str]) -> bool:
    """Let nodes use the weights of the first of them, where those are all that they have."""
    owner = held[0]
    for each in held:
        node = each.node
        if each.draft is not owner.draft or node.layer != owner.node.layer or node.inner:
            return False
        if _states(node, first) != _states(owner.node, first) or node.params != owner.node.params:
            return False
    for each in held[1:]:
        if each.node is owner.node:
            continue  # it has the tensor under two names
        each.node.shares, each.node.states = owner.node, {}
        for other in each.draft.nodes:
            if other.shares is each.node:
                other.shares = owner.node
    return True


def _states(node: DraftNode, first: Mapping[str, str]) -> dict[str, str]:
    return {name: first.get(key, key) for name, key in node.states.items()}


# -- nodes of several layers ----------------------------------------------------------------------


def _wire(program: Program, network: Draft, held: list[_Holder], key: str) -> bool:
    """Make the tensor a node of its own, wired to all that held it; False where that can't be."""
    if any(_is_shared(network, each.chain) for each in held):
        return False
    if not all(each.node.layer == PARAMETER or _form(each.node) for each in held):
        return False
    chain = _common([each.chain for each in held])
    home = chain[-1][1] if chain else network
    value = f"{key}.tied"
    owner = DraftNode(PARAMETER, relative(key, home.scope.path))
    owner.params = {"shape": tuple(program.tensors[key].shape)}
    owner.states, owner.outputs = {"weight": key}, {value: "output"}
    for each in held:
        for use, inner in each.chain[len(chain) :]:
            _lead_in(use, inner, value, key)
    for each in held:
        if each.node.layer == PARAMETER:
            _replace(each, value)
        else:
            _unhold(program, each, value)
    _add(home, owner, 0)
    return True


def _is_shared(network: Draft, chain: Chain) -> bool:
    """Whether the weights of a use around a node are another use's, too: these have one port."""
    around = network
    for use, inner in chain:
        if any(node.shares is use for node in around.nodes):
            return True
        around = inner
    return False


def _common(chains: list[Chain]) -> Chain:
    """The uses of blocks that are around all."""
    found = chains[0]
    for chain in chains[1:]:
        count = 0
        while count < min(len(found), len(chain)) and found[count][0] is chain[count][0]:
            count += 1
        found = found[:count]
    return found


def _form(node: DraftNode) -> DraftNode | None:
    """The function that the layer calls, with the layer's parameters; None if there is none."""
    id = _FORMS.get(node.layer, "")
    params = {name: given for name, given in node.params.items() if name not in _HELD}
    if not id or not params.keys() <= catalogue.layers()[id].model_fields.keys():
        return None
    try:
        return functions.checked(DraftNode(id, node.name, params))
    except Unsupported:
        return None


def _lead_in(use: DraftNode, inner: Draft, value: str, key: str) -> None:
    """Give the use of a block a port for a value."""
    if value in inner.inputs:
        return
    wanted = rules.identifier(relative(key, inner.scope.path), "weight")
    port = rules.unique_name(wanted, _names(inner))
    inner.inputs[value] = port
    use.inputs[port] = value
    if use.layer == LOOP:
        constants = use.params.get("constants", ())
        assert isinstance(constants, tuple)
        use.params["constants"] = (*constants, port)


def _replace(each: _Holder, value: str) -> None:
    """Read the value where the node was read, which goes."""
    own = set(each.node.outputs)
    each.draft.nodes.remove(each.node)
    for node in each.draft.nodes:
        node.inputs = {port: value if v in own else v for port, v in node.inputs.items()}
    each.draft.outputs = [(value if v in own else v, name) for v, name in each.draft.outputs]


def _unhold(program: Program, each: _Holder, value: str) -> None:
    """Let the node and those that share its weights take them by wire."""
    node, draft = each.node, each.draft
    form = _form(node)
    assert form is not None
    wired = {each.name: value}
    for name, key in node.states.items():
        if name != each.name:
            wired[name] = f"{node.name}.{name}.alone"
            held = DraftNode(PARAMETER, f"{node.name}_{name}")
            held.params = {"shape": tuple(program.tensors[key].shape)}
            held.states, held.outputs = {"weight": key}, {wired[name]: "output"}
            _add(draft, held, draft.nodes.index(node))
    for user in [node, *(other for other in draft.nodes if other.shares is node)]:
        user.layer, user.params = form.layer, dict(form.params)
        user.states, user.shares = {}, None
        user.inputs = {**user.inputs, **wired}
        user.outputs = dict.fromkeys(user.outputs, "output")


def _add(draft: Draft, node: DraftNode, at: int) -> None:
    """Put a node into a graph, under a name that is free there."""
    node.name = rules.unique_name(rules.identifier(node.name), _names(draft))
    draft.nodes.insert(at, node)


def _names(draft: Draft) -> set[str]:
    names = {node.name for node in draft.nodes} | set(draft.inputs.values())
    return names | {name for _, name in draft.outputs}

"""Weights that count for little are set to zero, or taken out with all that reads them.

The magnitude of a weight, of all the weights of a channel together, says how much it counts
(H. Li et al., Pruning Filters for Efficient ConvNets, 2017; S. Han et al., Learning both Weights
and Connections, 2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.compiler import build
from netbuilder.compiler.build import compiled_without_errors, named_network
from netbuilder.compiler.emit import Place
from netbuilder.errors import ExportError, NetbuilderError
from netbuilder.exchange import interface, samples
from netbuilder.exchange.smaller import chains
from netbuilder.exchange.smaller.chains import Cut, Refusal
from netbuilder.graph import edits, expressions
from netbuilder.graph.document import Document
from netbuilder.graph.history import History

Weights = Mapping[str, Tensor]
EXACT = 1e-4
"""Largest relative error of what was cut out against the same weights at zero."""
_SIZES = ("in_features", "in_channels", "num_features", "num_parameters")
"""Parameters that say how many channels come in."""


@dataclass(frozen=True)
class Pruned:
    """A project whose network is smaller, with its weights by key.

    `cut` has by layer how many outputs it had and has, in all its uses; `refusals` say what stays
    and why.
    `error` is what it departs by from the whole network with what was cut at zero.
    """

    document: Document
    weights: dict[str, Tensor]
    cut: Mapping[str, tuple[int, int]]
    refusals: tuple[Refusal, ...]
    error: float


def check_share(share: float) -> None:
    """`NetbuilderError` unless some, and not all, is to go."""
    if not 0 < share < 1:
        raise NetbuilderError(f"A share of {share:g} can't be pruned.", "Choose one from 0 to 1.")


def zeroed(module: nn.Module, share: float) -> dict[str, Tensor]:
    """The weights of a network with the smallest at zero: this share of all that multiply.

    Tensors of one dim (biases, norms) stay: there are few, and each counts for a whole channel.
    """
    check_share(share)
    state = {key: tensor.detach().clone() for key, tensor in module.state_dict().items()}
    names = [
        name
        for name, tensor in module.named_parameters()
        if tensor.dim() > 1 and tensor.is_floating_point()
    ]
    if not names:
        raise NetbuilderError("The network has no weights to prune.")
    sizes = torch.cat([state[name].abs().flatten() for name in names])
    count = int(share * len(sizes))
    if count:
        limit = sizes.kthvalue(count).values
        for name in names:
            state[name][state[name].abs() <= limit] = 0
    for name, tensor in module.named_parameters(remove_duplicate=False):
        same = next((key for key, own in module.named_parameters() if own is tensor), name)
        state[name] = state[same]
    return state


def structured(document: Document, network: str, module: nn.Module, share: float) -> Pruned:
    """The project with this share of the outputs of each layer that can lose some taken out.

    `module` is the network with its weights. `ExportError` if nothing of it can be cut, with the
    reasons, and if what comes out does not compute what it must.
    """
    check_share(share)
    graph = named_network(document, network)
    compiled = compiled_without_errors(document, graph, {})
    found = chains.find(compiled.resolved.document, graph, list(compiled.inside(graph)))
    places = _places(module)
    whole = {key: tensor.detach().clone() for key, tensor in module.state_dict().items()}
    left = dict(whole)
    sizes: dict[str, tuple[int, int]] = {}
    done: list[Cut] = []
    for cut in found.cuts:
        if _cut_weights(cut, places, share, left, whole, sizes):
            done.append(cut)
    if not done:
        reasons = "; ".join(f"{each.name}: {each.reason}" for each in found.refusals[:5])
        raise ExportError("No channels can be taken out of this network.", reasons)
    smaller = document.copy()
    for cut in done:
        _resize(smaller, cut, share)
    result = build.build_network(smaller, network)
    result.load_state_dict(left)
    module_zeroed = build.build_network(document, network)
    module_zeroed.load_state_dict(whole)
    error = _compare(document, network, module_zeroed, result)
    return Pruned(smaller, left, sizes, tuple(found.refusals), error)


def kept(count: int, share: float) -> int:
    """How many of so many outputs stay; at least one."""
    return max(1, round(count * _left(share)))


def _formula(size: str, share: float) -> str:
    """The same of a size that each use of a block works out for itself."""
    inner = size.removeprefix(expressions.MARK).strip()
    return f"{expressions.MARK}max(1, round(({inner}) * {_left(share):g}))"


def _left(share: float) -> float:
    # As it is written, so that both say the same.
    return float(f"{1 - share:g}")


def _places(module: nn.Module) -> dict[Place, dict[str, str]]:
    """The parts that nodes have made, by node: by what stands before it, its path."""
    found: dict[Place, dict[str, str]] = {}
    for path, part in module.named_modules():
        origin = getattr(type(part), "netbuilder_origin", None)
        if isinstance(origin, build.Origin):
            for name, _ in part.named_children():
                place = origin.source.modules.get((type(part).__name__, name))
                if place is not None:
                    found.setdefault(place, {})[path] = f"{path}.{name}".lstrip(".")
    return found


def _cut_weights(
    cut: Cut,
    places: Mapping[Place, Mapping[str, str]],
    share: float,
    left: dict[str, Tensor],
    whole: dict[str, Tensor],
    sizes: dict[str, tuple[int, int]],
) -> bool:
    """Take a cut's outputs out of `left`; in `whole` the weights that would meet them are zero.

    Whether anything went. Each use of a block loses those that count least there.
    """
    own = places.get((cut.graph, cut.node), {})
    for place, path in own.items():
        weight = left[f"{path}.weight"]
        count = weight.shape[cut.axis]
        stay = kept(count, share)
        if stay == count:
            return False
        before, after = sizes.get(cut.name, (0, 0))
        sizes[cut.name] = before + count, after + stay
        others = [at for at in range(weight.dim()) if at != cut.axis]
        order = weight.double().square().sum(others).argsort(descending=True, stable=True)
        rows, gone = order[:stay].sort().values, order[stay:]
        left[f"{path}.weight"] = weight.index_select(cut.axis, rows)
        for key in _of(path, left, count, but="weight"):
            left[key] = left[key][rows]
        for follower in cut.followers:
            for key in _of(places[cut.graph, follower][place], left, count):
                left[key] = left[key][rows]
        for reader in cut.readers:
            key = f"{places[cut.graph, reader.node][place]}.weight"
            left[key] = left[key].index_select(reader.axis, _blocks(rows, reader.each))
            whole[key].index_fill_(reader.axis, _blocks(gone, reader.each), 0)
    return bool(own)


def _of(path: str, weights: Weights, count: int, but: str = "") -> Iterator[str]:
    """The tensors of a part that have a number for each of its channels."""
    for key, tensor in list(weights.items()):
        head, _, name = key.rpartition(".")
        if head == path and name != but and tensor.shape == (count,):
            yield key


def _blocks(rows: Tensor, each: int) -> Tensor:
    """The places of channels where each has several numbers in a row."""
    return (rows[:, None] * each + torch.arange(each)).flatten()


def _resize(document: Document, cut: Cut, share: float) -> None:
    """Write into the document how many outputs a layer has left."""
    history, graph = History(document), document.graph(cut.graph)
    node = graph.nodes[cut.node]
    size: Any = node.params[cut.parameter]
    size = _formula(size, share) if expressions.is_expression(size) else kept(size, share)
    edits.set_parameters(history, graph, [cut.node], {cut.parameter: size})
    for id in (*cut.followers, *(reader.node for reader in cut.readers)):
        other = graph.nodes[id]
        for key in _SIZES:
            known: Any = other.params.get(key)
            if key == "num_parameters" and isinstance(known, int):
                edits.set_parameters(history, graph, [id], {key: kept(known, share)})
            elif key != "num_parameters" and known is not None:
                # It follows from what comes in.
                edits.set_parameters(history, graph, [id], {key: None})


def _compare(document: Document, network: str, whole: nn.Module, small: nn.Module) -> float:
    """The largest relative error; `ExportError` if it is more than rounding."""
    from netbuilder.exchange.departing import relative_error
    from netbuilder.exchange.verify import as_tuple

    inputs = interface.of_network(document, network).inputs
    whole.eval()
    small.eval()
    _, values = next(samples.trials(whole, inputs, {}))
    with torch.no_grad():
        pairs = zip(as_tuple(small(*values)), as_tuple(whole(*values)), strict=True)
        worst = max(relative_error(a.numpy(), b.numpy()) for a, b in pairs)
    if not worst < EXACT:
        raise ExportError(
            f"What was cut does not compute what it must: the relative error is {worst:.2g}.",
            "Nothing was written. Please report this network.",
        )
    return worst

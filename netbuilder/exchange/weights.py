"""Networks begin with the weights that lie beside their project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from netbuilder.compiler import build
from netbuilder.errors import DocumentError, NetbuilderError, Problem, ProblemsError
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.storage import weights


@dataclass(frozen=True, slots=True)
class Given:
    """What a network got: keys that now have their weights, and keys that stayed random.

    `spare` are weights for which the network has no place any more.
    """

    filled: tuple[str, ...] = ()
    random: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()


def of_project(document: Document, network: str) -> dict[str, Tensor] | None:
    """The weights of a network by key; None if the project has none for it.

    `ProblemsError` if they are missing or not those that the project was saved with.
    """
    entry = weights.entry_of(document, network)
    if isinstance(entry, Problem):
        raise ProblemsError(entry.message, [entry], entry.hint)
    return None if entry is None else _read(document, entry)


def _read(document: Document, entry: weights.Entry) -> dict[str, Tensor]:
    try:
        return load(weights.read(document, entry))
    except (DocumentError, SafetensorError) as error:
        known = [p for p in weights.problems(document) if entry.file in p.message]
        hint = error.hint if isinstance(error, DocumentError) else "Put the right file in place."
        raise ProblemsError(f"The weights of '{entry.network}': {error}", known, hint) from error


def give(document: Document, network: str, module: nn.Module) -> Given:
    """Put the project's weights into a network that was made with random ones.

    Where the network was changed since, what still fits is taken and the rest stays random.
    """
    found = of_project(document, network)
    if found is None:
        return Given()
    state = module.state_dict()
    fitting = {key: found[key] for key in state if _fits(found.get(key), state[key])}
    module.load_state_dict(fitting, strict=False)
    return Given(
        tuple(fitting),
        tuple(key for key in state if key not in fitting),
        tuple(key for key in found if key not in state),
    )


def misfits(document: Document) -> Iterator[Problem]:
    """Networks for which the project has weights that no longer fit everywhere."""
    for graph in document.of_kind("network"):
        entry = weights.entry_of(document, graph.name)
        if not isinstance(entry, weights.Entry):
            continue
        try:
            found = weights.shapes(document, entry)
            with torch.device("meta"):
                state = build.build_network(document, graph.name).state_dict()
        except NetbuilderError:
            # Told elsewhere, each at its place.
            continue
        random = [key for key in state if found.get(key) != tuple(state[key].shape)]
        if random:
            more = f" and {len(random) - 3} more" if len(random) > 3 else ""
            yield Problem(
                "warning",
                "weights.misfit",
                f"Not all of '{graph.name}' has weights: {', '.join(random[:3])}{more} begin at "
                "random.",
                "That is right for layers that are to be learnt anew.",
                graph.id,
            )


def _fits(given: Tensor | None, wanted: Tensor) -> bool:
    return given is not None and given.shape == wanted.shape


def hold(document: Document, network: str, tensors: Mapping[str, Tensor], file: str) -> None:
    """Make these the weights of a network: kept in memory until the project is saved.

    `file` is the name that they get beside the project. The document must be open for edits.
    """
    data = save(
        {key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}
    )
    entry = weights.Entry(network, file, weights.digest(data))
    document.beside.held[entry.sha256] = data
    _name(document, entry)


def rename(document: Document, network: str, file: str) -> None:
    """Give the weights of a network another name for their file."""
    entry = weights.entry_of(document, network)
    if isinstance(entry, weights.Entry):
        _name(document, weights.Entry(network, file, entry.sha256))


def _name(document: Document, entry: weights.Entry) -> None:
    named = {**document.project.weights, entry.network: entry.to_json()}
    edits.set_project(History(document), weights=named)

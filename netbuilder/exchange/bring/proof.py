"""Does the drawing compute what the original computes? Both are asked, on the same inputs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from netbuilder.compiler import build
from netbuilder.errors import NetbuilderError
from netbuilder.exchange import departing, verify
from netbuilder.exchange.bring import stepping
from netbuilder.exchange.bring.program import Program
from netbuilder.exchange.bring.writing import NETWORK, free_sizes
from netbuilder.exchange.watched import Progress, Tell, nobody
from netbuilder.graph.document import Document

TOLERANCE = 1e-5
SEED = 20

Trial = tuple[str, tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True)
class Reference:
    """The original: `run` gives its tensors for inputs, `trials` are what to ask it.

    `training` is the mode in which it is compared; a trial in that mode gets a fresh copy.
    `tolerance` is the relative error up to which both are the same. `marked` gives what the
    original rounds to on its way, by the paths of its parts; see `stepping`. Of the trials in
    `blind` only that is compared for which the original gives numbers.
    """

    run: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]
    trials: tuple[Trial, ...]
    training: bool = False
    tolerance: float = TOLERANCE
    marked: Callable[[tuple[Tensor, ...]], Mapping[str, Tensor]] | None = None
    blind: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the comparison went."""

    verified: bool
    max_rel_error: float | None
    trials: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """The network as it runs; `weights` are its own tensors after the load.

    `paths` are those that its parts have in the original, by their own.
    """

    module: nn.Module
    weights: Mapping[str, Tensor]
    paths: Mapping[str, str] = field(default_factory=dict)

    def compare(self, reference: Reference, tell: Tell = nobody) -> Verdict:
        """Compare all outputs on all trials."""
        self.module.train(reference.training)
        worst = 0.0
        done: list[str] = []
        trials = (*reference.trials, *reference.blind)
        for number, (text, inputs) in enumerate(trials):
            tell(Progress("Comparing both", number, len(trials)))
            try:
                with torch.no_grad():
                    torch.manual_seed(SEED)
                    expected = reference.run(inputs)
                    marked = reference.marked(inputs) if reference.marked is not None else {}
                    torch.manual_seed(SEED)
                    with stepping.forced(self.module, self.paths, marked) as wrong:
                        found = verify.as_tuple(self.module(*inputs))
            except Exception as error:
                # Whatever a foreign module raises, the answer is that it was not verified.
                note = f"The comparison failed on {text}: {_first(error)}"
                return Verdict(False, None, tuple(done), (note,))
            if wrong:
                note = f"On {text} '{wrong[0]}' rounds to other steps."
                return Verdict(False, None, tuple(done), (note,))
            if number >= len(reference.trials):
                found = _where_numbers(found, expected)
            worst = max(worst, compared(found, expected))
            done.append(text)
            if not worst <= reference.tolerance:
                note = f"On {text} the outputs differ by a relative error of {worst:.2g}."
                return Verdict(False, _finite(worst), tuple(done), (note,))
        return Verdict(bool(done), worst if done else None, tuple(done), ())


def built(
    document: Document, weights: Mapping[str, Tensor], paths: Mapping[str, str] | None = None
) -> Built | Verdict:
    """The network with these weights; why it can't be verified where it can't be built."""
    try:
        module = build.build_network(document, NETWORK)
        return Built(module, load(module, weights), paths or {})
    except (NetbuilderError, RuntimeError) as error:
        return Verdict(False, None, (), (f"The network can't be built: {_first(error)}",))


def compared(found: tuple[Any, ...], expected: tuple[Tensor, ...]) -> float:
    """The largest relative error of all outputs; infinite where their number differs."""
    if len(found) != len(expected):
        return float("inf")
    pairs = zip(found, expected, strict=True)
    errors = (departing.relative_error(_numbers(a), _numbers(b)) for a, b in pairs)
    return max(errors, default=0.0)


def _where_numbers(found: tuple[Any, ...], expected: tuple[Tensor, ...]) -> tuple[Any, ...]:
    """What was found, without numbers where there should be none."""
    if len(found) != len(expected):
        return found
    pairs = zip(found, expected, strict=True)
    return tuple(a if a.shape != b.shape else torch.where(b.isnan(), b, a) for a, b in pairs)


def _numbers(tensor: Tensor) -> Any:
    whole = tensor.detach().cpu()
    return (whole.float() if whole.dtype is torch.bfloat16 else whole).numpy()


def _finite(error: float) -> float | None:
    return error if error < float("inf") else None


def _first(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]


def load(module: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give a network these weights; `RuntimeError` unless every tensor finds its place."""
    state = module.state_dict()
    missing = [key for key in state if key not in weights]
    if missing:
        raise RuntimeError(f"there is no weight for {', '.join(missing[:5])}")
    chosen = {key: weights[key].reshape(state[key].shape) for key in state}
    module.load_state_dict(chosen)
    return chosen


# -- the living module ------------------------------------------------------------------------


def of_module(program: Program, args: tuple[Any, ...], named: dict[str, Any]) -> Reference:
    """A module as the reference, on its example inputs and on a batch of another size."""
    module = program.module
    assert module is not None
    leaves, spec = pytree.tree_flatten((args, named))
    places = [at for at, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]

    def run(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        filled = list(leaves)
        for at, tensor in zip(places, inputs, strict=True):
            filled[at] = tensor
        these, those = pytree.tree_unflatten(filled, spec)
        # Running means move in training: each comparison begins with the module as it is.
        used = copy.deepcopy(module) if module.training else module
        return tensors(used(*these, **those))

    given = tuple(leaves[at] for at in places)
    trials = [("the example inputs", given)]
    axes = batch_axes(program)
    if len(axes) == len(given) and any(axis is not None for axis in axes):
        other = tuple(map(_larger_batch, given, axes))
        size = next(t.shape[a] for t, a in zip(other, axes, strict=True) if a is not None)
        trials.append((f"a batch of {size}", other))
    return Reference(run, tuple(trials), module.training)


def batch_axes(program: Program) -> list[int | None]:
    """For each input the dim along which samples lie; None where there is none."""
    names = free_sizes(program)
    return [
        next(
            (
                at
                for at, size in enumerate(program.types[value].shape)
                if names.get(str(size)) == "N"
            ),
            None,
        )
        for value in program.inputs
    ]


def tensors(result: Any) -> tuple[Tensor, ...]:
    """All tensors of a result, in the order in which PyTorch flattens it."""
    return tuple(leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, Tensor))


def _larger_batch(tensor: Tensor, axis: int | None) -> Tensor:
    if axis is None:
        return tensor
    return torch.cat([tensor.flip(axis), tensor.narrow(axis, 0, 1)], axis)

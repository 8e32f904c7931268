"""What comes out of a loop over time: the types of its steps, and of states a fixed point.

A state that is wired must come back as it went in. One that is not begins with zeros: of
which shape is found by trying, since a cell gives back its state in the right shape whatever
it was given, as long as that can be broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netbuilder.compiler import calls
from netbuilder.compiler.calls import Misfit
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.probe import Types
from netbuilder.layers import dims
from netbuilder.layers.base import Complaint, TensorType
from netbuilder.layers.blocks import Loop, Turns
from netbuilder.layers.checks import set_to
from netbuilder.layers.dims import Dim

ROUNDS = 3
"""A cell gives back its state's own shape after the first round, or not at all."""
FLOAT = "float32"


@dataclass(frozen=True, slots=True)
class Rounds:
    """What is known of a loop: of one step inside, and what comes out if that is known."""

    inside: Inference
    outputs: Types | None
    complaint: Complaint | None = None


def run(loop: Loop, turns: Turns, inputs: Types, infer: Callable[[Types], Inference]) -> Rounds:
    """The types of a loop with these inputs; `infer` looks into the block with given types.

    `Misfit` for sequences that can't be cut.
    """
    length = _length(loop, turns, inputs)
    given = {k: _step(t, loop.dim) if k in turns.sequences else t for k, t in inputs.items()}
    rounds = _settled(loop, turns, given, length, infer)
    wired = [state for state in turns.states if state in given]
    if rounds.outputs is not None or not wired:
        return rounds
    # What the state should be says more than what goes wrong inside with what it is.
    rest = {name: tensor for name, tensor in given.items() if name not in wired}
    other = _settled(loop, turns, rest, length, infer)
    found = calls.input_types(other.inside) if other.outputs is not None else {}
    for state in wired:
        if state in found and _plain(found[state]) != _plain(given[state]):
            complaint = _changed(state, turns.states[state], given[state], found[state])
            return Rounds(other.inside, None, complaint)
    return rounds


def _settled(
    loop: Loop, turns: Turns, given: Types, length: Dim, infer: Callable[[Types], Inference]
) -> Rounds:
    """One step with the states as they come back; `given` are types of one step."""
    free = [state for state in turns.states if state not in given]
    for guess in _guesses(given) if free else [None]:
        start = {} if guess is None else dict.fromkeys(free, guess)
        for _ in range(ROUNDS):
            inside = infer({**given, **start})
            after = calls.outputs_of(inside)
            broken = any(problem.severity == "error" for problem in inside.problems)
            if after is None or broken:
                break
            again = {state: _plain(after[turns.states[state]]) for state in turns.states}
            if all(again[state] == _plain(start[state]) for state in free):
                return _finished(loop, turns, given, inside, after, length)
            start = {state: again[state] for state in free}
        if guess is None:
            return Rounds(inside, None)
    # What is wrong with a guess is not wrong with the block.
    return Rounds(infer(given), None, _unknown(free))


def _finished(
    loop: Loop,
    turns: Turns,
    given: Types,
    inside: Inference,
    after: Types,
    length: Dim,
) -> Rounds:
    for state, output in turns.states.items():
        if state in given and _plain(given[state]) != _plain(after[output]):
            return Rounds(inside, None, _changed(state, output, given[state], after[output]))
    for state in turns.states:
        if state not in given and origins(after[turns.states[state]], loop, turns, given) is None:
            return Rounds(inside, None, _unknown([state]))
    outputs = {port: _whole(after[name], loop.dim, length) for port, name in turns.stacked.items()}
    outputs |= {port: _plain(after[name]) for port, name in turns.last.items()}
    for port, name in turns.stacked.items():
        if not -after[name].rank - 1 <= loop.dim <= after[name].rank:
            return Rounds(inside, None, _no_place(loop, port, after[name]))
    return Rounds(inside, outputs)


def origins(
    tensor: TensorType, loop: Loop, turns: Turns, given: Types
) -> list[tuple[str, int] | int] | None:
    """Where the sizes of zeros come from: numbers, or an input of the block and its dim.

    `given` are types of one step. None if a size is nowhere among them.
    """
    found: list[tuple[str, int] | int] = []
    for dim in tensor.shape:
        if isinstance(dim, int):
            found.append(dim)
            continue
        place = next(_places(dim, turns, given), None)
        if place is None:
            return None
        found.append(place)
    return found


def _places(dim: Dim, turns: Turns, given: Types) -> Iterator[tuple[str, int]]:
    for name in (*turns.sequences, *turns.constants, *turns.states):
        if name in given:
            for at, other in enumerate(given[name].shape):
                if other == dim:
                    yield name, at


def _guesses(given: Types) -> Iterator[TensorType]:
    """Shapes that a state may begin with: that of a step, and ones that can be broadcast."""
    shapes = [t.shape for t in given.values() if t.floating] or [t.shape for t in given.values()]
    seen: set[tuple[Dim, ...]] = set()
    for shape in shapes:
        head, rest = shape[:1], shape[1:]
        ones = (1,) * len(rest)
        for guess in (shape, (*head, *ones[:1], *rest[1:]), (*head, *ones), (*head, 1)):
            if guess not in seen:
                seen.add(guess)
                yield TensorType(guess, FLOAT)


def _length(loop: Loop, turns: Turns, inputs: Types) -> Dim:
    """How many steps there are."""
    found: dict[str, Dim] = {}
    for name in turns.sequences:
        tensor = inputs[name]
        if not -tensor.rank <= loop.dim < tensor.rank:
            raise Misfit(
                Complaint(
                    f"The loop runs along dim {loop.dim}, and '{name}' is {tensor}.",
                    "Change dim, or name the input in constants if it is no sequence.",
                    name,
                    code="loop.sequence",
                    fixes=(set_to("constants", (*loop.constants, name)),),
                )
            )
        found[name] = tensor.shape[loop.dim]
    if not found:
        return loop.steps or 1
    first, length = next(iter(found.items()))
    for name, other in found.items():
        if other != length:
            raise Misfit(
                Complaint(
                    f"The sequences have different lengths along dim {loop.dim}: '{first}' "
                    f"{dims.text([length])}, '{name}' {dims.text([other])}.",
                    "Make them equally long, or name what is no sequence in constants.",
                    name,
                    code="loop.sequence",
                    fixes=(set_to("constants", (*loop.constants, name)),),
                )
            )
    return length


def _step(tensor: TensorType, dim: int) -> TensorType:
    """One step of a sequence."""
    shape = list(tensor.shape)
    del shape[dim]
    return TensorType(tuple(shape), tensor.dtype, tensor.high)


def _whole(tensor: TensorType, dim: int, length: Dim) -> TensorType:
    """Steps stacked along a dim."""
    shape = list(tensor.shape)
    shape.insert(dim if dim >= 0 else len(shape) + 1 + dim, length)
    return TensorType(tuple(shape), tensor.dtype, tensor.high)


def _plain(tensor: TensorType) -> TensorType:
    return TensorType(tensor.shape, tensor.dtype)


def _changed(state: str, output: str, before: TensorType, after: TensorType) -> Complaint:
    was, now = f"{before}", f"{after}"
    if was == now:
        was, now = f"{before} {before.dtype}", f"{after} {after.dtype}"
    return Complaint(
        f"The state '{state}' changes its shape from {was} to {now} in a step.",
        f"What comes out as '{output}' goes into the next step: give both the same shape.",
        state,
        code="loop.state",
    )


def _unknown(states: list[str]) -> Complaint:
    names = ", ".join(f"'{state}'" for state in states)
    return Complaint(
        f"With which shape {names} begins can't be told.",
        "Wire what the state is before the first step, or check the block inside.",
        states[0] if states else "",
        code="loop.state",
    )


def _no_place(loop: Loop, port: str, tensor: TensorType) -> Complaint:
    return Complaint(
        f"The steps of '{port}' are {tensor}: they can't be stacked along dim {loop.dim}.",
        "Change dim, or give the output more dims inside the block.",
        code="loop.sequence",
    )

"""Complaints that many layers share, in the words a person needs.

Each function yields at most one complaint; `first_of` strings several together so that
one mistake is told once and not in all its consequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from netbuilder.errors import Fix
from netbuilder.graph.model import Json
from netbuilder.layers import dims
from netbuilder.layers.base import Complaint, Layer, TensorType, Types
from netbuilder.layers.dims import Dim

BATCH = dims.symbol("N")
"""The leading size of everything that a network's Input declares as batched."""


def first_of(*groups: Iterable[Complaint]) -> Iterator[Complaint]:
    """The complaints of the first group that has any."""
    for group in groups:
        found = list(group)
        if found:
            yield from found
            return


def size_at(inputs: Types, port: str, dim: int) -> int | None:
    """The known constant size at `dim` of `port`, else None."""
    tensor = inputs.get(port)
    if tensor is None or not -tensor.rank <= dim < tensor.rank:
        return None
    size = tensor.shape[dim]
    return size if isinstance(size, int) else None


def differ(left: Dim, right: Dim) -> bool:
    """Whether two sizes are not the same for all values of their symbols, as far as is known.

    Formulas with rounded divisions may be equal without looking so, and get the benefit of
    the doubt: PyTorch has the last word.
    """
    if isinstance(left, int) or isinstance(right, int):
        return left != right
    difference = left - right
    if isinstance(difference, int):
        return difference != 0
    atoms = (atom for monomial, _ in difference.terms for atom in monomial)
    return all(isinstance(atom, str) for atom in atoms)


def spread(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    """A size for each of `count` dims: PyTorch takes one number for all of them."""
    return value if isinstance(value, tuple) else (value,) * count


def insert(title: str, port: str, layer: str, **params: Json) -> Fix:
    """A fix that puts a layer into the wire that feeds `port`."""
    return Fix(title, "insert_before", {"port": port, "layer": layer, "params": params})


def cast(port: str, dtype: str) -> Fix:
    """A fix that converts what comes in at `port`."""
    return insert(f"Convert to {dtype}", port, "torch.Tensor.to", dtype=dtype)


def set_to(name: str, value: Json) -> Fix:
    """A fix that sets one parameter."""
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return Fix(f"Set {name} to {shown}", "set_parameter", {"name": name, "value": value})


def empty(name: str) -> Fix:
    """A fix that lets a parameter have its default, which is none."""
    return Fix(f"Leave {name} empty", "unset_parameter", {"name": name})


def leave_out(name: str) -> Fix:
    """A fix that lets one parameter be taken from the input."""
    return Fix(f"Take {name} from the input", "unset_parameter", {"name": name})


def bad_parameter(message: str, hint: str, *fixes: Fix) -> Complaint:
    """Parameters that don't fit each other, whatever comes in."""
    return Complaint(message, hint, code="parameter.invalid", fixes=fixes)


def check_size(
    layer: Layer, parameter: str, unit: str, inputs: Types, port: str, dim: int
) -> Iterator[Complaint]:
    """Complains if the size at `dim` of `port` is not the layer's `parameter`."""
    tensor = inputs.get(port)
    expected = getattr(layer, parameter)
    if tensor is None or expected is None or not -tensor.rank <= dim < tensor.rank:
        return
    found = tensor.shape[dim]
    if found == expected:
        return
    fixes = [leave_out(parameter)]
    hint = f"Leave {parameter} empty to take it from the input, or change what comes in."
    flat = dims.product(tensor.shape[1:])
    if flat == expected and tensor.rank > 2:
        fixes.insert(0, insert("Insert Flatten", port, "torch.nn.Flatten"))
        hint = f"Flatten the {tensor} input to N×{flat}, or leave {parameter} empty."
    elif dim == 1 and tensor.rank == 4 and tensor.shape[3] == expected:
        hint = f"The channels of {tensor} come last: permute it to N×C×H×W."
        fixes.insert(0, insert("Permute to N×C×H×W", port, "torch.permute", dims=(0, 3, 1, 2)))
    elif not isinstance(found, int):
        hint, fixes = "That size varies. Give the input a fixed size there.", []
    yield Complaint(
        f"{layer.title} expects {expected} {unit}, gets {found}.", hint, port, fixes=tuple(fixes)
    )


def check_rank(
    layer: Layer,
    inputs: Types,
    port: str,
    ranks: Sequence[int],
    layout: str,
    missing_dim: int | None = 1,
) -> Iterator[Complaint]:
    """Complains if `port` has not one of these numbers of dims; `layout` like `N×C×H×W`.

    One dim too few may be mended by an unsqueeze at `missing_dim`, too many by a Flatten
    of the last ones.
    """
    tensor = inputs.get(port)
    if tensor is None or tensor.rank in ranks:
        return
    hint, fixes = "Reshape the input, or use the layer for that number of dims.", []
    if tensor.rank == min(ranks) - 1 and missing_dim is not None:
        hint = f"Put torch.unsqueeze with dim={missing_dim} before it to add the missing dim."
        name = "torch.unsqueeze"
        fixes.append(insert(f"Insert a dim at {missing_dim}", port, name, dim=missing_dim))
    elif tensor.rank > max(ranks):
        start = max(ranks) - 1
        hint = "Put a Flatten before it."
        params = {} if start == 1 else {"start_dim": start}
        fixes.append(insert("Insert Flatten", port, "torch.nn.Flatten", **params))
    yield Complaint(
        f"{layer.title} expects {layout}, gets {tensor} ({tensor.rank} dims).",
        hint,
        port,
        code="shape.rank",
        fixes=tuple(fixes),
    )


def check_batch(inputs: Types, port: str) -> Iterator[Complaint]:
    """Complains if what comes in has no first dim to be the batch."""
    tensor = inputs.get(port)
    if tensor is not None and not tensor.rank:
        yield Complaint(
            f"{port} has no batch: it is a single number.",
            "Connect something with the batch as its first dim.",
            port,
            code="shape.rank",
        )


def check_floating(layer: Layer, inputs: Types, port: str) -> Iterator[Complaint]:
    """Complains if anything but real numbers with a fraction comes."""
    tensor = inputs.get(port)
    if tensor is not None and tensor.dtype.startswith("complex"):
        yield from check_real(layer, inputs, port)
    elif tensor is not None and not tensor.floating:
        hint, fixes = "Put an Embedding before it for ids, or convert to float32.", []
        if tensor.dtype == "uint8":
            hint = "Pictures are bytes from 0 to 255: convert to float32 and divide by 255."
            chain = [
                {"layer": "torch.Tensor.to", "params": {"dtype": "float32"}},
                {"layer": "torch.div", "params": {"other": 255.0}},
            ]
            arguments = {"port": port, "chain": chain}
            fixes.append(Fix("Convert to numbers from 0 to 1", "insert_chain", arguments))
        yield Complaint(
            f"{layer.title} needs floating point numbers, gets {tensor.dtype}.",
            hint,
            port,
            code="dtype.integer",
            fixes=(*fixes, cast(port, "float32")),
        )


def check_real(layer: Layer, inputs: Types, *ports: str) -> Iterator[Complaint]:
    """Complains about complex numbers."""
    for port in ports:
        tensor = inputs.get(port)
        if tensor is not None and tensor.dtype.startswith("complex"):
            yield Complaint(
                f"{layer.title} can't take complex numbers.",
                "Take their magnitude, or make real and imaginary part a last dim of 2.",
                port,
                code="dtype.complex",
                fixes=(
                    insert("Take the magnitude", port, "torch.abs"),
                    insert("Make the parts a dim of 2", port, "torch.view_as_real"),
                ),
            )
            return


def check_numbers(layer: Layer, inputs: Types, *ports: str) -> Iterator[Complaint]:
    """Complains about true and false."""
    for port in ports:
        tensor = inputs.get(port)
        if tensor is not None and tensor.dtype == "bool":
            yield Complaint(
                f"{layer.title} needs numbers, gets true and false.",
                "Convert to float32, or to int64 for counts.",
                port,
                code="dtype.bool",
                fixes=(cast(port, "float32"),),
            )
            return


def check_bool(layer: Layer, inputs: Types, port: str) -> Iterator[Complaint]:
    """Complains if what is no mask comes where a mask is needed."""
    tensor = inputs.get(port)
    if tensor is not None and tensor.dtype != "bool":
        yield Complaint(
            f"{layer.title} needs true and false as {port}, gets {tensor.dtype}.",
            "Compare before it, as torch.gt does, or convert to bool: all but 0 is true.",
            port,
            code="dtype.mask",
            fixes=(cast(port, "bool"),),
        )


def check_index(layer: Layer, inputs: Types, port: str) -> Iterator[Complaint]:
    """Complains if what is no index (int64) comes where one is needed."""
    tensor = inputs.get(port)
    if tensor is not None and tensor.dtype != "int64":
        yield Complaint(
            f"{layer.title} needs whole numbers (int64) as {port}, gets {tensor.dtype}.",
            "Convert it, or set the Input's dtype to int64.",
            port,
            code="dtype.index",
            fixes=(cast(port, "int64"),),
        )


def check_over_batch(layer: Layer, inputs: Types, parameter: str, does: str) -> Iterator[Complaint]:
    """Warns if a parameter names the batch dim: `does` says what becomes of the samples."""
    tensor = inputs.get("input")
    value: Any = getattr(layer, parameter)
    if tensor is None or value is None or tensor.rank < 2:
        return
    if any(at_dim(tensor, dim) == BATCH for dim in _each(value)):
        yield Complaint(
            f"{layer.title} over dim 0 of {tensor} {does}.",
            "Choose another dim: 0 is the batch.",
            "input",
            code="shape.batch",
            severity="warning",
            fixes=(set_to(parameter, -1),) if isinstance(value, int) else (),
        )


def _each(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def check_weights(layer: Layer, inputs: Types, *ports: str) -> Iterator[Complaint]:
    """Complains about anything but float32: what a layer with weights of its own can take."""
    for port in ports or ("input",):
        tensor = inputs.get(port)
        complex_ = tensor is not None and tensor.dtype.startswith("complex")
        if tensor is not None and tensor.floating and tensor.dtype != "float32" and not complex_:
            yield Complaint(
                f"The weights of {layer.title} are float32, {tensor.dtype} comes in.",
                "Set the input's dtype to float32, or convert it.",
                port,
                code="dtype.mismatch",
                fixes=(cast(port, "float32"),),
            )
        else:
            yield from check_floating(layer, inputs, port)


def check_dim(
    layer: Layer, parameter: str, inputs: Types, port: str = "input", extra: int = 0
) -> Iterator[Complaint]:
    """Complains if a parameter names a dim that `port` has not; `extra` dims are new ones."""
    tensor = inputs.get(port)
    value: Any = getattr(layer, parameter)
    if tensor is None or value is None:
        return
    rank = tensor.rank + extra
    for dim in value if isinstance(value, tuple) else (value,):
        if not -rank <= dim < rank:
            yield Complaint(
                f"{layer.title} has {parameter} {dim}, but {tensor} has only {tensor.rank} dims.",
                f"Choose {parameter} from {-rank} to {rank - 1}."
                if rank
                else "Connect something with at least one dim.",
                port,
                code="shape.rank",
                fixes=(set_to(parameter, rank - 1),) if rank > 1 and value == dim else (),
            )
            return


def check_same_dtype(layer: Layer, inputs: Types, left: str, right: str) -> Iterator[Complaint]:
    """Complains if two inputs that must have one dtype have two."""
    a, b = inputs.get(left), inputs.get(right)
    if a is not None and b is not None and a.dtype != b.dtype:
        to, port = (a.dtype, right) if a.floating or not b.floating else (b.dtype, left)
        yield Complaint(
            f"{layer.title} needs one dtype, gets {a.dtype} and {b.dtype}.",
            "Convert one of them.",
            right,
            code="dtype.mismatch",
            fixes=(cast(port, to),),
        )


def check_batch_first(layer: Layer, inputs: Types, port: str) -> Iterator[Complaint]:
    """Warns if the layer takes the batch for time, which runs and learns nothing sensible."""
    tensor = inputs.get(port)
    if tensor is None or not tensor.shape or getattr(layer, "batch_first", True):
        return
    if tensor.shape[0] == BATCH:
        yield Complaint(
            f"{layer.title} takes dim 0 of {tensor}, the batch, for time.",
            "Set batch_first to True: its inputs are then N×T×features.",
            port,
            code="shape.batch_first",
            severity="warning",
            fixes=(set_to("batch_first", True),),
        )


def at_dim(tensor: TensorType, dim: int) -> Dim | None:
    """The size at `dim`, or None if there is no such dim."""
    return tensor.shape[dim] if -tensor.rank <= dim < tensor.rank else None

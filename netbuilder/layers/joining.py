"""Many tensors into one."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Port,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import BATCH, at_dim, check_dim, differ, first_of, set_to


class _Joining(Layer):
    family = Family.ARITHMETIC
    inputs = (Port("tensors", variadic=True),)
    starting = start_with(dim=1)
    keeps_values = ("tensors",)

    dim: Index = 0

    def _tensors(self, inputs: Types) -> list[tuple[str, TensorType]]:
        return [(port, tensor) for port, tensor in inputs.items() if port.startswith("tensors_")]

    def _alike(self, inputs: Types, joined: int | None) -> Iterator[Complaint]:
        """Complains about the first tensor that differs in another dim than `joined`."""
        (_, first), *rest = self._tensors(inputs)
        for port, other in rest:
            if other.rank != first.rank:
                yield Complaint(
                    f"{self.title} can't join {first} and {other}: {first.rank} and {other.rank} "
                    "dims.",
                    "Bring all to the same number of dims.",
                    port,
                    code="shape.rank",
                )
                return
            pairs = zip(first.shape, other.shape, strict=True)
            odd = [(i, a, b) for i, (a, b) in enumerate(pairs) if differ(a, b)]
            wrong = [part for part in odd if joined is None or part[0] != joined % first.rank]
            if wrong:
                i, a, b = wrong[0]
                # Here sizes of which nobody is sure count as different, too.
                unequal = sum(a != b for a, b in zip(first.shape, other.shape, strict=True))
                alone = joined is not None and unequal == 1 and i > 0
                yield Complaint(
                    f"{self.title} can't join {first} and {other}: dim {i} is {a} and {b}.",
                    "All sizes must be equal"
                    + (f" but that of dim {joined}." if joined is not None else "."),
                    port,
                    fixes=(set_to("dim", i),) if alone else (),
                )
                return

    def _range(self, inputs: Types, extra: int) -> Iterator[Complaint]:
        for port, _ in self._tensors(inputs)[:1]:
            yield from check_dim(self, "dim", inputs, port, extra)

    def subtitle(self) -> str:
        return f"dim {self.dim}"


class Cat(_Joining):
    """Puts tensors behind one another along `dim`; all other sizes are equal.

    Dim 1 joins the channels of images or the features of rows, as U-Net and DenseNet do;
    dim 0 is the batch.
    """

    id = "torch.cat"
    title = "cat"
    keywords = "concatenate concat join merge skip connection"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        if not self._tensors(inputs):
            return iter(())
        return first_of(self._range(inputs, 0), self._alike(inputs, self.dim), self._batch(inputs))

    def _batch(self, inputs: Types) -> Iterator[Complaint]:
        tensors = self._tensors(inputs)
        _, first = tensors[0]
        if len(tensors) > 1 and first.rank > 1 and at_dim(first, self.dim) == BATCH:
            yield Complaint(
                f"cat along dim {self.dim} puts the batches behind one another.",
                "Set dim to 1 to join the channels or features of each sample.",
                "tensors_0",
                code="shape.batch",
                severity="warning",
                fixes=(set_to("dim", 1),),
            )


class Stack(_Joining):
    """Puts tensors of one shape side by side along a new dim, which is inserted at `dim`."""

    id = "torch.stack"
    title = "stack"
    keywords = "join new dim merge"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        if not self._tensors(inputs):
            return iter(())
        return first_of(self._range(inputs, 1), self._alike(inputs, None))

"""Numbers in order along a dim."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Port,
    Size,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    at_dim,
    check_dim,
    check_numbers,
    check_over_batch,
    check_real,
    first_of,
    set_to,
)
from netbuilder.layers.extremes import places


class _Along(Layer):
    """Layers with a `dim` along which they compare."""

    family = Family.REDUCTION

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_real(self, inputs, "input"),
            check_numbers(self, inputs, "input") if hasattr(self, "k") else (),
            check_dim(self, "dim", inputs),
            self._enough(inputs),
            check_over_batch(self, inputs, "dim", "compares the samples of a batch"),
        )

    def _enough(self, inputs: Types) -> Iterator[Complaint]:
        tensor, k = inputs.get("input"), getattr(self, "k", 0)
        size = None if tensor is None else at_dim(tensor, self._dim())
        if isinstance(size, int) and k > size:
            yield Complaint(
                f"{self.title} can't take {k} of dim {self._dim()} of {tensor}, which has {size}.",
                f"Set k to {size} or less.",
                "input",
                code="index.range",
                fixes=(set_to("k", size),),
            )

    def onnx_refusal(self) -> str:
        stable = getattr(self, "stable", False)
        return "PyTorch's export has no stable sorting." if stable else ""

    def _dim(self) -> int:
        return int(getattr(self, "dim", -1))

    def bound(self, port: str, inputs: Types) -> int | None:
        return super().bound(port, inputs) if port == "values" else places(inputs, self._dim())


class _Sorting(_Along):
    """They give the values, and the indices where these stood."""

    keeps_values = ("input",)
    outputs = (Port("values"), Port("indices", "Where along the dim they stood (int64)."))

    def targets(self) -> Targets:
        return ("values", "indices")


class TopK(_Sorting):
    """The `k` largest numbers along `dim`, and where they stood: for experts and beams.

    `largest` off takes the smallest, `sorted` off leaves them in any order.
    """

    id = "torch.topk"
    title = "topk"
    keywords = "largest best beam experts routing sparse"
    positional = ("k",)
    starting = start_with(k=1)

    k: Size
    dim: Index = -1
    largest: bool = True
    sorted: bool = True

    def subtitle(self) -> str:
        return f"{self.k} {'largest' if self.largest else 'smallest'}"


class Sort(_Sorting):
    """All numbers along `dim` in rising order, and where they stood.

    `descending` turns the order round, `stable` leaves equal ones in their order.
    """

    id = "torch.sort"
    title = "sort"
    keywords = "order rank ascending descending"

    dim: Index = -1
    descending: bool = False
    stable: bool = False

    def onnx_refusal(self) -> str:
        return "PyTorch's exporter has no form of a stable sort." if self.stable else ""

    def subtitle(self) -> str:
        return f"dim {self.dim}{', descending' if self.descending else ''}"


class Argsort(_Along):
    """The indices that would sort the numbers along `dim`.

    `descending` turns the order round, `stable` leaves equal ones in their order.
    """

    id = "torch.argsort"
    title = "argsort"
    keywords = "order rank permutation indices"

    dim: Index = -1
    descending: bool = False
    stable: bool = False

    def onnx_refusal(self) -> str:
        return "PyTorch's exporter has no form of a stable sort." if self.stable else ""

    def subtitle(self) -> str:
        return f"dim {self.dim}{', descending' if self.descending else ''}"


class KthValue(_Sorting):
    """The `k`-th smallest number along `dim`, counted from 1, and where it stood."""

    id = "torch.kthvalue"
    title = "kthvalue"
    keywords = "quantile smallest rank order statistic"
    positional = ("k",)
    starting = start_with(k=1)

    k: Size
    dim: Index = -1
    keepdim: bool = False

    def subtitle(self) -> str:
        return f"k {self.k}, dim {self.dim}"

    def onnx_refusal(self) -> str:
        return "ONNX has no form of kthvalue."


class CumMax(_Sorting):
    """The largest number so far at each place along `dim`, and where it stands."""

    id = "torch.cummax"
    title = "cummax"
    keywords = "cumulative running maximum"
    positional = ("dim",)
    starting = start_with(dim=1)

    dim: Index

    def subtitle(self) -> str:
        return f"dim {self.dim}"

    def onnx_refusal(self) -> str:
        return "ONNX has no running maximum."

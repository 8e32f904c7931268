"""Numbers chosen and written by indices on a wire."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Port,
    Real,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    at_dim,
    check_dim,
    check_index,
    check_same_dtype,
    differ,
    first_of,
    insert,
)
from netbuilder.layers.operands import Operands, Scalar, broadcast


class _Indexed(Operands):
    """Layers that take indices into the dim `dim` of their input."""

    family = Family.INDEXING
    keeps_values: ClassVar[tuple[str, ...]] = ("input",)
    starting = start_with(dim=1)
    at: ClassVar[str] = "index"
    """The port of the indices."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_index(self, inputs, self.at),
            check_dim(self, "dim", inputs),
            self._range(inputs),
            self.check_fit(inputs),
        )

    def _range(self, inputs: Types) -> Iterator[Complaint]:
        tensor, index, dim = inputs.get("input"), inputs.get(self.at), getattr(self, "dim", None)
        if tensor is None or index is None or index.high is None or dim is None:
            return
        size = at_dim(tensor, dim)
        if isinstance(size, int) and index.high > size:
            yield Complaint(
                f"Indices up to {index.high - 1} come in, dim {dim} of {tensor} has {size}.",
                "Choose the dim that they count.",
                self.at,
                code="index.range",
            )

    def check_fit(self, inputs: Types) -> Iterator[Complaint]:
        """What is wrong with the shapes."""
        return iter(())

    def subtitle(self) -> str:
        dim = getattr(self, "dim", None)
        return "" if dim is None else f"dim {dim}"


class IndexSelect(_Indexed):
    """The slices of a dim that a vector of indices names, in its order.

    The same indices for all samples; for different ones use gather.
    """

    id = "torch.index_select"
    title = "index select"
    keywords = "choose rows columns permutation lookup"
    inputs = (Port("input"), Port("index", "A vector of int64."))

    dim: Index

    def check_fit(self, inputs: Types) -> Iterator[Complaint]:
        index = inputs.get("index")
        if index is not None and index.rank > 1:
            yield Complaint(
                f"index select takes a vector of indices, gets {index}.",
                "Use gather for indices that differ from sample to sample.",
                "index",
                code="shape.rank",
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        dim = code.const(self.arguments()["dim"])
        return code.call(self.id, inputs["input"], dim, inputs["index"])


class _SameRank(_Indexed):
    """Index and input have as many dims, and the index is nowhere larger but along `dim`."""

    def check_fit(self, inputs: Types) -> Iterator[Complaint]:
        index = inputs.get(self.at)
        if index is None:
            return
        tensor = inputs.get("input")
        if tensor is not None and tensor.rank != index.rank:
            yield self._ranks(tensor, index)
        elif tensor is not None:
            yield from self._sizes(tensor, index)

    def _ranks(self, tensor: TensorType, index: TensorType) -> Complaint:
        one = insert("Add a dim to the indices", self.at, "torch.unsqueeze", dim=-1)
        return Complaint(
            f"{self.title} gets {tensor} and indices {index}: both need as many dims.",
            "Add dims of 1 to the indices and expand them, or use index select for a vector.",
            self.at,
            code="shape.rank",
            fixes=(one,) if tensor.rank == index.rank + 1 else (),
        )

    def _sizes(self, tensor: TensorType, index: TensorType) -> Iterator[Complaint]:
        along = getattr(self, "dim", 0) % tensor.rank if tensor.rank else 0
        for i, (have, wanted) in enumerate(zip(tensor.shape, index.shape, strict=True)):
            both = isinstance(have, int) and isinstance(wanted, int)
            if i != along and (wanted > have if both else differ(have, wanted)):  # type: ignore[operator]
                yield Complaint(
                    f"{self.title} gets {tensor} and indices {index}: dim {i} is {have} and "
                    f"{wanted}.",
                    f"The indices may be no larger than {have} there.",
                    self.at,
                )
                return


class Gather(_SameRank):
    """Along `dim`, the number at each index: the score of the right class, for example.

    The index has as many dims as the input, and the result has its shape.
    """

    id = "torch.gather"
    title = "gather"
    keywords = "pick lookup index per sample action value"
    inputs = (Port("input"), Port("index", "int64, as many dims as the input."))

    dim: Index

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        dim = code.const(self.arguments()["dim"])
        return code.call(self.id, inputs["input"], dim, inputs["index"])


class TakeAlongDim(_Indexed):
    """Along `dim`, the number at each index, as argsort and topk give them.

    As gather, but sizes of 1 are stretched.
    """

    id = "torch.take_along_dim"
    title = "take along dim"
    keywords = "gather sorted pick index broadcast"
    in_pt2 = False
    inputs = (Port("input"), Port("indices", "int64, as many dims as the input."))
    at = "indices"

    dim: Index

    def check_fit(self, inputs: Types) -> Iterator[Complaint]:
        tensor, index = inputs.get("input"), inputs.get("indices")
        if tensor is None or index is None:
            return
        if tensor.rank != index.rank:
            yield Complaint(
                f"take along dim gets {tensor} and indices {index}: both need as many dims.",
                "Add dims of 1 to the smaller one.",
                "indices",
                code="shape.rank",
            )
            return
        at = self.dim % tensor.rank
        rests = [(*t.shape[:at], *t.shape[at + 1 :]) for t in (tensor, index)]
        if broadcast(*rests)[1] is not None:
            yield Complaint(
                f"take along dim gets {tensor} and indices {index}.",
                f"All dims but {self.dim} must be equal, or 1.",
                "indices",
            )

    def onnx_refusal(self) -> str:
        return "PyTorch's export of take_along_dim fits one batch size only: use gather."

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        dim = code.const(self.arguments()["dim"])
        return code.call(self.id, *inputs.values(), dim)


class _Writing(_SameRank):
    """Layers that write `src` into a copy of their input, or add it."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_same_dtype(self, inputs, "input", "src"),
            super().complaints(inputs),
            self._source(inputs),
        )

    def _source(self, inputs: Types) -> Iterator[Complaint]:
        index, src = inputs.get("index"), inputs.get("src")
        if index is None or src is None:
            return
        pairs = zip(index.shape, src.shape, strict=False)
        if index.rank != src.rank or any(differ(a, b) for a, b in pairs):
            yield Complaint(
                f"{self.title} gets src {src} and indices {index}.",
                "Both must have the same shape: the gradient needs an index for each number.",
                "index",
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        given = self.arguments()
        tensor, *rest = self.operands(inputs)
        named = {k: code.const(v) for k, v in given.items() if k not in ("dim", "src")}
        return code.call(self.id, tensor, code.const(given["dim"]), *rest, **named)


class Scatter(_Writing):
    """A copy of the input into which `src` is written at the indices along `dim`.

    `src` may be a number instead of a wire: 1 at the indices marks what topk chose.
    """

    id = "torch.scatter"
    title = "scatter"
    keywords = "write put index assign mask topk"
    inputs = (
        Port("input"),
        Port("index", "int64, as many dims as the input."),
        Port("src", "A tensor; or set the parameter `src`."),
    )
    starting = start_with(dim=1)

    dim: Index
    src: Scalar | None = None

    def bound(self, port: str, inputs: Types) -> int | None:
        if self.src is None:
            highs = [inputs[name].high for name in ("input", "src") if name in inputs]
            return max(known) if len(known := [h for h in highs if h is not None]) == 2 else None
        high = super().bound(port, inputs)
        whole = isinstance(self.src, int) and self.src >= 0
        return max(high, int(self.src) + 1) if high is not None and whole else None


class ScatterAdd(_Writing):
    """A copy of the input to which `src` is added at the indices along `dim`.

    Where several go to one place they add up: counts, histograms, sums by group.
    """

    id = "torch.scatter_add"
    title = "scatter add"
    keywords = "sum by group histogram accumulate pooling"
    inputs = (Port("input"), Port("index", "int64, as many dims as the input."), Port("src"))
    keeps_values = ()

    dim: Index


class ScatterReduce(_Writing):
    """A copy of the input in which `src` is joined to what stands at the indices along `dim`.

    `reduce` says how: the sum, the product, the mean, the largest or the smallest number.
    Without `include_self` only numbers of src are joined, where there are any.
    """

    id = "torch.scatter_reduce"
    title = "scatter reduce"
    keywords = "maximum minimum mean product by group segment pooling"
    inputs = (Port("input"), Port("index", "int64, as many dims as the input."), Port("src"))
    keeps_values = ()
    starting = start_with(dim=1, reduce="amax")

    dim: Index
    reduce: Literal["sum", "prod", "mean", "amax", "amin"]
    include_self: bool = True

    def saves_output(self) -> bool:
        return True

    def onnx_refusal(self) -> str:
        return "ONNX has no means by index." if self.reduce == "mean" else ""


class IndexAdd(_Indexed):
    """A copy of the input to whose slices along `dim` those of `source` are added.

    `index` is a vector: which slice each goes to. Slices are scaled by `alpha`.
    """

    id = "torch.index_add"
    title = "index add"
    keywords = "sum by group segment accumulate graph pooling"
    inputs = (Port("input"), Port("index", "A vector of int64."), Port("source"))
    keeps_values = ()
    starting = start_with(dim=0)

    dim: Index
    alpha: Real = 1.0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_same_dtype(self, inputs, "input", "source"), super().complaints(inputs)
        )

    def check_fit(self, inputs: Types) -> Iterator[Complaint]:
        index, source = inputs.get("index"), inputs.get("source")
        if index is not None and index.rank > 1:
            yield Complaint(
                f"index add takes a vector of indices, gets {index}.",
                "Use scatter add for indices that differ from place to place.",
                "index",
                code="shape.rank",
            )
        elif index is not None and source is not None and index.rank:
            count = at_dim(source, self.dim)
            if count is not None and differ(count, index.shape[0]):
                yield Complaint(
                    f"{index.shape[0]} indices come in for {count} slices of {source}.",
                    "Each slice along the dim needs an index.",
                    "index",
                )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        given = self.arguments()
        tensor, index, source = inputs.values()
        named = {"alpha": code.const(given["alpha"])} if "alpha" in given else {}
        return code.call(self.id, tensor, code.const(given["dim"]), index, source, **named)

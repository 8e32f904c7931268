"""Fully connected layers and look-up tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from netbuilder.errors import Fix
from netbuilder.graph.model import Json
from netbuilder.layers import dims
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Inferred,
    Layer,
    Port,
    Positive,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    cast,
    check_rank,
    check_size,
    check_weights,
    differ,
    first_of,
    insert,
    leave_out,
    set_to,
    size_at,
)


class Identity(Layer):
    """Passes on what comes in, unchanged: a place to give a value a name."""

    id = "torch.nn.Identity"
    title = "Identity"
    family = Family.LINEAR
    keywords = "pass through noop rename"
    is_view = True
    keeps_values = ("input",)


class Linear(Layer):
    """Fully connected layer: y = x·Wᵀ + b over the last dim of its input.

    `out_features` is the size of the result, `in_features` follows from the input.
    An image or a sequence is first made one row of numbers by a Flatten.
    """

    id = "torch.nn.Linear"
    title = "Linear"
    family = Family.LINEAR
    keywords = "dense fully connected fc affine projection head mlp"
    positional = ("in_features", "out_features")
    starting = start_with(out_features=64)
    summary_fields = ("out_features",)

    in_features: Inferred = None
    out_features: Size
    bias: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", -1)
        return {} if size is None else {"in_features": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._scalar(inputs),
            check_weights(self, inputs),
            check_size(self, "in_features", "features", inputs, "input", -1),
            self._unflattened(inputs),
        )

    def _scalar(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and tensor.rank == 0:
            yield Complaint(
                "Linear expects N×features, gets a single number.",
                "Connect something with at least one dim.",
                "input",
                code="shape.rank",
            )

    def _unflattened(self, inputs: Types) -> Iterator[Complaint]:
        """Images straight into Linear run, on their last dim alone. Channels-last is fine."""
        tensor = inputs.get("input")
        if tensor is None or tensor.rank != 4:
            return
        channels, width = tensor.shape[1], tensor.shape[3]
        if not isinstance(channels, int) or not isinstance(width, int):
            return
        if channels > width or channels in (1, 3):
            flat = dims.product(tensor.shape[1:])
            yield Complaint(
                f"Linear works on the last dim of {tensor} only ({width} numbers).",
                f"Put a Flatten before it to use all {flat} numbers of a sample.",
                "input",
                severity="warning",
                fixes=(insert("Insert Flatten", "input", "torch.nn.Flatten"),),
            )

    def subtitle(self) -> str:
        if self.in_features is None:
            return str(self.out_features)
        return f"{self.in_features} → {self.out_features}"


class Bilinear(Layer):
    """Combines two inputs: y = x₁ᵀ·A·x₂ + b, a matrix A for each output feature.

    Both inputs have the same dims but the last. `out_features` is the size of the result.
    """

    id = "torch.nn.Bilinear"
    title = "Bilinear"
    family = Family.LINEAR
    keywords = "pair interaction two inputs"
    inputs = (Port("input1"), Port("input2"))
    positional = ("in1_features", "in2_features", "out_features")
    starting = start_with(out_features=64)
    summary_fields = ("out_features",)

    in1_features: Inferred = None
    in2_features: Inferred = None
    out_features: Size
    bias: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        sizes = {f"in{i}_features": size_at(inputs, f"input{i}", -1) for i in (1, 2)}
        return {name: size for name, size in sizes.items() if size is not None}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_weights(self, inputs, "input1", "input2"),
            self._other_dims(inputs),
            (
                *check_size(self, "in1_features", "features", inputs, "input1", -1),
                *check_size(self, "in2_features", "features", inputs, "input2", -1),
            ),
        )

    def _other_dims(self, inputs: Types) -> Iterator[Complaint]:
        one, two = inputs.get("input1"), inputs.get("input2")
        if one is None or two is None:
            return
        pairs = zip(one.shape[:-1], two.shape[:-1], strict=False)
        if one.rank == 0 or one.rank != two.rank or any(differ(a, b) for a, b in pairs):
            yield Complaint(
                f"Bilinear gets {one} and {two}: all dims but the last must be equal.",
                "Bring both to the same number of rows.",
                "input2",
            )


class _Table(Layer):
    """What Embedding and EmbeddingBag share: rows that are looked up by ids."""

    family = Family.LINEAR
    positional = ("num_embeddings", "embedding_dim")
    starting = start_with(embedding_dim=64)

    num_embeddings: Inferred = None
    embedding_dim: Size

    def infer(self, inputs: Types) -> dict[str, Json]:
        ids = inputs.get("input")
        return {} if ids is None or ids.high is None else {"num_embeddings": ids.high}

    def _padding(self, padding: int | None) -> Iterator[Complaint]:
        rows = self.num_embeddings
        if rows is not None and padding is not None and not -rows <= padding < rows:
            yield bad_parameter(
                f"padding_idx is {padding}, but there are only {rows} rows.",
                f"Choose padding_idx from 0 to {rows - 1}, or leave it empty.",
                Fix("Leave padding_idx empty", "unset_parameter", {"name": "padding_idx"}),
            )

    def _ids(self, inputs: Types) -> Iterator[Complaint]:
        ids, rows = inputs.get("input"), self.num_embeddings
        if ids is None:
            return
        if ids.dtype not in ("int64", "int32"):
            yield Complaint(
                f"{self.title} looks rows up by ids (int64), gets {ids.dtype}.",
                "Set the Input's dtype to int64. Numbers that are no ids go into a Linear.",
                "input",
                code="dtype.float",
            )
        elif rows is not None and ids.high is not None and ids.high > rows:
            yield Complaint(
                f"Ids up to {ids.high - 1} come in, but {self.title} has only {rows} rows.",
                f"Set num_embeddings to {ids.high}, or leave it empty.",
                "input",
                code="ids.range",
                fixes=(leave_out("num_embeddings"), set_to("num_embeddings", ids.high)),
            )

    def subtitle(self) -> str:
        if self.num_embeddings is None:
            return str(self.embedding_dim)
        return f"{self.num_embeddings}×{self.embedding_dim}"


class Embedding(_Table):
    """A table of vectors, looked up by ids: a row of `embedding_dim` numbers for each id.

    `num_embeddings` is the number of rows (words, users, ...); it is taken from the
    input if that says how many ids there are. `padding_idx`: the id of padding, whose row
    stays zero. Ids are integers: the input's dtype is int64.
    """

    id = "torch.nn.Embedding"
    title = "Embedding"
    keywords = "lookup table words tokens ids vocabulary categorical"

    padding_idx: Index | None = None
    max_norm: Positive | None = None
    norm_type: Positive = 2.0
    scale_grad_by_freq: bool = False
    sparse: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        yield from self._padding(self.padding_idx)
        yield from self._ids(inputs)


class EmbeddingBag(_Table):
    """Looks up the rows of several ids at once and gives their mean, sum or maximum.

    `input` is N×ids, every row a bag of the same size; or one long row of ids with
    `offsets`, where each bag begins. The result is N×embedding_dim. `per_sample_weights`
    has a weight for each id, for mode 'sum'. `include_last_offset`: the last offset is the
    end of the last bag. Ids equal to `padding_idx` don't count.
    """

    id = "torch.nn.EmbeddingBag"
    title = "EmbeddingBag"
    keywords = "lookup table words tokens ids bag of words mean pooling text"
    inputs = (
        Port("input"),
        Port("offsets", "Where each bag begins, if the ids are one long row.", optional=True),
        Port("per_sample_weights", "A weight for each id, with mode 'sum'.", optional=True),
    )

    max_norm: Positive | None = None
    norm_type: Positive = 2.0
    scale_grad_by_freq: bool = False
    mode: Literal["sum", "mean", "max"] = "mean"
    sparse: bool = False
    include_last_offset: bool = False
    padding_idx: Index | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._padding(self.padding_idx),
            self._maximum(),
            self._ids(inputs),
            check_rank(self, inputs, "input", (1, 2), "N×ids, or ids with offsets"),
            self._offsets(inputs),
            check_weights(self, inputs, "per_sample_weights"),
            self._weights(inputs),
        )

    def _maximum(self) -> Iterator[Complaint]:
        for name in ("scale_grad_by_freq", "sparse"):
            if self.mode == "max" and getattr(self, name):
                yield bad_parameter(
                    f"{name} is not possible with mode 'max'.",
                    f"Set {name} to False, or use mode 'mean' or 'sum'.",
                    set_to(name, False),
                )

    def _offsets(self, inputs: Types) -> Iterator[Complaint]:
        ids, offsets = inputs.get("input"), inputs.get("offsets")
        if ids is None:
            return
        if offsets is None:
            if ids.rank == 1:
                yield Complaint(
                    f"EmbeddingBag gets one row of ids ({ids}) and not where each bag begins.",
                    "Connect offsets, or give it N×ids.",
                    "input",
                    code="port.unwired",
                )
        elif ids.rank == 2:
            yield Complaint(
                f"The rows of {ids} are the bags already: offsets have no place.",
                "Remove the wire to offsets, or give the ids as one long row.",
                "offsets",
            )
        elif offsets.rank != 1:
            yield Complaint(
                f"offsets must have one dim, a number for each bag, gets {offsets}.",
                "Give it the place of the first id of each bag.",
                "offsets",
                code="shape.rank",
            )
        elif offsets.dtype != ids.dtype:
            yield Complaint(
                f"The ids are {ids.dtype} and offsets {offsets.dtype}: they must be alike.",
                "Convert offsets.",
                "offsets",
                code="dtype.mismatch",
                fixes=(cast("offsets", ids.dtype),),
            )

    def _weights(self, inputs: Types) -> Iterator[Complaint]:
        ids, weights = inputs.get("input"), inputs.get("per_sample_weights")
        if ids is None or weights is None:
            return
        if self.mode != "sum":
            yield Complaint(
                f"per_sample_weights go with mode 'sum' only, the mode is '{self.mode}'.",
                "Set mode to 'sum', or remove the wire.",
                "per_sample_weights",
                code="parameter.invalid",
                fixes=(set_to("mode", "sum"),),
            )
        elif ids.rank != weights.rank or any(map(differ, ids.shape, weights.shape)):
            yield Complaint(
                f"per_sample_weights are {weights}, but the ids are {ids}.",
                "Give one weight for each id.",
                "per_sample_weights",
            )

    def subtitle(self) -> str:
        return f"{super().subtitle()} {self.mode}"

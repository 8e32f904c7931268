"""Fully connected layers and look-up tables."""

from __future__ import annotations

from collections.abc import Iterator

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


class Embedding(Layer):
    """A table of vectors, looked up by ids: a row of `embedding_dim` numbers for each id.

    `num_embeddings` is the number of rows (words, users, ...); it is taken from the
    input if that says how many ids there are. `padding_idx`: the id of padding, whose row
    stays zero. Ids are integers: the input's dtype is int64.
    """

    id = "torch.nn.Embedding"
    title = "Embedding"
    family = Family.LINEAR
    keywords = "lookup table words tokens ids vocabulary categorical"
    positional = ("num_embeddings", "embedding_dim")
    starting = start_with(embedding_dim=64)

    num_embeddings: Inferred = None
    embedding_dim: Size
    padding_idx: Index | None = None
    max_norm: Positive | None = None
    norm_type: Positive = 2.0
    scale_grad_by_freq: bool = False
    sparse: bool = False

    def infer(self, inputs: Types) -> dict[str, Json]:
        ids = inputs.get("input")
        return {} if ids is None or ids.high is None else {"num_embeddings": ids.high}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        rows, padding = self.num_embeddings, self.padding_idx
        if rows is not None and padding is not None and not -rows <= padding < rows:
            yield bad_parameter(
                f"padding_idx is {padding}, but there are only {rows} rows.",
                f"Choose padding_idx from 0 to {rows - 1}, or leave it empty.",
                Fix("Leave padding_idx empty", "unset_parameter", {"name": "padding_idx"}),
            )
        ids = inputs.get("input")
        if ids is None:
            return
        if ids.dtype not in ("int64", "int32"):
            yield Complaint(
                f"Embedding looks rows up by ids (int64), gets {ids.dtype}.",
                "Set the Input's dtype to int64. Numbers that are no ids go into a Linear.",
                "input",
                code="dtype.float",
            )
        elif rows is not None and ids.high is not None and ids.high > rows:
            yield Complaint(
                f"Ids up to {ids.high - 1} come in, but Embedding has only {rows} rows.",
                f"Set num_embeddings to {ids.high}, or leave it empty.",
                "input",
                code="ids.range",
                fixes=(leave_out("num_embeddings"), set_to("num_embeddings", ids.high)),
            )

    def subtitle(self) -> str:
        if self.num_embeddings is None:
            return str(self.embedding_dim)
        return f"{self.num_embeddings}×{self.embedding_dim}"

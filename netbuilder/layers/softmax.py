"""Functions along a dim: softmax and its kin, and gates."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.activation import Activation, SavesOutput
from netbuilder.layers.base import Complaint, Index, Types, start_with
from netbuilder.layers.checks import BATCH, at_dim, check_dim, check_rank, first_of, set_to
from netbuilder.layers.windows import LAYOUTS


class _Softmax(SavesOutput):
    dim: Index | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._chosen(),
            super().complaints(inputs),
            check_dim(self, "dim", inputs),
            self._over_batch(inputs),
        )

    def _chosen(self) -> Iterator[Complaint]:
        if self.dim is None:
            yield Complaint(
                f"{self.title} has no dim: PyTorch would guess one, and warn.",
                "Set dim: -1 for the last one, 1 for the channels of an image.",
                code="parameter.missing",
                fixes=(set_to("dim", -1), set_to("dim", 1)),
            )

    def _over_batch(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and self.dim is not None and at_dim(tensor, self.dim) == BATCH:
            yield Complaint(
                f"{self.title} over dim {self.dim} of {tensor} mixes the samples of a batch.",
                "Use dim -1, or 1 for the channels of an image.",
                "input",
                code="shape.batch",
                severity="warning",
                fixes=(set_to("dim", -1),) if tensor.rank > 1 else (),
            )

    def subtitle(self) -> str:
        return "" if self.dim is None else f"dim {self.dim}"


class Softmax(_Softmax):
    """Turns numbers into probabilities that add up to 1 along `dim`.

    CrossEntropyLoss does this itself: a network that is trained with it ends before here.
    """

    id = "torch.nn.Softmax"
    title = "Softmax"
    keywords = "probabilities normalize exponential classifier"
    starting = start_with(dim=-1)


class LogSoftmax(_Softmax):
    """The logarithm of softmax along `dim`, computed so that it does not overflow."""

    id = "torch.nn.LogSoftmax"
    title = "LogSoftmax"
    keywords = "log probabilities normalize classifier"
    starting = start_with(dim=-1)


class Softmin(_Softmax):
    """Softmax of -x along `dim`: the smallest number gets the largest probability."""

    id = "torch.nn.Softmin"
    title = "Softmin"
    keywords = "probabilities normalize exponential distances"
    starting = start_with(dim=-1)


class Softmax2d(SavesOutput):
    """Softmax over the channels of an image N×C×H×W: the classes' probabilities at each pixel."""

    id = "torch.nn.Softmax2d"
    title = "Softmax2d"
    keywords = "probabilities segmentation channels pixel"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (4,), LAYOUTS[2]), super().complaints(inputs)
        )


class GLU(Activation):
    """Halves `dim`: the first half times the sigmoid of the second, which decides what passes.

    Dauphin and others, 2017.
    """

    id = "torch.nn.GLU"
    title = "GLU"
    keywords = "gated linear unit gate nonlinearity"
    same_type = ""

    dim: Index = -1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            super().complaints(inputs), check_dim(self, "dim", inputs), self._halves(inputs)
        )

    def _halves(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        size = None if tensor is None else at_dim(tensor, self.dim)
        if size == BATCH:
            yield Complaint(
                f"GLU over dim {self.dim} of {tensor} gates one half of the batch by the other.",
                "Use dim -1, or 1 for the channels of an image.",
                "input",
                code="shape.batch",
                fixes=(set_to("dim", -1),) if tensor is not None and tensor.rank > 1 else (),
            )
        elif isinstance(size, int) and size % 2:
            yield Complaint(
                f"GLU can't halve the {size} of dim {self.dim} of {tensor}.",
                "Let the layer before it make an even number: twice what is to come out.",
                "input",
            )

    def subtitle(self) -> str:
        return f"dim {self.dim}"

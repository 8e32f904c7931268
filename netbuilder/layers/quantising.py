"""Codebooks: numbers replaced by the nearest of a few learnt ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Inferred,
    Layer,
    Port,
    Size,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import check_dim, check_size, check_weights, first_of, size_at


class VectorQuantizer(Layer):
    """Replaces each vector by the nearest of `num_codes` learnt ones: the middle of a VQ-VAE.

    `output` are the codes in place of the vectors, with gradients passed straight through;
    `loss` draws codes and vectors together and belongs in the loss, the vectors' part of it
    times `commitment`; `indices` are the codes' numbers. `dim`: along which the vectors lie,
    1 for N×C×H×W, -1 for N×T×C (van den Oord and others, 2017).
    """

    id = "netbuilder.VectorQuantizer"
    part = "quantising.VectorQuantizer"
    title = "VectorQuantizer"
    family = Family.ROUTING
    keywords = "vq-vae codebook discrete latent code nearest quantizer tokens"
    positional = ("num_codes", "code_size")
    outputs = (
        Port("output"),
        Port("loss", "A number to add to the loss."),
        Port("indices", "Which code each vector got."),
    )
    returns: ClassVar[Targets] = ("output", "loss", "indices")
    starting = start_with(num_codes=512)
    summary_fields = ("num_codes",)

    num_codes: Size
    code_size: Inferred = None
    commitment: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.25
    dim: Index = 1

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", self.dim)
        return {} if size is None else {"code_size": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_dim(self, "dim", inputs),
            check_weights(self, inputs),
            check_size(self, "code_size", "numbers a vector", inputs, "input", self.dim),
        )

    def bound(self, port: str, inputs: Types) -> int | None:
        return self.num_codes if port == "indices" else None

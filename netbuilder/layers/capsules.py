"""Capsules: vectors whose length says how sure a network is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Inferred,
    Layer,
    Pad2,
    Port,
    Positive,
    Size,
    Size2,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    check_dim,
    check_floating,
    check_rank,
    check_size,
    check_weights,
    first_of,
    set_to,
    size_at,
    spread,
)

CAPSULES = "N×capsules×size"


class PrimaryCapsules(Layer):
    """The first capsules of an image N×C×H×W: a convolution whose channels are cut into vectors.

    Gives N×(num_capsules·H'·W')×capsule_size, squashed to lengths below 1 (Sabour and
    others, 2017).
    """

    id = "netbuilder.PrimaryCapsules"
    part = "capsules.PrimaryCapsules"
    title = "PrimaryCapsules"
    family = Family.ROUTING
    keywords = "capsule network capsnet convolution vector"
    positional = ("in_channels", "num_capsules", "capsule_size")
    starting = start_with(num_capsules=8, capsule_size=8, kernel_size=3)

    in_channels: Inferred = None
    num_capsules: Size
    capsule_size: Size
    kernel_size: Size2 = 9
    stride: Size2 = 2
    padding: Pad2 = 0

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", 1)
        return {} if size is None else {"in_channels": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (4,), "N×C×H×W"),
            check_weights(self, inputs),
            check_size(self, "in_channels", "channels", inputs, "input", 1),
            self._kernel(inputs),
        )

    def _kernel(self, inputs: Types) -> Iterator[Complaint]:
        kernel, pads = spread(self.kernel_size, 2), spread(self.padding, 2)
        for dim, (wide, pad) in enumerate(zip(kernel, pads, strict=True), start=2):
            size = size_at(inputs, "input", dim)
            if size is not None and size + 2 * pad < wide:
                yield Complaint(
                    f"A kernel of {wide} does not fit into {size} pixels.",
                    "Choose a smaller kernel_size, or a padding.",
                    "input",
                    fixes=(set_to("kernel_size", min(size, *kernel)),),
                )
                return

    def subtitle(self) -> str:
        return f"{self.num_capsules}×{self.capsule_size}"


class CapsuleRouting(Layer):
    """Capsules that gather those below which agree with them: routing by agreement.

    N×in_capsules×in_size becomes N×num_capsules×capsule_size, for classes one capsule each.
    `couplings` says how much each capsule below gives to each above. `iterations`: rounds of
    agreement (Sabour and others, 2017).
    """

    id = "netbuilder.CapsuleRouting"
    part = "capsules.CapsuleRouting"
    title = "CapsuleRouting"
    family = Family.ROUTING
    keywords = "capsule network capsnet dynamic routing agreement digit"
    positional = ("in_capsules", "in_size", "num_capsules", "capsule_size")
    outputs = (
        Port("output"),
        Port("couplings", "N×in_capsules×num_capsules, whose sum over the last dim is 1."),
    )
    returns: ClassVar[Targets] = ("output", "couplings")
    starting = start_with(num_capsules=10, capsule_size=16)

    in_capsules: Inferred = None
    in_size: Inferred = None
    num_capsules: Size
    capsule_size: Size
    iterations: Size = 3

    def infer(self, inputs: Types) -> dict[str, Json]:
        found = {"in_capsules": size_at(inputs, "input", 1), "in_size": size_at(inputs, "input", 2)}
        return {name: size for name, size in found.items() if size is not None}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (3,), CAPSULES),
            check_weights(self, inputs),
            check_size(self, "in_capsules", "capsules", inputs, "input", 1),
            check_size(self, "in_size", "numbers a capsule", inputs, "input", 2),
        )

    def subtitle(self) -> str:
        return f"{self.num_capsules}×{self.capsule_size}, {self.iterations} rounds"


class Squash(Layer):
    """Shrinks vectors to lengths below 1 and leaves their direction: l becomes l²/(1 + l²).

    `dim`: along which the vectors lie.
    """

    id = "netbuilder.Squash"
    part = "capsules.Squash"
    title = "Squash"
    family = Family.ACTIVATION
    keywords = "capsule network capsnet vector length activation"

    dim: Index = -1
    eps: Positive = 1e-8

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_floating(self, inputs, "input"), check_dim(self, "dim", inputs))


class CapsuleLength(Layer):
    """The length of each capsule of N×capsules×size: how sure it is, N×capsules."""

    id = "netbuilder.CapsuleLength"
    part = "capsules.CapsuleLength"
    title = "CapsuleLength"
    family = Family.ROUTING
    keywords = "capsule network capsnet norm magnitude probability class"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (2, 3, 4), CAPSULES),
            check_floating(self, inputs, "input"),
        )

    def saves_output(self) -> bool:
        return True

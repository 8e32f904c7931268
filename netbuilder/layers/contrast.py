"""Losses between representations, and between the classes of two networks."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.layers.base import Complaint, Family, Layer, Port, Positive, Role, Size, Types
from netbuilder.layers.checks import (
    check_floating,
    check_rank,
    check_same_dtype,
    first_of,
)
from netbuilder.layers.losses import check_same_shape


class _Pairs(Layer):
    """A loss between two batches of vectors that belong together row by row."""

    family = Family.LOSS
    role = Role.LOSS
    where = frozenset({"step"})
    across_batch = True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        first, second = (port.name for port in self.inputs)
        return first_of(
            check_floating(self, inputs, first),
            check_floating(self, inputs, second),
            check_rank(self, inputs, first, (2,), "N×features"),
            check_rank(self, inputs, second, (2,), "N×features"),
            check_same_shape(self, inputs, first, second),
            check_same_dtype(self, inputs, first, second),
        )


class InfoNCELoss(_Pairs):
    """Lets each vector find its partner among all those of the batch, as CLIP does.

    Row i of both inputs belongs together; all other rows are to be far away. What counts are
    cosines divided by `temperature`. `symmetric`: both ways, from input to target and back
    (van den Oord and others, 2018; Radford and others, 2021). Larger batches make it harder.
    """

    id = "netbuilder.InfoNCELoss"
    part = "contrast.InfoNCELoss"
    title = "InfoNCELoss"
    keywords = "contrastive clip two tower multimodal embedding retrieval cosine info nce"
    inputs = (Port("input", "Vectors N×features."), Port("target", "Their partners."))

    temperature: Positive = 0.1
    symmetric: bool = True

    def subtitle(self) -> str:
        return f"temperature {self.temperature:g}"


class NTXentLoss(_Pairs):
    """Lets two views of each sample find each other among all 2N, as SimCLR does.

    Row i of both inputs are views of one sample; all others are to be far away. What counts
    are cosines divided by `temperature` (Chen and others, 2020).
    """

    id = "netbuilder.NTXentLoss"
    part = "contrast.NTXentLoss"
    title = "NTXentLoss"
    keywords = "contrastive simclr self-supervised views augmentation embedding nt-xent"
    inputs = (Port("input", "Vectors N×features."), Port("target", "Those of other views."))

    temperature: Positive = 0.5

    def subtitle(self) -> str:
        return f"temperature {self.temperature:g}"


class PairAccuracy(_Pairs):
    """The share of vectors whose partner is nearest to them among all those of the batch.

    Row i of both inputs belongs together; near is what has a large cosine. `top_k`: among
    how many of the nearest it may be. Wire it to a MeanMetric to see it as a curve.
    """

    id = "netbuilder.PairAccuracy"
    part = "contrast.PairAccuracy"
    title = "PairAccuracy"
    family = Family.METRIC
    role = Role.LAYER
    where = Layer.where
    keywords = "retrieval recall contrastive clip two tower hits partner match"
    inputs = (Port("input", "Vectors N×features."), Port("target", "Their partners."))

    top_k: Size = 1

    def subtitle(self) -> str:
        return "" if self.top_k == 1 else f"top {self.top_k}"


class EnergyDistance(Layer):
    """How far two clouds of samples are apart, whatever each of them is: 0 for the same.

    Twice the mean distance between the clouds less those within each (Székely and Rizzo,
    2013). Between generated and real samples it tells how good a generator is, which its
    loss does not; made small it trains one.
    """

    id = "netbuilder.EnergyDistance"
    part = "contrast.EnergyDistance"
    title = "EnergyDistance"
    family = Family.LOSS
    role = Role.LOSS
    where = frozenset({"step"})
    across_batch = True
    keywords = "mmd maximum mean discrepancy distribution gan quality two sample generator"
    inputs = (
        Port("input", "Samples, such as generated ones."),
        Port("target", "Samples of the same shape, such as real ones."),
    )

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            check_floating(self, inputs, "target"),
            check_rank(self, inputs, "input", range(2, 65), "N×features or more dims"),
            check_same_shape(self, inputs, "input", "target"),
            check_same_dtype(self, inputs, "input", "target"),
        )


class DistillationLoss(Layer):
    """Lets a student say what a teacher says, with the teacher's doubts.

    Both give scores N×classes, which `temperature` makes softer: large ones show what the
    teacher holds for second best. The loss is the divergence times the squared temperature
    (Hinton and others, 2015). Add the CrossEntropyLoss of the right answers to it.
    """

    id = "netbuilder.DistillationLoss"
    part = "contrast.DistillationLoss"
    title = "DistillationLoss"
    family = Family.LOSS
    role = Role.LOSS
    where = frozenset({"step"})
    keywords = "knowledge distillation teacher student kl divergence soft targets"
    inputs = (
        Port("input", "Scores of the student, N×classes."),
        Port("target", "Scores of the teacher."),
    )

    temperature: Positive = 4.0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            check_floating(self, inputs, "target"),
            check_rank(self, inputs, "input", range(2, 65), "N×classes and more dims"),
            check_same_shape(self, inputs, "input", "target"),
            check_same_dtype(self, inputs, "input", "target"),
        )

    def subtitle(self) -> str:
        return f"temperature {self.temperature:g}"

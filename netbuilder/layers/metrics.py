"""Metrics for numbers: what is measured beside the loss, over all batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Layer,
    Port,
    Positive,
    Role,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    cast,
    check_floating,
    check_rank,
    differ,
    first_of,
    set_to,
)
from netbuilder.layers.losses import check_same_shape


class Metric(Layer):
    """Base of the metrics of a training step."""

    family = Family.METRIC
    role = Role.METRIC
    where = frozenset({"step"})
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("preds", "What the network says."),
        Port("target", "What is right."),
    )
    outputs = ()


class _Error(Metric):
    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "preds"),
            check_floating(self, inputs, "target"),
            self._layout(inputs),
            check_same_shape(self, inputs, "preds", "target"),
        )

    def _layout(self, inputs: Types) -> Iterator[Complaint]:
        return iter(())


class MeanAbsoluteError(_Error):
    """How far predictions are off in the mean, in the target's own unit."""

    id = "torchmetrics.MeanAbsoluteError"
    title = "MeanAbsoluteError"
    keywords = "mae l1 regression error"


class MeanSquaredError(_Error):
    """The mean of the squared errors; with `squared` off its root (RMSE)."""

    id = "torchmetrics.MeanSquaredError"
    title = "MeanSquaredError"
    keywords = "mse rmse l2 regression error"

    squared: bool = True


class MeanSquaredLogError(_Error):
    """The mean squared error of the logarithms: how far off by factors.

    Predictions and targets must be above -1.
    """

    id = "torchmetrics.MeanSquaredLogError"
    title = "MeanSquaredLogError"
    keywords = "msle rmsle regression relative logarithm"


class MeanAbsolutePercentageError(_Error):
    """How far predictions are off in the mean, as a share of the target: 0.1 is ten percent.

    Targets near zero make it huge; then SymmetricMeanAbsolutePercentageError is better.
    """

    id = "torchmetrics.MeanAbsolutePercentageError"
    title = "MeanAbsolutePercentageError"
    keywords = "mape regression relative percent"


class SymmetricMeanAbsolutePercentageError(_Error):
    """How far predictions are off, as a share of the mean of prediction and target: 0 to 2."""

    id = "torchmetrics.SymmetricMeanAbsolutePercentageError"
    title = "SymmetricMeanAbsolutePercentageError"
    keywords = "smape regression relative percent forecast"


class WeightedMeanAbsolutePercentageError(_Error):
    """The sum of all errors as a share of the sum of all targets."""

    id = "torchmetrics.WeightedMeanAbsolutePercentageError"
    title = "WeightedMeanAbsolutePercentageError"
    keywords = "wmape regression relative percent forecast demand"


class _Columns(_Error):
    """Metrics of one number for each sample, or several columns of them."""

    def _layout(self, inputs: Types) -> Iterator[Complaint]:
        return check_rank(self, inputs, "preds", (1, 2), "N or N×outputs", missing_dim=None)


Multioutput = Literal["uniform_average", "variance_weighted"]


class R2Score(_Columns):
    """The share of the target's variance that is explained: 1 is perfect, 0 as good as the mean.

    `adjusted`: the number of features of a linear model to allow for. `multioutput`: how
    the scores of several columns become one.
    """

    id = "torchmetrics.R2Score"
    title = "R2Score"
    keywords = "r squared coefficient of determination regression"

    adjusted: Count = 0
    multioutput: Multioutput = "uniform_average"


class ExplainedVariance(_Columns):
    """Like R2Score, with a constant error allowed: the share of the variance that is explained."""

    id = "torchmetrics.ExplainedVariance"
    title = "ExplainedVariance"
    keywords = "regression variance determination"

    multioutput: Multioutput = "uniform_average"


class RelativeSquaredError(_Error):
    """The squared error relative to that of always saying the mean.

    With `squared` off its root.
    """

    id = "torchmetrics.RelativeSquaredError"
    title = "RelativeSquaredError"
    keywords = "rse rrse regression relative"

    squared: bool = True

    def _layout(self, inputs: Types) -> Iterator[Complaint]:
        return check_one_column(self, inputs)


class _Correlation(_Error):
    def _layout(self, inputs: Types) -> Iterator[Complaint]:
        return check_one_column(self, inputs)


class PearsonCorrCoef(_Correlation):
    """How close predictions and targets are to a straight line: -1 to 1."""

    id = "torchmetrics.PearsonCorrCoef"
    title = "PearsonCorrCoef"
    keywords = "correlation linear regression r"


class SpearmanCorrCoef(_Correlation):
    """How alike the order of predictions and targets is: -1 to 1.

    Keeps all numbers of an epoch in memory.
    """

    id = "torchmetrics.SpearmanCorrCoef"
    title = "SpearmanCorrCoef"
    keywords = "correlation rank order regression rho"


class ConcordanceCorrCoef(_Correlation):
    """How close predictions are to the targets themselves, not just to a line: -1 to 1."""

    id = "torchmetrics.ConcordanceCorrCoef"
    title = "ConcordanceCorrCoef"
    keywords = "correlation agreement regression ccc"


def check_one_column(layer: Layer, inputs: Types) -> Iterator[Complaint]:
    """Complains about anything but one number for each sample."""
    return check_rank(layer, inputs, "preds", (1,), "N", missing_dim=None)


class CosineSimilarity(_Error):
    """The cosine between predicted and right vectors N×features: 1 for the same direction."""

    id = "torchmetrics.CosineSimilarity"
    title = "CosineSimilarity"
    keywords = "angle embedding direction"
    starting = start_with(reduction="mean")

    reduction: Literal["sum", "mean"] = "sum"

    def _layout(self, inputs: Types) -> Iterator[Complaint]:
        return check_rank(self, inputs, "preds", (2,), "N×features")


class MeanMetric(Metric):
    """The mean of a number over the epoch: to watch a part of the loss, or a score.

    A single number, or one for each sample: the divergence of a VAE, what a discriminator
    says of real samples.
    """

    id = "torchmetrics.MeanMetric"
    title = "MeanMetric"
    keywords = "average watch term of the loss score monitor log scalar"
    inputs = (Port("value", "A number, or several."),)

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "value")


# -- text and images -----------------------------------------------------------------------------


class Perplexity(Metric):
    """How many words the network wavers between in the mean: 1 is certain and right.

    `preds` are scores N×T×words, `target` the right ids N×T. `ignore_index` is an id that
    does not count, such as padding.
    """

    id = "torchmetrics.text.Perplexity"
    title = "Perplexity"
    keywords = "language model text entropy"

    ignore_index: Annotated[int, Field(ge=-(2**31), le=2**31)] | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "preds"),
            check_rank(self, inputs, "preds", (3,), "N×T×words", missing_dim=None),
            self._words(inputs),
        )

    def _words(self, inputs: Types) -> Iterator[Complaint]:
        preds, target = inputs.get("preds"), inputs.get("target")
        if target is not None and target.dtype != "int64":
            yield Complaint(
                f"Perplexity expects ids (int64) as target, gets {target.dtype}.",
                "Convert it to int64.",
                "target",
                code="dtype.float" if target.floating else "dtype.mismatch",
                fixes=(cast("target", "int64"),),
            )
        elif preds is not None and target is not None:
            wanted = preds.shape[:2]
            if target.rank != 2 or any(map(differ, target.shape, wanted)):
                yield Complaint(
                    f"Perplexity gets {preds} with a target {target}, expects "
                    f"{TensorType(wanted)}.",
                    "One id for each step of the sequence.",
                    "target",
                )
            elif target.high is not None and differ(preds.shape[2], target.high):
                words = preds.shape[2]
                if isinstance(words, int) and target.high > words:
                    yield Complaint(
                        f"The target has {target.high} words, but there are scores for {words} "
                        "only.",
                        f"Let the network's last layer have {target.high} output features.",
                        "preds",
                        code="classes.range",
                    )


class PeakSignalNoiseRatio(_Error):
    """How near images come to the right ones, in decibels: 30 and more is good.

    `data_range` is the largest number of a pixel less the least, such as 1 or 255.
    """

    id = "torchmetrics.image.PeakSignalNoiseRatio"
    title = "PeakSignalNoiseRatio"
    keywords = "psnr image quality reconstruction super-resolution denoising"
    starting = start_with(data_range=1.0)
    summary_fields = ("data_range",)

    data_range: Positive
    base: Annotated[float, Field(gt=1.0, allow_inf_nan=False)] = 10.0


class StructuralSimilarityIndexMeasure(_Error):
    """How alike the structure of images N×C×H×W is to that of the right ones: 1 is the same.

    Compares brightness, contrast and pattern in windows; `sigma` is their width.
    `data_range` is the largest number of a pixel less the least; empty takes it from each
    batch.
    """

    id = "torchmetrics.image.StructuralSimilarityIndexMeasure"
    title = "StructuralSimilarityIndexMeasure"
    keywords = "ssim image quality reconstruction super-resolution denoising"
    starting = start_with(data_range=1.0)

    gaussian_kernel: bool = True
    sigma: Positive = 1.5
    kernel_size: Annotated[int, Field(ge=1, le=1001)] = 11
    data_range: Positive | None = None
    k1: Positive = 0.01
    k2: Positive = 0.03

    def _layout(self, inputs: Types) -> Iterator[Complaint]:
        if self.kernel_size % 2 == 0:
            yield bad_parameter(
                f"kernel_size {self.kernel_size} is even: a window needs a middle.",
                "Use an odd number.",
                set_to("kernel_size", self.kernel_size + 1),
            )
        else:
            yield from check_rank(self, inputs, "preds", (4, 5), "N×C×H×W")

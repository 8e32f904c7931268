"""Random numbers: noise, samples, layers that are skipped at random."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Port,
    Positive,
    Probability,
    Role,
    Size,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    check_batch,
    check_dim,
    check_floating,
    check_same_dtype,
    differ,
    first_of,
)

DRAWN = "Its random numbers differ with every run, so an exported file can't be checked."


class GaussianNoise(Layer):
    """Adds normal noise while training; does nothing afterwards.

    `std`: its standard deviation. It keeps a network from leaning on exact numbers.
    """

    id = "netbuilder.GaussianNoise"
    part = "noise.GaussianNoise"
    title = "GaussianNoise"
    family = Family.NOISE
    keywords = "regularization augmentation denoising random normal"
    positional = ("std",)
    is_view = True  # outside of training it passes its input on

    std: Positive = 0.1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")

    def subtitle(self) -> str:
        return f"std {self.std:g}"


class StochasticDepth(Layer):
    """Drops a whole branch with probability `p` while training; does nothing afterwards.

    Put it at the end of a residual branch, before the sum. `mode`: 'row' decides for each
    sample, 'batch' for all at once. What is left is scaled up, so that the mean stays the
    same (Huang and others, 2016).
    """

    id = "netbuilder.StochasticDepth"
    part = "noise.StochasticDepth"
    title = "StochasticDepth"
    family = Family.NOISE
    keywords = "droppath drop path residual regularization survival convnext swin"
    positional = ("p",)
    is_view = True  # outside of training it passes its input on

    p: Probability = 0.1
    mode: Literal["row", "batch"] = "row"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_floating(self, inputs, "input"), self._batch(inputs))

    def _batch(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and not tensor.rank:
            yield Complaint(
                f"{self.title} drops samples, and a single number has none.",
                "Connect something with the batch as its first dim.",
                "input",
                code="shape.rank",
            )

    def subtitle(self) -> str:
        return f"p {self.p:g}"


class Noise(Layer):
    """New random numbers with every call: N×shape, for the samples of what comes in.

    `shape`: the sizes of one sample, such as the latent vector of a generator. 'normal' has
    mean 0 and standard deviation 1, 'uniform' lies between 0 and 1.
    """

    id = "netbuilder.Noise"
    part = "noise.Noise"
    title = "Noise"
    family = Family.NOISE
    keywords = "random latent gan generator normal uniform sample randn rand z"
    positional = ("shape",)
    inputs = (Port("reference", "Its batch counts, not its numbers."),)
    starting = start_with(shape=(64,))

    shape: Annotated[tuple[Size, ...], Field(max_length=15)]
    distribution: Literal["normal", "uniform"] = "normal"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_batch(inputs, "reference")

    def onnx_refusal(self) -> str:
        return DRAWN

    def subtitle(self) -> str:
        sizes = "×".join(map(str, self.shape)) or "one number"
        return sizes if self.distribution == "normal" else f"{sizes}, {self.distribution}"


class _RandomLike(Layer):
    family = Family.NOISE

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_floating(self, inputs, "input")

    def onnx_refusal(self) -> str:
        return DRAWN


class RandnLike(_RandomLike):
    """New normal random numbers with every call, in the shape of what comes in.

    Their mean is 0 and their standard deviation 1; in training and afterwards.
    """

    id = "torch.randn_like"
    title = "randn_like"
    keywords = "random noise normal gaussian diffusion same shape"


class RandLike(_RandomLike):
    """New random numbers between 0 and 1 with every call, in the shape of what comes in."""

    id = "torch.rand_like"
    title = "rand_like"
    keywords = "random noise uniform same shape"


class GumbelSoftmax(Layer):
    """Draws a class by chance from scores, in a way that gradients pass through.

    `tau`: near 0 the result is nearly one class, large ones mix them. `hard` gives exactly
    one class, with the gradient of the soft choice. It draws in training and afterwards.
    """

    id = "torch.nn.functional.gumbel_softmax"
    title = "gumbel_softmax"
    family = Family.NOISE
    keywords = "categorical sample discrete relaxation concrete one-hot"
    inputs = (Port("logits", "Scores of the classes."),)

    tau: Positive = 1.0
    hard: bool = False
    dim: Index = -1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "logits"), check_dim(self, "dim", inputs, "logits")
        )

    def saves_output(self) -> bool:
        return not self.hard

    def onnx_refusal(self) -> str:
        return DRAWN

    def subtitle(self) -> str:
        return f"tau {self.tau:g}{', hard' if self.hard else ''}"


# -- normal distributions --------------------------------------------------------------------


class _Normal(Layer):
    """A layer of normal distributions: their means and the logarithms of their variances."""

    inputs = (Port("mean"), Port("logvar", "The logarithm of the variance."))

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "mean"),
            check_floating(self, inputs, "logvar"),
            check_same_dtype(self, inputs, "mean", "logvar"),
            self._same(inputs),
        )

    def _same(self, inputs: Types) -> Iterator[Complaint]:
        mean, logvar = inputs.get("mean"), inputs.get("logvar")
        if mean is not None and mean.rank < 2:
            yield Complaint(
                f"{self.title} expects N×C or more dims, gets {mean}.",
                "Connect a mean for each number of each sample.",
                "mean",
                code="shape.rank",
            )
        elif mean and logvar:
            pairs = zip(mean.shape, logvar.shape, strict=False)
            if mean.rank != logvar.rank or any(differ(a, b) for a, b in pairs):
                yield Complaint(
                    f"mean is {mean} and logvar is {logvar}: they must have the same shape.",
                    "Let two layers of the same size make them.",
                    "logvar",
                )


class ReparametrisedNormal(_Normal):
    """A sample of a normal distribution that gradients pass through: the middle of a VAE.

    mean + std·noise, where std is the root of the variance. `sample`: 'training' draws while
    training and gives the mean afterwards, 'always' draws each time. `kl` is how far the
    distribution is from the standard normal, in nats, one number a sample: its mean times a
    weight belongs in the loss (Kingma and Welling, 2014).
    """

    id = "netbuilder.ReparametrisedNormal"
    part = "noise.ReparametrisedNormal"
    title = "ReparametrisedNormal"
    family = Family.NOISE
    keywords = (
        "vae variational autoencoder reparameterization reparameterize reparametrize trick latent "
        "sample gaussian kl"
    )
    outputs = (Port("output"), Port("kl", "The divergence from the standard normal, N."))
    returns: ClassVar[Targets] = ("output", "kl")
    is_view = True  # outside of training it passes the mean on

    sample: Literal["training", "always"] = "training"

    def saves_output(self) -> bool:
        return self.sample == "training"  # It may be the mean itself, which kl needs.

    def onnx_refusal(self) -> str:
        return DRAWN if self.sample == "always" else ""


class KLToStandardNormal(_Normal):
    """How far normal distributions are from the standard normal, for a VAE.

    The sum over the numbers of each sample, in nats. `reduction`: its 'mean' over the batch,
    the 'sum', or 'none' for one number a sample.
    """

    id = "netbuilder.KLToStandardNormal"
    part = "noise.KLToStandardNormal"
    title = "KLToStandardNormal"
    family = Family.LOSS
    role = Role.LOSS
    where = frozenset({"step"})
    keywords = "kl divergence vae variational autoencoder kullback leibler prior"

    reduction: Literal["mean", "sum", "none"] = "mean"

    def subtitle(self) -> str:
        return "" if self.reduction == "mean" else self.reduction

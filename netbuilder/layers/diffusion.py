"""Diffusion models: the steps of the noise, and samples at one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Family,
    Layer,
    Port,
    Targets,
    Types,
)
from netbuilder.layers.checks import (
    cast,
    check_batch,
    check_floating,
    check_same_dtype,
    differ,
    first_of,
    insert,
    set_to,
)
from netbuilder.layers.noise import DRAWN

Steps = Annotated[int, Field(ge=2, le=100_000)]
Schedule = Literal["linear", "cosine"]


class Timestep(Layer):
    """A step of a diffusion for each sample, at random: whole numbers N from 0 on.

    `steps`: how many there are. It draws in training and afterwards; wire the same ones to
    AddNoise and to the network.
    """

    id = "netbuilder.Timestep"
    part = "diffusion.Timestep"
    title = "Timestep"
    family = Family.NOISE
    keywords = "diffusion ddpm random time step t"
    positional = ("steps",)
    inputs = (Port("reference", "Its batch counts, not its numbers."),)

    steps: Steps = 1000

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_batch(inputs, "reference")

    def bound(self, port: str, inputs: Types) -> int | None:
        return self.steps

    def onnx_refusal(self) -> str:
        return DRAWN

    def subtitle(self) -> str:
        return f"{self.steps} steps"


class _Scheduled(Layer):
    """A layer that looks up how much signal is left at a step."""

    family = Family.NOISE

    steps: Steps = 1000
    schedule: Schedule = "linear"

    def _times(self, inputs: Types) -> Iterator[Complaint]:
        time = inputs.get("timestep")
        if time is None:
            return
        if time.dtype != "int64":
            yield Complaint(
                f"timestep must be whole numbers (int64), gets {time.dtype}.",
                "Connect a Timestep, or convert to int64.",
                "timestep",
                code="dtype.float" if time.floating else "dtype.mismatch",
                fixes=(cast("timestep", "int64"),),
            )
        elif time.rank != 1:
            single = time.rank == 2 and time.shape[1] == 1
            remove = insert("Remove the last dim", "timestep", "torch.squeeze", dim=-1)
            yield Complaint(
                f"timestep must be one number a sample, N, gets {time}.",
                "Connect a Timestep.",
                "timestep",
                code="shape.rank",
                fixes=(remove,) if single else (),
            )
        elif time.high is not None and time.high > self.steps:
            yield Complaint(
                f"Steps up to {time.high - 1} come in, {self.title} knows {self.steps}.",
                "Set the same number of steps in both.",
                "timestep",
                code="ids.range",
                fixes=(set_to("steps", time.high),),
            )

    def subtitle(self) -> str:
        return f"{self.steps} steps, {self.schedule}"


class SignalLevel(_Scheduled):
    """The share of the signal's power that is left at each sample's step: alpha-bar, N.

    1 is nearly all signal, 0 all noise: for weights of the loss by step, or a sum of your
    own. `schedule` as in AddNoise.
    """

    id = "netbuilder.SignalLevel"
    part = "diffusion.SignalLevel"
    title = "SignalLevel"
    keywords = "diffusion ddpm alpha bar noise schedule cosine linear beta snr"
    inputs = (Port("timestep", "The step of each sample, N."),)

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return self._times(inputs)


class AddNoise(_Scheduled):
    """Makes samples as noisy as they are at a step of a diffusion.

    √a·input + √(1-a)·noise, where a is the share of the signal at that step. `schedule`:
    'linear' as in DDPM (Ho and others, 2020), 'cosine' keeps more signal in the middle (Nichol
    and Dhariwal, 2021). `velocity` is √a·noise - √(1-a)·input, which a network may foretell
    in place of the noise (Salimans and Ho, 2022).
    """

    id = "netbuilder.AddNoise"
    part = "diffusion.AddNoise"
    title = "AddNoise"
    keywords = "diffusion ddpm forward process q sample noise schedule cosine linear beta"
    inputs = (
        Port("input", "Samples without noise."),
        Port("noise", "Normal noise of the same shape."),
        Port("timestep", "The step of each sample, N."),
    )
    outputs = (Port("output"), Port("velocity"))
    returns: ClassVar[Targets] = ("output", "velocity")

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            check_floating(self, inputs, "noise"),
            self._alike(inputs),
            check_same_dtype(self, inputs, "input", "noise"),
            self._times(inputs),
        )

    def _alike(self, inputs: Types) -> Iterator[Complaint]:
        tensor, noise = inputs.get("input"), inputs.get("noise")
        if tensor is None or noise is None:
            return
        pairs = zip(tensor.shape, noise.shape, strict=False)
        if tensor.rank != noise.rank or any(differ(a, b) for a, b in pairs):
            yield Complaint(
                f"The noise is {noise}, the samples are {tensor}: they must have the same shape.",
                "Make the noise with randn_like of the samples.",
                "noise",
            )

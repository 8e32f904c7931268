"""What calls a network in its own way: samplers for previews, and the gradient penalty."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Layer,
    Name,
    Port,
    Ports,
    Probability,
    Real,
    Role,
    Size,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    BATCH,
    bad_parameter,
    check_batch,
    check_floating,
    check_index,
    check_same_dtype,
    first_of,
    set_to,
)
from netbuilder.layers.diffusion import Schedule, Steps
from netbuilder.layers.dims import symbol
from netbuilder.layers.losses import check_same_shape

FEW = 16
"""Samples that a preview shows."""


class Caller(Layer):
    """Base of the layers that call one of the project's networks."""

    role = Role.CALL
    starting = start_with(network="main")

    network: Name

    def function(self) -> str:
        """The function of `netbuilder.parts` that calls the network; empty for a plain call."""
        raise NotImplementedError

    def given(self, inputs: Types) -> Sequence[TensorType] | None:
        """What the network is called with, in its order; None: with `inputs`, by name."""
        return None

    def results(self, inputs: Types, found: Types) -> Types | Complaint:
        """What comes out, from what the network gives: by port, or what is wrong with it."""
        return found

    def call(self, network: ast.expr, inputs: Mapping[str, ast.expr]) -> ast.expr:
        """The expression that computes the result; `network` is what holds the network."""
        values = {name: code.const(v) for name, v in self.arguments().items() if name != "network"}
        return code.call(f"netbuilder.parts.{self.function()}", network, *inputs.values(), **values)


def _single(found: Types) -> TensorType | None:
    """The only output of a network."""
    return next(iter(found.values())) if len(found) == 1 else None


def _one_output(layer: Layer, found: Types, what: str) -> Complaint:
    got = ", ".join(map(str, found.values()))
    return Complaint(
        f"{layer.title} expects a network that gives {what}, gets {got}.",
        "Choose another network, or change its outputs.",
        code="call.misfit",
    )


class GradientPenalty(Caller):
    """Keeps the slope of a critic's score near `norm` between real and fake samples.

    The mean of (|slope| - norm)² at random points between them: times 10 it goes into the
    critic's loss (WGAN-GP, Gulrajani and others, 2017). `at` 'real' looks at the real samples
    alone; with norm 0 that is R1 (Mescheder and others, 2018).
    """

    id = "netbuilder.GradientPenalty"
    title = "GradientPenalty"
    family = Family.GRADIENT
    where = frozenset({"step"})
    keywords = "wgan-gp wasserstein critic lipschitz r1 regularization discriminator slope"
    inputs = (Port("real", "Real samples."), Port("fake", "Those of a generator."))
    starting = start_with(network="main")

    at: Literal["between", "real"] = "between"
    norm: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 1.0

    @classmethod
    def around(cls, inside: Ports, params: Mapping[str, Json]) -> Ports:
        first = cls.inputs[:1] if params.get("at") == "real" else cls.inputs
        taken = {port.name for port in first}
        more = (Port(port.name) for port in inside.inputs[1:] if port.name not in taken)
        return Ports((*first, *more), cls.outputs)

    def function(self) -> str:
        return "penalties.gradient_penalty"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "real"),
            check_floating(self, inputs, "fake"),
            check_same_shape(self, inputs, "real", "fake"),
            check_same_dtype(self, inputs, "real", "fake"),
        )

    def given(self, inputs: Types) -> Sequence[TensorType]:
        return [tensor for name, tensor in inputs.items() if name != "fake"]

    def results(self, inputs: Types, found: Types) -> Types | Complaint:
        score = _single(found)
        if score is None or not score.floating:
            return _one_output(self, found, "one score")
        return {"output": TensorType((), score.dtype)}

    def call(self, network: ast.expr, inputs: Mapping[str, ast.expr]) -> ast.expr:
        real, *others = inputs.values()
        # From real to real there is one point.
        points = [real, real] if self.at == "real" else [real]
        values = {"norm": code.const(self.norm)} if self.norm != 1.0 else {}
        target = f"netbuilder.parts.{self.function()}"
        return code.call(target, network, *points, *others, **values)

    def subtitle(self) -> str:
        return f"{self.network}, {'at real' if self.at == 'real' else 'between'}"


class _Sampler(Caller):
    """Lets a network make something, for a Preview."""

    family = Family.METRIC
    where = frozenset({"step"})


class TextSampler(_Sampler):
    """Lets a language model write on: ids that follow a prompt, for a Preview.

    The network makes scores N×T×ids of ids N×T. `length`: ids to add, `count`: prompts to
    take, `context`: how many of the last ids the network sees. `temperature`: 0 takes the
    likeliest, 1 draws by its odds; `top_k` draws from so many of the likeliest, 0 from all.
    Runs when a preview is made, not with every batch.
    """

    id = "netbuilder.TextSampler"
    title = "TextSampler"
    keywords = "generate language model autoregressive gpt temperature top-k decode write"
    inputs = (Port("prompt", "Ids N×T to begin with."),)
    starting = start_with(network="main")

    count: Annotated[int, Field(ge=1, le=FEW)] = 4
    length: Annotated[int, Field(ge=1, le=2000)] = 100
    temperature: Annotated[float, Field(ge=0.0, le=100.0, allow_inf_nan=False)] = 1.0
    top_k: Count = 0
    context: Size = 64

    @classmethod
    def around(cls, inside: Ports, params: Mapping[str, Json]) -> Ports:
        return Ports(cls.inputs, cls.outputs)

    def function(self) -> str:
        return "sequences.sample_text"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_index(self, inputs, "prompt"), self._sequence(inputs))

    def _sequence(self, inputs: Types) -> Iterator[Complaint]:
        prompt = inputs.get("prompt")
        if prompt is not None and prompt.rank != 2:
            yield Complaint(
                f"{self.title} expects ids N×T, gets {prompt}.",
                "Connect a field of sequences.",
                "prompt",
                code="shape.rank",
            )

    def given(self, inputs: Types) -> Sequence[TensorType]:
        prompt = inputs["prompt"]
        # What it sees grows with what it has written.
        return [TensorType((BATCH, symbol("T")), prompt.dtype, prompt.high)]

    def results(self, inputs: Types, found: Types) -> Types | Complaint:
        scores, prompt = _single(found), inputs["prompt"]
        if scores is None or scores.rank != 3 or not scores.floating:
            return _one_output(self, found, "scores N×T×ids")
        words = scores.shape[2]
        high = words if isinstance(words, int) else prompt.high
        batch = prompt.shape[0] if isinstance(prompt.shape[0], int) else BATCH
        shape = (batch, prompt.shape[1] + self.length)
        return {"output": TensorType(shape, prompt.dtype, high)}

    def subtitle(self) -> str:
        return f"{self.network}, {self.length} more"


class DiffusionSampler(_Sampler):
    """Makes samples out of noise with a diffusion model, step by step, for a Preview.

    The network takes N×shape and the step of each sample, N, then conditions if it has such.
    `steps` and `schedule` as in AddNoise; `prediction`: what the network foretells. `eta`: 1
    draws noise at each step as DDPM (Ho and others, 2020), 0 is the fixed way of DDIM (Song
    and others, 2021), which `jumps` over steps: so many are gone, 0 is all. `limit` keeps
    guesses of the final sample within ±limit, 0 does not. Runs when a preview is made.
    """

    id = "netbuilder.DiffusionSampler"
    title = "DiffusionSampler"
    keywords = "generate ddpm ddim reverse process denoise image"
    inputs = (Port("reference", "Its batch counts, not its numbers."),)
    starting = start_with(network="main", shape=(1, 8, 8))

    shape: Annotated[tuple[Size, ...], Field(min_length=1, max_length=15)]
    count: Annotated[int, Field(ge=1, le=FEW)] = FEW
    steps: Steps = 1000
    schedule: Schedule = "linear"
    prediction: Literal["noise", "sample", "velocity"] = "noise"
    jumps: Count = 0
    eta: Probability = 1.0
    limit: Annotated[Real, Field(ge=0.0)] = 0.0

    @classmethod
    def around(cls, inside: Ports, params: Mapping[str, Json]) -> Ports:
        more = (Port(port.name) for port in inside.inputs[2:] if port.name != "reference")
        return Ports((*cls.inputs, *more), cls.outputs)

    def function(self) -> str:
        return "diffusion.sample_diffusion"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        yield from check_batch(inputs, "reference")
        if self.jumps > self.steps:
            yield bad_parameter(
                f"{self.jumps} of {self.steps} steps can't be gone.",
                "Set jumps to the number of steps or less.",
                set_to("jumps", self.steps),
            )

    def given(self, inputs: Types) -> Sequence[TensorType]:
        conditions = [tensor for name, tensor in inputs.items() if name != "reference"]
        noisy = TensorType((BATCH, *self.shape))
        return [noisy, TensorType((BATCH,), "int64", self.steps), *conditions]

    def results(self, inputs: Types, found: Types) -> Types | Complaint:
        told = _single(found)
        if told is None or told.shape[1:] != self.shape or not told.floating:
            shape = TensorType((BATCH, *self.shape))
            return _one_output(self, found, f"{shape}, as it takes")
        return {"output": told}

    def subtitle(self) -> str:
        return f"{self.network}, {self.jumps or self.steps} steps"

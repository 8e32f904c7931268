"""Recurrent layers: they read a sequence step by step and keep a state."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import ClassVar

from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Inferred,
    Layer,
    Port,
    Probability,
    Size,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_batch_first,
    check_rank,
    check_size,
    check_weights,
    differ,
    first_of,
    set_to,
    size_at,
)


class _Recurrent(Layer):
    family = Family.RECURRENT
    positional = ("input_size", "hidden_size")
    starting = start_with(hidden_size=64, batch_first=True)
    states: ClassVar[tuple[str, ...]]

    input_size: Inferred = None
    hidden_size: Size
    num_layers: Size = 1
    bias: bool = True
    batch_first: bool = False
    dropout: Probability = 0.0
    bidirectional: bool = False

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", 2)
        return {} if size is None else {"input_size": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        layout = "N×T×features" if self.batch_first else "T×N×features"
        return first_of(
            self._parameters(),
            check_rank(self, inputs, "input", (3,), layout, missing_dim=-1),
            check_weights(self, inputs, "input", *self.states),
            check_size(self, "input_size", "features a step", inputs, "input", 2),
            self._states(inputs),
            check_batch_first(self, inputs, "input"),
        )

    def saves_output(self) -> bool:
        return True

    def _parameters(self) -> Iterator[Complaint]:
        if self.dropout and self.num_layers == 1:
            yield Complaint(
                f"dropout acts between the layers of {self.title}, and there is one layer only.",
                "Set dropout to 0, or num_layers to 2 or more.",
                code="parameter.useless",
                severity="warning",
                fixes=(set_to("dropout", 0.0), set_to("num_layers", 2)),
            )

    def _state_size(self, state: str) -> int:
        return self.hidden_size

    def _states(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        depth = self.num_layers * (2 if self.bidirectional else 1)
        for name in self.states:
            state = inputs.get(name)
            if state is None or tensor is None:
                continue
            batch = tensor.shape[0 if self.batch_first else 1]
            wanted = (depth, batch, self._state_size(name))
            if state.rank != 3 or any(
                differ(a, b) for a, b in zip(state.shape, wanted, strict=True)
            ):
                yield Complaint(
                    f"{self.title} expects {name} as {depth}×{batch}×{wanted[2]}, gets {state}.",
                    "Its dims are layers (twice as many if bidirectional), batch, state size.",
                    name,
                )

    def subtitle(self) -> str:
        parts = [str(self.hidden_size)]
        if self.num_layers > 1:
            parts.append(f"{self.num_layers} layers")
        if self.bidirectional:
            parts.append("both ways")
        return ", ".join(parts)


class LSTM(_Recurrent):
    """Long short-term memory: reads a sequence step by step and keeps what matters.

    `output` has the state after every step (N×T×hidden_size with `batch_first`), `h_n`
    and `c_n` the state after the last. Take the last step by torch.select with dim 1,
    index -1. `num_layers` stacks it, `bidirectional` reads backwards too, `proj_size`
    makes the output smaller than the state. `h_0` and `c_0` are the state to begin with,
    zeros if not connected.
    """

    id = "torch.nn.LSTM"
    title = "LSTM"
    keywords = "long short-term memory rnn sequence time series text"
    inputs = (
        Port("input"),
        Port("h_0", "The first state; zeros if not connected.", optional=True),
        Port("c_0", "The first cell state; zeros if not connected.", optional=True),
    )
    outputs = (
        Port("output", "The state after every step."),
        Port("h_n", "The state after the last step, a layer at a time."),
        Port("c_n", "The cell state after the last step, a layer at a time."),
    )
    returns: ClassVar[Targets] = ("output", ("h_n", "c_n"))
    states = ("h_0", "c_0")

    proj_size: Count = 0

    def _parameters(self) -> Iterator[Complaint]:
        if self.proj_size >= self.hidden_size:
            yield bad_parameter(
                f"proj_size {self.proj_size} must be less than hidden_size {self.hidden_size}.",
                "Set proj_size to 0 for no projection.",
                set_to("proj_size", 0),
            )
        else:
            yield from super()._parameters()

    def _state_size(self, state: str) -> int:
        return self.proj_size or self.hidden_size if state == "h_0" else self.hidden_size

    def _states(self, inputs: Types) -> Iterator[Complaint]:
        wired = [name for name in self.states if name in inputs]
        if len(wired) == 1:
            (other,) = set(self.states) - set(wired)
            yield Complaint(
                f"LSTM gets {wired[0]} without {other}.",
                "Connect both, or neither to begin with zeros.",
                other,
                code="port.unwired",
            )
        else:
            yield from super()._states(inputs)

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        assert module is not None
        first = [code.pack([inputs["h_0"], inputs["c_0"]])] if "h_0" in inputs else []
        return code.call(module, inputs["input"], *first)

    def onnx_refusal(self) -> str:
        return "ONNX has no LSTM with a proj_size." if self.proj_size else ""


class GRU(_Recurrent):
    """Gated recurrent unit: like an LSTM with one state instead of two, and fewer weights.

    `output` has the state after every step (N×T×hidden_size with `batch_first`), `h_n`
    the state after the last. `num_layers` stacks it, `bidirectional` reads backwards too.
    `h_0` is the state to begin with, zeros if not connected.
    """

    id = "torch.nn.GRU"
    title = "GRU"
    keywords = "gated recurrent unit rnn sequence time series text"
    inputs = (
        Port("input"),
        Port("h_0", "The first state; zeros if not connected.", optional=True),
    )
    outputs = (
        Port("output", "The state after every step."),
        Port("h_n", "The state after the last step, a layer at a time."),
    )
    returns: ClassVar[Targets] = ("output", "h_n")
    states = ("h_0",)

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        assert module is not None
        return code.call(module, *inputs.values())

"""Recurrent layers: they read a sequence step by step and keep a state."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

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
    TensorType,
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
    insert,
    set_to,
    size_at,
)

_H_0 = Port("h_0", "The first state; zeros if not connected.", optional=True)
_C_0 = Port("c_0", "The first cell state; zeros if not connected.", optional=True)
_PLAIN_OUTPUTS = (
    Port("output", "The state after every step."),
    Port("h_n", "The state after the last step, a layer at a time."),
)


class _Stack(Layer):
    """The parameters that PyTorch has before RNN's `nonlinearity`."""

    family = Family.RECURRENT
    positional = ("input_size", "hidden_size")
    starting = start_with(hidden_size=64, batch_first=True)

    input_size: Inferred = None
    hidden_size: Size
    num_layers: Size = 1


class _Recurrent(_Stack):
    """The parameters after it, and all that RNN, LSTM and GRU have in common."""

    inputs: ClassVar[tuple[Port, ...]] = (Port("input"), _H_0)
    outputs: ClassVar[tuple[Port, ...]] = _PLAIN_OUTPUTS
    returns: ClassVar[Targets] = ("output", "h_n")
    states: ClassVar[tuple[str, ...]] = ("h_0",)

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

    def output_types(self, inputs: Types) -> Mapping[str, TensorType] | None:
        """PyTorch's meta device runs every step apart, seconds for a long sequence."""
        tensor = inputs.get("input")
        if tensor is None or tensor.rank != 3:
            return None
        both = 2 if self.bidirectional else 1
        batch = tensor.shape[0 if self.batch_first else 1]
        sizes = {
            f"{name[0]}_n": (self.num_layers * both, batch, self._state_size(name))
            for name in self.states
        }
        output = (*tensor.shape[:2], both * self._state_size(self.states[0]))
        return {name: TensorType(size) for name, size in {"output": output, **sizes}.items()}

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

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        assert module is not None
        return code.call(module, *inputs.values())

    def subtitle(self) -> str:
        parts = [str(self.hidden_size)]
        if self.num_layers > 1:
            parts.append(f"{self.num_layers} layers")
        if self.bidirectional:
            parts.append("both ways")
        return ", ".join(parts)


class _Nonlinear(_Stack):
    nonlinearity: Literal["tanh", "relu"] = "tanh"


class RNN(_Recurrent, _Nonlinear):
    """The plain recurrent layer: the new state is tanh of the input and the last state.

    It forgets soon; for long sequences an LSTM or GRU is the better choice. `output` has
    the state after every step (N×T×hidden_size with `batch_first`), `h_n` the state after
    the last. `h_0` is the state to begin with, zeros if not connected.
    """

    id = "torch.nn.RNN"
    title = "RNN"
    keywords = "recurrent elman vanilla sequence time series"


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
    inputs = (Port("input"), _H_0, _C_0)
    outputs = (
        *_PLAIN_OUTPUTS,
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
        return first_of(check_both_states(self, inputs), super()._states(inputs))

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return call_with_states(module, inputs)

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


# -- one step ----------------------------------------------------------------------------------


class _Cell(Layer):
    family = Family.RECURRENT
    positional = ("input_size", "hidden_size")
    starting = start_with(hidden_size=64)
    summary_fields = ("hidden_size",)
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("input"),
        Port("hx", "The last state; zeros if not connected.", optional=True),
    )
    states: ClassVar[tuple[str, ...]] = ("hx",)

    input_size: Inferred = None
    hidden_size: Size
    bias: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", -1)
        return {} if size is None else {"input_size": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._sequence(inputs),
            check_rank(self, inputs, "input", (2,), "N×features", missing_dim=None),
            check_weights(self, inputs, "input", *self.states),
            check_size(self, "input_size", "features", inputs, "input", -1),
            self._states(inputs),
        )

    def saves_output(self) -> bool:
        return True

    def _sequence(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and tensor.rank == 3:
            whole = self.title.removesuffix("Cell")
            yield Complaint(
                f"{self.title} takes a single step N×features, gets {tensor}.",
                f"Use {whole} for whole sequences, or take one step by torch.select.",
                "input",
                code="shape.rank",
                fixes=(insert("Take the last step", "input", "torch.select", dim=1, index=-1),),
            )

    def _states(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        for name in self.states:
            state = inputs.get(name)
            if state is None or tensor is None:
                continue
            wanted = (tensor.shape[0], self.hidden_size)
            if state.rank != 2 or any(map(differ, state.shape, wanted)):
                yield Complaint(
                    f"{self.title} expects {name} as {wanted[0]}×{wanted[1]}, gets {state}.",
                    "Its dims are batch and hidden_size.",
                    name,
                )


class RNNCell(_Cell):
    """One step of an RNN: from the input and the last state to the new state, both N×features.

    The last state `hx` is wired by hand, for instance from the cell of the step before.
    """

    id = "torch.nn.RNNCell"
    title = "RNNCell"
    keywords = "recurrent elman step loop state"

    nonlinearity: Literal["tanh", "relu"] = "tanh"


class LSTMCell(_Cell):
    """One step of an LSTM: from the input and the last two states to the new ones.

    `h_0` and `c_0` are the last state and cell state (N×hidden_size), zeros if not
    connected; `h_1` and `c_1` the new ones.
    """

    id = "torch.nn.LSTMCell"
    title = "LSTMCell"
    keywords = "long short-term memory recurrent step loop state"
    inputs = (Port("input"), _H_0, _C_0)
    outputs = (Port("h_1", "The new state."), Port("c_1", "The new cell state."))
    returns: ClassVar[Targets] = ("h_1", "c_1")
    states = ("h_0", "c_0")

    def _states(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_both_states(self, inputs), super()._states(inputs))

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return call_with_states(module, inputs)


class GRUCell(_Cell):
    """One step of a GRU: from the input and the last state to the new state, both N×features.

    The last state `hx` is wired by hand, for instance from the cell of the step before.
    """

    id = "torch.nn.GRUCell"
    title = "GRUCell"
    keywords = "gated recurrent unit step loop state"


# -- the two states of an LSTM -------------------------------------------------------------------


def check_both_states(layer: Layer, inputs: Types) -> Iterator[Complaint]:
    """Complains if one of `h_0` and `c_0` comes without the other."""
    wired = [name for name in ("h_0", "c_0") if name in inputs]
    if len(wired) == 1:
        (other,) = {"h_0", "c_0"} - set(wired)
        yield Complaint(
            f"{layer.title} gets {wired[0]} without {other}.",
            "Connect both, or neither to begin with zeros.",
            other,
            code="port.unwired",
        )


def call_with_states(module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
    """`module(input, (h_0, c_0))`, or without the states."""
    assert module is not None
    first = [code.pack([inputs["h_0"], inputs["c_0"]])] if "h_0" in inputs else []
    return code.call(module, inputs["input"], *first)

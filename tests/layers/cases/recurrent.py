"""Cases of `netbuilder.layers.recurrent`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, N, batch, some


def recurrent(lstm: bool = False, **choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        hidden, layers, both = r.randint(2, 5), r.randint(1, 2), r.random() < 0.5
        params: dict[str, Any] = {"hidden_size": hidden, "num_layers": layers, "batch_first": True}
        params |= some(r, bias=False, **choices) | ({"bidirectional": True} if both else {})
        if layers > 1:
            params |= some(r, dropout=0.3)
        projected = hidden
        if lstm and r.random() < 0.3:
            params["proj_size"] = projected = 1
        inputs = {"input": batch(r.randint(2, 6), r.randint(1, 4))}
        depth = layers * (2 if both else 1)
        if r.random() < 0.7:
            inputs["h_0"] = TensorType((depth, N, projected))
            if lstm:
                inputs["c_0"] = TensorType((depth, N, hidden))
        return Case(params, inputs)

    return make


def cell(*states: str, **choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        hidden = r.randint(2, 5)
        # Without a state the weights for it get no gradient.
        inputs = {"input": batch(r.randint(1, 4)), **dict.fromkeys(states, batch(hidden))}
        return Case({"hidden_size": hidden, **some(r, bias=False, **choices)}, inputs)

    return make


CASES: Mapping[str, Generator] = {
    "torch.nn.RNN": recurrent(nonlinearity="relu"),
    "torch.nn.LSTM": recurrent(lstm=True),
    "torch.nn.GRU": recurrent(),
    "torch.nn.RNNCell": cell("hx", nonlinearity="relu"),
    "torch.nn.LSTMCell": cell("h_0", "c_0"),
    "torch.nn.GRUCell": cell("hx"),
}

"""A network with its preparation built in: values as they are in the data, answers as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.data.statistics import Statistics
from netbuilder.exchange import samples
from netbuilder.exchange.interface import Interface
from netbuilder.exchange.options import CLASS, PROBABILITIES
from netbuilder.exchange.specs import TensorSpec

KEY = "netbuilder.preparation"
"""Under which it stands in the metadata of a file."""


class Prepared(nn.Module):
    """Fills and normalises what goes in, restores what comes out.

    `preparation` has `inputs` and `outputs` by name: the statistics of a field as JSON under
    `normalise`, and for an output of classes under `answer` one of `options.ANSWERS`.
    """

    PREFIX = "network"

    def __init__(
        self,
        network: nn.Module,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        preparation: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.network = network
        self._inputs = [
            self._keep(f"in{at}", i, preparation["inputs"]) for at, i in enumerate(inputs)
        ]
        self._outputs = [
            self._keep(f"out{at}", o, preparation["outputs"]) for at, o in enumerate(outputs)
        ]
        answers = preparation["outputs"]
        self._answers = [answers.get(spec.name, {}).get("answer", "") for spec in outputs]

    def _keep(self, name: str, spec: TensorSpec, known: Mapping[str, Any]) -> tuple[str, bool]:
        """Statistics as buffers of this name, if there are any; whether gaps are filled."""
        stored = known.get(spec.name, {}).get("normalise")
        if stored is None:
            return "", False
        statistics = Statistics.from_json(stored)
        self.register_buffer(f"{name}_mean", statistics.mean)
        self.register_buffer(f"{name}_deviation", statistics.deviation)
        if statistics.fill is not None:
            self.register_buffer(f"{name}_fill", statistics.fill)
        return name, statistics.fill is not None

    def forward(self, *inputs: Tensor) -> Any:
        pairs = zip(inputs, self._inputs, strict=True)
        values = [self._normalised(value, *kept) for value, kept in pairs]
        results = _tuple(self.network(*values))
        given = zip(results, self._outputs, self._answers, strict=True)
        found = tuple(self._answered(value, *kept, answer) for value, kept, answer in given)
        return found if len(found) > 1 else found[0]

    def _normalised(self, value: Tensor, name: str, fills: bool) -> Tensor:
        if not name:
            return value
        if fills:
            value = torch.where(value.isnan(), self.get_buffer(f"{name}_fill"), value)
        mean, deviation = self.get_buffer(f"{name}_mean"), self.get_buffer(f"{name}_deviation")
        return (value - mean) / deviation

    def _answered(self, value: Tensor, name: str, fills: bool, answer: str) -> Tensor:
        if name:
            mean, deviation = self.get_buffer(f"{name}_mean"), self.get_buffer(f"{name}_deviation")
            return value * deviation + mean
        if answer == PROBABILITIES:
            return value.softmax(1)
        return value.argmax(1) if answer == CLASS else value


def settled(
    network: nn.Module,
    preparation: Mapping[str, Any],
    wanted: Interface,
    real: Mapping[str, Tensor],
) -> dict[str, Any]:
    """The preparation without a softmax where the network ends with one, as inputs show."""
    network.eval()
    whole = Prepared(network, wanted.inputs, wanted.outputs, {**preparation, "outputs": {}})
    _, values = next(samples.trials(whole, wanted.inputs, real))
    with torch.no_grad():
        results = _tuple(whole(*values))
    changed = {name: dict(entry) for name, entry in preparation["outputs"].items()}
    for spec, result in zip(wanted.outputs, results, strict=True):
        entry = changed.get(spec.name, {})
        if entry.get("answer") == PROBABILITIES and is_distribution(result):
            entry["answer"] = "as it is"
    return {**preparation, "outputs": changed}


def _tuple(result: Any) -> tuple[Tensor, ...]:
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def is_distribution(scores: Tensor) -> bool:
    """Whether rows of scores are probabilities already."""
    return bool((scores >= 0).all()) and bool(((scores.sum(1) - 1).abs() < 1e-4).all())


def output_specs(
    outputs: Sequence[TensorSpec], preparation: Mapping[str, Any]
) -> tuple[TensorSpec, ...]:
    """What a prepared network gives."""
    known = preparation["outputs"]
    return tuple(
        replace(spec, shape=spec.shape[:1], dtype="int64")
        if known.get(spec.name, {}).get("answer") == CLASS
        else spec
        for spec in outputs
    )

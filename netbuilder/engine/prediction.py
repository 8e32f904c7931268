"""What a trained network says to inputs, in the words of its data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netbuilder.compiler.build import locate_error
from netbuilder.data import datasets, loading
from netbuilder.data.settings import read as read_data
from netbuilder.data.sources import Source
from netbuilder.data.text_files import TextFiles
from netbuilder.engine import giving, giving_rows, preparing, trained
from netbuilder.engine.trained import Trained
from netbuilder.errors import NetbuilderError, RunError
from netbuilder.exchange import interface
from netbuilder.exchange.specs import TensorSpec
from netbuilder.exchange.verify import as_tuple
from netbuilder.training.records.events import finite

_SAMPLE = re.compile(r"sample:(-?\d{1,18})\Z")
Inputs = Mapping[str, Any] | Sequence[Any]


def predict(run: Path, inputs: Inputs, network: str | None = None) -> dict[str, Any]:
    """`outputs` by name as nested lists, `classes` where an output tells them.

    `inputs` are arrays or nested lists by input name, or in order; one sample or a batch. A `Path`
    is a file, read as those of the training were: a picture, a WAV file, a text, rows of a table,
    numbers. A string is what a person writes: a text, a row of cells, the name of a class, numbers
    as JSON; of a table a row may also be values by column. `sample:3` stands for row 3 of the
    project's validation data, for one input or for all; of outputs for a whole graph the answer is
    then that of the sample's node. Values are in the units of the data: they are normalised as in
    training, and outputs that predict a normalised field are given in its own units.
    """
    model = trained.load(run, network)
    wanted = interface.of_network(model.document, model.name)
    fed, others = _fed(model, wanted.inputs)
    with preparing.source_with(model.document, run) as source:
        told = giving_rows.given(inputs, fed, others, source)
        given = {
            spec.name: _plain(model, spec, source, value)
            for spec, value in _by_name(inputs if told is None else told, wanted.inputs)
        }
    rows = {name: _row(value) for name, value in given.items()}
    samples = _Samples(model) if any(row is not None for row in rows.values()) else None
    tensors = []
    for spec in wanted.inputs:
        row = rows[spec.name]
        if row is not None and samples is not None:
            tensors.append(samples.input(spec, row))
        else:
            tensors.append(_normalised(model, spec, _tensor(spec, given[spec.name])))
    if len({len(tensor) for tensor, spec in _batched(tensors, wanted.inputs)}) > 1:
        raise NetbuilderError("The inputs have different numbers of samples.")
    chosen = {row for row in rows.values() if row is not None}
    places = samples.places(next(iter(chosen))) if samples and len(chosen) == 1 else {}
    answer = _run(model, tensors, wanted.outputs, places)
    if samples is not None and len(chosen) == 1 and len(model.meaning.targets) > 0:
        answer["expected"] = samples.expected(chosen.pop())
    return answer


def _fed(model: Trained, specs: Sequence[TensorSpec]) -> tuple[dict[str, str], list[str]]:
    """The fields that feed inputs, by input; and the inputs that none feeds."""
    fields = model.meaning.inputs
    fed = {spec.name: fields[spec.name] for spec in specs if spec.name in fields}
    return fed, [spec.name for spec in specs if spec.name not in fed]


def _plain(model: Trained, spec: TensorSpec, source: Source | None, value: Any) -> Any:
    """What is in a file and what is written as numbers; samples of the data as they are told."""
    field = model.fields.get(model.meaning.inputs.get(spec.name, ""))
    if isinstance(value, Path):
        if isinstance(source, TextFiles) and value.suffix.lower() not in giving.NUMBERS:
            value = giving_rows.text_of(value, source)
        else:
            return giving.of_file(value, spec, field, source)
    if isinstance(value, str) and _row(value) is None:
        return giving.of_words(value, spec, field, source, model.fields)
    return value


def _batched(
    tensors: Sequence[Tensor], specs: Sequence[TensorSpec]
) -> list[tuple[Tensor, TensorSpec]]:
    pairs = zip(tensors, specs, strict=True)
    return [(tensor, spec) for tensor, spec in pairs if spec.shape[:1] == ("N",)]


def _by_name(inputs: Inputs, specs: Sequence[TensorSpec]) -> Iterator[tuple[TensorSpec, Any]]:
    names = [spec.name for spec in specs]
    if isinstance(inputs, Mapping):
        given = dict(inputs)
    elif len(inputs) == 1 and _row(inputs[0]) is not None:
        given = dict.fromkeys(names, inputs[0])
    else:
        given = dict(zip(names, inputs, strict=False))
        if len(inputs) > len(names):
            given["(more)"] = None
    unknown, missing = given.keys() - set(names), set(names) - given.keys()
    if unknown or missing:
        raise NetbuilderError(
            f"The network takes {len(names)} input{'s'[: len(names) > 1]}: {', '.join(names)}.",
            "Give each of them once.",
        )
    return ((spec, given[spec.name]) for spec in specs)


def _row(value: Any) -> int | None:
    match = _SAMPLE.match(value) if isinstance(value, str) else None
    return int(match[1]) if match else None


def _tensor(spec: TensorSpec, value: Any) -> Tensor:
    """The value with a batch dim; `NetbuilderError` says which shape is wanted."""
    shown = "×".join(map(str, spec.shape)) or "scalar"
    try:
        tensor = torch.as_tensor(value).to(getattr(torch, spec.dtype))
    except (TypeError, ValueError, RuntimeError) as error:
        raise NetbuilderError(
            f"Input '{spec.name}' is not an array of numbers: {error}.", f"It is {shown}."
        ) from None
    if spec.shape[:1] == ("N",) and tensor.dim() == len(spec.shape) - 1:
        tensor = tensor.unsqueeze(0)
    fits = tensor.dim() == len(spec.shape) and all(
        isinstance(dim, str) or dim == size
        for dim, size in zip(spec.shape, tensor.shape, strict=True)
    )
    if not fits:
        found = "×".join(map(str, tensor.shape)) or "scalar"
        raise NetbuilderError(f"Input '{spec.name}' is {shown}, not {found}.", "Reshape it.")
    if (
        spec.high is not None
        and tensor.numel()
        and not 0 <= tensor.min() <= tensor.max() < spec.high
    ):
        raise NetbuilderError(f"Ids of input '{spec.name}' go from 0 to {spec.high - 1}.")
    return tensor


def _normalised(model: Trained, spec: TensorSpec, tensor: Tensor) -> Tensor:
    statistics = model.statistics.get(model.meaning.inputs.get(spec.name, ""))
    return tensor if statistics is None else statistics.normalise(tensor)


class _Samples:
    """The validation data of the run's project, as the network was shown it."""

    def __init__(self, model: Trained) -> None:
        self._model = model
        dataset = datasets.prepare(read_data(model.document.project.data), few=True)
        self._part = dataset.validation if loading.size(dataset.validation) else dataset.train
        self._shared = dataset.shared

    def input(self, spec: TensorSpec, row: int) -> Tensor:
        """One row of the field that feeds this input, as a batch of one; what is shared, whole."""
        field = self._model.meaning.inputs.get(spec.name)
        if field is None:
            raise NetbuilderError(f"No data field feeds the input '{spec.name}'.", "Give values.")
        count = loading.size(self._part)
        if not 0 <= row < count:
            raise NetbuilderError(f"There is no sample {row}.", f"There are 0 to {count - 1}.")
        if field in self._shared:
            return self._shared[field]
        return self._part[field][row : row + 1]

    def places(self, row: int) -> dict[str, int]:
        """Which row of an output is this sample's, by output, where the network gives all."""
        chosen = self._model.meaning.rows.items()
        return {output: int(self._part[field][row]) for output, field in chosen}

    def expected(self, row: int) -> dict[str, Any]:
        """What the data says to this row, by output."""
        found = {}
        for output, name in self._model.meaning.targets.items():
            value = self._part[name][row]
            statistics = self._model.statistics.get(name)
            shown = value if statistics is None else statistics.restore(value[None])[0]
            field = self._model.fields.get(name)
            named = field is not None and value.dim() == 0 and int(value) < len(field.names)
            found[output] = field.names[int(value)] if named and field else finite(shown.tolist())
        return found


def _run(
    model: Trained,
    tensors: Sequence[Tensor],
    outputs: Sequence[TensorSpec],
    places: Mapping[str, int],
) -> dict[str, Any]:
    try:
        with torch.no_grad():
            results = as_tuple(model.module(*tensors))
    except RuntimeError as error:
        located = locate_error(error)
        if located is None:
            raise
        raise RunError(located.message, graph=located.graph, node=located.node) from error
    answer: dict[str, Any] = {"outputs": {}}
    classes: dict[str, Any] = {}
    for spec, whole in zip(outputs, results, strict=True):
        place = places.get(spec.name)
        result = whole if place is None else whole[place : place + 1]
        target = model.meaning.targets.get(spec.name, "")
        field, statistics = model.fields.get(target), model.statistics.get(target)
        shown = result if statistics is None else statistics.restore(result)
        answer["outputs"][spec.name] = finite(shown.tolist())
        if field is not None and field.is_class and result.shape[1:] == (field.high,):
            classes[spec.name] = [_class(row, field.names) for row in result]
    return answer | ({"classes": classes} if classes else {})


def probabilities(scores: Tensor) -> Tensor:
    """Of the classes of one sample: as they are if they are a distribution, else of logits."""
    is_distribution = bool((scores >= 0).all()) and abs(float(scores.sum()) - 1) < 1e-4
    return scores if is_distribution else scores.softmax(0)


def _class(scores: Tensor, names: Sequence[str]) -> dict[str, Any]:
    """The likeliest class. Scores that are no distribution yet are taken for logits.

    Where scores are not finite there is none: a training that failed, or wild inputs.
    """
    if not scores.isfinite().all():
        return {"class": None, "index": None, "probability": None}
    odds = probabilities(scores)
    index = int(odds.argmax())
    return {
        "class": names[index],
        "index": index,
        "probability": finite(float(odds[index])),
    }

"""A trained network in the hands of a person: what it can be asked, and its answer in their words.

A picture, a drawing, a text, a row, a class, or a sample of the data goes in as plain JSON; the
answer says classes with their certainty, pictures, texts or numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netbuilder.data import pictures
from netbuilder.data.npy import Array, CorruptSample
from netbuilder.data.sources import Field, Source
from netbuilder.data.table_columns import CategoryColumn
from netbuilder.data.tables import Table
from netbuilder.data.text_files import TextFiles
from netbuilder.engine import generating, prediction, preparing, trained
from netbuilder.engine.meaning import Meaning, of_network
from netbuilder.errors import NetbuilderError
from netbuilder.exchange import interface
from netbuilder.exchange.specs import TensorSpec
from netbuilder.storage import files
from netbuilder.training import previews
from netbuilder.training.folder import RunFolder

GUESSES = 5
NUMBERS = 64
MAX_PIXELS = 1_000_000
INK = 0.1
"""From here on a point of a drawing is drawn on, of 1."""


def describe(run: Path) -> dict[str, Any]:
    """What can be done with a run, without its weights or its data being read.

    `networks` have `name`, `inputs` (`name`, `kind`, `shape`, `classes`, ...) and `outputs`;
    `columns` those of a table, where a row is asked; `generators` are those of
    `engine.generating`. Kinds of inputs: `image`, `text`, `row`, `class`, `values`, `shared`, and
    `noise` for what no data feeds. `sample` tells whether a sample of the data can be asked.
    """
    document = files.load(RunFolder.open(run).project_path)
    source = preparing.source_in(document)
    known = trained.fields(document)
    found = []
    for graph in document.of_kind("network"):
        about = of_network(document, graph.name)
        specs = interface.of_network(document, graph.name)
        inputs = [
            _input(spec, known.get(about.inputs.get(spec.name, "")), source)
            for spec in specs.inputs
        ]
        found.append(
            {
                "name": graph.name,
                "inputs": inputs,
                "outputs": [spec.name for spec in specs.outputs],
                "sample": all(each["kind"] != "noise" for each in inputs),
            }
        )
    return {
        "networks": found,
        "columns": _columns(source),
        "generators": [each.to_json() for each in generating.generators(document)],
    }


def _input(spec: TensorSpec, field: Field | None, source: Source | None) -> dict[str, Any]:
    about: dict[str, Any] = {"name": spec.name, "shape": list(spec.shape), "kind": "noise"}
    if field is None:
        return about if _drawable(spec) else about | {"kind": "values"}
    about |= {"field": field.name, "meaning": field.meaning, "shape": list(field.shape)}
    about["kind"] = _kind(field, source)
    if about["kind"] == "class":
        about["classes"] = list(field.names)
    if about["kind"] == "image":
        # Data that counts ink is the other way round than a photograph of paper.
        about["invert"] = "ink" in field.meaning
    return about


def _kind(field: Field, source: Source | None) -> str:
    if not field.batched:
        return "shared"
    if isinstance(source, Table):
        return "row"
    if field.is_class:
        return "class"
    if (
        field.dtype == "int64"
        and len(field.shape) == 1
        and (field.classes or isinstance(source, TextFiles))
    ):
        return "text"
    if field.dtype == "float32" and len(field.shape) == 3 and field.shape[0] in (1, 3):
        return "image"
    return "values"


def _columns(source: Source | None) -> list[dict[str, Any]]:
    if not isinstance(source, Table):
        return []
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "classes": list(column.all_classes()) if isinstance(column, CategoryColumn) else [],
        }
        for column in source.used("feature")
    ]


def ask(run: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """What a network of a run says.

    `wish`: `network`, and `sample` (a number), `row` (values by column), or `inputs` by name:
    `{"path", "invert"}` or `{"pixels", "fit"}` (numbers from 0 to 1, H×W or 3×H×W) for a picture,
    `{"text"}`, `{"class"}` (a number), `{"values"}` (nested lists), `{"seed"}` for noise.
    The answer: `seen`, the pictures as the network saw them; `answers`, for each output `output`,
    `kind` and by kind `guesses`, `image`, `text` or `values`; `expected`, of a sample.
    """
    model = trained.load(run, wish.get("network"))
    seen: dict[str, Any] = {}
    if isinstance(wish.get("sample"), int):
        given: Any = [f"sample:{wish['sample']}"]
    elif isinstance(wish.get("row"), Mapping):
        given = [{name: value for name, value in wish["row"].items() if value not in ("", None)}]
    else:
        given = {}
        source = preparing.source_in(model.document)
        specs = interface.of_network(model.document, model.name).inputs
        for spec in specs:
            field = model.fields.get(model.meaning.inputs.get(spec.name, ""))
            value = (wish.get("inputs") or {}).get(spec.name)
            if not value and field is not None and not field.batched:
                given[spec.name] = "sample:0"
                continue
            array = _array(spec, field, source, value)
            given[spec.name] = array.tolist()
            if field is not None and _kind(field, source) == "image":
                seen[spec.name] = array.tolist()
    answer = prediction.predict(run, given, model.name)
    words = _words(model)
    told = [
        _told(name, values, model.meaning, model.fields, words)
        for name, values in answer["outputs"].items()
    ]
    return {"seen": seen, "answers": told, "expected": answer.get("expected", {})}


def _array(spec: TensorSpec, field: Field | None, source: Source | None, value: Any) -> Array:
    """One sample, without a batch dim; `NetbuilderError` says what is missing."""
    given: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    if field is None and "seed" in given:
        return _noise(spec, _whole(spec, given["seed"]) % 2**63)
    if field is not None:
        kind = _kind(field, source)
        if kind == "image" and "path" in given:
            return _from_file(Path(given["path"]), field, bool(given.get("invert")))
        if kind == "image" and "pixels" in given:
            return drawing(given["pixels"], field.shape, fit=bool(given.get("fit")))
        if kind == "text" and "text" in given:
            return np.array(_ids(field, source, str(given["text"])), dtype=np.int64)
        if kind == "class" and "class" in given:
            return np.array(_whole(spec, given["class"]), dtype=np.int64)
    if "values" in given:
        try:
            return np.array(
                given["values"], dtype=np.float32 if spec.dtype == "float32" else np.int64
            )
        except (TypeError, ValueError, OverflowError):
            raise NetbuilderError(
                f"'{spec.name}' needs numbers.", "Separate them by commas."
            ) from None
    raise NetbuilderError(f"'{spec.name}' is not given.", "Give every input.")


def _whole(spec: TensorSpec, value: Any) -> int:
    if isinstance(value, int | str):
        try:
            if abs(number := int(value)) < 2**63:
                return number
        except ValueError:
            pass
    raise NetbuilderError(f"'{spec.name}' needs a whole number.", "Give one with a few digits.")


def _drawable(spec: TensorSpec) -> bool:
    """Whether chance alone can stand for the input."""
    return all(isinstance(size, int) for size in spec.shape[1:]) and spec.dtype == "float32"


def _noise(spec: TensorSpec, seed: int) -> Array:
    if not _drawable(spec):
        raise NetbuilderError(f"'{spec.name}' can't be drawn by chance.", "Give its values.")
    shape = [int(size) for size in spec.shape[1:]]
    noise: Array = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).numpy()
    return noise


def _from_file(path: Path, field: Field, invert: bool) -> Array:
    channels, height, width = field.shape
    try:
        image = pictures.read(path, (height, width), channels == 3, "pad")
    except CorruptSample as error:
        raise NetbuilderError(f"'{path.name}' can't be used: {error}.", "Choose another.") from None
    return 1 - image if invert else image


def drawing(pixels: Any, shape: Sequence[int], *, fit: bool = False) -> Array:
    """Numbers from 0 to 1 (H×W or C×H×W) as a picture of `shape` (C, H, W).

    With `fit` what is drawn fills the picture, as letters and digits do in data of them.
    `NetbuilderError` if it is no picture.
    """
    from PIL import Image

    try:
        values = np.array(pixels, dtype=np.float32)
    except (TypeError, ValueError):
        values = np.empty(0, np.float32)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or not 0 < values.size <= MAX_PIXELS or not np.isfinite(values).all():
        raise NetbuilderError("This is no picture.", "Draw, or choose a file.")
    channels, height, width = shape
    if fit:
        values = _filled(values, width / height)
    if len(values) != channels:
        values = np.repeat(values.mean(0, keepdims=True), channels, axis=0)
    planes = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))
        for plane in values
    ]
    found: Array = np.clip(np.stack(planes), 0, 1)
    return found


def _filled(values: Array, wide: float) -> Array:
    """The part that is drawn on, widened to a picture `wide` times as wide as it is high."""
    rows, columns = (np.flatnonzero((values > INK).any((0, axis))) for axis in (2, 1))
    if not len(rows):
        return values
    part = values[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    _, height, width = part.shape
    taller = max(0, round(width / wide) - height)
    wider = max(0, round(height * wide) - width)
    sides = ((taller // 2, taller - taller // 2), (wider // 2, wider - wider // 2))
    found: Array = np.pad(part, ((0, 0), *sides))
    return found


def _ids(field: Field, source: Source | None, text: str) -> list[int]:
    """A text as long as a sample is: the last of what is too long, filled up where too short."""
    length = field.shape[0]
    if isinstance(source, TextFiles):
        from netbuilder.data import text_reading

        return [int(id) for id in text_reading.sample(source, text)[field.name].reshape(-1)]
    numbers = {letter: number for number, letter in enumerate(field.classes)}
    words = text if all(len(name) < 2 for name in field.classes) else text.split()
    ids = [numbers[word] for word in words if word in numbers][-length:]
    if not ids:
        raise NetbuilderError("The network knows no part of this text.", "Write something else.")
    return ids + [0] * (length - len(ids))


def _words(model: trained.Trained) -> tuple[str, ...]:
    """The letters or words that a network may answer in: of its data, if it reads such itself."""
    specs = interface.of_network(model.document, model.name).inputs
    if not any(spec.dtype == "int64" and len(spec.shape) == 2 for spec in specs):
        return ()
    return next((f.classes for f in model.fields.values() if _is_text(f)), ())


def _is_text(field: Field | None) -> bool:
    return (
        field is not None
        and bool(field.classes)
        and field.dtype == "int64"
        and len(field.shape) == 1
    )


def _told(
    name: str,
    values: Any,
    meaning: Meaning,
    fields: Mapping[str, Field],
    words: tuple[str, ...] = (),
) -> dict[str, Any]:
    """One output of one sample, as what it means; `words` are what scores may stand for."""
    field = fields.get(meaning.targets.get(name, ""))
    value = torch.tensor(_numbers(values))
    value = value[0] if value.dim() else value
    told: dict[str, Any] = {"output": name}
    if field is not None and field.is_class and value.shape == (field.high,):
        return told | {"kind": "classes", "guesses": _guesses(value, field.names)}
    if value.dim() == 3 and field is not None and field.high == len(value):
        return told | {
            "kind": "image",
            "image": (value.argmax(0) / max(1, len(value) - 1))[None].tolist(),
        }
    if value.dim() == 3 and len(value) in (1, 3) and value.shape[1] > 1:
        return told | {"kind": "image", "image": value.tolist()}
    letters = field.classes if field is not None and _is_text(field) else words
    if value.dim() == 2 and letters and len(letters) in value.shape:
        ids = value.argmax(0 if value.shape[1] != len(letters) else 1).tolist()
        text = previews.between(letters).join(letters[id] for id in ids)
        return told | {"kind": "text", "text": text}
    return told | {
        "kind": "values",
        "values": value.flatten()[:NUMBERS].tolist(),
        "count": value.numel(),
    }


def _numbers(values: Any) -> Any:
    """Nested lists without gaps: what is not finite was told as None."""
    if isinstance(values, list):
        return [_numbers(each) for each in values]
    return float("nan") if values is None else values


def _guesses(scores: Tensor, names: Sequence[str]) -> list[dict[str, Any]]:
    """The likeliest classes with their probability; none of scores that are not finite."""
    if not scores.isfinite().all():
        return []
    odds = prediction.probabilities(scores)
    order = odds.argsort(descending=True)[:GUESSES].tolist()
    return [{"name": names[at], "probability": float(odds[at])} for at in order]

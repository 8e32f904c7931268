"""A trained network in the hands of a person: what it can be asked, and its answer in their words.

A picture, a drawing, a recording, a text, a row, a class, or a sample of the data goes in as plain
JSON; the answer says classes with their certainty, pictures, texts or numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netbuilder.data.sources import Field, Source
from netbuilder.data.table_columns import CategoryColumn
from netbuilder.data.tables import Table
from netbuilder.engine import generating, giving, prediction, preparing, trained
from netbuilder.engine.meaning import Meaning, of_network
from netbuilder.exchange import interface
from netbuilder.exchange.specs import TensorSpec
from netbuilder.storage import files
from netbuilder.training.observing import previews
from netbuilder.training.records.folder import RunFolder

GUESSES = 5
NUMBERS = 64
UNSEEN = {" ": "(space)", "\n": "(new line)", "\t": "(tab)"}
"""Letters that leave no mark."""


def describe(run: Path) -> dict[str, Any]:
    """What can be done with a run, without its weights or its data being read.

    `networks` have `name`, `inputs` (`name`, `kind`, `shape`, `classes`, ...) and `outputs`;
    `columns` those of a table, where a row is asked; `generators` are those of
    `engine.generating`. Kinds of inputs: `image`, `sound`, `text`, `row`, `class`, `values`,
    `shared`, and `noise` for what no data feeds. `sample` tells whether a sample of the data can
    be asked.
    """
    document = files.load(RunFolder.open(run).project_path)
    source = preparing.source_in(document)
    known = trained.fields(document)
    found = []
    for graph in document.of_kind("network"):
        about = of_network(document, graph.name)
        specs = interface.of_network(document, graph.name)
        inputs = [
            _input(spec, known.get(about.inputs.get(spec.name, "")), source, known)
            for spec in specs.inputs
        ]
        found.append(
            {
                "name": graph.name,
                "inputs": inputs,
                "outputs": [spec.name for spec in specs.outputs],
                "sample": all("field" in each for each in inputs),
            }
        )
    return {
        "networks": found,
        "columns": _columns(source),
        "generators": [each.to_json() for each in generating.generators(document)],
    }


def _input(
    spec: TensorSpec, field: Field | None, source: Source | None, known: Mapping[str, Field]
) -> dict[str, Any]:
    about: dict[str, Any] = {"name": spec.name, "shape": list(spec.shape), "kind": "noise"}
    if field is None:
        if giving.letters_for(spec, known, source) is not None:
            return about | {"kind": "text", "meaning": "What comes next? Write a text"}
        return about if giving.drawable(spec) else about | {"kind": "values"}
    about |= {"field": field.name, "meaning": field.meaning, "shape": list(field.shape)}
    about["kind"] = giving.kind_of(field, source)
    if about["kind"] == "class":
        about["classes"] = list(field.names)
    if about["kind"] == "image":
        # Data that counts ink is the other way round than a photograph of paper.
        about["invert"] = giving.INK in field.meaning
    return about


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
    `{"path"}` for a recording, `{"text"}`, `{"class"}` (a number), `{"values"}` (nested lists),
    `{"seed"}` for noise.
    The answer: `seen`, the pictures as the network saw them; `heard`, the recordings; `answers`,
    for each output `output`, `kind` and by kind `guesses`, `image`, `text` or `values`; `expected`,
    of a sample.
    """
    model = trained.load(run, wish.get("network"))
    seen: dict[str, Any] = {}
    heard: dict[str, Any] = {}
    if isinstance(wish.get("sample"), int):
        given: Any = [f"sample:{wish['sample']}"]
    elif isinstance(wish.get("row"), Mapping):
        given = [{name: value for name, value in wish["row"].items() if value not in ("", None)}]
    else:
        given = {}
        for spec in interface.of_network(model.document, model.name).inputs:
            field = model.fields.get(model.meaning.inputs.get(spec.name, ""))
            value = (wish.get("inputs") or {}).get(spec.name)
            if not value and field is not None and not field.batched:
                given[spec.name] = "sample:0"
                continue
            with preparing.source_with(model.document, run) as source:
                array, sound = giving.array(spec, field, source, value, model.fields)
            given[spec.name] = array
            if sound is not None:
                heard[spec.name] = sound.to_json()
            elif array.ndim == 3 and len(array) in (1, 3):
                seen[spec.name] = array.tolist()
    answer = prediction.predict(run, given, model.name)
    words, follows = _words(model), _following(model)
    told = [
        _what_follows(name, values, follows)
        if follows and name not in model.meaning.targets
        else _told(name, values, model.meaning, model.fields, words)
        for name, values in answer["outputs"].items()
    ]
    return {"seen": seen, "heard": heard, "answers": told, "expected": answer.get("expected", {})}


def _following(model: trained.Trained) -> tuple[str, ...]:
    """The letters or words of which a language model says which comes next; none of other ones."""
    specs = interface.of_network(model.document, model.name).inputs
    if len(specs) != 1 or specs[0].name in model.meaning.inputs:
        return ()
    source = preparing.source_in(model.document)
    letters = giving.letters_for(specs[0], model.fields, source)
    return letters.classes if letters is not None else ()


def _what_follows(name: str, values: Any, words: tuple[str, ...]) -> dict[str, Any]:
    """What a language model says of the next letter or word."""
    value = torch.tensor(_numbers(values))
    if value.dim() != 3 or value.shape[2] != len(words):
        return _told(name, values, Meaning(), {}, words)
    shown = [UNSEEN.get(word, word) for word in words]
    return {
        "output": f"{name}: what comes next",
        "kind": "classes",
        "guesses": _guesses(value[0, -1], shown),
    }


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

"""How values of the data become what a network gets, and its answers values of the data again.

It goes with each file that is exported, so that a person who has the file alone can use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from netbuilder.data import places
from netbuilder.data.files import FileSource
from netbuilder.data.settings import read as read_data
from netbuilder.data.settings import source_of
from netbuilder.data.sources import Source
from netbuilder.data.tables import Table
from netbuilder.data.text_files import TextFiles
from netbuilder.exchange.specs import TensorSpec
from netbuilder.storage import atomic

if TYPE_CHECKING:
    from netbuilder.engine.trained import Trained
    from netbuilder.graph.document import Document

VERSION = 1
NUMBERED = 4096
"""So many classes without names are told in a file."""
TOKENIZER = "tokenizer.json"
"""The file of a tokenizer in a run's folder."""


def preparation(
    model: Trained, outputs: Sequence[TensorSpec] = (), answer: str = ""
) -> dict[str, Any]:
    """What is to be done with values before and after the network, as JSON.

    `source` describes the data: columns and their classes, tokens. `inputs` and `outputs` have by
    name the field, its statistics under `normalise`, its classes. `built_in` says that the
    file does all that itself; `answer` then is what it says of classes.
    """
    source = source_in(model.document)
    about: dict[str, Any] = {
        "version": VERSION,
        "built_in": bool(answer),
        "source": None if source is None else _described(source),
        "inputs": {port: _entry(model, name) for port, name in model.meaning.inputs.items()},
        "outputs": {port: _told(model, name) for port, name in model.meaning.targets.items()},
    }
    for spec in outputs if answer else ():
        entry = about["outputs"].get(spec.name, {})
        if entry.get("classes") and spec.shape[1:] == (len(entry["classes"]),):
            entry["answer"] = answer
    return about


def _described(source: Source) -> dict[str, Any]:
    # Where the data lies on the disk of who trained is nobody else's business. What is as usual is
    # told too: who has the file alone does not know what that is.
    places_in = source.places_in if isinstance(source, FileSource) else ()
    params = source.model_dump(mode="json")
    kept = {name: value for name, value in params.items() if name not in places_in}
    about: dict[str, Any] = {"id": source.id, "params": kept}
    if isinstance(source, Table):
        about["features"] = list(source.features())
    if isinstance(source, TextFiles):
        about["tokens"] = list(source.names())
    return about


def _entry(model: Trained, name: str) -> dict[str, Any]:
    field = model.fields.get(name)
    entry: dict[str, Any] = {"field": name}
    if field is not None:
        entry |= {"shape": list(field.shape), "dtype": field.dtype, "meaning": field.meaning}
        # A vocabulary is told once, with the source.
        entry["classes"] = list(field.classes) if not field.shape else []
    if name in model.statistics:
        entry["normalise"] = model.statistics[name].to_json()
    return entry


def _told(model: Trained, name: str) -> dict[str, Any]:
    """The entry of an output: classes without names are told by their numbers."""
    entry, field = _entry(model, name), model.fields.get(name)
    if field is not None and field.is_class and (field.high or 0) <= NUMBERED:
        entry["classes"] = list(field.names)
    return entry


def source_in(document: Document) -> Source | None:
    """The source of the project's data, if it has one."""
    settings = read_data(document.project.data)
    return None if settings.source is None else source_of(settings)


def raw(model: Trained, samples: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Real inputs as they were in the data; gaps that were filled are not there again."""
    statistics = {port: model.statistics.get(name) for port, name in model.meaning.inputs.items()}
    return {
        name: value if (kept := statistics.get(name)) is None else kept.restore(value)
        for name, value in samples.items()
    }


def carry(document: Document, folder: Path) -> None:
    """Keep in a run's folder what lies outside the project and is needed to prepare."""
    source = source_in(document)
    if isinstance(source, TextFiles) and source.tokens == "bpe":
        atomic.write(folder / TOKENIZER, places.resolve(source.tokenizer).read_bytes())


@contextmanager
def source_with(document: Document, run: Path) -> Iterator[Source | None]:
    """The source of the project's data, with the tokenizer that the run keeps."""
    source = source_in(document)
    if isinstance(source, TextFiles):
        kept = source.tokens == "bpe" and (run / TOKENIZER).is_file()
        with places.given(replace(places.current(), folder=run.absolute())):
            yield source.model_copy(update={"tokenizer": TOKENIZER}) if kept else source
    else:
        yield source

"""Where the data of a project is, for those who use it from elsewhere."""

from __future__ import annotations

from netbuilder.data import places
from netbuilder.data.files import FileSource
from netbuilder.data.settings import read, source_of
from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History


def located(document: Document) -> Document:
    """The project with whole paths to its data: its run lies in another folder than itself."""
    try:
        settings = read(document.project.data)
        source = source_of(settings) if settings.source else None
        if not isinstance(source, FileSource):
            return document
        here = places.current()
        whole = {
            name: str(here.absolute(path))
            for name, path in zip(source.places_in, source.paths(), strict=True)
            if path
        }
    except NetbuilderError:
        return document  # the analysis says what is wrong
    if all(settings.params.get(name) == path for name, path in whole.items()):
        return document
    result = document.copy()
    data = {**document.project.data, "params": {**settings.params, **whole}}
    edits.set_project(History(result), data=data)
    return result


def readable(document: Document) -> list[str]:
    """The places of the project's data that may be read here."""
    here = places.current()
    try:
        settings = read(document.project.data)
        source = source_of(settings) if settings.source else None
        found = source.paths() if isinstance(source, FileSource) else ()
        named = [here.absolute(path) for path in found if path]
    except NetbuilderError:
        return []
    return [str(place) for place in named if here.allows(place)]

"""Weights that others saved, for a network of a project: looked at, then taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netbuilder.engine import trained
from netbuilder.errors import DocumentError
from netbuilder.exchange.foreign import taking
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History


def look(
    document: Document, path: Path, network: str | None = None, *, by_order: bool = False
) -> dict[str, Any]:
    """Which tensor of a `.safetensors` or `.pt` file would go where: the `weights` command.

    `DocumentError` for a file that can't be read; nothing of it is run.
    """
    name = trained.choose_network(document, network)
    return taking.look(document, name, path, by_order=by_order) | {"applied": False}


def take(
    document: Document, path: Path, network: str | None = None, *, by_order: bool = False
) -> dict[str, Any]:
    """As `look`, and what fits now lies beside the project; `weights` is what it has to say of it.

    `DocumentError` too if the project was never saved, or nothing fits.
    """
    if document.beside.folder is None:
        raise DocumentError("The project has no folder yet.", "Save it first.")
    name = trained.choose_network(document, network)
    answer = taking.take(document, name, path, document.beside.folder, by_order=by_order)
    return _applied(document, answer)


def hold(
    document: Document, path: Path, network: str | None = None, *, by_order: bool = False
) -> dict[str, Any]:
    """As `take`, for a project with or without a folder: nothing is written until it is saved.

    `DocumentError` if nothing fits.
    """
    name = trained.choose_network(document, network)
    return _applied(document, taking.hold(document, name, path, by_order=by_order))


def _applied(document: Document, answer: dict[str, Any]) -> dict[str, Any]:
    weights = {**document.project.weights, answer["network"]: answer["entry"]}
    return answer | {"applied": True, "weights": weights}


def apply(document: Document, answer: dict[str, Any]) -> None:
    """Let the project begin with what was taken."""
    edits.set_project(History(document), weights=answer["weights"])

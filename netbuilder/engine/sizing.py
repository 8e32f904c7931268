"""Shapes and costs of a whole project, as a comparison of two needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netbuilder.compiler.report import Report
from netbuilder.engine import tasks
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document


def sizes(
    document: Document, say: Callable[[str], None] = lambda text: None
) -> tuple[Report, dict[str, Any]]:
    """The report of the analysis, and the figures of `summary` by network.

    Networks with errors have no figures; `say` hears why.
    """
    costs: dict[str, Any] = {}
    report = tasks.analyse(document, source=False)
    for network in document.of_kind("network"):
        try:
            costs |= tasks.summary(document, network.name)["networks"]
        except NetbuilderError as error:
            say(f"no costs of '{network.name}': {error}")
    return report, costs

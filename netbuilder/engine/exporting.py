"""A network as a file, in the precision that it was trained in."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from torch import Tensor

from netbuilder.compiler import build
from netbuilder.data import datasets, loading, settings
from netbuilder.engine import describing, preparing, trained
from netbuilder.engine.trained import Trained
from netbuilder.errors import NetbuilderError, ProblemsError
from netbuilder.exchange import export as exchange
from netbuilder.exchange import interface, weights
from netbuilder.exchange import prepared as building
from netbuilder.exchange.samples import BATCH_SIZES
from netbuilder.exchange.watched import Progress, Tell, nobody
from netbuilder.graph.document import Document
from netbuilder.training.optimisation import initialising
from netbuilder.training.own_chance import OwnChance
from netbuilder.training.settings import read_training


def export(
    origin: Document | Path,
    to: str,
    out: Path,
    *,
    network: str | None = None,
    opset: int | None = None,
    cancelled: threading.Event | None = None,
    prepared: str | None = None,
    per_node: bool = False,
    tell: Tell | None = None,
    apart: bool = True,
) -> dict[str, Any]:
    """Write a network of a project or of a run, and verify it; the answer of `tasks.export`."""
    if per_node and to != "onnx":
        raise NetbuilderError(f"{to} is not compared node by node.", "Choose onnx.")
    (tell or nobody)(Progress("Loading weights and samples"))
    if to == "package":
        from netbuilder.engine import packaging

        if prepared is not None:
            raise NetbuilderError("A package holds no preparation.", "Choose onnx or pt2.")
        return packaging.write(origin, out, cancelled)
    model = (
        untrained(origin, network)
        if isinstance(origin, Document)
        else trained.load(origin, network)
    )
    return write(
        model,
        to,
        out,
        run=None if isinstance(origin, Document) else origin,
        opset=opset,
        cancelled=cancelled,
        prepared=prepared,
        per_node=per_node,
        tell=tell,
        apart=apart,
    )


def write(
    model: Trained,
    to: str,
    out: Path,
    *,
    run: Path | None = None,
    opset: int | None = None,
    cancelled: threading.Event | None = None,
    prepared: str | None = None,
    per_node: bool = False,
    tell: Tell | None = None,
    apart: bool = True,
) -> dict[str, Any]:
    """As `export`, of a network that is there already; `run` is where its weights come from."""
    outputs = interface.of_network(model.document, model.name).outputs
    about = preparing.preparation(model, outputs, prepared or "")
    samples = samples_of(model)
    metadata = describing.metadata(model, run)
    metadata[building.KEY] = json.dumps(about, sort_keys=True)
    return exchange.export(
        model.document,
        model.name,
        to,
        out,
        weights=model.module.state_dict(),
        samples=preparing.raw(model, samples) if prepared else samples,
        metadata=metadata,
        opset=opset,
        cancelled=cancelled,
        preparation=about if prepared else None,
        per_node=per_node,
        tell=tell or nobody,
        built=None if apart else model.module,
    )


def untrained(document: Document, network: str | None) -> Trained:
    """A network with the weights of its project's seed."""
    name = trained.choose_network(document, network)
    chosen = read_training(document.project.training)
    with OwnChance(chosen.seed):
        module = build.build_network(document, name)
        initialising.apply(module, chosen.initialisation, zero_biases=chosen.zero_biases)
    weights.give(document, name, module)
    known = trained.fields(document)
    about = trained.meaning_of(document, name, known)
    return trained.Trained(document, name, module, known, {}, about)


def samples_of(model: Trained) -> dict[str, Tensor]:
    """Real inputs by input name, as the network sees them; fewer where there is no data.

    A person who has the run alone, without the files it was trained on, can export it all the
    same.
    """
    if not model.meaning.inputs or not model.fields:
        return {}
    try:
        dataset = datasets.prepare(settings.read(model.document.project.data), few=True)
    except ProblemsError:
        return {}
    part = dataset.validation if loading.size(dataset.validation) else dataset.train
    wanted = model.meaning.inputs.items()
    own = {name: part[field][: max(BATCH_SIZES)] for name, field in wanted if field in part}
    return own | {n: dataset.shared[field] for n, field in wanted if field in dataset.shared}

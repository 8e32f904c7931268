"""A network as a file, in the precision that it was trained in."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from torch import Tensor

from netbuilder.compiler import build
from netbuilder.data import datasets, loading, settings
from netbuilder.engine import describing, further, preparing, trained
from netbuilder.engine.trained import Trained
from netbuilder.errors import ProblemsError
from netbuilder.exchange import export as exchange
from netbuilder.exchange import further as exchange_further
from netbuilder.exchange import interface, weights
from netbuilder.exchange import prepared as building
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.samples import BATCH_SIZES
from netbuilder.exchange.watched import Progress, Tell, nobody
from netbuilder.graph.document import Document
from netbuilder.training.optimisation import initialising
from netbuilder.training.own_chance import OwnChance
from netbuilder.training.settings import read_training


def export(
    origin: Document | Path,
    options: ExportOptions,
    out: Path,
    *,
    cancelled: threading.Event | None = None,
    tell: Tell = nobody,
    apart: bool = True,
) -> dict[str, Any]:
    """Write a network of a project or of a run, and verify it; the answer of `tasks.export`."""
    tell(Progress("Loading weights and samples"))
    if options.to == "package":
        from netbuilder.engine import packaging

        return packaging.write(origin, out, cancelled)
    if isinstance(origin, Document):
        model, run = untrained(origin, options.network), None
    else:
        model, run = trained.load(origin, options.network), origin
    return write(model, options, out, run=run, cancelled=cancelled, tell=tell, apart=apart)


def write(
    model: Trained,
    options: ExportOptions,
    out: Path,
    *,
    run: Path | None = None,
    cancelled: threading.Event | None = None,
    tell: Tell = nobody,
    apart: bool = True,
) -> dict[str, Any]:
    """As `export`, of a network that is there already; `run` is where its weights come from."""
    outputs = interface.of_network(model.document, model.name).outputs
    about = preparing.preparation(model, outputs, options.prepared or "")
    samples = samples_of(model)
    metadata = describing.metadata(model, run)
    metadata[building.KEY] = json.dumps(about, sort_keys=True)
    told = "" if options.prepared else further.told(model.document, model.name)
    if told:
        metadata[exchange_further.KEY] = told
    return exchange.export(
        model.document,
        model.name,
        options,
        out,
        weights=model.module.state_dict(),
        samples=preparing.raw(model, samples) if options.prepared else samples,
        metadata=metadata,
        preparation=about if options.prepared else None,
        cancelled=cancelled,
        tell=tell,
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

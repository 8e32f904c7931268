"""What netbuilder can do with a project, as functions: for the worker, the command line, Python.

Each imports what it needs when it is called, so that a short answer does not wait for all
of torch's neighbours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.errors import NetbuilderError, Problem
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.watched import Tell, nobody
from netbuilder.graph.document import Document

if TYPE_CHECKING:
    from netbuilder.compiler.report import Report
    from netbuilder.engine.carrying import Wish
    from netbuilder.training.control import Control
    from netbuilder.training.parallel.distributed import Group
    from netbuilder.training.plan import Plan
    from netbuilder.training.records.events import Event


def analyse(document: Document, *, source: bool = True) -> Report:
    """Problems, shapes and, with `source`, code of everything in the project.

    Settings of data, training and steps that can't be read are problems among the others.
    """
    from netbuilder.compiler.analyse import analyse as analyse_document
    from netbuilder.data.settings import field_types
    from netbuilder.engine import data_fixes, settings_faults

    faults = list(settings_faults.find(document))
    try:
        fields = field_types(document.project.data)
    except NetbuilderError as error:
        fields = {}
        faults.insert(0, Problem("error", "data.settings", str(error), error.hint))
    report = analyse_document(document, fields, source=source)
    found = data_fixes.mended(document, fields, report.problems)
    return replace(report, problems=(*faults, *found, *_weights_faults(document)))


def _weights_faults(document: Document) -> Iterator[Problem]:
    """What is wrong with the weights beside the project."""
    if not document.project.weights:
        return
    from netbuilder.exchange import weights as exchange
    from netbuilder.storage import weights

    yield from weights.problems(document)
    yield from exchange.misfits(document)


def sample(data: Mapping[str, Any], count: int = 32) -> dict[str, Any]:
    """What the Data panel shows of these data settings."""
    from netbuilder.data import overview, settings

    return overview.overview(settings.read(data), count)


def train(
    document: Document,
    run_dir: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    wish: Wish | None = None,
    control: Control | None = None,
    listen: Callable[[Event], None] | None = None,
    group: Group | None = None,
) -> dict[str, Any]:
    """Train in this process until done, stopped or failed; the `train` command's answer.

    `wish` names a run whose weights a new one starts from; what was taken is in the answer's
    `origin`. `ProblemsError` and `RunError` tell what stands against starting; what fails later
    is in the answer (`status` is then `failed`, `error` says why).

    Each process of a `group` calls this with the same arguments; the first one writes.
    """
    from netbuilder.engine import locating, planning
    from netbuilder.engine import overrides as settings
    from netbuilder.training import loop
    from netbuilder.training.control import Control
    from netbuilder.training.parallel.distributed import ALONE
    from netbuilder.training.records.folder import RunFolder

    group = group or ALONE
    document = locating.located(settings.apply(document, overrides or {}))
    plan = planning.make(document)
    origin = group.from_first(lambda: _open_run(document, plan, run_dir, resume, wish))
    folder = RunFolder(run_dir)
    listen = listen or (lambda event: None)
    if plan.settings.board and group.first:
        from netbuilder.training import run_settings
        from netbuilder.training.records import board

        settings_now = run_settings.settings_of(folder.project_path.read_bytes())
        listen = board.Board(folder, settings_now).listening(listen)
    result = loop.train(
        plan,
        folder,
        control or Control(),
        listen,
        resume=resume,
        group=group,
    )
    answer = result.to_json()
    return answer if origin is None else {**answer, "origin": origin}


def _open_run(
    document: Document, plan: Plan, run_dir: Path, resume: bool, wish: Wish | None
) -> dict[str, Any] | None:
    """Make the folder ready to train in; what was taken of another run, if anything."""
    from netbuilder.engine import carrying, preparing
    from netbuilder.storage import atomic, code_files, format, weights
    from netbuilder.training.checkpointing import carrying as starting
    from netbuilder.training.checkpointing import checkpoints
    from netbuilder.training.records.folder import RunFolder

    project = format.dumps(document).encode()
    origin: dict[str, Any] | None = None
    if resume:
        folder = RunFolder.open(run_dir)
        # Before the folder's project is replaced it must be certain that its weights fit. A run
        # that was killed before its first checkpoint begins again.
        if folder.checkpoints("last"):
            checkpoints.load_networks(folder.read_checkpoint("last")[0], plan.networks)
        else:
            starting.read_start(folder, plan.networks)
        if folder.project_path.read_bytes() != project:
            atomic.write(folder.project_path, project)
    else:
        if wish is not None:
            origin = carrying.begin(document, plan.networks, wish, RunFolder(run_dir))
        folder = RunFolder.create(run_dir, project)
    # The run needs nothing else: also not the files of the project's own layers.
    code_files.write_beside(document.project, folder.path, replace=True)
    weights.carry(document, folder.project_path)
    if not resume:
        preparing.carry(document, folder.path)
    return origin


def carry(document: Document, wish: Wish) -> dict[str, Any]:
    """What a training that starts from a run's weights would take of it; the report's JSON."""
    from netbuilder.engine import carrying

    return carrying.look(document, wish)


def export(
    origin: Document | Path,
    options: ExportOptions,
    out: Path,
    *,
    cancelled: threading.Event | None = None,
    tell: Tell = nobody,
    apart: bool = True,
) -> dict[str, Any]:
    """Write a network of a project (with the weights of its seed) or of a run, and verify it.

    `tell` hears how far it is. Not `apart` it is done in this process, which must have exported
    nothing before. The `export` command's answer: with a precision it tells what that costs.
    `ExportError` when the file would not hold, or once `cancelled` is set before it is written.
    """
    if options.precision is None:
        from netbuilder.engine.exporting import export as write
    else:
        from netbuilder.engine.lowering import export as write
    return write(origin, options, Path(out), cancelled=cancelled, tell=tell, apart=apart)


def import_model(
    model: Path,
    out: Path,
    *,
    fold: bool = False,
    early: bool = False,
    cancelled: threading.Event | None = None,
    tell: Tell = nobody,
) -> dict[str, Any]:
    """Write a project, and its weights beside it, of an exported program; `import`'s answer.

    With `fold`, runs of nodes that come again are folded into blocks; `tell` hears how far it is,
    with `early` also that the project is written, before it is compared.
    Nothing of the file is run as code. `DocumentError` says why it can't be read.
    """
    from netbuilder.exchange.bring import child

    return child.import_model(model, out, fold=fold, early=early, cancelled=cancelled, tell=tell)


def predict(
    run: Path, inputs: Mapping[str, Any] | Sequence[Any], network: str | None = None
) -> dict[str, Any]:
    """What a trained network says; see `engine.prediction`."""
    from netbuilder.engine import prediction

    return prediction.predict(run, inputs, network)


def summary(
    document: Document,
    network: str | None = None,
    input_sizes: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, Any]:
    """Parameters, multiply-accumulates and shapes; the `summary` command's answer."""
    from netbuilder.analysis import costs

    return costs.summary(document, network, input_sizes or {})

"""Export with weights in fewer bits: compared on samples, and judged on the validation part.

The weights that a file rounds are those that were trained; which samples may fix the ranges of
integers are those of the training part.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from netbuilder.data.loading import size
from netbuilder.engine import exporting, locating, planning, preparing, trained
from netbuilder.engine.trained import Trained
from netbuilder.errors import ExportError, ProblemsError
from netbuilder.exchange import export as exchange
from netbuilder.exchange import fresh, interface, samples
from netbuilder.exchange.interface import Interface
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.smaller import lowering, precisions, running
from netbuilder.exchange.specs import symbols
from netbuilder.exchange.watched import Progress, Tell, nobody
from netbuilder.graph.document import Document
from netbuilder.storage import atomic, files
from netbuilder.training import judging
from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.plan import Plan
from netbuilder.training.records.events import finite
from netbuilder.training.records.folder import RunFolder

CALIBRATION = 256
"""Samples of the training part by which ranges are fixed."""
COMPARED = 64
"""Samples of the validation part on which outputs are compared."""


@dataclass(frozen=True)
class Subject:
    """A network with its weights inside the training that it belongs to.

    Without a `plan` (no data, no training step) there is nothing to judge it by.
    """

    name: str
    interface: Interface
    plan: Plan | None

    @staticmethod
    def of(origin: Document | Path, network: str | None) -> Subject:
        """A network of a project, or of a run with its best weights."""
        if isinstance(origin, Document):
            document, run = origin, None
        else:
            run = RunFolder.open(origin)
            document = files.load(run.project_path)
        name = trained.choose_network(document, network)
        about = interface.of_network(document, name)
        try:
            plan = planning.make(locating.located(document), beside=True)
        except ProblemsError:
            return Subject(name, about, None)
        if run is not None:
            checkpoints.load_networks(run.read_checkpoint("best", "last")[0], plan.networks)
        return Subject(name, about, plan)

    def calibration(self) -> list[judging.Inputs]:
        """What the network is given for samples of the training part."""
        if self.plan is None:
            return []
        return judging.inputs_of(self.plan, self.name, self.plan.dataset.train, CALIBRATION)

    def compared(self) -> list[judging.Inputs]:
        """What it is given for samples of the validation part; random inputs without data."""
        given: list[judging.Inputs] = []
        if self.plan is not None:
            data = self.plan.dataset
            part = data.validation if size(data.validation) else data.train
            given = judging.inputs_of(self.plan, self.name, part, COMPARED)
        return given or [samples.random_inputs(self.interface.inputs, self._sizes())]

    def _sizes(self) -> dict[str, int]:
        names = symbols(self.interface.inputs)
        sizes = {name: samples.LENGTHS[at % len(samples.LENGTHS)] for at, name in enumerate(names)}
        return sizes | {"N": samples.BATCH_SIZES[-1]}

    def feeds(self, calls: Sequence[judging.Inputs]) -> list[running.Feed]:
        """Calls as an ONNX file takes them."""
        return [running.feed(self.interface.inputs, call) for call in calls]

    def metrics(self, file: Path | None = None) -> dict[str, Any]:
        """Metrics on the validation part, of the network or of a file in its place.

        Empty where no training step calls it.
        """
        if self.plan is None:
            return {}
        if file is None:
            return dict(finite(judging.metrics(self.plan)))
        compute = running.computing(file, self.interface.inputs)
        with judging.StandIn(self.plan.networks[self.name], compute) as stand_in:
            found = judging.metrics(self.plan)
        return dict(finite(found)) if stand_in.calls else {}


def export(
    origin: Document | Path,
    options: ExportOptions,
    out: Path,
    *,
    cancelled: threading.Event | None = None,
    tell: Tell = nobody,
    apart: bool = True,
) -> dict[str, Any]:
    """Write a network as an ONNX file in the precision of `options`; the answer of `tasks.export`.

    Beside it: `precision`, `tolerance`, `bytes` (`before`, `after`) and `metrics` (the same). A
    file with its preparation built in is compared, but not judged: it takes other values.
    """
    assert options.precision is not None
    chosen, prepared = precisions.find(options.precision), options.prepared is not None
    cancelled = cancelled or threading.Event()
    with fresh.folder() as folder:
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        exchange.refuse_place(out)
        plain = replace(options, precision=None)
        answer = exporting.export(origin, plain, whole, cancelled=cancelled, tell=tell, apart=apart)
        tell(Progress(f"Making it {chosen.id}"))
        subject = Subject.of(origin, options.network)
        run = origin if isinstance(origin, Path) and prepared else None
        known = trained.load(run, options.network) if run is not None else None
        compared = raw(known, subject, subject.compared())
        calibration = subject.calibration() if chosen.calibrated else []
        error = lowering.lower(
            whole,
            {chosen.id: small},
            subject.feeds(compared),
            subject.feeds(raw(known, subject, calibration)),
            cancelled,
        )[chosen.id]
        if isinstance(error, ExportError):
            raise error
        metrics: dict[str, Any] = {}
        if not prepared:
            metrics = {"before": subject.metrics(), "after": subject.metrics(small)}
        if cancelled.is_set():
            raise ExportError(lowering.CANCELLED)
        sizes = {"before": whole.stat().st_size, "after": small.stat().st_size}
        atomic.write(out, small.read_bytes())
    return answer | {
        "path": str(out),
        "files": [str(out)],
        "size": sizes["after"],
        "precision": chosen.id,
        "max_rel_error": error,
        "tolerance": chosen.tolerance,
        "bytes": sizes,
        "metrics": metrics,
    }


def raw(
    model: Trained | None, subject: Subject, calls: Sequence[judging.Inputs]
) -> list[judging.Inputs]:
    """Calls with values as they are in the data, for a file that normalises them itself."""
    if model is None:
        return list(calls)
    names = [spec.name for spec in subject.interface.inputs]
    found = []
    for call in calls:
        values: Mapping[str, Tensor] = preparing.raw(model, dict(zip(names, call, strict=True)))
        found.append(tuple(values[name] for name in names))
    return found

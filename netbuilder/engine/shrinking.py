"""What a run's network comes to when it is made smaller: files, and a table of what each costs.

Everything lies in `RUN/artifacts`: ONNX files, projects with pruned weights that can be trained
on, and `table.json` with a row for each file. Rows are told as they come.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from netbuilder.compiler import build
from netbuilder.engine import exporting, trained
from netbuilder.engine.lowering import Subject
from netbuilder.engine.trained import Trained
from netbuilder.errors import ExportError, NetbuilderError
from netbuilder.exchange import samples, weights
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.smaller import lowering, precisions, pruning, running
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.storage import atomic, code_files, files
from netbuilder.training import artifacts
from netbuilder.training.artifacts import Row
from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.records.folder import RunFolder

WHOLE = "fp32"
CANCELLED = "It was cancelled. What was made is in the table."


@dataclass(frozen=True, slots=True)
class Wish:
    """What to try: shares of weights (`prune`) and of channels (`structured`), and precisions."""

    prune: float | None = None
    structured: float | None = None
    fp16: bool = False
    int8: bool = False
    network: str | None = None

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Wish:
        """The wish in a request; `NetbuilderError` for a share that can't be."""
        shares = {name: value.get(name) for name in ("prune", "structured")}
        for share in shares.values():
            if share is not None:
                pruning.check_share(float(share))
        network = value.get("network")
        return Wish(
            **{name: None if share is None else float(share) for name, share in shares.items()},
            fp16=bool(value.get("fp16")),
            int8=bool(value.get("int8")),
            network=str(network) if network else None,
        )

    @property
    def precisions(self) -> tuple[str, ...]:
        """Those that are wanted beside float32."""
        chosen = [precisions.FP16] if self.fp16 else []
        return (*chosen, *((precisions.INT8, precisions.INT8_STATIC) if self.int8 else ()))

    @property
    def files(self) -> int:
        """How many files that makes, if all can be made."""
        variants = 1 + (self.prune is not None) + (self.structured is not None)
        return variants * (1 + len(self.precisions))


class Stopping(threading.Event):
    """Set as soon as somebody says so."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        super().__init__()
        self._stopped = stopped

    def is_set(self) -> bool:
        return super().is_set() or self._stopped()


@dataclass
class _Work:
    """One call of `shrink` under way."""

    run: Path
    wish: Wish
    subject: Subject
    model: Trained
    cancelled: threading.Event
    tell: Callable[[Row], None]
    rows: list[Row] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    pruned: pruning.Pruned | None = None

    @property
    def folder(self) -> Path:
        return self.run / artifacts.FOLDER


@dataclass(frozen=True)
class _Variant:
    """A network to be written: its name begins the names of its files."""

    name: str
    document: Document
    module: nn.Module
    project: str = ""


def shrink(
    run: Path,
    wish: Wish,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Row], None] = lambda row: None,
) -> dict[str, Any]:
    """Make what is wished for of a run's best weights, judge and time it, and keep the table.

    The answer: `rows`, those that were made now; `refused`, what could not be made (`name`,
    `message`, `hint`); `cut`, outputs before and after by layer; `stays`, layers that lose none
    and why. `ExportError` once `stopped` says so: rows that were made are in the table.
    """
    folder = RunFolder.open(run)
    model = trained.load(run, wish.network)
    subject = Subject.of(run, model.name)
    work = _Work(run, wish, subject, model, Stopping(stopped), tell)
    try:
        work.folder.mkdir(exist_ok=True)
    except OSError as error:
        raise atomic.refusal(error, work.folder, 0) from error
    for variant in _variants(work, folder):
        _make(work, variant)
    _time(work)
    return {
        "run": str(run),
        "network": model.name,
        "rows": work.rows,
        "refused": work.refused,
        "cut": {} if work.pruned is None else {k: list(v) for k, v in work.pruned.cut.items()},
        "stays": []
        if work.pruned is None
        else [{"name": each.name, "reason": each.reason} for each in work.pruned.refusals],
    }


# -- variants --------------------------------------------------------------------------------


def _variants(work: _Work, folder: RunFolder) -> Iterator[_Variant]:
    """The network as it is, then the pruned ones, each with its project beside its files."""
    model, wish = work.model, work.wish
    yield _Variant(WHOLE, model.document, model.module)
    if wish.prune is not None:
        module = build.build_network(model.document, model.name)
        module.load_state_dict(pruning.zeroed(model.module, wish.prune))
        yield _with_project(work, folder, _named("pruned", wish.prune), model.document, module)
    if wish.structured is not None:
        name = _named("structured", wish.structured)
        try:
            work.pruned = pruning.structured(
                model.document, model.name, model.module, wish.structured
            )
        except ExportError as error:
            work.refused.append(_refusal(name, error))
            return
        module = build.build_network(work.pruned.document, model.name)
        module.load_state_dict(work.pruned.weights)
        yield _with_project(work, folder, name, work.pruned.document, module)


def _named(kind: str, share: float) -> str:
    return f"{kind}-{100 * share:g}"


def _with_project(
    work: _Work, folder: RunFolder, name: str, document: Document, module: nn.Module
) -> _Variant:
    """Write a project that begins with these weights, and those of the run's other networks."""
    document, model = document.copy(), work.model
    stem = _file(work, name, "").name
    saved = checkpoints.networks(folder.read_checkpoint("best", "last")[0])
    states: dict[str, Mapping[str, Tensor]] = {**saved, model.name: module.state_dict()}
    edits.set_project(History(document), weights={})
    for network, state in states.items():
        file = f"{stem}.safetensors" if len(states) == 1 else f"{stem}.{network}.safetensors"
        weights.hold(document, network, state, file)
    path = work.folder / f"{stem}.netb"
    code_files.write_beside(document.project, work.folder, replace=True)
    files.save(document, path)
    return _Variant(name, document, module.eval(), path.name)


def _file(work: _Work, name: str, suffix: str) -> Path:
    """Where an artifact lies; networks other than the project's only one are told apart."""
    several = len(work.model.document.of_kind("network")) > 1
    return work.folder / (f"{work.model.name}-{name}{suffix}" if several else f"{name}{suffix}")


def _refusal(name: str, error: NetbuilderError) -> dict[str, str]:
    return {"name": name, "message": str(error), "hint": error.hint}


# -- files -----------------------------------------------------------------------------------


def _make(work: _Work, variant: _Variant) -> None:
    """The files of a variant, each with its row."""
    _go_on(work)
    whole = _file(work, variant.name, ".onnx")
    model = replace(work.model, document=variant.document, module=variant.module)
    answer = exporting.write(
        model, ExportOptions("onnx"), whole, run=work.run, cancelled=work.cancelled
    )
    _book(work, variant, WHOLE, whole, answer["max_rel_error"])
    wanted = [name for name in work.wish.precisions if _possible(work, name)]
    if not wanted:
        return
    names = {name: name if variant.name == WHOLE else f"{variant.name}-{name}" for name in wanted}
    paths = {name: _file(work, names[name], ".onnx") for name in wanted}
    feeds = work.subject.feeds
    found = lowering.lower(
        whole,
        paths,
        feeds(work.subject.compared()),
        feeds(work.subject.calibration()) if precisions.INT8_STATIC in wanted else [],
        work.cancelled,
    )
    for name, error in found.items():
        if isinstance(error, ExportError):
            work.refused.append(_refusal(names[name], error))
        else:
            _book(work, variant, name, paths[name], error)


def _possible(work: _Work, precision: str) -> bool:
    """Whether there are samples to calibrate with; without, it is refused once."""
    if work.subject.plan is not None or not precisions.find(precision).calibrated:
        return True
    if all(entry["name"] != precision for entry in work.refused):
        message = "It needs training samples to find the ranges of values."
        work.refused.append({"name": precision, "message": message, "hint": "Choose data."})
    return False


def _go_on(work: _Work) -> None:
    if work.cancelled.is_set():
        raise ExportError(CANCELLED)


def _book(work: _Work, variant: _Variant, kind: str, path: Path, error: float) -> None:
    """The row of a file, judged and not yet timed."""
    _go_on(work)
    data = path.read_bytes()
    own = list(variant.module.parameters())
    row: Row = {
        "name": path.stem,
        "file": path.name,
        "kind": kind,
        "bytes": len(data),
        "packed_bytes": len(zlib.compress(data, 6)),
        "parameters": sum(each.numel() for each in own),
        "zeros": sum(int((each == 0).sum()) for each in own),
        "metrics": work.subject.metrics(path),
        "latency_ms": {},
        "latency_quartiles_ms": {},
        "threads": running.THREADS,
        "against": None if not work.rows else work.rows[0]["name"],
        "max_rel_error": error,
        "network": work.model.name,
        "project": variant.project or None,
    }
    work.rows.append(row)
    artifacts.keep(work.run, work.rows)
    work.tell(row)


# -- times -----------------------------------------------------------------------------------


def _time(work: _Work) -> None:
    """How long each file takes for one sample and for a batch of the training."""
    _go_on(work)
    paths = {row["name"]: work.folder / row["file"] for row in work.rows}
    for name, found in running.latencies(paths, dict(_calls(work))).items():
        row = next(row for row in work.rows if row["name"] == name)
        row["latency_ms"] = {size: timing.median for size, timing in found.items()}
        row["latency_quartiles_ms"] = {
            size: list(timing.quartiles) for size, timing in found.items()
        }
    artifacts.keep(work.run, work.rows)


def _calls(work: _Work) -> Iterable[tuple[str, running.Feed]]:
    """One sample and a batch, by the number of samples; the data whole where there is no batch."""
    specs, plan = work.subject.interface.inputs, work.subject.plan
    call = work.subject.compared()[0]
    batched = [spec.shape[:1] == ("N",) for spec in specs]
    if not any(batched):
        yield "1", running.feed(specs, call)
        return
    for size in dict.fromkeys((1, plan.settings.batch_size if plan else max(samples.BATCH_SIZES))):
        values = [
            each[[at % len(each) for at in range(size)]] if has else each
            for each, has in zip(call, batched, strict=True)
        ]
        yield str(size), running.feed(specs, values)

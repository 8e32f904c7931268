"""Commands that look before a training: find-lr, find-batch, tune, weigh-classes; and folds."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.cli import output, trusting
from netbuilder.cli.output import UsageError
from netbuilder.errors import RunError
from netbuilder.graph.document import Document

if TYPE_CHECKING:
    from netbuilder.training.plan import Plan


def _prepare(options: Namespace) -> tuple[Document, Document, Plan]:
    """The project as it is, with what `--set` replaces, and its plan."""
    document = trusting.load(options.file, options)
    from netbuilder.engine import overrides, planning

    values = {}
    for text in options.settings:
        key, found, value = text.partition("=")
        if not found or not key:
            raise UsageError(f"'{text}' sets nothing.", "Write it like training.batch_size=64.")
        try:
            values[key] = json.loads(value)
        except ValueError:
            values[key] = value
    changed = overrides.apply(document, values)
    return document, changed, planning.make(changed)


def _apply(options: Namespace, document: Document, values: Mapping[str, Any]) -> None:
    """Write settings into the project's file."""
    from netbuilder.engine import overrides
    from netbuilder.storage import files

    files.save(overrides.apply(document, values), Path(options.file))
    shown = ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
    output.say(f"Written to {options.file}: {shown}")


def find_lr(options: Namespace) -> int:
    """Sweep the learning rate and say which to start with."""
    from netbuilder.training.trials import finding_rate

    document, _, plan = _prepare(options)
    with trusting.quiet():
        found = finding_rate.sweep(
            plan,
            step=options.step,
            lowest=options.lowest,
            highest=options.highest,
            points=options.points,
        )
    if options.json:
        output.answer(found.to_json())
    else:
        every = max(1, len(found.rates) // 20)
        rows = [
            (f"{rate:.3g}", f"{loss:.4g}", f"{smooth:.4g}")
            for rate, loss, smooth in zip(
                found.rates[::every], found.losses[::every], found.smoothed[::every], strict=True
            )
        ]
        output.table(("rate", "loss", "smoothed"), rows)
        if found.suggestion is None:
            print("The loss fell nowhere: no rate to suggest.")
        else:
            print(f"Suggested learning rate of '{found.step}': {found.suggestion:g}")
    if options.apply:
        if found.suggestion is None:
            raise UsageError("There is no rate to write.", "Look at the network and the data.")
        _apply(options, document, {f"{found.step}.optimizer.lr": found.suggestion})
    return output.DONE


def find_batch(options: Namespace) -> int:
    """Try batch sizes and say which fit and which is fast."""
    from netbuilder.engine import finding_batch

    document, _, plan = _prepare(options)
    with trusting.quiet():
        found = finding_batch.find(plan, limit_mb=options.limit, most=options.most)
    if options.json:
        output.answer(found)
    else:
        rows = [
            (
                line["batch_size"],
                _megabytes(line["forecast"]),
                _megabytes(line["measured"]),
                _whole(line["samples_per_second"]),
                line["failed"],
            )
            for line in found["table"]
        ]
        output.table(("batch", "forecast MB", "measured MB", "samples/s", ""), rows)
        print(
            f"Largest that fits: {found['largest']}. Nearly the best speed: {found['suggestion']}."
        )
    if options.apply:
        _apply(options, document, {"training.batch_size": found["suggestion"]})
    return output.DONE


def _megabytes(value: int | None) -> str:
    return "-" if value is None else f"{value / 2**20:.1f}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def tune(options: Namespace) -> int:
    """Measure threads, layout and compile; `--apply` writes the fastest."""
    from netbuilder.training.trials import tuning

    document, _, plan = _prepare(options)
    with trusting.quiet():
        found = tuning.measure(plan)
    if options.json:
        output.answer(found)
    else:
        rows = [
            (
                line["threads"],
                _yes(line["channels_last"]),
                _yes(line["compile"]),
                _whole(line["samples_per_second"]),
                "-" if line["ratio"] is None else f"{line['ratio']:.2f}",
                line["failed"],
            )
            for line in found["table"]
        ]
        output.table(("threads", "channels last", "compile", "samples/s", "ratio", ""), rows)
        shown = ", ".join(f"{name} {value}" for name, value in found["best"].items())
        print(f"Best: {shown}")
    if options.apply:
        _apply(options, document, {f"training.{k}": v for k, v in found["best"].items()})
    return output.DONE


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def weigh_classes(options: Namespace) -> int:
    """Write weights into the losses that make rare classes count as much as the others."""
    document = trusting.load(options.file, options)
    from netbuilder.engine import weighing
    from netbuilder.storage import files

    found = weighing.look(document, options.field)
    if options.json:
        output.answer(found)
    else:
        rows = zip(
            found["classes"],
            found["counts"],
            (f"{weight:.4g}" for weight in found["weights"]),
            strict=True,
        )
        output.table(("class", "samples", "weight"), rows)
    if options.apply:
        files.save(weighing.write(document, found), Path(options.file))
        names = ", ".join(entry["name"] for entry in found["losses"])
        output.say(f"Written to {options.file}: the weights of {names}")
    return output.DONE


def train_folds(options: Namespace, values: Mapping[str, Any]) -> int:
    """Train a group of runs, one for each fold."""
    from netbuilder.cli.progress import Progress
    from netbuilder.cli.signals import stop_on_signals

    document = trusting.load(options.file, options)
    from netbuilder.engine import folds
    from netbuilder.training.control import Control
    from netbuilder.training.records.events import Event

    for name, value in (
        ("--from", options.origin),
        ("--keep", options.keep),
        ("--widen", options.widen),
        ("--worker", options.worker),
        ("--tune", options.tune),
    ):
        if value not in (None, False):
            raise UsageError(f"--folds and {name} don't go together.", "Leave one of them out.")
    control = Control()
    stop_on_signals(control.stop, once=True)
    with Progress() as progress, trusting.quiet():

        def listen(number: int, event: Event) -> None:
            if event.event == "started":
                output.say(f"Fold {number} of {options.folds}")
            progress.take(event)

        try:
            result = folds.train(
                document,
                Path(options.run),
                options.folds,
                overrides=values,
                resume=options.resume,
                control=control,
                listen=listen,
            )
        except RunError as error:
            raise UsageError(str(error), error.hint) from error
    if options.json:
        output.answer(result)
    else:
        rows = [
            (key, f"{entry['mean']:.4g}", f"{entry['deviation']:.2g}", len(entry["values"]))
            for key, entry in result["metrics"].items()
        ]
        output.table(("metric", "mean", "deviation", "folds"), rows)
        print(f"runs: {result['run']}")
    return output.RUN_FAILED if result["status"] == "failed" else output.DONE


def tuned(document: Document, values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Settings measured for a new run, by dotted key; the run's environment keeps the table."""
    from netbuilder.engine import overrides, planning
    from netbuilder.training.records.folder import RunFolder
    from netbuilder.training.trials import tuning

    folder = RunFolder(path)
    folder.require_new()
    with trusting.quiet():
        found = tuning.measure(planning.make(overrides.apply(document, values)))
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.write_json("environment.json", {"tuning": found})
    return {f"training.{name}": value for name, value in found["best"].items()}

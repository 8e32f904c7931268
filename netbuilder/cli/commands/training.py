"""The command that trains."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.cli import output, trusting
from netbuilder.cli.commands.using import run_folder
from netbuilder.cli.output import UsageError
from netbuilder.cli.signals import stop_on_signals
from netbuilder.errors import RunError

if TYPE_CHECKING:
    from netbuilder.graph.document import Document
    from netbuilder.training.parallel.distributed import Group


def train(options: Namespace) -> int:
    """Train until done; Ctrl+C stops with a checkpoint, a second one ends at once.

    Under torchrun this is one of several processes; only the first one tells anything.
    """
    if int(os.environ.get("WORLD_SIZE") or 1) > 1:
        from netbuilder.cli import several

        return several.run(lambda group: _train(options, group), json=options.json)
    return _train(options, None)


def _train(options: Namespace, group: Group | None) -> int:
    from netbuilder.cli.progress import Progress

    first = group is None or group.first
    values = settings(options)
    if options.folds is not None:
        from netbuilder.cli.commands import finding

        return finding.train_folds(options, values)
    document = trusting.load(options.file, options)
    trusting.remember(document)
    from netbuilder.engine import carrying, tasks
    from netbuilder.training.control import Control

    wish = None
    if options.origin is not None:
        keep = None if options.keep is None else tuple(options.keep)
        wish = carrying.Wish(run_folder(options.origin), keep, options.widen)
    elif options.keep or options.widen:
        raise UsageError("--keep and --widen belong to --from.", "Name the run: --from RUN.")
    if options.tune and not options.resume:
        from netbuilder.cli.commands import finding

        values |= finding.tuned(document, values, Path(options.run))
    if options.worker is not None:
        return _train_elsewhere(options, document, values)
    control = Control()
    stop_on_signals(control.stop, once=group is None)
    resume = options.resume or (group is not None and group.goes_on(Path(options.run)))
    with Progress() if first else nullcontext() as progress, trusting.quiet():
        try:
            result = tasks.train(
                document,
                Path(options.run),
                overrides=values,
                resume=resume,
                wish=wish,
                control=control,
                listen=None if progress is None else progress.take,
                group=group,
            )
        except RunError as error:
            # Nothing has run yet: the folder or the device is not what it should be.
            raise UsageError(str(error), error.hint) from error
    if not first and result["status"] != "failed":
        return output.DONE
    return _tell(result, options)


def _train_elsewhere(options: Namespace, document: Document, values: Mapping[str, Any]) -> int:
    from netbuilder.cli.commands import elsewhere
    from netbuilder.cli.progress import Progress

    if options.origin is not None:
        raise UsageError("--from and --worker don't go together.", "Train that run here.")
    with Progress() as progress:
        result = elsewhere.train(
            options.worker,
            document,
            Path(options.run),
            progress,
            overrides=values,
            resume=options.resume,
        )
    return _tell(result, options)


def _tell(result: Mapping[str, Any], options: Namespace) -> int:
    """Say how it went; the exit code."""
    failed = result["status"] == "failed"
    if "origin" in result:
        _say_origin(result["origin"])
    if options.json:
        output.answer(result)
    if failed:
        fault = result.get("error") or {}
        output.say(f"netbuilder: {fault.get('message', 'The run failed.')}")
        if fault.get("hint"):
            output.say(f"  {fault['hint']}")
    elif not options.json:
        _print_result(result)
    return output.RUN_FAILED if failed else output.DONE


def _say_origin(origin: Mapping[str, Any]) -> None:
    """What was taken of another run."""
    numbers = origin["numbers"]
    counts = ", ".join(f"{numbers[state]:,} {state}" for state in numbers if numbers[state])
    at = f"{origin['checkpoint']}, epoch {origin['epoch']}"
    output.say(f"Started from {origin['run']} ({at}): {counts or 'no'} values.")
    for item in origin["items"]:
        if item["state"] != "kept":
            name = item["name"] or item["was"]
            leaf = f"{item['part']}.{name.rsplit('.', 1)[-1]}"
            output.say(f"  {item['state']}: {leaf}. {item['reason']}")
    output.say("The optimizer begins anew.")


def settings(options: Namespace) -> dict[str, Any]:
    """What the options replace, by dotted key."""
    values: dict[str, Any] = {}
    for name in ("epochs", "steps", "seed", "device"):
        value = getattr(options, name)
        if value is not None:
            values[f"training.{name}"] = value
    for text in options.settings:
        key, found, value = text.partition("=")
        if not found or not key:
            raise UsageError(f"'{text}' sets nothing.", "Write it like training.batch_size=64.")
        values[key] = _value(value)
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _print_result(result: Mapping[str, Any]) -> None:
    metrics = ", ".join(f"{key} {output.number(value)}" for key, value in result["metrics"].items())
    unit = "epoch" if result["epochs"] else "step"
    count = result[f"{unit}s"]
    after = f"{count} {unit}{'s'[: count != 1]}, {result['seconds']:.1f} s"
    print(f"{result['status']} after {after}: {metrics}")
    print(f"run: {result['run']}")

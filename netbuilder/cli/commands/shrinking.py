"""The command that makes a trained network smaller: shrink."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from netbuilder.cli import output, trusting
from netbuilder.cli.commands.using import run_folder
from netbuilder.cli.output import UsageError
from netbuilder.training import artifacts


def shrink(options: Namespace) -> int:
    """Make smaller files of a run and print the table; exit code 1 if some could not be made."""
    folder = run_folder(options.run)
    wished = {name: getattr(options, name) for name in ("prune", "structured", "fp16", "int8")}
    if not any(wished.values()):
        raise UsageError(
            "There is nothing to try.", "Give --fp16, --int8, --prune or --structured."
        )
    trusting.load_run(folder, options)
    from netbuilder.engine import shrinking

    wish = shrinking.Wish.from_json({**wished, "network": options.network})

    def tell(row: Mapping[str, Any]) -> None:
        output.say(f"{row['name']}: {row['bytes']:,} bytes")

    with trusting.quiet():
        answer = shrinking.shrink(folder, wish, tell=tell)
    if options.json:
        output.answer(answer)
    else:
        output.table(*columns(answer["rows"]))
        output.say(_ABOUT_TIMES)
        for name, (before, after) in answer["cut"].items():
            print(f"{name}: {before} outputs, now {after}")
        for entry in answer["stays"]:
            print(f"{entry['name']} stays whole: {entry['reason']}")
    for entry in answer["refused"]:
        output.say(f"{entry['name']} was not made: {entry['message']} {entry['hint']}".rstrip())
    return output.PROBLEMS if answer["refused"] else output.DONE


def columns(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The table's heads and its lines."""
    metrics = list(dict.fromkeys(key for row in rows for key in row["metrics"]))
    sizes = list(dict.fromkeys(key for row in rows for key in row["latency_ms"]))
    heads = ["name", "bytes", "packed", "parameters", "zeros", *metrics]
    heads += [f"ms for {size}" for size in sizes]
    lines = []
    for row in rows:
        line = [row["name"], *(f"{row[key]:,}" for key in _COUNTS)]
        line += [_number(row["metrics"].get(key)) for key in metrics]
        line += [_time(row, size) for size in sizes]
        lines.append(line)
    return heads, lines


_COUNTS = ("bytes", "packed_bytes", "parameters", "zeros")


_ABOUT_TIMES = "ms: the median of calls on one thread, ± half the distance of the quartiles"


def _time(row: Mapping[str, Any], size: str) -> str:
    spread = artifacts.spread(dict(row), size)
    about = "" if spread is None else f" ±{100 * spread:.0f} %"
    return f"{_number(row['latency_ms'].get(size))}{about}"


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}"

"""Commands that use what was trained: export, generate."""

from __future__ import annotations

import io
import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netbuilder.cli import export_words, output, trusting
from netbuilder.cli.output import UsageError
from netbuilder.graph.document import Document


def export(options: Namespace) -> int:
    """Write a network to a file; exit code 1 if the file would not hold."""
    with export_words.starting(options):
        return _export(options)


def _export(options: Namespace) -> int:
    path = Path(options.origin)
    origin: Document | Path
    if path.is_dir():
        origin = run_folder(options.origin)
        trusting.load_run(origin, options)
    else:
        origin = trusting.load(options.origin, options)
    with trusting.quiet(), export_words.telling() as tell:
        result = export_words.export(origin, options, tell)
    if options.json:
        output.answer(result)
        return output.DONE
    for kind in ("inputs", "outputs"):
        for name, shape in result[kind].items():
            print(f"{kind[:-1]} {name}: {output.dims(shape)}")
    print(f"{result['path']}: verified, largest relative error {result['max_rel_error']:.1e}")
    for line in (*_what_it_costs(result), *export_words.by_node(result)):
        print(line)
    return output.DONE


def _what_it_costs(result: Mapping[str, Any]) -> Iterator[str]:
    """What another precision changed, in words."""
    if "precision" not in result:
        return
    sizes, metrics = result["bytes"], result["metrics"]
    yield f"bytes: {sizes['before']:,} before, {sizes['after']:,} in {result['precision']}"
    for key, before in metrics.get("before", {}).items():
        after = metrics["after"].get(key)
        if before is not None and after is not None:
            yield f"{key}: {before:.4g} before, {after:.4g} after"


def run_folder(path: str) -> Path:
    """The folder of a run; `UsageError` if it is none."""
    from netbuilder.training.records.folder import RunFolder

    folder = RunFolder(path)
    if not folder.exists():
        raise UsageError(f"'{path}' is not the folder of a run.", "Give the DIR of train --run.")
    return folder.path


def generate(options: Namespace) -> int:
    """Print what a trained generator makes, or write its pictures to a file."""
    from netbuilder.engine import generating

    folder = run_folder(options.run)
    trusting.load_run(folder, options)
    wish = {"seed": options.seed, "prompt": options.prompt, "knobs": _knobs(options.turn)}
    if options.preview is not None:
        wish["preview"] = options.preview
    with trusting.quiet():
        made = generating.generate(folder, wish)
    if options.output is not None:
        if made["kind"] != "image":
            raise UsageError("What it makes is no picture.", "Leave -o out.")
        _write_pictures(made["output"], Path(options.output))
    if options.json:
        output.answer(made)
    elif options.output is not None:
        print(options.output)
    elif made["kind"] == "text":
        print("\n\n".join(made["output"]))
    else:
        print(json.dumps(made["output"]))
    return output.DONE


def _knobs(turned: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for text in turned:
        name, _, value = text.partition("=")
        node, _, knob = name.rpartition(".")
        try:
            found.setdefault(node, {})[knob] = float(value)
        except ValueError:
            raise UsageError(f"'{text}' turns nothing.", "Write NODE.KNOB=NUMBER.") from None
    return found


def _write_pictures(pictures: list[Any], path: Path) -> None:
    """Pictures C×H×W side by side, four in a row, each as bright as its range allows."""
    import numpy as np
    from PIL import Image

    from netbuilder.storage import atomic

    values = np.array(pictures, dtype=np.float32)
    low, high = (0.0, 1.0) if values.min() >= 0 and values.max() <= 1 else (-1.0, 1.0)
    values = np.clip((values - low) / (high - low), 0, 1)
    values = np.concatenate([values, np.zeros_like(values[: -len(values) % 4])])
    rows = [np.concatenate(list(values[at : at + 4]), axis=2) for at in range(0, len(values), 4)]
    grid = (np.concatenate(rows, axis=1) * 255).round().astype(np.uint8)
    image = Image.fromarray(grid[0] if len(grid) == 1 else grid.transpose(1, 2, 0))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    atomic.write(path, buffer.getvalue())

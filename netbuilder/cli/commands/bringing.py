"""The command import: models of others become projects."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from netbuilder.cli import output
from netbuilder.cli.commands import bringing_data
from netbuilder.cli.output import UsageError

WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
"""What files of weights are called. One of these may be a whole model, but only as a pickle."""


def import_model(options: Namespace) -> int:
    """Write a project; exit code 1 if it does not compute what the model does."""
    from netbuilder.engine import tasks

    model = Path(options.model)
    kind = model.suffix.lower()
    if kind in WEIGHTS:
        raise UsageError(
            f"'{model.name}' holds weights, but no network to put them into.",
            f"Into a network that is drawn: netbuilder weights NETWORK.netb {model.name}. Where "
            "you have its code: torch.export.save, and import that.",
        )
    if kind not in (".onnx", ".pt2"):
        raise UsageError(
            f"'{model.name}' is neither an .onnx nor a .pt2 file.",
            "Write one with torch.onnx.export or torch.export.save, and import that.",
        )
    path = Path(options.output) if options.output else model.with_suffix(".netb")
    if path.exists() and not options.force:
        raise UsageError(f"'{path}' is there already.", "Choose another name, or add --force.")
    data = bringing_data.settings_for(options.data) if options.data is not None else None
    answer = tasks.import_model(model, path, fold=options.blocks)
    if data is not None:
        bringing_data.add(path, options.data, data)
    if options.json:
        output.answer(answer)
    else:
        _tell(answer)
    return output.DONE if answer["verified"] else output.PROBLEMS


def _tell(answer: dict[str, object]) -> None:
    print(f"{answer['path']}: {answer['nodes']} nodes, {answer['blocks']} blocks")
    unsupported, notes = answer["unsupported"], answer["notes"]
    assert isinstance(unsupported, list)
    assert isinstance(notes, list)
    for entry in unsupported:
        print(f"no layer for {entry['op']} ({entry['count']} times)")
    for note in notes:
        print(note)
    error = answer["max_rel_error"]
    if answer["verified"]:
        print(f"verified, largest relative error {error:.1e}")
    else:
        output.say("not verified: the project may not compute what the model does")

"""What `make run` does: open the window, or do the same job where there is no display."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from netbuilder.cli import main as command_line
from netbuilder.cli import output, system_packages, window

TEMPLATE = "digits_cnn"


def main(opener: window.Opener) -> int:
    """Open the window; without a display train, export and verify the digits project."""
    headless = window.display_missing()
    system_packages.ensure(x11=bool(os.environ.get("DISPLAY")), tests=False)
    if not headless:
        return command_line.main([], opener)
    output.say("There is no display: training the digits network here instead of in the window.")
    return run_headless(_folder())


def _folder() -> Path:
    """A folder for this try that nothing has yet: under ./runs, else in the user's data."""
    from netbuilder.app.runs import next_run
    from netbuilder.app.settings import home

    for parent in (Path("runs"), home("data") / "runs"):
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder = next_run(parent)
            folder.mkdir()
            return folder
        except OSError:
            continue
    raise output.UsageError("There is no folder to write to.", "Run it where you may write.")


def run_headless(folder: Path) -> int:
    """New project, train, export, verify; the exit code of the first step that fails."""
    project, run, model = folder / f"{TEMPLATE}.netb", folder / "run", folder / f"{TEMPLATE}.onnx"
    steps = (
        ["new", TEMPLATE, "-o", str(project)],
        ["train", str(project), "--run", str(run)],
        ["export", str(run), "--to", "onnx", "-o", str(model)],
    )
    for arguments in steps:
        output.say(f"> netbuilder {' '.join(arguments)}")
        code = command_line.main(arguments)
        if code != output.DONE:
            return code
    program = Path(sys.executable).with_name("netbuilder")
    print(f"\nProject:  {project}\nRun:      {run}\nNetwork:  {model} (verified in ONNX Runtime)")
    print(f"To open the window, on a machine with a display: {program} {project}")
    return output.DONE

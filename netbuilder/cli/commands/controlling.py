"""The command about a training that another process is at: control."""

from __future__ import annotations

from argparse import Namespace

from netbuilder.cli import output
from netbuilder.cli.commands.using import run_folder
from netbuilder.cli.output import UsageError
from netbuilder.errors import RunError

_DONE = {
    "pause": "It rests after the present batch.",
    "resume": "It goes on.",
    "stop": "It ends after the present batch, with a checkpoint.",
}


def control(options: Namespace) -> int:
    """Pause, resume or stop a training; with `--force` end its process at once."""
    from netbuilder.app import running
    from netbuilder.training import control as commands
    from netbuilder.training.records.folder import RunFolder

    run, command = run_folder(options.run), options.command
    if options.force and command != "stop":
        raise UsageError(f"'{command}' needs no force.", "Only stop can be forced.")
    status = RunFolder(run).status().get("status")
    trainer = running.trainer_of(run)
    if trainer is None:
        raise RunError(
            f"Nobody trains in '{run}' on this computer: the run is {status}.",
            "Train with --resume to go on with a run.",
        )
    if options.force:
        trainer.kill()
    else:
        commands.send(run, command)
    if options.json:
        output.answer({"run": str(run), "command": command, "pid": trainer.pid})
    else:
        print("Its process is ended." if options.force else _DONE[command])
    return output.DONE

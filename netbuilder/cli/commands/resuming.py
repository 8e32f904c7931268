"""The commands verify-resume and replay."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from netbuilder.cli import output, trusting
from netbuilder.cli.commands.training import settings
from netbuilder.cli.commands.using import run_folder
from netbuilder.training.records.folder import RunFolder


def verify_resume(options: Namespace) -> int:
    """Train some batches with and without a stop; exit code 1 if they are not equal."""
    chosen = Namespace(epochs=None, steps=None, seed=None, **vars(options))
    values = settings(chosen)
    path = Path(options.origin)
    if path.is_dir():
        path = RunFolder(run_folder(options.origin)).project_path
    document = trusting.load(str(path), options)
    from netbuilder.app.resuming import in_words
    from netbuilder.engine import resuming

    with trusting.quiet():
        answer = resuming.verify(document, options.number, overrides=values)
    if options.json:
        output.answer(answer)
    else:
        print(f"{'Exact' if answer['exact'] else 'Not exact'}: {in_words(answer)}")
        if not answer["exact"]:
            output.say(f"  {answer['hint']}")
    return output.DONE if answer["exact"] else output.PROBLEMS


def replay(options: Namespace) -> int:
    """Run a run's bad batch again and name the first bad node; exit code 1 if it is bad again."""
    folder = RunFolder(run_folder(options.run))
    document = trusting.load(str(folder.project_path), options)
    from netbuilder.engine import resuming

    with trusting.quiet():
        answer = resuming.replay(document, folder.path)
    error = answer["error"]
    if options.json:
        output.answer(answer)
    elif error is None:
        print(f"The losses are finite with the weights of {answer['checkpoint']}.")
    else:
        print(error["message"])
        output.say(f"  {error['hint']}")
    return output.DONE if error is None else output.PROBLEMS

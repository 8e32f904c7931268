"""`netbuilder train --worker`: the training is done by a worker at the end of a command line."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.cli import output
from netbuilder.cli.output import UsageError
from netbuilder.data import places
from netbuilder.engine import locating
from netbuilder.engine.protocol import Message, Reply, RunEvent
from netbuilder.engine.remote import Following
from netbuilder.errors import RunError
from netbuilder.graph.document import Document
from netbuilder.storage import format
from netbuilder.training.records.events import Event

if TYPE_CHECKING:
    from netbuilder.cli.progress import Progress


def train(
    command: str,
    document: Document,
    run: Path,
    progress: Progress,
    *,
    overrides: Mapping[str, Any],
    resume: bool,
) -> dict[str, Any]:
    """Train there and follow; the answer of the `train` command.

    Ctrl+C stops it with a checkpoint; a second one lets it go on there.
    """
    if document.project.weights or document.project.code:
        raise UsageError(
            "A project with own layers or with weights beside it can't be trained elsewhere yet.",
            "Copy it there and train it there.",
        )
    # The project's folder is not there: data beside it is named by its whole path.
    document = locating.located(document)
    here = places.current()
    allowed = (*here.allowed, *locating.readable(document))
    params = {
        "project": format.to_json(document),
        "run": str(run),
        "resume": resume,
        "overrides": dict(overrides),
        # Paths are those of the computer that trains.
        "places": replace(here, folder=None, allowed=allowed).to_json(),
    }
    done = threading.Event()
    box: list[Reply] = []

    def take(reply: Reply) -> None:
        box.append(reply)
        done.set()

    try:
        following = Following(command, params, _hearing(progress), take)
    except RunError as error:
        raise UsageError(str(error), error.hint) from error
    following.start()
    _on_signals(following, done)
    while not done.wait(0.5):  # a wait without an end would not hear signals
        pass
    if not box:
        raise RunError("It goes on there.", f"To follow it again: --run {run} --resume")
    reply = box[0]
    if reply.error is not None:
        raise reply.error
    result: dict[str, Any] = reply.result
    return result


def _hearing(progress: Progress) -> Callable[[Message], None]:
    def hear(message: Message) -> None:
        if isinstance(message, RunEvent):
            progress.take(Event.from_json(message.data))

    return hear


def _on_signals(following: Following, done: threading.Event) -> None:
    def handle(number: int, frame: object) -> None:
        if asked.is_set():
            threading.Thread(target=let_go).start()
            return
        asked.set()
        output.say("Stopping it there. Once more lets it go on without us.")
        following.steer("stop")

    def let_go() -> None:
        following.leave()
        done.set()

    asked = threading.Event()
    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)

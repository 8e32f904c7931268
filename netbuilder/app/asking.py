"""Requests about a whole project. A large one is written out and read on a thread.

At 5,000 nodes turning a project into JSON takes 0.2 s and reading its report 0.1 s: done on
the window's thread, that would be felt at every letter that is typed into a form.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import Reply
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document
from netbuilder.graph.quiet import quiet
from netbuilder.storage import format

LARGE = 800
"""From so many nodes on the thread is worth its trouble."""

OnReply = Callable[[Reply], None]
Request = Callable[[str, Mapping[str, Any], OnReply], object]
Post = Callable[[Callable[[], None]], None]


def is_large(document: Document) -> bool:
    """Whether a document has so many nodes that writing it out is felt."""
    return sum(len(graph.nodes) for graph in document.graphs.values()) >= LARGE


def analyse(
    request: Request, post: Post, document: Document, on_reply: OnReply, *, source: bool = False
) -> None:
    """Ask what can be told about a document; `on_reply` comes through `post`.

    With `source` the code is asked for as well: the answer takes longer.

    `request` may be called on any thread and answers on any. The result of a good reply may be
    a `Report` already.
    """
    change_and_analyse(request, post, document, lambda copy: copy, on_reply, source=source)


def change_and_analyse(
    request: Request,
    post: Post,
    document: Document,
    change: Callable[[Document], Document],
    on_reply: OnReply,
    *,
    source: bool = False,
) -> None:
    """The same for what `change` makes of a copy of the document; it may raise.

    `change` runs on the thread that writes the project out.
    """
    large = is_large(document)
    copy = document.copy() if large else document

    def told(reply: Reply) -> None:
        ready = _read(reply) if large else reply
        post(lambda: on_reply(ready))

    def work() -> None:
        try:
            project = format.to_json(change(copy))
        except NetbuilderError as error:
            # The name of an except clause is gone by the time the reply is heard.
            told(Reply(0, error=error))
            return
        request("analyse", {"project": project, "source": source}, told)

    if large:
        threading.Thread(target=lambda: _quietly(work), name="asking", daemon=True).start()
    else:
        work()


def _quietly(work: Callable[[], None]) -> None:
    with quiet():
        work()


def _read(reply: Reply) -> Reply:
    """The reply with its report read; one that can't be read stays as it is."""
    if reply.error is not None:
        return reply
    try:
        with quiet():
            return Reply(reply.id, Report.from_json(reply.result))
    except (TypeError, ValueError, LookupError, AttributeError):
        return reply


def report_of(reply: Reply) -> Report | NetbuilderError:
    """The report of a reply to `analyse`, or why there is none."""
    if reply.error is not None:
        return reply.error
    if isinstance(reply.result, Report):
        return reply.result
    try:
        return Report.from_json(reply.result)
    except (TypeError, ValueError, LookupError, AttributeError):
        return NetbuilderError("The worker sent a report that can't be read.")

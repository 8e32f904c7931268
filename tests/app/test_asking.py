"""Requests about large projects: written out and read on a thread, with the same answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from netbuilder.app import asking
from netbuilder.app.events import Notice, ReportArrived
from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import Reply, WorkerError
from netbuilder.errors import ChangeError, DocumentError, Problem
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.storage import format
from tests.app.fakes import Desk
from tests.drawing import classifier

MAIN = threading.main_thread()


class Post:
    """The window's thread: what is posted waits until the test runs it."""

    def __init__(self) -> None:
        self.posted: list[Callable[[], None]] = []
        self.came = threading.Event()

    def __call__(self, action: Callable[[], None]) -> None:
        self.posted.append(action)
        self.came.set()

    def run(self) -> None:
        """Wait for something, and do it."""
        assert self.came.wait(10)
        self.came.clear()
        while self.posted:
            self.posted.pop(0)()


class Worker:
    """Answers at once, on whichever thread it is asked."""

    def __init__(self, result: Any = None, error: Any = None) -> None:
        self.reply = Reply(1, result, error)
        self.threads: list[threading.Thread] = []
        self.projects: list[Any] = []

    def __call__(
        self, method: str, params: Mapping[str, Any], on_reply: Callable[[Reply], None]
    ) -> None:
        assert method == "analyse"
        self.threads.append(threading.current_thread())
        self.projects.append(params["project"])
        on_reply(self.reply)


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(asking, "LARGE", 1 if request.param == "large" else 10**9)
    return str(request.param)


def asked(worker: Worker, document: Document) -> Report | Exception:
    post = Post()
    heard: list[Reply] = []
    asking.analyse(worker, post, document, heard.append)
    post.run()
    (reply,) = heard
    return asking.report_of(reply)


def test_the_same_is_asked_and_answered(size: str) -> None:
    document = classifier().document
    report = Report((Problem("error", "a.b", "It is wrong."),))
    worker = Worker(report.to_json())
    assert asked(worker, document) == report
    assert worker.projects == [format.to_json(document)]
    assert (worker.threads[0] is MAIN) == (size == "small")


def test_errors_come_the_same_way(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = classifier().document
    away = WorkerError("The worker is away.")
    assert asked(Worker(error=away), document) is away
    unreadable = asked(Worker({"problems": 5}), document)
    assert "can't be read" in str(unreadable)

    def refuse(document: Document) -> Any:
        raise DocumentError("It can't be written.")

    monkeypatch.setattr(format, "to_json", refuse)
    assert str(asked(Worker(), document)) == "It can't be written."


def test_a_change_is_made_to_a_copy_and_may_be_refused(size: str) -> None:
    document = classifier().document
    before = document.copy()
    post, heard = Post(), list[Reply]()

    def refuse(copy: Document) -> Document:
        raise ChangeError("It no longer fits.")

    asking.change_and_analyse(Worker(), post, document, refuse, heard.append)
    post.run()
    assert str(heard[0].error) == "It no longer fits."
    assert document == before


def test_edits_go_on_while_a_large_project_is_written_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "LARGE", 1)
    desk = Desk()
    drawing = classifier()
    desk.session.recover(drawing.document, None, "")
    held, begun = threading.Event(), threading.Event()
    whole = format.to_json

    def slow(document: Document) -> Any:
        begun.set()
        assert held.wait(10)
        return whole(document)

    monkeypatch.setattr(format, "to_json", slow)
    desk.start()
    assert begun.wait(10)
    head = drawing.graph.named("head")
    assert head is not None
    history = desk.session.history
    for features in (11, 12, 13):
        edits.set_parameters(history, drawing.graph, [head.id], {"out_features": features})
    assert desk.client.asked == [], "the first one is still being written"
    held.set()
    wait_for(desk, lambda: bool(desk.client.asked))
    assert features_of(desk.client.asked[0][1]) == 10, "as it was when it was asked"
    desk.answer()
    wait_for(desk, lambda: len(desk.client.asked) == 2)
    assert features_of(desk.client.asked[1][1]) == 13, "then the latest"
    assert len(desk.heard(ReportArrived)) == 1


def test_an_answer_to_an_older_request_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGE", 1)
    desk = Desk()
    desk.session.recover(classifier().document, None, "")
    desk.start()
    wait_for(desk, lambda: bool(desk.client.waiting))
    old = desk.client.waiting.pop()
    desk.client.die()
    desk.pump()
    desk.start()
    wait_for(desk, lambda: bool(desk.client.waiting))
    old[1](Reply(0, Report().to_json()))
    desk.pump()
    assert desk.heard(ReportArrived) == []
    desk.answer()
    assert len(desk.heard(ReportArrived)) == 1
    assert desk.heard(Notice) == []


def features_of(params: Mapping[str, Any]) -> int:
    nodes = [node for graph in params["project"]["graphs"] for node in graph["nodes"]]
    return int(next(n for n in nodes if n["name"] == "head")["params"]["out_features"])


def wait_for(desk: Desk, condition: Callable[[], bool]) -> None:
    """Let the other thread work, and the session hear of it, until something is so."""
    pause = threading.Event()
    for _ in range(2000):
        desk.pump()
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it never came")

"""What the worker says is bounded, and never waits for a window that does not listen."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from netbuilder.engine import outlet, protocol
from netbuilder.engine.outlet import Outlet
from netbuilder.engine.protocol import Reply


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def run_event(kind: str, seq: int, **values: Any) -> dict[str, Any]:
    return {"event": "run", "run": "r", "data": {"event": kind, "seq": seq, "values": values}}


def read_all(out: Outlet, pipe: tuple[int, int]) -> list[dict[str, Any]]:
    """Everything that was said, once the outlet is closed."""
    import threading

    chunks: list[bytes] = []

    def read() -> None:
        while chunk := os.read(pipe[0], 65536):
            chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    out.close(patience_s=60.0)
    os.close(pipe[1])
    reader.join()
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


def test_events_and_replies_are_written(pipe: tuple[int, int]) -> None:
    out = Outlet(pipe[1])
    out.event(run_event("started", 1))
    out.reply(Reply(4, {"a": 1}), after_events=True)
    said = read_all(out, pipe)
    assert said == [run_event("started", 1), {"id": 4, "result": {"a": 1}}]


def test_a_flood_of_metrics_is_thinned_out_and_the_rest_arrives_in_order(
    pipe: tuple[int, int],
) -> None:
    out = Outlet(pipe[1])
    for seq in range(10_000):
        out.event(run_event("metrics", seq))
    # Only the latest waits: what the window shows does not lag behind.
    assert len(out._events) <= 1
    out.event(run_event("finished", 10_000))
    said = [event["data"] for event in read_all(out, pipe)]
    assert said[-1]["event"] == "finished"
    assert said[-2]["seq"] == 9_999
    assert [event["seq"] for event in said] == sorted(event["seq"] for event in said)
    assert out.thinned == 10_001 - len(said) > 5_000


def test_a_window_that_does_not_read_blocks_nobody_and_fills_no_memory(
    pipe: tuple[int, int],
) -> None:
    out = Outlet(pipe[1])
    for seq in range(5_000):
        out.event(run_event("epoch" if seq % 2 else "metrics", seq, text="x" * 1000))
    assert len(out._events) <= outlet.BACKLOG + 1
    out.event(run_event("finished", 5_000))
    kinds = [event["data"]["event"] for event in read_all(out, pipe)]
    assert kinds[-1] == "finished"


def test_what_can_not_be_sent_becomes_an_error_reply(pipe: tuple[int, int]) -> None:
    out = Outlet(pipe[1])
    out.reply(Reply(4, {"loss": float("nan")}))
    [said] = read_all(out, pipe)
    assert said["id"] == 4
    assert "can't be sent" in said["error"]["message"]


def test_an_event_that_is_too_long_is_left_out(
    pipe: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    out = Outlet(pipe[1])
    out.event(run_event("preview", 1, image="x" * protocol.MAX_LINE))
    out.event(run_event("finished", 2))
    assert [event["data"]["seq"] for event in read_all(out, pipe)] == [2]
    assert "too long" in capfd.readouterr().err


def test_a_window_that_is_gone_is_no_error(pipe: tuple[int, int]) -> None:
    out = Outlet(pipe[1])
    os.close(pipe[0])
    out.event(run_event("started", 1))
    out.event(run_event("finished", 2))
    out.close()
    assert not out._thread.is_alive()


def test_for_a_window_that_is_gone_nothing_is_kept(pipe: tuple[int, int]) -> None:
    out = Outlet(pipe[1])
    os.close(pipe[0])
    out.event(run_event("warning", 1))
    out._thread.join(10)
    assert not out._thread.is_alive()
    for seq in range(2 * outlet.BACKLOG):
        out.event(run_event("warning", seq))
        out.reply(Reply(1, "x"))
        out.reply(Reply(1, "x"), after_events=True)
    assert not out._events
    assert not out._lines
    out.close()

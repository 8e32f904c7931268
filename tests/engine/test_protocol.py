"""Messages survive the journey; what is no message never counts as one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbuilder.engine import protocol
from netbuilder.engine.protocol import (
    ProtocolError,
    Replies,
    Reply,
    Request,
    RunEvent,
    WorkerError,
    WorkerReady,
    WorkerStarted,
)
from netbuilder.errors import (
    ChangeError,
    DocumentError,
    ExportError,
    Fix,
    NetbuilderError,
    Problem,
    ProblemsError,
    RunError,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def reply_after_a_journey(reply: Reply) -> Reply:
    replies, found = Replies(), None
    for line in protocol.reply_lines(reply):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert len(line) <= protocol.MAX_LINE
        assert found is None
        found = replies.feed(protocol.decode(line.rstrip(b"\n")))
    assert found is not None
    return found


@given(VALUES)
def test_a_result_arrives_as_it_was(value: Any) -> None:
    assert reply_after_a_journey(Reply(7, value)) == Reply(7, value)


@pytest.mark.parametrize("text", ["a" * 3_000_000, '€𝄞"\\\n' * 300_000])
def test_a_long_reply_comes_in_parts_of_bounded_length(text: str) -> None:
    assert len(list(protocol.reply_lines(Reply(1, text)))) > 2
    assert reply_after_a_journey(Reply(1, text)).result == text


def test_a_missing_part_is_noticed_and_later_replies_still_arrive() -> None:
    lines = list(protocol.reply_lines(Reply(1, "a" * 3_000_000)))
    replies = Replies()
    replies.feed(protocol.decode(lines[0]))
    with pytest.raises(ProtocolError):
        replies.feed(protocol.decode(lines[2]))
    assert [replies.feed(protocol.decode(line)) for line in lines][-1] is not None


PROBLEM = Problem(
    "error", "shape.mismatch", "m", "h", "g1", "n2", "input", (Fix("t", "unset", {"name": "x"}),)
)


@pytest.mark.parametrize(
    "error",
    [
        NetbuilderError("plain", "hint"),
        ChangeError("change"),
        DocumentError("document", "hint"),
        ExportError("export"),
        RunError("run", "hint", graph="g1", node="n2"),
        WorkerError("worker", "hint", "traceback"),
        ProblemsError("problems", [PROBLEM], "hint"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_keep_their_kind_and_what_they_say(error: NetbuilderError) -> None:
    found = reply_after_a_journey(Reply(1, error=error)).error
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_an_error_of_a_newer_kind_is_still_told() -> None:
    error = protocol.error_from_json({"kind": "NewError", "message": "text", "hint": "do"})
    assert (str(error), error.hint) == ("text", "do")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_json_lacks_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        protocol.encode({"value": value})


@given(st.binary())
@settings(max_examples=300)
def test_no_bytes_do_more_than_raise_a_protocol_error(data: bytes) -> None:
    try:
        value = protocol.decode(data)
    except ProtocolError:
        return
    assert isinstance(value, dict)


@given(st.dictionaries(st.sampled_from(["id", "part", "of", "text", "result", "error"]), VALUES))
@settings(max_examples=300)
def test_no_object_does_more_than_raise_a_protocol_error(value: dict[str, Any]) -> None:
    for read in (protocol.request_of, protocol.event_of, Replies().feed):
        try:
            read(value)
        except ProtocolError:
            continue


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"id":NaN}',
        b'{"id":1e999}x',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b"1" * 5000,
    ],
)
def test_lines_that_are_no_message(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.decode(line)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"id": "1", "method": "status"},
        {"id": True, "method": "status"},
        {"id": 1, "method": 5},
        {"id": 1, "method": "status", "params": []},
    ],
)
def test_objects_that_are_no_request(value: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        protocol.request_of(value)


def test_requests_and_events_are_read() -> None:
    line = json.dumps({"id": 3, "method": "train", "params": {"run": "r"}}).encode()
    assert protocol.request_of(protocol.decode(line)) == Request(3, "train", {"run": "r"})
    hello = {"event": "hello", "pid": 5, "version": "0.1.0", "protocol": 1}
    assert protocol.event_of(hello) == WorkerStarted(5, "0.1.0")
    ready = {"event": "ready", "torch": "2.13", "devices": [{"id": "cpu"}]}
    assert protocol.event_of(ready) == WorkerReady("2.13", ({"id": "cpu"},))
    lacks = frozenset({"torch.nn.New"})
    told = protocol.event_of({**ready, "lacks": [*lacks]})
    assert told == WorkerReady("2.13", ({"id": "cpu"},), lacks)
    assert protocol.event_of({**ready, "lacks": 5}) == WorkerReady("2.13", ({"id": "cpu"},))
    run = {"event": "run", "run": "r", "data": {"seq": 1}}
    assert protocol.event_of(run) == RunEvent("r", {"seq": 1})

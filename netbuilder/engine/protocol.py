"""The messages between the window and the worker: one JSON object a line, UTF-8.

Torch-free. Whoever reads a line treats it as untrusted: what is no message is counted and
ignored, and nothing but JSON is ever decoded. See docs/worker-protocol.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netbuilder.errors import (
    ChangeError,
    DocumentError,
    ExportError,
    Fix,
    NetbuilderError,
    Problem,
    ProblemsError,
    RunError,
    UntrustedCodeError,
)

VERSION = 1
MAX_REQUEST = 32 * 2**20
"""Bytes in a line to the worker."""
MAX_LINE = 2**20
"""Bytes in a line from the worker; a longer reply comes in parts."""
MAX_REPLY = 256 * 2**20
"""Bytes in all parts of a reply together."""
_PART = MAX_LINE // 8
# A character of a part may take 6 bytes (`\\u1234`) once it stands in a JSON string again.


@dataclass(frozen=True, slots=True)
class Request:
    """`method` with `params`, to be answered by a `Reply` with the same `id`."""

    id: int
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: `result`, or `error` when it could not be done."""

    id: int
    result: Any = None
    error: NetbuilderError | None = None


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """The worker answers; torch may still be loading."""

    pid: int
    version: str


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """Torch is loaded. `devices` are `{"id", "name", "memory"}`; memory in bytes.

    `lacks` are the ids of layers that this version of torch does not have.
    """

    torch: str
    devices: tuple[Mapping[str, Any], ...] = ()
    lacks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something happened in a run: `data` is the line that also stands in its events.jsonl.

    Under a flood some events are left out; `data["seq"]` tells, and the file has them all.
    """

    run: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is, in bytes of all files of `what`; `file` is the one under way."""

    what: str
    file: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """How far an export is: what it does, and how many of how many (0: unknown) are done.

    `written` says that an import's project lies in its place, and is being compared.
    """

    what: str
    done: int
    total: int
    written: bool = False


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """The worker is gone. `message` tells how, `hint` what follows.

    `training` says whether a run was cut off by it. `restart_in_s` is None when it will
    not be started again by itself.
    """

    message: str
    hint: str = ""
    training: bool = False
    exit_code: int | None = None
    restart_in_s: float | None = None
    stderr: str = ""


Message = WorkerStarted | WorkerReady | RunEvent | DownloadProgress | ExportProgress | WorkerDied
"""What a client hears without having asked."""


class ProtocolError(ValueError):
    """A line is no message."""


class WorkerError(NetbuilderError):
    """The worker could not answer: it died, or met an error that nobody foresaw.

    `details` is a traceback for a bug report, or empty.
    """

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message, hint)
        self.details = details


_ERRORS: Mapping[str, type[NetbuilderError]] = {
    kind.__name__: kind
    for kind in (NetbuilderError, ChangeError, DocumentError, UntrustedCodeError)
}


def encode(value: Mapping[str, Any]) -> bytes:
    """The line for a message; `ValueError` for what JSON can't hold (NaN, foreign objects)."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def _no_constant(name: str) -> Any:
    raise ProtocolError(f"{name} is no number of JSON")


def decode(line: bytes) -> dict[str, Any]:
    """The JSON object in a line; `ProtocolError` for anything else."""
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError, MemoryError) as error:
        raise ProtocolError(str(error)) from error
    if not isinstance(value, dict):
        raise ProtocolError("not an object")
    return value


def request_of(value: Mapping[str, Any]) -> Request:
    """The request in a decoded line; `ProtocolError` if it is none."""
    id, method, params = value.get("id"), value.get("method"), value.get("params", {})
    if type(id) is not int or not isinstance(method, str) or not isinstance(params, dict):
        raise ProtocolError("a request has an id, a method and params")
    return Request(id, method, params)


def reply_lines(reply: Reply) -> Iterator[bytes]:
    """The line of a reply, or several of at most `MAX_LINE` bytes when it is long."""
    if reply.error is not None:
        body = encode({"error": error_to_json(reply.error)}).decode().rstrip()
    else:
        body = encode({"result": reply.result}).decode().rstrip()
    if len(body) > MAX_REPLY:
        raise ValueError(f"a reply of {len(body) >> 20} MB is too long")
    parts = [body[at : at + _PART] for at in range(0, len(body), _PART)]
    if len(parts) == 1:
        yield f'{{"id":{reply.id},{body[1:]}\n'.encode()
        return
    for number, text in enumerate(parts):
        yield encode({"id": reply.id, "part": number, "of": len(parts), "text": text})


class Replies:
    """Puts the lines of replies together again."""

    def __init__(self) -> None:
        self._parts: dict[int, list[str]] = {}

    def feed(self, value: Mapping[str, Any]) -> Reply | None:
        """The reply that this line completes, or None; `ProtocolError` if it is none."""
        id = value.get("id")
        if type(id) is not int:
            raise ProtocolError("a reply has an id")
        if "part" in value:
            whole = self._join(id, value)
            if whole is None:
                return None
            value = whole
        if "error" in value:
            return Reply(id, error=error_from_json(value["error"]))
        if "result" not in value:
            raise ProtocolError("a reply has a result or an error")
        return Reply(id, value["result"])

    def _join(self, id: int, value: Mapping[str, Any]) -> dict[str, Any] | None:
        part, of, text = value.get("part"), value.get("of"), value.get("text")
        have = self._parts.setdefault(id, [])
        known = isinstance(text, str) and isinstance(of, int) and of * _PART <= MAX_REPLY + _PART
        if not known or part != len(have):
            del self._parts[id]
            raise ProtocolError("a part of a reply is missing")
        assert isinstance(text, str)
        have.append(text)
        if len(have) != of:
            return None
        del self._parts[id]
        return decode("".join(have).encode())

    def clear(self) -> None:
        """Forget unfinished replies: their worker is gone."""
        self._parts.clear()


def event_of(value: Mapping[str, Any]) -> Message:
    """The message in a decoded event line; `ProtocolError` if it is none."""
    match value:
        case {"event": "hello", "pid": int(pid), "version": str(version)}:
            return WorkerStarted(pid, version)
        case {"event": "ready", "torch": str(torch), "devices": list(devices)}:
            told = value.get("lacks", ())
            lacks = frozenset(map(str, told if isinstance(told, list) else ()))
            found = tuple(entry for entry in devices if isinstance(entry, dict))
            return WorkerReady(torch, found, lacks)
        case {"event": "run", "run": str(run), "data": dict(data)}:
            return RunEvent(run, data)
        case {
            "event": "download",
            "what": str(what),
            "file": str(file),
            "done": int(done),
            "total": int(total),
        }:
            return DownloadProgress(what, file, done, total)
        case {"event": "export", "what": str(what), "done": int(done), "total": int(total), **rest}:
            return ExportProgress(what, done, total, rest.get("written") is True)
    raise ProtocolError("an unknown event")


def error_to_json(error: NetbuilderError) -> dict[str, Any]:
    """The error as JSON: `kind`, `message`, `hint` and what its kind has beyond that."""
    value: dict[str, Any] = {
        "kind": type(error).__name__,
        "message": str(error),
        "hint": error.hint,
    }
    match error:
        case ProblemsError():
            value["problems"] = [problem.to_json() for problem in error.problems]
        case RunError() | ExportError():
            value |= error.to_json()
        case WorkerError():
            value["details"] = error.details
    return value


def error_from_json(value: Any) -> NetbuilderError:
    """The error that `error_to_json` wrote; `ProtocolError` if it is none."""
    if not isinstance(value, dict):
        raise ProtocolError("an error is an object")
    message, hint = str(value.get("message", "")), str(value.get("hint", ""))
    match value.get("kind"):
        case "ProblemsError":
            try:
                problems = [Problem.from_json(entry) for entry in value.get("problems", ())]
            except (TypeError, ValueError, AttributeError) as error:
                raise ProtocolError(str(error)) from error
            return ProblemsError(message, problems, hint)
        case "RunError":
            graph, node = str(value.get("graph", "")), str(value.get("node", ""))
            fixes = Fix.read(value.get("fixes"))
            return RunError(message, hint, graph=graph, node=node, fixes=fixes)
        case "ExportError":
            return ExportError.from_json(value)
        case str(kind) if kind in _ERRORS:
            return _ERRORS[kind](message, hint)
    return WorkerError(message, hint, str(value.get("details", "")))

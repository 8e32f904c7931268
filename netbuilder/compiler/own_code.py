"""Runs a person's own files, once they are trusted: the bytes that were hashed, never a path.

Each file becomes a module under a private name that holds its hash, so that two contents of one
file live beside each other and nothing in `sys.path` can take its place.
"""

from __future__ import annotations

import ctypes
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar

from netbuilder.compiler import execute
from netbuilder.errors import NetbuilderError
from netbuilder.graph.model import ProjectInfo
from netbuilder.layers import own, signatures, trusted
from netbuilder.layers.own import CodeFile, OwnLayer

IMPORT_S = 60.0
"""What the top of a file may take: it imports libraries."""
PROBE_S = 10.0
"""What a layer may take to be asked for its shapes once."""

T = TypeVar("T")


class OwnCodeError(NetbuilderError):
    """A person's own code failed; the message tells file and line."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a person's file."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.text}" if self.text else self.path


_modules: dict[tuple[str, str], ModuleType] = {}
"""By path and hash."""
_failed: dict[tuple[str, str], str] = {}
"""Why a file could not be run: it is not tried again as it is."""
_paths: dict[str, str] = {}
"""Paths as the person knows them, by the file names that tracebacks show."""
_lock = threading.RLock()


def module(file: CodeFile) -> ModuleType:
    """The file as a module; `UntrustedCodeError`, or `OwnCodeError` if running it fails."""
    source = trusted.current().sources.get(file.sha256)
    if source is None:
        trusted.refuse([file])
    assert source is not None
    key = (file.path, file.sha256)
    with _lock:
        if key in _failed:
            raise OwnCodeError(_failed[key], "Mend the file, then add it again.")
        if key not in _modules:
            try:
                _modules[key] = _execute(file, source)
            except OwnCodeError as error:
                _failed[key] = str(error)
                raise
        return _modules[key]


def _execute(file: CodeFile, source: bytes) -> ModuleType:
    name = f"netbuilder_own_{file.sha256[:32]}_{own.module_name(file.path).replace('.', '_')}"
    filename = f"<{file.path} {file.sha256[:12]}>"
    _paths[filename] = file.path
    text = signatures.decode(source)
    return guarded(
        lambda: execute.module(text, name, filename), IMPORT_S, f"{file.path} can't be run"
    )


def libraries(layer: OwnLayer) -> dict[str, Any]:
    """What the layer's constructor names, as globals."""
    file = CodeFile(layer.file, layer.sha256, {})
    kind = _class(file, layer.class_name)
    space: Any = SimpleNamespace(**{layer.class_name: kind})
    for part in reversed(own.module_name(layer.file).split(".")):
        space = SimpleNamespace(**{part: space})
    return {"netbuilder": SimpleNamespace(own=space)}


def _class(file: CodeFile, name: str) -> Any:
    kind = getattr(module(file), name, None)
    if kind is None:
        raise OwnCodeError(f"{file.path} defines no '{name}' when it runs.", "Mend the file.")
    return kind


def provider(project: ProjectInfo) -> Callable[[str], ModuleType | None]:
    """What generated code imports from the project's own files, by module name."""
    known = {own.module_name(file.path): file for file in own.files(project).values()}

    def find(name: str) -> ModuleType | None:
        return module(known[name]) if name in known else None

    return find


# -- what goes wrong ---------------------------------------------------------------------------


class _Overtime(BaseException):
    """Raised in the middle of a person's code that does not end. No `except Exception` gets it."""


def guarded(job: Callable[[], T], limit_s: float, what: str) -> T:
    """Calls a person's code; whatever it does, even `sys.exit`, is an `OwnCodeError`.

    A loop of Python that does not end is broken off after `limit_s`. `what` begins the message.
    """
    watch = _Watch(limit_s)
    try:
        try:
            watch.begin()
            return job()
        finally:
            watch.end()
    except _Overtime as late:
        place = place_of(late)
        at = f" (at {place})" if place else ""
        raise OwnCodeError(f"{what}: it did not end within {limit_s:g} s{at}.") from late
    except (NetbuilderError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise OwnCodeError(f"{what}: {words(error)}.") from error


class _Watch:
    """Breaks off a thread that takes too long."""

    def __init__(self, limit_s: float) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._ended = False
        self._timer = threading.Timer(limit_s, self._fire)
        self._timer.daemon = True

    def begin(self) -> None:
        self._timer.start()

    def end(self) -> None:
        with self._lock:
            self._ended = True
        self._timer.cancel()

    def _fire(self) -> None:
        with self._lock:
            if not self._ended:
                target = ctypes.c_ulong(self._thread)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(_Overtime))


def place_of(error: BaseException) -> Place | None:
    """The innermost line of a person's file that an exception went through."""
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename in _paths:
            found = Place(_paths[frame.filename], frame.lineno or 0, (frame.line or "")[:120])
    if found is None and isinstance(error, SyntaxError) and error.filename in _paths:
        found = Place(_paths[error.filename], error.lineno or 0, (error.text or "").strip()[:120])
    return found


def words(error: BaseException) -> str:
    """What an exception says, in one line, with file and line of the person's code."""
    lines = str(error).strip().splitlines()
    text = (lines[0] if lines else "")[:300].rstrip(".")
    if not isinstance(error, RuntimeError | ValueError) or not text:
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    place = place_of(error)
    return f"{text} ({place})" if place else text


def place_of_function(function: Any) -> Place | None:
    """Where in a person's file a function begins."""
    written = getattr(function, "__code__", None)
    if written is None or written.co_filename not in _paths:
        return None
    return Place(_paths[written.co_filename], written.co_firstlineno, "def forward")


def place_of_forward(kind: type[OwnLayer]) -> str:
    """File and line of an own layer's `forward`; empty for a file that has not run."""
    made = getattr(_modules.get((kind.file, kind.sha256)), kind.class_name, None)
    place = place_of_function(getattr(made, "forward", None))
    return str(place) if place is not None else ""

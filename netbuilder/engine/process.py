"""A child process with its whole family: started apart, ended for certain. Torch-free."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence


class Child:
    """A process in a group of its own, so that what it started ends with it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start `command` with pipes; `OSError` if that is impossible."""
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=None if env is None else dict(env),
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdin = self.process.stdin
        self.stdout = self.process.stdout
        self.stderr = self.process.stderr

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self, timeout_s: float) -> int | None:
        """The exit code once it ended (negative for a signal), None if it runs on."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def terminate(self) -> None:
        """Ask the whole group to end (SIGTERM)."""
        self._signal("SIGTERM")

    def kill(self) -> None:
        """End the whole group now, also what is left of it after its leader ended."""
        self._signal("SIGKILL")

    def _signal(self, name: str) -> None:
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self.process.pid, getattr(signal, name))
            else:
                self.process.kill()

    def close_pipes(self) -> None:
        """Give the descriptors back."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                pipe.close()

"""Cutting a stream of bytes into lines of bounded length. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator


class Lines:
    """Feeds on chunks, gives whole lines; a line longer than `limit` is dropped and counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._dropping = False
        self.dropped = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that `chunk` completes, without their ends; empty ones are left out."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = self._take(end)
            if line:
                yield line
        self._rest += b"" if self._dropping else rest
        if len(self._rest) > self._limit:
            self._rest.clear()
            self._dropping = True
            self.dropped += 1

    def _take(self, end: bytes) -> bytes:
        if self._dropping:
            self._dropping = False
            return b""
        line = bytes(self._rest + end)
        self._rest.clear()
        if len(line) > self._limit:
            self.dropped += 1
            return b""
        return line.rstrip(b"\r")

"""What the end of a process means, in words."""

from __future__ import annotations

import signal

_KNOWN = {
    "SIGSEGV": "crashed (segmentation fault, SIGSEGV)",
    "SIGABRT": "aborted itself (SIGABRT)",
    "SIGBUS": "crashed (bad memory access, SIGBUS)",
    "SIGFPE": "crashed (arithmetic error in native code, SIGFPE)",
    "SIGILL": "crashed (an instruction that this processor lacks, SIGILL)",
    "SIGKILL": "was killed (SIGKILL)",
    "SIGTERM": "was ended from outside (SIGTERM)",
    "SIGXCPU": "was ended because its processor time ran out (SIGXCPU)",
}
SMALLER = "Try a smaller batch size or a smaller network."
"""What lets a training do with less memory."""
MORE_MEMORY = "Close other programs, or do it on a machine with more memory."
"""What helps where there is no batch to make smaller."""
_MEMORY = (
    "MemoryError",
    "can't allocate memory",
    "out of memory",
    "OutOfMemoryError",
    "bad_alloc",
)


def describe(code: int, stderr: str = "", lacking: str = SMALLER) -> tuple[str, str]:
    """What to say of a process that ended without being asked: cause and hint.

    `code` is as in `subprocess`: negative for a signal. `stderr` is the last of what it wrote.
    `lacking` is the hint where memory was lacking.
    """
    out_of_memory = tells_of_memory(stderr)
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        cause = _KNOWN.get(name, f"was ended by {name}")
        if name == "SIGKILL" or out_of_memory:
            return f"{cause}, most likely out of memory", lacking
        return cause, ""
    if out_of_memory:
        return f"ran out of memory (exit code {code})", lacking
    if code == 0:
        return "ended by itself in the middle of its work (exit code 0)", ""
    return f"ended with exit code {code}", ""


def tells_of_memory(text: str) -> bool:
    """Whether something that was printed says that memory ran out."""
    return any(word in text for word in _MEMORY)


def last_line(stderr: str) -> str:
    """The last line that says something, shortened; for a message."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""

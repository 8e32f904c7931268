"""The end of a process in words."""

from __future__ import annotations

import pytest

from netbuilder.exchange import exits


@pytest.mark.parametrize(
    ("code", "stderr", "cause", "hint"),
    [
        (0, "", "exit code 0", ""),
        (3, "", "exit code 3", ""),
        (-9, "", "most likely out of memory", "smaller batch"),
        (-11, "", "segmentation fault", ""),
        (-6, "terminate called after throwing 'std::bad_alloc'", "out of memory", "smaller"),
        (1, "MemoryError", "ran out of memory", "smaller"),
        (1, "DefaultCPUAllocator: can't allocate memory", "ran out of memory", "smaller"),
        (-10_000, "", "signal 10000", ""),
    ],
)
def test_describe(code: int, stderr: str, cause: str, hint: str) -> None:
    found = exits.describe(code, stderr)
    assert cause in found[0]
    assert hint in found[1]
    assert bool(hint) == bool(found[1])


def test_without_a_batch_no_smaller_one_is_proposed() -> None:
    cause, hint = exits.describe(-9, "", exits.MORE_MEMORY)
    assert "out of memory" in cause
    assert "memory" in hint
    assert "batch" not in hint


def test_the_last_line_that_says_something() -> None:
    assert exits.last_line("Traceback\n  ValueError: x \n\n") == "ValueError: x"
    assert exits.last_line("\n \n") == ""
    assert len(exits.last_line("x" * 10_000)) == 300

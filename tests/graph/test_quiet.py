"""No garbage is collected while any thread asks for quiet, and all is as before afterwards."""

from __future__ import annotations

import gc
import threading

import pytest

from netbuilder.graph.quiet import quiet


def test_the_last_one_to_leave_turns_it_on_again() -> None:
    assert gc.isenabled()
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with quiet():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    with quiet():
        assert not gc.isenabled()
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_a_failure_turns_it_on_again() -> None:
    with pytest.raises(ValueError, match="x"), quiet():
        raise ValueError("x")
    assert gc.isenabled()


def test_who_does_without_collection_keeps_it_so() -> None:
    gc.disable()
    try:
        with quiet():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()

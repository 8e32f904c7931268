"""A stream in chunks gives the lines that were written to it."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from netbuilder.engine.lines import Lines

TEXTS = st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b"")))


@given(TEXTS, st.lists(st.integers(0, 30)))
def test_lines_do_not_depend_on_how_the_stream_was_cut(texts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(text + b"\n" for text in texts)
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    lines = Lines(12)
    found = [
        line for start, end in itertools.pairwise(edges) for line in lines.feed(stream[start:end])
    ]
    assert found == [text for text in texts if text]
    assert lines.dropped == 0


def test_a_line_that_is_too_long_is_dropped_and_the_next_one_is_read() -> None:
    lines = Lines(8)
    assert list(lines.feed(b"short\n123456789\nnext\n")) == [b"short", b"next"]
    assert lines.dropped == 1


def test_a_flood_without_a_newline_is_not_kept() -> None:
    lines = Lines(1000)
    for _ in range(100):
        assert list(lines.feed(b"x" * 700)) == []
        assert len(lines._rest) <= 1700
    assert list(lines.feed(b"\nnext\n")) == [b"next"]
    assert lines.dropped == 1


def test_half_a_line_waits_for_the_rest() -> None:
    lines = Lines(100)
    assert list(lines.feed(b'{"id"')) == []
    assert list(lines.feed(b":1}\r\n")) == [b'{"id":1}']

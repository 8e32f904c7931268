"""Texts from anywhere: a clear error with its place, quickly, or a document."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tracemalloc

import pytest

from netbuilder.errors import DocumentError
from netbuilder.storage import format, strict
from tests.storage.test_format import sample

GOOD = format.dumps(sample())

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "blank": (b" \n\t", "empty"),
    "a list": (b"[]", "netbuilder"),
    "null": (b"null", "netbuilder"),
    "no version": (b'{"title": "x"}', "netbuilder"),
    "version text": (b'{"netbuilder": "1"}', "version"),
    "version true": (b'{"netbuilder": true}', "version"),
    "version zero": (b'{"netbuilder": 0}', "version"),
    "version float": (b'{"netbuilder": 1.0}', "version"),
    "newer": (b'{"netbuilder": 2, "graphs": 5}', "newer netbuilder .format 2"),
    "NaN": (b'{"netbuilder": NaN}', "NaN"),
    "Infinity": (b'{"netbuilder": 1, "x": Infinity}', "Infinity"),
    "-Infinity": (b'{"netbuilder": 1, "x": [-Infinity]}', "-Infinity"),
    "1e999": (b'{"netbuilder": 1, "x": 1e999}', "1e999"),
    "2^63": (b'{"netbuilder": 1, "x": 9223372036854775808}', "2.53"),
    "2^53 + 1": (b'{"netbuilder": 1, "x": -9007199254740993}', "2.53"),
    "4301 digits": (b'{"netbuilder": 1, "x": ' + b"9" * 4301 + b"}", "2.53"),
    "a key twice": (b'{"netbuilder": 1, "title": "a", "title": "b"}', "'title' stands twice"),
    "a deep key twice": (b'{"netbuilder": 1, "x": [{"a": 1, "a": 1}]}', "'a' stands twice"),
    "trailing": (b'{"netbuilder": 1}\n{', "follows the end of the project at line 2"),
    "two documents": (b'{"netbuilder": 1}{"netbuilder": 1}', "byte 17"),
    "trailing comma": (b'{"netbuilder": 1,}', "line 1"),
    "single quotes": (b"{'netbuilder': 1}", "line 1, column 2 .byte 1."),
    "latin-1": (b'{"netbuilder": 1, "title": "\xe9"}', "byte 28"),
    "utf-16": (GOOD.encode("utf-16"), "UTF-16"),
    "utf-16 without a mark": (GOOD.encode("utf-16-le"), "UTF-16"),
    "utf-32": (GOOD.encode("utf-32"), "UTF-16|UTF-8"),
    "png": (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
    "zip": (b"PK\x03\x04\x14\x00", "zip"),
    "pickle": (b"\x80\x02}q\x00.", "pickle"),
    "graphs": (b'{"netbuilder": 1, "graphs": {}}', "'graphs'"),
    "layout": (b'{"netbuilder": 1, "layout": []}', "'layout'"),
    "title": (b'{"netbuilder": 1, "title": 5}', "'title'"),
    "half a title": (b'{"netbuilder": 1, "title": "\\ud800"}', "half a character"),
    "flow": (b'{"netbuilder": 1, "flow": "up"}', "'flow'"),
    "data": (b'{"netbuilder": 1, "data": []}', "'data'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_foreign_text_is_refused_in_words(name: str) -> None:
    data, words = REFUSED[name]
    with pytest.raises(DocumentError, match=words) as caught:
        format.loads(data)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.encode() + b"\n\n",
        json.dumps(json.loads(GOOD)).encode(),
    ],
    ids=["bom", "crlf", "newlines", "one line"],
)
def test_harmless_spellings_are_read(data: bytes) -> None:
    assert format.loads(data) == sample()


def test_the_place_counts_the_byte_order_mark() -> None:
    with pytest.raises(DocumentError, match="byte 5"):
        format.loads(b"\xef\xbb\xbf{ x}")


def test_numbers_keep_their_kind() -> None:
    value = strict.parse(b'{"a": [1, 1.0, -0, true, 9007199254740992, 1e308]}')["a"]
    assert [type(item) for item in value] == [int, float, int, bool, int, float]


@pytest.mark.parametrize("cut", range(1, 100))
def test_every_truncation_is_refused(cut: int) -> None:
    data = GOOD.encode()
    end = len(data.rstrip()) * cut // 100
    with pytest.raises(DocumentError, match=r"byte|empty|UTF-8"):
        format.loads(data[:end])


@pytest.mark.parametrize("depth", [65, 900, 1_100, 100_000])
@pytest.mark.parametrize(
    ("begin", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]"), ("[", ""), ('{"]":', "}")]
)
def test_deep_nesting_is_refused_before_parsing(begin: str, end: str, depth: int) -> None:
    # A pair of brackets counts as two levels; the innermost value is a number.
    text = '{"netbuilder": 1, "x": ' + begin * depth + "1" + end * depth + "}"
    with pytest.raises(DocumentError, match="nested deeper than 64"):
        format.loads(text)


def test_64_levels_are_read() -> None:
    text = "[" * 64 + "]" * 64
    assert strict.parse(text) is not None
    with pytest.raises(DocumentError, match="nested"):
        strict.parse("[" + text + "]")


def test_brackets_in_texts_do_not_count() -> None:
    title = '[{"' * 1000 + "\\"
    document = format.loads(json.dumps({"netbuilder": 1, "title": title}))
    assert document.project.title == title


def test_a_crowd_of_lists_is_refused_before_parsing() -> None:
    text = "[" + ",".join(["[]"] * (strict.MAX_CONTAINERS + 1)) + "]"
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError, match="4,000,000"):
            strict.parse(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(text)


def test_the_largest_crowd_stays_in_bounds() -> None:
    """31 MB of `[],[],...` in 2 GB of address space: an answer, not a dead process."""
    code = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "from netbuilder.storage import strict\n"
        "from netbuilder.errors import DocumentError\n"
        "for size in (31_000_000, 33_000_000):\n"
        "    try:\n"
        "        strict.parse(b'[' + b'[],' * (size // 3) + b'[]]')\n"
        "    except DocumentError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "4,000,000" in first
    assert "32 MB" in second


def test_the_limit_of_nodes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netbuilder.storage.reading.MAX_NODES", 1)
    with pytest.raises(DocumentError, match="more than 1 nodes"):
        format.loads(GOOD)


# -- mutations -------------------------------------------------------------------------------


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut, doubled or moved."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at, to = sorted((rng.randrange(len(out)), rng.randrange(len(out))))
        match rng.randrange(5):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                del out[at : min(to, at + 8)]
            case 2:
                out[at:at] = out[at : min(to, at + 8)]
            case 3:
                out[at] ^= 1 << rng.randrange(8)
            case _:
                word = rng.choice((b"null", b"[]", b"{}", b"1e999", b'"', b"true", b"-1", b"\\u"))
                out[at : at + 1] = word
    return bytes(out)


def fuzz(seed: int, count: int) -> tuple[int, int]:
    """How many mutants were read and how many refused; anything but `DocumentError` raises."""
    rng, data = random.Random(seed), GOOD.encode()
    assert format.loads(data) == sample()
    read = refused = 0
    for _ in range(count):
        mutant = mutate(data, rng)
        try:
            document = format.loads(mutant)
        except DocumentError:
            refused += 1
            continue
        read += 1
        text = format.dumps(document)
        again = format.loads(text)
        assert format.dumps(again) == text, mutant
        assert again == document, mutant
    return read, refused


def test_mutated_bytes_are_refused_or_round_trip() -> None:
    read, refused = fuzz(seed=3, count=4000)
    assert read > 200
    assert refused > 1000


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_many_mutated_bytes() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read, refused = fuzz(seed=random.SystemRandom().randrange(2**32), count=1_000_000)
    assert read > 10_000
    assert refused > 10_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def _replaced(value: object, rng: random.Random) -> object:
    """The JSON value with one part swapped for something else, or left out."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        match rng.randrange(8):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                return {(k + "x" if k == key else k): v for k, v in value.items()}
        return {k: _replaced(v, rng) if k == key else v for k, v in value.items()}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        match rng.randrange(6):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return [*value, value[at]]
            case 2:
                return value[::-1]
        return [_replaced(v, rng) if i == at else v for i, v in enumerate(value)]
    return rng.choice((None, True, 0, -1, 1.5, 1e300, "", "a", "b", "w", [], {}, [[]], {"id": "a"}))


def test_swapped_parts_are_refused_or_round_trip() -> None:
    rng, seed = random.Random(5), json.loads(GOOD)
    read = refused = kept = 0
    for _ in range(3000):
        mutant = _replaced(seed, rng)
        try:
            document = format.from_json(mutant)
        except DocumentError:
            refused += 1
            continue
        read += 1
        kept += any(graph.unreadable for graph in document.graphs.values())
        text = format.dumps(document)
        again = format.loads(text)
        assert format.dumps(again) == text, mutant
        assert again == document, mutant
    assert read > 1000
    assert refused > 100
    assert kept > 100

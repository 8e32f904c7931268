"""Reading JSON that may come from anywhere: limits first, then the parser.

Python's parser alone accepts NaN, lets the last of two equal keys win, takes UTF-16 and
overflows its stack on deep nesting; a project file must not depend on any of that.
"""

from __future__ import annotations

import json
import math
import re
from functools import partial
from typing import Any, NoReturn

from netbuilder.errors import DocumentError

MAX_BYTES = 32_000_000
MAX_NESTING = 64
MAX_CONTAINERS = 4_000_000
MAX_INT = 2**53

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*+"?')
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET_OR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))
_FOREIGN = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"PK\x03\x04", "a zip archive, as PyTorch's .pt files are"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80\x02", "a pickle, which could run code"),
    (b"\xff\xfe", "a text in UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "a text in UTF-16; save it as UTF-8"),
)


def parse(data: bytes | str, *, max_int: int = MAX_INT) -> Any:
    """The JSON value of a UTF-8 text; `DocumentError` says what is wrong and where.

    Whole numbers go up to `max_int`.
    """
    text, skipped = _decode(data)
    if not text.strip():
        raise DocumentError("The file is empty.", "Open a backup or another version of it.")
    _check_nesting(text)
    try:
        return json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=partial(_int, max_int),
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        if text.startswith("<<<<<<< ") or "\n<<<<<<< " in text:
            raise DocumentError(
                "git could not merge this file and left its conflict markers in it.",
                "Let netbuilder merge it: 'netbuilder git-setup', then "
                "'git checkout --merge FILE', then open it again.",
            ) from error
        offset = skipped + len(text[: error.pos].encode("utf-8", "surrogatepass"))
        place = f"line {error.lineno}, column {error.colno} (byte {offset})"
        if error.msg == "Extra data":
            raise DocumentError(f"Something follows the end of the project at {place}.") from error
        raise DocumentError(
            f"The file is damaged or no project: {error.msg} at {place}."
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise DocumentError("The file can't be read as JSON.") from error


def _decode(data: bytes | str) -> tuple[str, int]:
    """The text and the number of bytes skipped before it."""
    if len(data) > MAX_BYTES:
        raise DocumentError(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    if isinstance(data, str):
        return data, 0
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise DocumentError(f"This is no netbuilder project but {what}.")
    if data[:2].count(0) == 1:
        raise DocumentError("This is a text in UTF-16.", "Save it as UTF-8.")
    skipped = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    try:
        return data[skipped:].decode("utf-8"), skipped
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"This is no netbuilder project: it is not UTF-8 text (byte {skipped + error.start})."
        ) from error


def _check_nesting(text: str) -> None:
    """Refuses deep and crowded texts without building anything: one linear scan a level."""
    data = text.encode("utf-8", "surrogatepass")
    if b"\\" in data:
        data = _ESCAPE.sub(b"", data)
    brackets = _STRING.sub(b"", data.translate(_ONE_KIND, _NO_BRACKET_OR_QUOTE))
    if brackets.count(b"[") > MAX_CONTAINERS:
        raise DocumentError(f"The file holds more than {MAX_CONTAINERS:,} lists and objects.")
    for _ in range(MAX_NESTING):
        if b"[]" not in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    # What is left over is unbalanced (the parser will say where) or too deep.
    if b"[]" in brackets or brackets.count(b"[") > MAX_NESTING:
        raise DocumentError(f"The file is nested deeper than {MAX_NESTING} levels.")


def _refuse_constant(name: str) -> NoReturn:
    raise DocumentError(f"The file holds {name}, which is no number of JSON.")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise DocumentError(f"The file holds the number {_clip(text)}, which is too large.")
    return value


def _int(limit: int, text: str) -> int:
    if len(text) > 20 or abs(int(text)) > limit:
        raise DocumentError(
            f"The file holds the number {_clip(text)}; whole numbers go up to "
            f"2^{limit.bit_length() - 1}."
        )
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DocumentError(f"The key {_clip(twice)!r} stands twice in one object.")
    return result


def _clip(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."

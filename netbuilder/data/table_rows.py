"""Rows of tables as text cells, with the line that each begins at."""

from __future__ import annotations

import codecs
import csv
import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from netbuilder.data.table_columns import stamp
from netbuilder.errors import NetbuilderError

MAX_CELL = 131_072
"""Letters of one cell; a quotation mark that is never closed would swallow the rest."""
ZEROS = 0.1
"""Above this part of zero bytes nothing is a text with one byte a letter."""
_LOOKED_AT = 2**16
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
Row = tuple[int, Sequence[str] | None, str]
"""The line it begins at, counted from 1; its cells; or None and what is wrong with it."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file; `NetbuilderError` if there is none. A pipe is not waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(path, flags)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "Look at its name and at who may read it."
        raise NetbuilderError(f"'{path.name}' can't be read: {reason}.", hint) from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise NetbuilderError(f"'{path.name}' is no file.", "Choose a file.")
    with os.fdopen(number, "rb") as file:
        yield file


def encoding_of(path: Path) -> tuple[str, str]:
    """The encoding that the file seems to have, and a note where that is a guess."""
    with opened(path) as file:
        begin = file.read(_LOOKED_AT)
        marked = begin.startswith((b"\xff\xfe", b"\xfe\xff"))
        if begin.startswith(b"\xff\xfe\0\0") or (
            not marked and begin.count(0) > ZEROS * len(begin)
        ):
            raise NetbuilderError(
                f"'{path.name}' is full of zero bytes: it is no text, or one in UTF-16 or UTF-32 "
                "without a mark.",
                "Save it as UTF-8.",
            )
        for mark, name in _MARKS:
            if begin.startswith(mark):
                return name, ""
        file.seek(0)
        try:
            for _ in _decoded(file, "utf-8"):
                pass
        except UnicodeDecodeError:
            return "cp1252", (
                "The file is not UTF-8: it is read as Windows text (cp1252). Look whether its "
                "letters are right, or choose another encoding."
            )
    return "utf-8", ""


def _decoded(file: IO[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    while block := file.read(1 << 20):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _lines(file: IO[bytes], encoding: str, name: str) -> Iterator[str]:
    """Its lines; `NetbuilderError` names the first that is not written in this encoding."""
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    # Lines may end as on Windows or on old Macs.
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(), translate=True)
    rest, count = "", 0
    while True:
        block = file.read(1 << 16)
        try:
            text = rest + decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(codec, "ignore")
            line = count + 1 + rest.count("\n") + good.count("\n")
            byte = error.object[error.start : error.start + 1].hex()
            raise NetbuilderError(
                f"'{name}' is not written in {encoding}: byte 0x{byte} in line {line}.",
                "Choose another encoding in the data settings: cp1252 is that of Windows in the "
                "west; or save it as UTF-8.",
            ) from None
        *lines, rest = text.split("\n")
        for line_text in lines:
            count += 1
            yield line_text + "\n"
        if not block:
            break
        if len(rest) > 64 * MAX_CELL:
            raise NetbuilderError(f"Line {count + 1} of '{name}' never ends.", "Is it a table?")
    if rest:
        yield rest


def csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Row]:
    """The rows of a CSV file that are not empty."""
    with opened(path) as file:
        lines = _lines(file, encoding, path.name)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            begin = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reason = str(error)
                if "unexpected end" in reason or "field limit" in reason:
                    reason = "a quotation mark is never closed"
                # Each line that it swallowed is one that can't be used.
                for line in range(begin, max(begin, reader.line_num) + 1):
                    yield line, None, reason
                continue
            if cells:
                yield begin, [cell.strip() for cell in cells], ""


def names_in(first: Sequence[str]) -> list[str]:
    """The names of columns that a first line gives; what has none is called by its number."""
    return [name or f"column {at}" for at, name in enumerate(first, 1)]


def parquet_file(path: Path) -> Any:
    """The opened Parquet file; `NetbuilderError` if it is none or the extra is not there."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise NetbuilderError(
            "Parquet files need the extra 'tables'.",
            'Install it: pip install "netbuilder[tables]".',
        ) from None
    with opened(path):
        pass
    try:
        return parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        text = next(iter(str(error).splitlines()), "")[:200]
        hint = "Make it again, or choose another file."
        raise NetbuilderError(f"'{path.name}' is no Parquet file: {text}", hint) from error


def parquet_names(path: Path) -> list[str]:
    """The names of its columns."""
    return [str(name) for name in parquet_file(path).schema_arrow.names]


def parquet_rows(path: Path, names: Sequence[str], forms: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of these columns; what is null is an empty cell. They count from 1."""
    import pyarrow as arrow

    file, count = parquet_file(path), 0
    forms = forms or [""] * len(names)
    try:
        for batch in file.iter_batches(8192, columns=list(names)):
            columns = [
                [_cell(value, form) for value in batch.column(name).to_pylist()]
                for name, form in zip(names, forms, strict=True)
            ]
            for cells in zip(*columns, strict=True):
                count += 1
                yield count, cells, ""
    except (arrow.ArrowException, OSError) as error:
        text = next(iter(str(error).splitlines()), "")[:200]
        raise NetbuilderError(f"'{path.name}' breaks off after row {count}: {text}") from error


def _cell(value: Any, form: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int | float | str):
        return str(value).strip() if isinstance(value, str) else repr(value)
    return stamp(value, form)

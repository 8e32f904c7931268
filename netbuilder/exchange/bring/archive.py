"""Reading `.pt2` files of others: a zip archive of JSON and raw numbers, within limits.

`torch.export.load` unpickles what an archive asks it to (tensors of odd kinds, custom and
opaque objects, sample inputs), so it can run anything. Here no pickle is read at all: the
graph is JSON, tensors are raw bytes whose sizes are known beforehand. Pickled parts of the graph
are refused, pickled sample inputs are left alone. Nothing is unpacked to disk.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import psutil
import torch
from torch import Tensor

from netbuilder.errors import DocumentError
from netbuilder.exchange.bring.graph_json import GraphReader, Malformed
from netbuilder.exchange.bring.program import BringError, Program
from netbuilder.storage import plain, strict

MAX_ENTRIES = 100_000
MAX_JSON = strict.MAX_BYTES
MAX_TENSOR_BYTES = 50_000_000_000
MAX_INT = 2**63
"""Slices end at the largest number of 64 bits when they mean the end."""

_DTYPES: Mapping[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    9: torch.complex32,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
}
"""The dtypes by their numbers in the format."""
_NEWER = "Load and save it with torch.export of PyTorch 2.10 or newer, then import that file."


def read(path: str | os.PathLike[str]) -> Program:
    """The exported program in a `.pt2` file; `DocumentError` says why it can't be read."""
    with plain.open_plain(path) as file:
        try:
            archive = Archive(file, Path(path).name)
            return _program(archive)
        except Malformed as error:
            raise DocumentError(f"'{Path(path).name}' is no proper .pt2 file: {error}.") from error


def dtype_name(number: Any) -> str:
    """`float32` for 7; `Malformed` for a number that is none."""
    if not isinstance(number, int) or number not in _DTYPES:
        raise Malformed(f"dtype {number!r} is unknown")
    return str(_DTYPES[number]).removeprefix("torch.")


class Archive:
    """The entries of a zip file that were looked at and found harmless."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name = name
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DocumentError(f"'{name}' is no .pt2 file: {_first(error)}.") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise DocumentError(f"'{name}' has more than {MAX_ENTRIES:,} entries.")
        self._check(entries, os.fstat(file.fileno()).st_size)
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) < len(entries):
            raise DocumentError(f"'{name}' has two entries of one name.")
        roots = {entry.partition("/")[0] for entry in self._entries}
        self.root = next(iter(roots)) + "/" if len(roots) == 1 else ""

    def _check(self, entries: list[zipfile.ZipInfo], size: int) -> None:
        """Entries as torch.export writes them: stored as they are, side by side."""
        end = 0
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            stored = entry.compress_type == zipfile.ZIP_STORED
            if not stored or entry.file_size != entry.compress_size or entry.flag_bits & 1:
                raise DocumentError(
                    f"'{self.name}' has packed entries, which torch.export does not write.", _NEWER
                )
            if entry.header_offset < end:
                raise DocumentError(f"'{self.name}' has entries that overlap.")
            end = entry.header_offset + 30 + entry.compress_size
        if end > size:
            raise DocumentError(f"'{self.name}' says that it is larger than it is.")

    def __contains__(self, name: str) -> bool:
        return self.root + name in self._entries

    def names(self, prefix: str) -> list[str]:
        """The entries whose names begin so, without the archive's own folder."""
        start = self.root + prefix
        return [name.removeprefix(self.root) for name in self._entries if name.startswith(start)]

    def size(self, name: str) -> int:
        """The size of an entry in bytes; `Malformed` if there is none."""
        if name not in self:
            raise Malformed(f"the entry {name!r} is missing")
        return self._entries[self.root + name].file_size

    def read(self, name: str, limit: int) -> bytes:
        """An entry's bytes; `DocumentError` if there are more than `limit`."""
        size = self.size(name)
        if size > limit:
            raise DocumentError(f"'{name}' in '{self.name}' has {size:,} bytes; {limit:,} may be.")
        try:
            return self._zip.read(self._entries[self.root + name])
        except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
            raise DocumentError(f"'{self.name}' is damaged: {_first(error)}.") from error

    def json(self, name: str) -> Any:
        """An entry as JSON."""
        return strict.parse(self.read(name, MAX_JSON), max_int=MAX_INT)


def _first(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200].rstrip(".")


def _program(archive: Archive) -> Program:
    models = [name for name in archive.names("models/") if name.endswith(".json")]
    if not models:
        raise BringError(
            f"'{archive.name}' has no exported program that can be read without running code.",
            _NEWER,
        )
    if len(models) > 1:
        raise BringError(f"'{archive.name}' holds {len(models)} programs.", "Save one a file.")
    name = models[0].removeprefix("models/").removesuffix(".json")
    byteorder = archive.read("byteorder", 16) if "byteorder" in archive else b"little"
    if byteorder.strip() != b"little":
        raise BringError(f"'{archive.name}' was written on a machine of the other byte order.")
    program = GraphReader(archive.json(models[0]), Path(archive.name).stem, dtype_name).program
    tensors = _Tensors(archive)
    tensors.add(f"data/weights/{name}_weights_config.json", "data/weights/")
    tensors.add(f"data/constants/{name}_constants_config.json", "data/constants/")
    for state in program.states.values():
        if state.key not in tensors.found:
            reason = tensors.refused.get(state.key, "it is missing")
            raise BringError(f"The tensor '{state.key}' can't be read: {reason}.", _NEWER)
    program.tensors, program.tied = tensors.found, tensors.tied
    return program


class _Tensors:
    """The weights and constants of an archive, read from raw bytes."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.found: dict[str, Tensor] = {}
        self.tied: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self._left = min(MAX_TENSOR_BYTES, psutil.virtual_memory().available // 2)

    def add(self, config: str, folder: str) -> None:
        """Read what a configuration lists; pickled entries are noted as refused."""
        if config not in self.archive:
            return
        entries = self.archive.json(config)
        entries = entries.get("config") if isinstance(entries, dict) else None
        if not isinstance(entries, dict):
            raise Malformed(f"'{config}' lists nothing")
        whole: dict[str, tuple[str, Tensor]] = {}
        for key, entry in entries.items():
            if not isinstance(entry, dict) or not isinstance(entry.get("path_name"), str):
                raise Malformed(f"the tensor {key!r} has no place")
            path, about = folder + entry["path_name"], entry.get("tensor_meta")
            if entry.get("use_pickle") is not False or not isinstance(about, dict):
                self.refused[key] = "it is pickled, and a pickle may run code"
                continue
            first, storage = whole.setdefault(path, (key, self._storage(path, about)))
            self.found[key] = tensor = _shaped(key, storage, about)
            if first != key and torch.equal(tensor, self.found[first]):
                self.tied[key] = first

    def _storage(self, path: str, about: Mapping[str, Any]) -> Tensor:
        dtype = _DTYPES[_known(about.get("dtype"))]
        size = self.archive.size(path)
        self._left -= size
        if self._left < 0:
            raise DocumentError(
                f"The tensors of '{self.archive.name}' don't fit into half of the free memory."
            )
        if size % dtype.itemsize:
            raise Malformed(f"'{path}' has {size} bytes, no whole number of {dtype}")
        if not size:
            return torch.empty(0, dtype=dtype)
        return torch.frombuffer(bytearray(self.archive.read(path, size)), dtype=dtype)


def _known(number: Any) -> int:
    dtype_name(number)
    return int(number)


def _shaped(key: str, storage: Tensor, about: Mapping[str, Any]) -> Tensor:
    """A tensor over its storage; every number that it names must lie inside."""
    sizes, strides = _numbers(key, about.get("sizes")), _numbers(key, about.get("strides"))
    (offset,) = _numbers(key, [about.get("storage_offset")])
    if len(sizes) != len(strides) or len(sizes) > 64:
        raise Malformed(f"the sizes and strides of {key!r} don't belong together")
    if math.prod(sizes) == 0:
        return torch.empty(sizes, dtype=storage.dtype)
    last = offset + sum((n - 1) * stride for n, stride in zip(sizes, strides, strict=True))
    if last >= storage.numel() or math.prod(sizes) > storage.numel():
        raise Malformed(f"the tensor {key!r} is larger than its bytes")
    return storage.as_strided(sizes, strides, offset).clone(memory_format=torch.contiguous_format)


def _numbers(key: str, values: Any) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise Malformed(f"the tensor {key!r} has no sizes")
    found = []
    for value in values:
        number = value.get("as_int") if isinstance(value, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**40:
            raise Malformed(f"the sizes of {key!r} are no numbers")
        found.append(number)
    return tuple(found)

"""Opening weights of others: a `.safetensors` file as it is, a `.pt` file by a throw-away process.

What a file is, its first bytes say, whatever its name. Formats that hold code are refused.
"""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from netbuilder.errors import DocumentError, ExportError
from netbuilder.exchange import fresh, watched
from netbuilder.exchange.foreign.slots import Slot
from netbuilder.storage import plain, strict, weights

PATIENCE_S = 300.0
MAX_ENTRIES = 200_000
MAX_PICKLE = 64_000_000
_ADVICE = "Save the weights alone, as a .safetensors file or by torch.save(model.state_dict(), …)."
_FOREIGN = (
    (b"\x89HDF", "an HDF5 file, as Keras writes them"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80", "a pickle, which can run code (PyTorch wrote such files before 1.6)"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
)
_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "I64": "int64",
    "U64": "uint64",
    "F64": "float64",
    "C64": "complex64",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A proper safetensors file, what is in it, and what was left out on the way.

    `ordered`: the slots come in the order of the network they are from. A safetensors file sorts
    its tensors by name.
    """

    path: Path
    slots: dict[str, Slot]
    notes: tuple[str, ...] = ()
    ordered: bool = False


@contextmanager
def open_weights(path: Path) -> Iterator[Opened]:
    """The weights in a file of somebody's, while this is open.

    `DocumentError` for what is damaged, too large, or could run code.
    """
    if _kind(path) == "safetensors":
        yield Opened(path, slots(path))
        return
    with plain.open_plain(path) as file:
        check_zip(file, path.name)
    with fresh.folder() as folder:
        out = Path(folder) / "weights.safetensors"
        answer = _convert(path, out)
        found = slots(out)
        in_order = {key: found[key] for key in answer["order"]}
        yield Opened(out, in_order, tuple(answer["notes"]), ordered=True)


def slots(path: Path) -> dict[str, Slot]:
    """What the header of a safetensors file lists, once it was checked."""
    with plain.open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = min(int.from_bytes(start, "little"), strict.MAX_BYTES + 1)
        data = start + file.read(length)
    shapes = weights.check_header(data, size, path.name)
    header = strict.parse(data[8 : 8 + length], max_int=2**62)
    return {key: Slot(shape, _DTYPES[header[key]["dtype"]]) for key, shape in shapes.items()}


def _kind(path: Path) -> str:
    """`safetensors` or `zip`; `DocumentError` for all else."""
    with plain.open_plain(path) as file:
        start = file.read(512)
    name = path.name
    if not start:
        raise DocumentError(f"'{name}' is empty.", "Get it again from where it came from.")
    if start.startswith(b"PK\x03\x04"):
        return "zip"
    if start[8:9] == b"{":
        return "safetensors"
    for magic, words in _FOREIGN:
        if start.startswith(magic):
            raise DocumentError(f"'{name}' is {words}; it was not opened.", _ADVICE)
    if start[257:262] == b"ustar":
        raise DocumentError(f"'{name}' is a tar archive; it was not opened.", _ADVICE)
    raise DocumentError(f"'{name}' holds no weights that can be read.", _ADVICE)


def check_zip(file: IO[bytes], name: str) -> None:
    """`DocumentError` unless it is an archive as `torch.save` writes it, without code."""
    try:
        entries = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DocumentError(f"'{name}' is damaged: it is no whole zip archive.", _ADVICE) from error
    size = os.fstat(file.fileno()).st_size
    names = {entry.filename for entry in entries}
    if len(entries) > MAX_ENTRIES or len(names) < len(entries):
        raise DocumentError(f"'{name}' is damaged: its entries are too many, or have one name.")
    inside = {name.partition("/")[2] for name in names}
    roots = {name.partition("/")[0] for name in names}
    if any(name.startswith("code/") for name in inside) or "constants.pkl" in inside:
        raise DocumentError(
            f"'{name}' is a TorchScript program, which is code; it was not opened.", _ADVICE
        )
    if any(name.startswith("models/") for name in inside):
        raise DocumentError(
            f"'{name}' is an exported program, not weights.", "Import it: netbuilder import."
        )
    if len(roots) != 1 or "data.pkl" not in inside:
        raise DocumentError(f"'{name}' is an archive, but not one of PyTorch's.", _ADVICE)
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        stored = entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1
        if not stored or entry.file_size != entry.compress_size or entry.header_offset < end:
            raise DocumentError(f"'{name}' is packed otherwise than PyTorch does it.", _ADVICE)
        end = entry.header_offset + 30 + entry.compress_size
        if entry.filename.endswith("/data.pkl") and entry.file_size > MAX_PICKLE:
            raise DocumentError(f"'{name}' describes its tensors at a length that no file needs.")
    if end > size:
        raise DocumentError(f"'{name}' is damaged: it says that it is larger than it is.")


def _convert(path: Path, out: Path) -> dict[str, Any]:
    late = threading.Event()
    clock = threading.Timer(PATIENCE_S, late.set)
    clock.daemon = True
    clock.start()
    try:
        answer = watched.ask(
            "netbuilder.exchange.foreign.child",
            {"path": str(path.absolute()), "out": str(out)},
            out.parent,
            title=f"The process that read '{path.name}'",
            cancelled=late,
            why=f"Reading '{path.name}' took more than {PATIENCE_S:.0f} s and was ended.",
        )
    except ExportError as error:
        raise DocumentError(str(error), error.hint) from error
    finally:
        clock.cancel()
    if "error" in answer:
        raise DocumentError(answer["error"]["message"], answer["error"]["hint"])
    return answer

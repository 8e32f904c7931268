"""Opens texts: reads the files, takes them apart, cuts or fills them up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netbuilder.data import places, tokens
from netbuilder.data.reading import file_listing
from netbuilder.data.reading.opening import (
    IN_MEMORY,
    Opened,
    opened,
    problem,
    problems,
    sample_bytes,
)
from netbuilder.data.reading.table_reading import ArrayReader
from netbuilder.data.table_rows import opened as file_opened
from netbuilder.data.text_files import END, TextFiles
from netbuilder.errors import NetbuilderError

Array = np.ndarray[Any, np.dtype[Any]]
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("txt", "text", "md", "rst", "tex", "log", "srt", "csv", "tsv", "json", "jsonl", "xml"),
        *("html", "css", "py", "js", "ts", "c", "h", "cpp", "hpp", "rs", "go", "java", "sh", "sql"),
    )
)
MAX_BYTES = 2**30
"""Of all files together."""
MAX_BROKEN = 0.01


@dataclass(frozen=True, slots=True)
class Document:
    """One text, the number of its class, and where it is from."""

    text: str
    label: int
    name: str


@opened.register
def _(source: TextFiles) -> Opened:
    if not source.path:
        raise problems([problem("data.files", "No text is chosen.", "Choose a file or folder.")])
    path = places.resolve(source.path)
    faults: list[str] = []
    try:
        encode = tokens.encoder(source)
        made = [(encode(each.text), each.label) for each in documents(source, path, faults)]
    except NetbuilderError as error:
        raise problems([problem("data.file", str(error), error.hint)]) from error
    total = len(made) + len(faults)
    if faults and (not made or len(faults) > max(1, MAX_BROKEN * total)):
        text = f"{len(faults)} of {total} texts can't be read ({'; '.join(faults[:5])})."
        hint = "Up to 1 % are passed over. Choose another encoding, or correct the files."
        raise problems([problem("data.corrupt", text, hint)])
    notes = []
    if faults:
        texts = "1 text is" if len(faults) == 1 else f"{len(faults)} texts are"
        notes.append(("corrupt", f"{texts} left out: unreadable ({faults[0]})."))
    if source.samples == "pack":
        reader: PackedReader | ArrayReader = packed(source, [ids for ids, _ in made])
        if not len(reader):
            count = sum(len(ids) for ids, _ in made)
            text = f"There are only {count} tokens, and a sample has {source.length}."
            raise problems([problem("data.empty", text, "Make samples shorter, or add text.")])
    else:
        contents, cut = filled(source, made)
        if cut:
            notes.append(("cut", f"{cut} of {len(made)} documents were cut to their beginning."))
        reader = ArrayReader(contents)
    if len(reader) * sample_bytes(source.fields()) > IN_MEMORY:
        labels = {k: v for k, v in reader.known().items() if v.ndim == 1}
        return Opened(reader, labels, notes=tuple(notes))
    return Opened(reader, contents=reader.known(), notes=tuple(notes))


def documents(source: TextFiles, path: Path, faults: list[str]) -> Iterator[Document]:
    """All documents in their order; files that are not written in the encoding are `faults`.

    `NetbuilderError` if there is no text, or too much.
    """
    room, found = MAX_BYTES, 0
    for file, label in _files(source, path):
        room -= file.stat().st_size if file.exists() else 0
        if room < 0:
            raise NetbuilderError(
                f"There are more than {MAX_BYTES // 2**20:,} MB of text.",
                "Choose fewer files, or save tokens as .npy files (numpy.save).",
            )
        try:
            text = read(file, source.encoding)
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            byte = error.object[error.start : error.start + 1].hex()
            faults.append(f"{file.name}, line {line}: byte 0x{byte} is not {source.encoding}")
            continue
        found += 1
        parts = text.splitlines() if source.per == "line" else [text]
        for part in parts:
            if part.strip():
                yield Document(part, label, file.name)
    if not found and not faults:
        raise NetbuilderError(f"There are no text files in '{path.name}'.", "Choose another.")


def read(path: Path, encoding: str) -> str:
    """A file's text with lines that end as on Unix; `UnicodeDecodeError` for another encoding."""
    with file_opened(path) as file:
        data = file.read(MAX_BYTES + 1)
    text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _files(source: TextFiles, path: Path) -> Iterator[tuple[Path, int]]:
    if not path.is_dir():
        yield path, 0
        return
    listing = file_listing.look(path, SUFFIXES)
    wanted = source.classes or tuple(listing.files)
    missing = [name for name in source.classes if not listing.files.get(name)]
    if missing:
        raise NetbuilderError(
            f"There are no texts in the folder '{missing[0]}'.", "Correct the classes."
        )
    for label, name in enumerate(wanted):
        for file in listing.files.get(name, ()):
            yield path / file.path, label


class PackedReader:
    """Pieces of one long text. The text is kept in the smallest numbers that hold it."""

    def __init__(self, ids: Array, document: Array, length: int) -> None:
        self.ids, self.document, self.length = ids, document, length

    def __len__(self) -> int:
        return len(self.ids) // self.length

    def read(self, index: int, chance: Any) -> Mapping[str, Array]:
        begin = index * self.length
        text = self.ids[begin : begin + self.length].astype(np.int64)
        return {"text": text, "document": np.int64(self.document[index])}  # type: ignore[dict-item]

    def changed(self) -> str:
        return ""

    def known(self) -> dict[str, Array]:
        """All samples."""
        whole = self.ids[: len(self) * self.length].astype(np.int64)
        return {"text": whole.reshape(-1, self.length), "document": self.document}


def packed(source: TextFiles, texts: list[Array]) -> PackedReader:
    """All texts behind each other, with a mark at the end of each. A piece belongs to the document
    that it begins in; what is left over at the end is left out."""
    kind = np.uint16 if source.high() <= 2**16 else np.uint32
    end = [] if source.tokens == "bpe" or len(texts) < 2 else [END]
    parts = [np.concatenate([ids, end]).astype(kind) for ids in texts]
    whole = np.concatenate(parts) if parts else np.empty(0, kind)
    begins = np.cumsum([0, *map(len, parts)])[:-1]
    pieces = np.arange(len(whole) // source.length) * source.length
    document = np.searchsorted(begins, pieces, side="right") - 1
    return PackedReader(whole, document.astype(np.int64), source.length)


def filled(source: TextFiles, made: list[tuple[Array, int]]) -> tuple[dict[str, Array], int]:
    """One document a sample, and how many were too long."""
    text = np.full((len(made), source.length), source.filler(), dtype=np.int64)
    mask = np.zeros((len(made), source.length), dtype=np.float32)
    cut = 0
    for row, (ids, _) in enumerate(made):
        kept = ids[: source.length]
        cut += len(kept) < len(ids)
        text[row, : len(kept)] = kept
        mask[row, : len(kept)] = 1.0
    contents: dict[str, Array] = {"text": text, "mask": mask}
    if source.classes:
        contents["label"] = np.array([label for _, label in made], dtype=np.int64)
    contents["document"] = np.arange(len(made))
    return contents, cut


def sample(source: TextFiles, text: str) -> dict[str, Array]:
    """A text as fields of a batch of one, filled up or cut as the samples are."""
    ids = tokens.encoder(source)(text)
    if not len(ids):
        raise NetbuilderError("The text is empty.", "Write something.")
    contents, _ = filled(source, [(ids, 0)])
    return {name: contents[name] for name in ("text", "mask")}

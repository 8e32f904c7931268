"""Proposals for files and folders of text. Torch-free."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from netbuilder.data import table_rows, tokens
from netbuilder.data.proposals.proposing import Proposal
from netbuilder.data.reading import file_listing
from netbuilder.data.reading.text_reading import SUFFIXES, read
from netbuilder.data.text_files import TextFiles
from netbuilder.errors import NetbuilderError

LOOKED_AT = 16 * 2**20
"""Bytes of text that are looked at."""
FEW_LETTERS = 512
MOST_WORDS = 10_000
PLAIN = frozenset(SUFFIXES - {".csv", ".tsv", ".json", ".jsonl", ".xml", ".html"})


def propose(path: Path) -> Proposal | None:
    """A text file, or a folder with text files in it: in several folders, with their classes."""
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            return None
        groups = {"": [path]}
    else:
        listing = file_listing.look(path, PLAIN)
        groups = {
            name: [path / file.path for file in files] for name, files in listing.files.items()
        }
        groups = {name: files for name, files in groups.items() if files}
        if not groups:
            return None
    classes = [name for name, files in groups.items() if name and len(files) > 1]
    files = [file for group in groups.values() for file in group]
    if len(classes) < 2 or "" in groups or len(classes) < len(groups):
        classes = []
    encoding, note = table_rows.encoding_of(files[0])
    texts, unread = _texts(files if not classes else _mixed(groups), encoding)
    if not texts:
        raise NetbuilderError(f"'{path.name}' has no text.", "Choose another file.")
    notes = [note] if note else []
    if unread:
        notes.append(f"Files that are not written in {encoding}, left out: {unread}.")
    params: dict[str, Any] = {"path": str(path)}
    params |= {"encoding": encoding} if encoding != "utf-8" else {}
    if classes:
        params |= _of_documents(texts, classes)
        count = sum(len(groups[name]) for name in classes)
    else:
        params |= _of_letters(texts)
        count = 0
    source = TextFiles.model_validate(params, strict=False)
    if not classes:
        letters = sum(map(len, texts))
        count = letters // source.length
        notes.append(f"{letters:,} characters were looked at.")
    return Proposal(
        source=TextFiles.id,
        params=params,
        title=path.stem,
        count=count,
        fields=source.fields(),
        task="classification" if classes else "language",
        templates=("transformer_classifier",) if classes else ("gpt_small",),
        notes=tuple(notes),
    )


def _texts(files: list[Path], encoding: str) -> tuple[list[str], int]:
    room, texts, unread = LOOKED_AT, [], 0
    for file in files:
        try:
            text = read(file, encoding)
        except (UnicodeDecodeError, NetbuilderError):
            unread += 1
            continue
        texts.append(text)
        room -= len(text)
        if room < 0:
            break
    return [text for text in texts if text.strip()], unread


def _mixed(groups: dict[str, list[Path]]) -> list[Path]:
    """The files of all classes in turn, so that those looked at are of each."""
    most = max(map(len, groups.values()))
    return [files[at] for at in range(most) for files in groups.values() if at < len(files)]


def _of_letters(texts: list[str]) -> dict[str, Any]:
    letters = Counter(letter for text in texts for letter in text[:LOOKED_AT])
    if len(letters) > FEW_LETTERS:
        return {"tokens": "byte"}
    return {"tokens": "character", "vocabulary": sorted(letters)}


def _of_documents(texts: list[str], classes: list[str]) -> dict[str, Any]:
    """Words of short documents, small letters: what tells classes apart with little data."""
    counts = Counter(word for text in texts for word in tokens.words(text.lower()))
    usual = [word for word, count in counts.most_common(MOST_WORDS) if count > 1]
    lengths = sorted(len(tokens.words(text)) for text in islice(texts, 1000))
    # Nine of ten documents are seen whole.
    wanted = lengths[int(0.9 * (len(lengths) - 1))]
    length = next((size for size in (32, 64, 128, 256) if size >= wanted), 512)
    return {
        "tokens": "word",
        "lower": True,
        "vocabulary": sorted(word for word in usual if len(word) <= 255),
        "samples": "documents",
        "classes": classes,
        "length": length,
    }

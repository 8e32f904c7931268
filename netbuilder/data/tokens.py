"""From text to the numbers of its tokens, and back. Torch-free."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netbuilder.data import places
from netbuilder.data.text_files import END, MASK, PADDING, SPECIALS, UNKNOWN, TextFiles
from netbuilder.errors import NetbuilderError

Ids = np.ndarray[Any, np.dtype[np.int64]]
Encode = Callable[[str], Ids]
MAX_TOKENIZER = 64 * 2**20
_WORD = re.compile(r"\w+|[^\w\s]")


def words(text: str) -> list[str]:
    """Words and marks, in their order; spaces only divide."""
    return _WORD.findall(text)


def encoder(source: TextFiles) -> Encode:
    """What turns a text into numbers: characters and words that are not known become one token."""
    if source.tokens == "bpe":
        tokenizer = bpe(places.resolve(source.tokenizer), source.size)
        return lambda text: np.array(tokenizer.encode(_case(source, text)).ids, dtype=np.int64)
    if source.tokens == "byte":
        shift = len(SPECIALS)
        return lambda text: (
            np.frombuffer(_case(source, text).encode("utf-8", "replace"), np.uint8).astype(np.int64)
            + shift
        )
    known = {name: at for at, name in enumerate(source.names())}
    take: Callable[[str], Sequence[str]] = words if source.tokens == "word" else str

    def encode(text: str) -> Ids:
        parts = take(_case(source, text))
        return np.array([known.get(part, UNKNOWN) for part in parts], dtype=np.int64)

    return encode


def _case(source: TextFiles, text: str) -> str:
    return text.lower() if source.lower else text


def decode(source: TextFiles, ids: Iterable[Any]) -> str:
    """The text of these tokens; what fills up is left out."""
    if source.tokens == "bpe":
        kept = [int(id) for id in ids if id != source.padding]
        return str(bpe(places.resolve(source.tokenizer), source.size).decode(kept))
    plain = [int(id) for id in ids if id not in (PADDING, END, MASK)]
    if source.tokens == "byte":
        shift = len(SPECIALS)
        return bytes(id - shift for id in plain if id >= shift).decode("utf-8", "replace")
    names = source.names()
    text = [names[id] if id != UNKNOWN else "�" for id in plain]
    return (" " if source.tokens == "word" else "").join(text)


def bpe(path: Path, size: int) -> Any:
    """The tokenizer of a file; `NetbuilderError` if it can't be read or has other tokens."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise NetbuilderError(
            "BPE tokens need the extra 'text'.",
            'Install it: pip install "netbuilder[text]".',
        ) from None
    from netbuilder.data.table_rows import opened

    with opened(path) as file:
        content = file.read(MAX_TOKENIZER + 1)
    if len(content) > MAX_TOKENIZER:
        raise NetbuilderError(
            f"'{path.name}' is too large for a tokenizer.", "Choose another file."
        )
    try:
        tokenizer = Tokenizer.from_buffer(content)
    except Exception as error:
        # The library raises plain exceptions for whatever is wrong with the file.
        reason = next(iter(str(error).splitlines()), "")[:200]
        hint = "Write it with tokenizer.save('tokenizer.json')."
        raise NetbuilderError(f"'{path.name}' is no tokenizer: {reason}", hint) from error
    found = tokenizer.get_vocab_size()
    if found != size:
        raise NetbuilderError(
            f"'{path.name}' knows {found} tokens, not {size}.",
            f"Set 'size' to {found} in the data settings.",
        )
    return tokenizer

"""Texts from a person's disk, described. Torch-free, and no file is read here."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field as Parameter
from pydantic import model_validator

from netbuilder.data.files import FileSource, Place
from netbuilder.data.sources import Field, Source

PADDING, UNKNOWN, END, MASK = range(4)
SPECIALS = ("(padding)", "(unknown)", "(end)", "(mask)")
"""The first tokens of every vocabulary but that of a tokenizer's file, by their ids."""
BYTES = tuple(
    chr(byte) if 32 <= byte < 127 else "\n" if byte == 10 else f"\\x{byte:02x}"
    for byte in range(256)
)
Token = Annotated[str, Parameter(min_length=1, max_length=255)]
ClassName = Annotated[str, Parameter(min_length=1, max_length=255)]


class TextFiles(FileSource):
    """Texts in files, as tokens: bytes, characters, words, or those of a BPE tokenizer.

    Packed, all documents follow each other and are cut into pieces of one length. Else each
    document is a sample, filled up to the length, with a mask that says where text is; a
    document is a file or a line. Folders may be classes of the texts in them.
    """

    id: ClassVar[str] = "netbuilder.TextFiles"
    title: ClassVar[str] = "Texts"
    contents_in: ClassVar[str] = "netbuilder.data.reading.text_reading"
    places_in: ClassVar[tuple[str, ...]] = ("path", "tokenizer")

    path: Place = Parameter("", description="A file, or a folder whose text files are read.")
    tokens: Literal["byte", "character", "word", "bpe"] = Parameter(
        "character", description="What the text is taken apart into; bpe needs a tokenizer's file."
    )
    vocabulary: tuple[Token, ...] = Parameter(
        (), max_length=200_000, description="The characters or words that have a number."
    )
    lower: bool = Parameter(False, description="Capital letters count as small ones.")
    tokenizer: Place = Parameter(
        "", description="For bpe: a tokenizer.json as the tokenizers library writes it."
    )
    size: Annotated[int, Parameter(ge=0, le=10_000_000)] = Parameter(
        0, description="For bpe: the number of tokens that the tokenizer knows."
    )
    padding: Annotated[int, Parameter(ge=0, le=10_000_000)] = Parameter(
        0, description="For bpe: the token that fills up."
    )
    length: Annotated[int, Parameter(ge=2, le=65_536)] = Parameter(
        65, description="Tokens of a sample. A language model sees one less, to foretell the last."
    )
    samples: Literal["pack", "documents"] = Parameter(
        "pack", description="pack: pieces of all text; documents: one document a sample."
    )
    per: Literal["file", "line"] = Parameter("file", description="What a document is.")
    classes: tuple[ClassName, ...] = Parameter(
        (), max_length=10_000, description="Folders inside, one a class of documents."
    )
    encoding: Literal[
        "utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "shift_jis", "gb18030"
    ] = Parameter("utf-8", description="How letters are written in the files.")

    @model_validator(mode="after")
    def _fits_together(self) -> TextFiles:
        if self.classes and self.samples == "pack":
            raise ValueError("documents as samples, where there are classes of them")
        if self.tokens == "bpe" and self.path and not (self.tokenizer and self.size):
            raise ValueError("for bpe, a tokenizer's file and the size of its vocabulary")
        return self

    def names(self) -> tuple[str, ...]:
        """Every token as text, by its number; empty for those of a tokenizer's file."""
        if self.tokens == "bpe":
            return ()
        return (*SPECIALS, *(BYTES if self.tokens == "byte" else self.vocabulary))

    def high(self) -> int:
        """The number of different tokens."""
        return max(1, self.size) if self.tokens == "bpe" else len(self.names())

    def filler(self) -> int:
        """The token that fills up."""
        return self.padding if self.tokens == "bpe" else PADDING

    def fields(self) -> tuple[Field, ...]:
        what = {"byte": "bytes", "character": "characters", "word": "words", "bpe": "tokens"}
        text = Field("text", (self.length,), "int64", what[self.tokens], self.high(), self.names())
        document = Field("document", (), "int64", "the number of the document: a key to split by")
        if self.samples == "pack":
            return (text, document)
        mask = Field("mask", (self.length,), meaning="1 where there is text, 0 where it is filled")
        if not self.classes:
            return (text, mask, document)
        count = len(self.classes)
        label = Field("label", (), "int64", "the folder it is in", count, self.classes)
        return (text, mask, label, document)


SOURCES: tuple[type[Source], ...] = (TextFiles,)

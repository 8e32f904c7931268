"""Data sets with text, described; their letters are the classes of their fields."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field as Parameter

from netbuilder.data.sources import Field, Source

CODE_LETTERS = ("\n", *map(chr, range(32, 127)))
"""The letters of program code: a line's end and what ASCII prints."""
CAPTION_LETTERS = ("", " ", ",", *map(chr, range(ord("a"), ord("z") + 1)))
"""The letters of captions; the first stands for nothing and fills up."""
CAPTION_LENGTH = 32


class PythonCode(Source):
    """Program code to learn a language from: Python's own library, letter by letter.

    What is read are the modules of the Python that runs here, by name, until there is enough;
    their letters are ASCII. Each sample is a piece of its own: none overlap, so what is
    measured was never trained on. Another Python has other code.
    """

    id: ClassVar[str] = "netbuilder.PythonCode"
    title: ClassVar[str] = "Python code"
    contents_in: ClassVar[str] = "netbuilder.data.text_arrays"

    letters: Annotated[int, Parameter(ge=10_000, le=5_000_000)] = Parameter(
        400_000, description="Letters to read in all."
    )
    length: Annotated[int, Parameter(ge=4, le=1024)] = Parameter(
        64, description="Letters that a network sees; a sample has one more, to foretell."
    )

    def fields(self) -> tuple[Field, ...]:
        letters = CODE_LETTERS
        meaning = "letters of program code"
        shape = (self.length + 1,)
        return (Field("text", shape, "int64", meaning, high=len(letters), classes=letters),)


class CaptionedDigits(Source):
    """1,797 real handwritten digits, each with a line of text that says what it looks like.

    The picture tells the text: which digit, how bold its strokes are and how it leans, by
    thirds of all pictures. "a bold seven, leaning right", letter by letter.
    """

    id: ClassVar[str] = "netbuilder.CaptionedDigits"
    title: ClassVar[str] = "Digits with captions"
    contents_in: ClassVar[str] = "netbuilder.data.text_arrays"

    def fields(self) -> tuple[Field, ...]:
        digits = tuple(str(digit) for digit in range(10))
        letters = CAPTION_LETTERS
        return (
            Field("image", (1, 8, 8), meaning="grey values, 0 paper to 1 ink"),
            Field("label", (), "int64", "the digit", high=10, classes=digits),
            Field(
                "caption",
                (CAPTION_LENGTH,),
                "int64",
                "letters of the text, filled up with nothing",
                high=len(letters),
                classes=letters,
            ),
        )


SOURCES: tuple[type[Source], ...] = (CaptionedDigits, PythonCode)

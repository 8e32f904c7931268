"""Data sets of sequences, described: to translate, to add up, to tell apart, to fill in."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field as Parameter

from netbuilder.data.sources import Field, Source
from netbuilder.data.texts import CODE_LETTERS

CONTENTS = "netbuilder.data.made.sequence_arrays"

Samples = Annotated[int, Parameter(ge=20, le=500_000)]
Seed = Annotated[int, Parameter(ge=0, le=2**31 - 1)]

UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
EINHEITEN = ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
ZEHNER = (
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
)
ZIGER = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
NUMBER_WORDS = (
    *("", "<start>", "<end>"),
    *(*UNITS, *TEENS, *TENS, "hundred", "thousand"),
    *(*EINHEITEN, "eins", *ZEHNER, *ZIGER, "und", "hundert", "tausend"),
)
"""The words of both languages; the first stands for nothing and fills up."""
ENGLISH_LENGTH, GERMAN_LENGTH = 9, 14

DATE_LETTERS = ("", "^", *" ,.-0123456789", *map(chr, range(ord("a"), ord("z") + 1)))
"""The letters of dates; the first stands for nothing, the second for the beginning."""
WRITTEN_LENGTH, DATE_LENGTH = 28, 11

MODULES = (
    "argparse",
    "inspect",
    "ipaddress",
    "mailbox",
    "subprocess",
    "tarfile",
    "turtle",
    "typing",
)
"""Long modules that the library of every Python has."""

PAIR_LETTERS = ("", "▸", "¶", "▢", *CODE_LETTERS)
"""Nothing, the beginning, the end of a line, a masked letter; then the letters of code."""
PAIR_BEGINNING, PAIR_END, PAIR_MASK, PAIR_FIRST = 1, 2, 3, 4


class NumberNames(Source):
    """Numbers in English words and the same in German ones: a translation whose order changes.

    "forty two" is "zwei und vierzig": units come before tens, and a thousand is counted by a
    number of its own. Both languages share one vocabulary of words; numbers run to 999,999 and
    none comes twice, so that those of the validation part were never seen.
    """

    id: ClassVar[str] = "netbuilder.NumberNames"
    title: ClassVar[str] = "Number names"
    contents_in: ClassVar[str] = CONTENTS

    count: Samples = Parameter(6000, description="Numbers to translate.")
    seed: Seed = Parameter(0, description="Other seeds give other numbers.")

    def fields(self) -> tuple[Field, ...]:
        high = len(NUMBER_WORDS)
        german = "words from <start> to <end>, filled up with nothing"
        return (
            Field(
                "english",
                (ENGLISH_LENGTH,),
                "int64",
                "words, filled up with nothing",
                high,
                NUMBER_WORDS,
            ),
            Field("german", (GERMAN_LENGTH,), "int64", german, high, NUMBER_WORDS),
        )


class Dates(Source):
    """Dates as people write them, and the same as year-month-day, letter by letter.

    "3 march 1997", "march 3, 1997", "mon, 3 mar 1997", "3.3.1997": the order, the length and the
    months' names differ, the result is always 1997-03-03. Years run from 1900 to 2099.
    """

    id: ClassVar[str] = "netbuilder.Dates"
    title: ClassVar[str] = "Dates"
    contents_in: ClassVar[str] = CONTENTS

    count: Samples = Parameter(6000, description="Dates to read.")
    seed: Seed = Parameter(0, description="Other seeds give other dates.")

    def fields(self) -> tuple[Field, ...]:
        high = len(DATE_LETTERS)
        written = "letters, filled up with nothing"
        date = "^ and the ten letters of year-month-day"
        return (
            Field("written", (WRITTEN_LENGTH,), "int64", written, high, DATE_LETTERS),
            Field("date", (DATE_LENGTH,), "int64", date, high, DATE_LETTERS),
        )


class Adding(Source):
    """Long sequences of numbers of which two are marked: their sum is to be told.

    The adding problem of Hochreiter and Schmidhuber (1997), a test of memory. Each step has a
    number from 0 to 1 and a mark; one mark is in the first half, one in the second. Who always
    says 1 has a mean squared error of 1/6.
    """

    id: ClassVar[str] = "netbuilder.Adding"
    title: ClassVar[str] = "Adding problem"
    contents_in: ClassVar[str] = CONTENTS

    count: Samples = Parameter(6000, description="Number of sequences.")
    length: Annotated[int, Parameter(ge=2, le=4096)] = Parameter(
        40, description="Steps of a sequence."
    )
    seed: Seed = Parameter(0, description="Other seeds give other numbers.")

    def fields(self) -> tuple[Field, ...]:
        return (
            Field("sequence", (self.length, 2), meaning="a number and its mark, step by step"),
            Field("sum", (1,), meaning="the sum of the two marked numbers"),
        )


class CodeModules(Source):
    """Pieces of program code from eight modules of Python's own library: which is each from?

    Letter by letter, as the Python that runs here has them; another Python has other code.
    """

    id: ClassVar[str] = "netbuilder.CodeModules"
    title: ClassVar[str] = "Code by module"
    contents_in: ClassVar[str] = CONTENTS

    pieces: Annotated[int, Parameter(ge=4, le=10_000)] = Parameter(
        500, description="Pieces of each module, as far as it has so many."
    )
    length: Annotated[int, Parameter(ge=8, le=1024)] = Parameter(
        128, description="Letters of a piece."
    )

    def fields(self) -> tuple[Field, ...]:
        high = len(CODE_LETTERS)
        return (
            Field("text", (self.length,), "int64", "letters of program code", high, CODE_LETTERS),
            Field("origin", (), "int64", "where the piece is from", len(MODULES), MODULES),
        )


class CodePairs(Source):
    """Pairs of lines of program code from Python's own library: does the second follow the first?

    Half of them do, half are drawn from anywhere. Letter by letter, without the blanks that lines
    begin with, and with marks as BERT has them: ▸ first line ¶ second line ¶, then nothing;
    ▢ stands for a masked letter.
    """

    id: ClassVar[str] = "netbuilder.CodePairs"
    title: ClassVar[str] = "Pairs of code lines"
    contents_in: ClassVar[str] = CONTENTS

    count: Samples = Parameter(6000, description="Pairs of lines, as far as there are so many.")
    length: Annotated[int, Parameter(ge=16, le=512)] = Parameter(
        96, description="Letters of a pair, marks included; longer lines are cut."
    )
    seed: Seed = Parameter(0, description="Other seeds give other pairs.")

    def fields(self) -> tuple[Field, ...]:
        high, shape = len(PAIR_LETTERS), (self.length,)
        return (
            Field("text", shape, "int64", "letters of both lines and marks", high, PAIR_LETTERS),
            Field("segment", shape, "int64", "0 in the first line, 1 in the second", 2),
            Field("follows", (), "int64", "whether the lines follow", 2, ("drawn", "follows")),
        )


SOURCES: tuple[type[Source], ...] = (Adding, CodeModules, CodePairs, Dates, NumberNames)

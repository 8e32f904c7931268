"""Data sets of sequences: numbers and dates to translate, sums, pieces and pairs of code."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from netbuilder.data import arrays
from netbuilder.data.made.sequence_arrays import code_modules, code_pairs, english, german, written
from netbuilder.data.made.sequences import (
    DATE_LETTERS,
    ENGLISH_LENGTH,
    GERMAN_LENGTH,
    MODULES,
    NUMBER_WORDS,
    PAIR_LETTERS,
    SOURCES,
    WRITTEN_LENGTH,
    Adding,
    CodeModules,
    CodePairs,
    Dates,
    NumberNames,
)
from netbuilder.data.sources import Source
from netbuilder.errors import NetbuilderError


def read(row: np.ndarray, letters: tuple[str, ...], between: str = "") -> str:
    return between.join(letters[i] for i in row if i)


@pytest.mark.parametrize("kind", SOURCES)
def test_contents_are_what_the_fields_say(kind: type[Source]) -> None:
    source = kind.model_validate({} if "count" not in kind.model_fields else {"count": 200})
    contents = arrays.load(source)
    assert [field.name for field in source.fields()] == list(contents)
    for field in source.fields():
        values = contents[field.name]
        assert values.shape[1:] == field.shape
        assert str(values.dtype) == field.dtype
        if field.high is not None:
            assert values.min() >= 0
            assert values.max() < field.high
            assert len(field.classes) in (0, field.high)
            assert len(set(field.classes)) == len(field.classes)


@pytest.mark.parametrize(
    ("number", "words", "worte"),
    [
        (1, "one", "eins"),
        (42, "forty two", "zwei und vierzig"),
        (101, "one hundred one", "ein hundert eins"),
        (1001, "one thousand one", "ein tausend eins"),
        (17_010, "seventeen thousand ten", "siebzehn tausend zehn"),
        (
            321_654,
            "three hundred twenty one thousand six hundred fifty four",
            "drei hundert ein und zwanzig tausend sechs hundert vier und fünfzig",
        ),
    ],
)
def test_numbers_are_told_in_both_languages(number: int, words: str, worte: str) -> None:
    assert " ".join(english(number)) == words
    assert " ".join(german(number)) == worte


def test_every_number_has_names_of_its_own() -> None:
    names = {(*english(number), "|", *german(number)) for number in range(1, 10_000)}
    assert len(names) == 9_999
    assert {word for name in names for word in name} - {"|"} == set(NUMBER_WORDS[3:])
    assert max(len(english(number)) for number in range(777_000, 778_000)) == ENGLISH_LENGTH
    assert max(len(german(number)) for number in range(777_000, 778_000)) == GERMAN_LENGTH - 3


def test_no_number_comes_twice_and_both_sides_are_the_same() -> None:
    contents = arrays.load(NumberNames(count=300, seed=3))
    known = [read(row, NUMBER_WORDS, " ") for row in contents["english"]]
    assert len(set(known)) == 300
    by_words = {" ".join(english(number)): number for number in range(1, 1000)}
    small = [text for text in known if text in by_words]
    assert len(small) == 30
    for text, row in zip(known, contents["german"], strict=True):
        if text in by_words:
            worte = " ".join(german(by_words[text]))
            assert read(row, NUMBER_WORDS, " ") == f"<start> {worte} <end>"


def test_dates_are_written_in_six_ways() -> None:
    day = date(1997, 3, 3)
    assert [written(day, way) for way in range(6)] == [
        "3 march 1997",
        "march 3, 1997",
        "mar 3 1997",
        "3.3.1997",
        "mon, 3 mar 1997",
        "the 3rd of march 1997",
    ]
    tails = [written(date(2000, 1, n), 5).split()[1] for n in (1, 2, 11, 12, 13, 21, 22, 23, 30)]
    assert tails == ["1st", "2nd", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th"]
    longest = max(len(written(date(2000, 9, 30), way)) for way in range(6))
    assert longest <= WRITTEN_LENGTH


def test_a_date_and_its_text_are_the_same_day() -> None:
    contents = arrays.load(Dates(count=50))
    for text, row in zip(contents["written"], contents["date"], strict=True):
        told = read(row, DATE_LETTERS)
        day = date.fromisoformat(told.removeprefix("^"))
        assert told[0] == "^"
        assert read(text, DATE_LETTERS) in {written(day, way) for way in range(6)}


def test_two_of_the_numbers_are_marked_and_summed() -> None:
    contents = arrays.load(Adding(count=100, length=9))
    numbers, marks = contents["sequence"][..., 0], contents["sequence"][..., 1]
    assert (marks[:, :4].sum(1) == 1).all()
    assert (marks[:, 4:].sum(1) == 1).all()
    assert contents["sum"][:, 0] == pytest.approx((numbers * marks).sum(1))


def library(folder: Path) -> Path:
    for number, name in enumerate(MODULES):
        lines = (f"{line % 3 * ' '}value_{number}_{line} = {line}\n\n    )\n" for line in range(40))
        (folder / f"{name}.py").write_text("".join(lines))
    return folder


def test_pieces_are_of_the_module_they_are_said_to_be(tmp_path: Path) -> None:
    contents = code_modules(CodeModules(pieces=5, length=32), library(tmp_path))
    assert contents["origin"].tolist() == [n for n in range(8) for _ in range(5)]
    text = (tmp_path / "mailbox.py").read_text()[:160]
    letters = CodeModules().fields()[0].classes
    pieces = contents["text"][contents["origin"] == MODULES.index("mailbox")]
    assert "".join(letters[i] for i in pieces.flatten()) == text


def test_half_of_the_pairs_follow(tmp_path: Path) -> None:
    contents = code_pairs(CodePairs(count=200, length=48), library(tmp_path))
    lines = [f"value_{n}_{line} = {line}" for n in range(8) for line in range(40)]
    after = set(itertools.pairwise(lines))
    drawn = []
    for text, segment, follows in zip(*contents.values(), strict=True):
        told = read(text, PAIR_LETTERS)
        first, second, rest = told.removeprefix("▸").split("¶")
        assert told[0] == "▸"
        assert not rest
        assert segment.sum() == len(second) + 1
        assert not segment[: len(first) + 2].any()
        if follows:
            assert (first, second) in after
        else:
            drawn.append((first, second) in after)
    assert 60 < len(drawn) < 140
    assert sum(drawn) < 10


def test_a_python_without_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(NetbuilderError, match="only 0 letters") as caught:
        code_pairs(CodePairs(), tmp_path)
    assert "other data" in caught.value.hint
    with pytest.raises(NetbuilderError, match="only 0 letters"):
        code_modules(CodeModules(), tmp_path)

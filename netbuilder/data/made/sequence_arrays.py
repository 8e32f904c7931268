"""The contents of the data sets of sequences."""

from __future__ import annotations

import itertools
import sysconfig
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from netbuilder.data.arrays import Array, contents
from netbuilder.data.made.sequences import (
    DATE_LENGTH,
    DATE_LETTERS,
    EINHEITEN,
    ENGLISH_LENGTH,
    GERMAN_LENGTH,
    MODULES,
    NUMBER_WORDS,
    PAIR_BEGINNING,
    PAIR_END,
    PAIR_LETTERS,
    TEENS,
    TENS,
    UNITS,
    WRITTEN_LENGTH,
    ZEHNER,
    ZIGER,
    Adding,
    CodeModules,
    CodePairs,
    Dates,
    NumberNames,
)
from netbuilder.data.text_arrays import module_text
from netbuilder.data.texts import CODE_LETTERS
from netbuilder.errors import NetbuilderError

SHORTEST_LINE = 8
"""Letters that a line of a pair has at least."""
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _rows(texts: Sequence[Sequence[str]], letters: Sequence[str], length: int) -> Array:
    """Texts as ids (texts, length), filled up with 0."""
    ids = {letter: number for number, letter in enumerate(letters)}
    rows = np.zeros((len(texts), length), dtype=np.int64)
    for row, text in zip(rows, texts, strict=True):
        row[: len(text)] = [ids[letter] for letter in text]
    return rows


# -- numbers in words --------------------------------------------------------------------------


def english(number: int) -> list[str]:
    """A number up to 999,999 in English words, without "and"; 0 is no word."""
    if number >= 1000:
        return [*english(number // 1000), "thousand", *english(number % 1000)]
    if number >= 100:
        return [UNITS[number // 100 - 1], "hundred", *english(number % 100)]
    if number >= 20:
        return [TENS[number // 10 - 2], *english(number % 10)]
    if number >= 10:
        return [TEENS[number - 10]]
    return [UNITS[number - 1]] if number else []


def german(number: int) -> list[str]:
    """A number up to 999,999 in German words, each part of a compound by itself."""
    words = _german(number)
    # One that ends the number, and only that, has an s.
    return [*words[:-1], "eins"] if words[-1:] == ["ein"] else words


def _german(number: int) -> list[str]:
    if number >= 1000:
        return [*_german(number // 1000), "tausend", *_german(number % 1000)]
    if number >= 100:
        return [EINHEITEN[number // 100 - 1], "hundert", *_german(number % 100)]
    if number >= 20:
        units = [EINHEITEN[number % 10 - 1], "und"] if number % 10 else []
        return [*units, ZIGER[number // 10 - 2]]
    if number >= 10:
        return [ZEHNER[number - 10]]
    return [EINHEITEN[number - 1]] if number else []


@contents.register
def number_names(source: NumberNames) -> Mapping[str, Array]:
    """Different numbers, as likely of three digits or less as of six."""
    random = np.random.default_rng(source.seed)
    small = min(source.count // 10, 500)
    numbers = 1 + random.choice(999, small, replace=False)
    large = 1000 + random.choice(999_000, source.count - small, replace=False)
    chosen = random.permutation(np.concatenate((numbers, large))).tolist()
    translated = [["<start>", *german(number), "<end>"] for number in chosen]
    return {
        "english": _rows([english(number) for number in chosen], NUMBER_WORDS, ENGLISH_LENGTH),
        "german": _rows(translated, NUMBER_WORDS, GERMAN_LENGTH),
    }


# -- dates -------------------------------------------------------------------------------------


def written(day: date, way: int) -> str:
    """A day as people write it, in one of six ways."""
    month, weekday = MONTHS[day.month - 1], WEEKDAYS[day.weekday()]
    tail = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th") if day.day // 10 != 1 else "th"
    return (
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"{month[:3]} {day.day} {day.year}",
        f"{day.day}.{day.month}.{day.year}",
        f"{weekday}, {day.day} {month[:3]} {day.year}",
        f"the {day.day}{tail} of {month} {day.year}",
    )[way]


@contents.register
def dates(source: Dates) -> Mapping[str, Array]:
    """Days by chance, each in one of the ways."""
    random = np.random.default_rng(source.seed)
    first, last = date(1900, 1, 1), date(2099, 12, 31)
    after = random.integers(0, (last - first).days + 1, source.count).tolist()
    ways = random.integers(0, 6, source.count).tolist()
    days = [first + timedelta(days=number) for number in after]
    texts = [written(day, way) for day, way in zip(days, ways, strict=True)]
    return {
        "written": _rows(texts, DATE_LETTERS, WRITTEN_LENGTH),
        "date": _rows([f"^{day.isoformat()}" for day in days], DATE_LETTERS, DATE_LENGTH),
    }


# -- sums --------------------------------------------------------------------------------------


@contents.register
def adding(source: Adding) -> Mapping[str, Array]:
    """Numbers by chance with two marks."""
    random = np.random.default_rng(source.seed)
    numbers = random.random((source.count, source.length), dtype=np.float32)
    half = source.length // 2
    first = random.integers(0, half, source.count)
    second = random.integers(half, source.length, source.count)
    every = np.arange(source.count)
    marks = np.zeros_like(numbers)
    marks[every, first] = marks[every, second] = 1.0
    return {
        "sequence": np.stack((numbers, marks), axis=-1),
        "sum": (numbers * marks).sum(axis=1, keepdims=True),
    }


# -- program code ------------------------------------------------------------------------------


def _texts(names: Sequence[str], folder: Path | None, needed: int) -> list[str]:
    """The modules' texts; `NetbuilderError` if there are fewer letters than `needed` in one."""
    folder = folder or Path(sysconfig.get_path("stdlib"))
    found = []
    for name in names:
        path = folder / f"{name}.py"
        text = module_text(path) if path.is_file() else ""
        if len(text) < needed:
            raise NetbuilderError(
                f"There are only {len(text)} letters of Python code in {path}.",
                "This Python comes without the source of its library: choose other data.",
            )
        found.append(text)
    return found


@contents.register
def code_modules(source: CodeModules, folder: Path | None = None) -> Mapping[str, Array]:
    """Pieces of eight modules that do not overlap, from the beginning of each."""
    pieces, labels = [], []
    for label, text in enumerate(_texts(MODULES, folder, 2 * source.length)):
        count = min(source.pieces, len(text) // source.length)
        starts = range(0, count * source.length, source.length)
        pieces += [text[start : start + source.length] for start in starts]
        labels += [label] * count
    return {
        "text": _rows(pieces, CODE_LETTERS, source.length),
        "origin": np.array(labels, dtype=np.int64),
    }


@contents.register
def code_pairs(source: CodePairs, folder: Path | None = None) -> Mapping[str, Array]:
    """Lines with the next one or with any; no line is the first of two pairs."""
    each = (source.length - 3) // 2
    pairs: list[tuple[str, str]] = []
    for code in _texts(MODULES, folder, 2 * source.length):
        lines = [line.strip() for line in code.split("\n")]
        lines = [line[:each] for line in lines if len(line) >= SHORTEST_LINE]
        pairs += itertools.pairwise(lines)
    random = np.random.default_rng(source.seed)
    chosen = random.permutation(len(pairs))[: source.count]
    follows = random.integers(0, 2, len(chosen))
    others = random.integers(0, len(pairs), len(chosen))
    text = np.zeros((len(chosen), source.length), dtype=np.int64)
    segment = np.zeros_like(text)
    for row, index in enumerate(chosen.tolist()):
        first = pairs[index][0]
        second = pairs[index if follows[row] else others[row]][1]
        begin, end = PAIR_LETTERS[PAIR_BEGINNING], PAIR_LETTERS[PAIR_END]
        both = f"{begin}{first}{end}{second}{end}"
        text[row] = _rows([both], PAIR_LETTERS, source.length)
        segment[row, len(first) + 2 : len(both)] = 1
    return {"text": text, "segment": segment, "follows": follows.astype(np.int64)}

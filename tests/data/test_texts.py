"""Data sets with text: program code letter by letter, digits with captions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netbuilder.data import arrays, datasets
from netbuilder.data.settings import DataSettings
from netbuilder.data.text_arrays import MAX_FILE_BYTES, python_code
from netbuilder.data.texts import CAPTION_LETTERS, CODE_LETTERS, CaptionedDigits, PythonCode
from netbuilder.errors import NetbuilderError


def read(rows: np.ndarray, letters: tuple[str, ...]) -> list[str]:
    return ["".join(letters[i] for i in row) for row in rows]


def test_pieces_of_code_follow_each_other_without_overlap(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("x" * 30)
    (tmp_path / "a.py").write_text("def f():\n\treturn 'ä1'\n")
    (tmp_path / "_made_here.py").write_text("secret")
    (tmp_path / "data.txt").write_text("none")
    pieces = python_code(PythonCode(letters=10_000, length=9), tmp_path)["text"]
    assert pieces.shape[1] == 10
    assert "".join(read(pieces, CODE_LETTERS)) == ("def f():\n    return '1'\n" + "x" * 30)[:50]


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.py").write_text(name * 9_000)
    (tmp_path / "c.py").chmod(0)
    pieces = python_code(PythonCode(letters=10_000, length=99), tmp_path)["text"]
    assert pieces.shape == (100, 100)
    (tmp_path / "a.py").write_text("a" * (MAX_FILE_BYTES + 500))
    (tmp_path / "b.py").unlink()
    (tmp_path / "c.py").unlink()
    whole = python_code(PythonCode(letters=5_000_000, length=99), tmp_path)["text"]
    assert whole.size == MAX_FILE_BYTES


def test_a_python_without_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(NetbuilderError, match="only 0 letters") as caught:
        python_code(PythonCode(), tmp_path)
    assert "other data" in caught.value.hint


def test_the_library_of_this_python_is_enough() -> None:
    settings = DataSettings(source="netbuilder.PythonCode", params={"letters": 50_000})
    data, again = datasets.prepare(settings), datasets.prepare(settings)
    assert len(data.train["text"]) + len(data.validation["text"]) == 50_000 // 65
    assert data.fingerprint == again.fingerprint
    text = "".join(read(data.train["text"].numpy(), CODE_LETTERS))
    assert "import " in text
    assert "def " in text


def test_captions_say_what_the_picture_shows() -> None:
    contents = arrays.load(CaptionedDigits())
    captions = read(contents["caption"], CAPTION_LETTERS)
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    for caption, label in zip(captions, contents["label"], strict=True):
        assert f" {names[label]}, " in caption
    ink = contents["image"].sum((1, 2, 3))
    mean = {w: ink[[w in c for c in captions]].mean() for w in ("thin", "medium", "bold")}
    assert mean["thin"] < mean["medium"] < mean["bold"]
    counts = [sum(word in c for c in captions) for word in ("thin", "upright", "leaning left")]
    assert all(abs(count - len(captions) / 3) < 10 for count in counts)


def test_what_leans_right_is_said_to() -> None:
    from netbuilder.data.text_arrays import _slant

    right = np.eye(8)[::-1][None]
    assert _slant(right)[0] == pytest.approx(1.0)
    assert _slant(right[:, ::-1])[0] == pytest.approx(-1.0)

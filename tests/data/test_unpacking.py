"""Archives of data sets with what no data set has: nothing outside the folder, nothing half."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from netbuilder.data.reading import unpacking
from netbuilder.errors import NetbuilderError

Member = tuple[str, bytes, bytes]
"""Name, type and contents, or what it links to, of a member of an archive."""
NO_FILES: dict[str, list[Member]] = {
    "a symbolic link": [("x.bin", tarfile.SYMTYPE, b"../secret")],
    "a hard link": [("x.bin", tarfile.LNKTYPE, b"../secret")],
    "a link, then the file": [
        ("x.bin", tarfile.SYMTYPE, b"../secret"),
        ("x.bin", tarfile.REGTYPE, b"abc"),
    ],
    "a device": [("x.bin", tarfile.CHRTYPE, b"")],
    "a pipe": [("x.bin", tarfile.FIFOTYPE, b"")],
    "a folder": [("x.bin", tarfile.DIRTYPE, b"")],
    "many entries": [(f"y{number}", tarfile.REGTYPE, b"") for number in range(12)],
    "more than was announced": [("x.bin", tarfile.REGTYPE, b"0" * 300_000)],
}


@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_plain_file_of_that_size_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MAX_ENTRIES", 10)
    secret, place = tmp_path / "secret", tmp_path / "in"
    secret.write_bytes(b"abc")
    place.mkdir()
    archive = packed(tmp_path, NO_FILES[name])
    with pytest.raises(NetbuilderError, match=r"more than 10 entries|is not what it should be"):
        unpacking.take(archive, {"x.bin": 3}, place)
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a.tar.gz", "in", "secret"]
    assert secret.read_bytes() == b"abc"


def test_the_first_of_two_is_taken_and_a_link_to_a_folder_leads_nowhere(tmp_path: Path) -> None:
    outside, place = tmp_path / "outside", tmp_path / "in"
    outside.mkdir()
    place.mkdir()
    members: list[Member] = [
        ("over", tarfile.SYMTYPE, b"../outside"),
        ("over/x.bin", tarfile.REGTYPE, b"abc"),
        ("C:\\x.bin", tarfile.REGTYPE, b"bad"),
        ("..\\y.bin", tarfile.REGTYPE, b"bad"),
        ("x.bin", tarfile.REGTYPE, b"two"),
        ("X.BIN", tarfile.REGTYPE, b"bad"),
        ("a/" * 150 + "y.bin", tarfile.REGTYPE, b"def"),
    ]
    archive = packed(tmp_path, members)
    unpacking.take(archive, {"x.bin": 3, "y.bin": 3}, place)
    assert {each.name: each.read_bytes() for each in place.iterdir()} == {
        "x.bin": b"abc",
        "y.bin": b"def",
    }
    assert list(outside.iterdir()) == []


def packed(folder: Path, members: list[Member]) -> Path:
    """A .tar.gz of members of any type."""
    path = folder / "a.tar.gz"
    with tarfile.open(path, mode="w:gz") as archive:
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            else:
                # Its size alone does not tell it from the file that is wanted.
                info.size, info.linkname = 3, data.decode()
                archive.addfile(info)
    return path

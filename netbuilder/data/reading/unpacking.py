"""Single files out of an archive that was proven to be the published one. Torch-free.

No name of the archive becomes a path: what is wanted is known beforehand by name and size, and all
else in it is passed over. Links, devices and what is larger than announced are refused.
"""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from netbuilder.errors import NetbuilderError

BLOCK = 1 << 20
MAX_ENTRIES = 10_000


def take(
    archive: Path,
    wanted: Mapping[str, int],
    folder: Path,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write the wanted files, by name and size, from a .tar.gz into the folder.

    `check` is called between blocks and may raise. `NetbuilderError` if one is not there as it
    should be; then none is kept that is not whole.
    """
    left = dict(wanted)
    try:
        with tarfile.open(archive, "r|gz") as source:
            for number, member in enumerate(source):
                name = PurePosixPath(member.name).name
                if number >= MAX_ENTRIES:
                    raise _refused(archive, f"it has more than {MAX_ENTRIES:,} entries")
                if name not in left:
                    check()
                    continue
                if not member.isreg() or member.size != left[name]:
                    raise _refused(archive, f"'{name}' is not what it should be")
                _write(source, member, folder / name, check)
                del left[name]
                if not left:
                    return
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _refused(archive, "it is damaged") from error
    raise _refused(archive, f"it lacks '{next(iter(left))}'")


def _write(
    source: tarfile.TarFile, member: tarfile.TarInfo, path: Path, check: Callable[[], None]
) -> None:
    part = path.with_name(f"{path.name}.new")
    data = source.extractfile(member)
    assert data is not None  # a regular file
    try:
        with open(part, "wb") as out:
            while block := data.read(BLOCK):
                check()
                out.write(block)
        if part.stat().st_size != member.size:
            raise EOFError
        os.replace(part, path)
    except OSError as error:
        raise NetbuilderError(f"'{path}' can't be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _refused(archive: Path, reason: str) -> NetbuilderError:
    return NetbuilderError(f"'{archive.name}' can't be unpacked: {reason}.", "Fetch it again.")

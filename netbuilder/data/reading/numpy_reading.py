"""Opens data in .npy files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netbuilder.data import places
from netbuilder.data.files import NumpyFiles
from netbuilder.data.loading import refuse
from netbuilder.data.reading.npy import Array, Rows
from netbuilder.data.reading.opening import Opened, opened, problem, problems
from netbuilder.data.sources import Field
from netbuilder.data.streaming import Chance
from netbuilder.errors import NetbuilderError, Problem


class NumpyReader:
    """Samples of several .npy files, one a field. A single number may be a row of one."""

    def __init__(
        self, files: Mapping[str, Rows], rows_of_one: frozenset[str] = frozenset()
    ) -> None:
        self.files, self.rows_of_one = dict(files), rows_of_one

    def __len__(self) -> int:
        return min(map(len, self.files.values()))

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        return {
            name: rows.read(index).reshape(1) if name in self.rows_of_one else rows.read(index)
            for name, rows in self.files.items()
        }

    def changed(self) -> str:
        return next((rows.path.name for rows in self.files.values() if rows.changed()), "")


@opened.register
def _(source: NumpyFiles) -> Opened:
    fields = source.fields()
    if not fields or not source.folder:
        raise problems([problem("data.files", "No files are chosen.", "Name a folder and fields.")])
    folder = places.resolve(source.folder)
    found: list[Problem] = []
    files: dict[str, Rows] = {}
    for field in fields:
        try:
            files[field.name] = Rows(folder / f"{field.name}.npy")
            found += _mismatch(field, files[field.name])
        except NetbuilderError as error:
            found.append(problem("data.file", str(error), error.hint))
    refuse(found)
    counts = {name: len(rows) for name, rows in files.items()}
    if len(set(counts.values())) > 1 and min(counts.values()):
        text = ", ".join(f"{name} has {count}" for name, count in counts.items())
        hint = "Write all files of the same samples."
        refuse([problem("data.lengths", f"The fields differ in length: {text}.", hint)])
    # Labels are small and decide the split; all else is read when it is needed.
    labels = {
        field.name: rows.stretch(0, len(rows)).astype(np.int64)
        for field, rows in zip(fields, files.values(), strict=True)
        if field.high is not None and not field.shape
    }
    lifted = frozenset(f.name for f in fields if _is_row_of_one(f, files[f.name]))
    return Opened(NumpyReader(files, lifted), labels)


def _is_row_of_one(field: Field, rows: Rows) -> bool:
    return field.shape == (1,) and rows.shape[1:] == ()


def _mismatch(field: Field, rows: Rows) -> list[Problem]:
    found = []
    if rows.shape[1:] != field.shape and not _is_row_of_one(field, rows):
        message = f"Samples of '{field.name}' are {rows.shape[1:]}, not {field.shape}."
        found.append(problem("data.shape", message, "Correct the shape in the data settings."))
    if field.dtype == "int64" and rows.dtype.kind not in "iub":
        message = f"'{field.name}' holds {rows.dtype}, not whole numbers."
        found.append(problem("data.dtype", message, "Declare it as float32."))
    return found

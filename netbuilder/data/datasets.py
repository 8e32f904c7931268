"""From settings to data ready to train on, from arrays or files."""

from __future__ import annotations

from netbuilder.data import arrays
from netbuilder.data.files import FileSource
from netbuilder.data.loading import Dataset, make
from netbuilder.data.reading import opening
from netbuilder.data.settings import DataSettings, source_of


def prepare(settings: DataSettings, *, few: bool = False) -> Dataset:
    """Load, check, split and normalise; `ProblemsError` lists all that is wrong with the data.

    Normalisation takes its statistics from the training part alone. With `few`, samples in files
    are read when they are asked for, however small the data is.
    """
    source = source_of(settings)
    if isinstance(source, FileSource):
        return opening.prepare(source, settings, in_memory=0 if few else opening.IN_MEMORY)
    return make(source.fields(), arrays.load(source), settings)

"""A run for TensorBoard: an event file in the run's folder, made of `events.jsonl`.

The file's bytes follow from the events alone. So it can be written while a run goes on, or
afterwards, or both; what a kill left torn is completed, and a resume doubles nothing. Records are
written by the tensorboard package. Importing that takes a quarter of a second, so it waits until a
board is wanted; nothing is done at a step, only where the run tells something.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from netbuilder.errors import RunError
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder, read_events

NAME = "events.out.tfevents.netbuilder"
_OWN = ("lr", "grad_norm", "memory_mb", "samples_per_second")


class Board:
    """The event file of one run; `update` writes what came since the last time."""

    def __init__(self, folder: RunFolder, settings: Mapping[str, Any] | None = None) -> None:
        """`settings`: flat names and values, for the HPARAMS tab.

        `RunError` if the tensorboard package is not there.
        """
        try:
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            hint = "Install it: pip install tensorboard"
            raise RunError("TensorBoard is not installed.", hint) from error
        self._folder = folder
        self._settings = dict(settings or {})
        self._buffer = io.BytesIO()
        self._writer = RecordWriter(self._buffer)
        self._offset = 0
        self._written = 0
        self._begun = False
        self.path = folder.path / NAME

    def update(self) -> int:
        """Bring the file up to date; how many bytes it has now. `OSError` if it can't be."""
        events, self._offset = read_events(self._folder.events_path, self._offset)
        for event in events:
            for record in self._records(event):
                self._writer.write(record.SerializeToString())
        self._flush()
        return self._written

    def listening(self, listen: Callable[[Event], None]) -> Callable[[Event], None]:
        """A listener that also keeps the file up to date."""

        def hear(event: Event) -> None:
            listen(event)
            self.update()

        return hear

    # -- the file ------------------------------------------------------------------------

    def _flush(self) -> None:
        data = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        if not data:
            return
        if self._written == 0:
            data = self._missing(data)
        with open(self.path, "ab") as file:
            file.write(data)
        self._written = os.path.getsize(self.path)

    def _missing(self, data: bytes) -> bytes:
        """The part of all records that the file lacks; one that is another's begins anew."""
        try:
            there = self.path.read_bytes()
        except OSError:
            return data
        if data.startswith(there):
            return data[len(there) :]
        self.path.unlink()
        return data

    # -- records -------------------------------------------------------------------------

    def _records(self, event: Event) -> Iterator[Any]:
        from tensorboard.compat.proto import event_pb2, summary_pb2

        time, step = event.time, event.step
        if not self._begun:
            self._begun = True
            yield event_pb2.Event(wall_time=time, file_version="brain.Event:2")
            if self._settings:
                yield self._hparams(time)
        origin = event.values.get("resumed_from") if event.event == "started" else None
        if isinstance(origin, int):
            # TensorBoard forgets what the run went back behind.
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            yield event_pb2.Event(wall_time=time, step=origin + 1, session_log=start)
        if event.event in ("metrics", "epoch"):
            values = [
                summary_pb2.Summary.Value(tag=tag, simple_value=value)
                for tag, value in _scalars(event)
            ]
            if values:
                summary = summary_pb2.Summary(value=values)
                yield event_pb2.Event(wall_time=time, step=step, summary=summary)

    def _hparams(self, time: float) -> Any:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.plugins.hparams import metadata, plugin_data_pb2

        start = plugin_data_pb2.SessionStartInfo(
            group_name=self._folder.path.name, start_time_secs=time
        )
        for name, value in self._settings.items():
            match value:
                case bool():
                    start.hparams[name].bool_value = value
                case int() | float():
                    start.hparams[name].number_value = value
                case _:
                    start.hparams[name].string_value = str(value)
        data = plugin_data_pb2.HParamsPluginData(
            session_start_info=start, version=metadata.PLUGIN_DATA_VERSION
        )
        plugin = summary_pb2.SummaryMetadata.PluginData(
            plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString(deterministic=True)
        )
        value = summary_pb2.Summary.Value(
            tag=metadata.SESSION_START_INFO_TAG,
            metadata=summary_pb2.SummaryMetadata(plugin_data=plugin),
            tensor=metadata.NULL_TENSOR,
        )
        summary = summary_pb2.Summary(value=[value])
        return event_pb2.Event(wall_time=time, summary=summary)


def _scalars(event: Event) -> Iterator[tuple[str, float]]:
    """Tags and values; what an epoch says of training has tags of its own beside the live ones."""
    for key, value in event.values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        head, _, rest = key.partition("/")
        if head == "train" and rest and event.event == "epoch":
            yield f"train_epoch/{rest}", float(value)
        elif (head in ("train", "val") and rest) or head in _OWN:
            yield key, float(value)

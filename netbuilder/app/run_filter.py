"""Finding runs by words and conditions: `lr>0.01 accuracy>=0.9 finished dropout`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from netbuilder.app.run_rows import RunRow
from netbuilder.training.run_settings import Value, setting

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_CONDITION = re.compile(r"([\w./-]+)\s*(>=|<=|!=|=|>|<)\s*(\"[^\"]*\"|\S+)")
_OWN: dict[str, Callable[[RunRow], Value]] = {
    "name": lambda row: row.name,
    "status": lambda row: row.status,
    "epoch": lambda row: row.epoch,
    "step": lambda row: row.step,
    "seconds": lambda row: row.seconds,
    "best": lambda row: row.best_value,
    "note": lambda row: row.note,
    "pinned": lambda row: row.pinned,
    "from": lambda row: row.origin,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `key` may be the end of a name: `lr` of `optimizer.lr`."""

    key: str
    sign: str
    value: str

    def holds(self, row: RunRow) -> bool:
        """Whether any value of that name fits; one that is not there never does."""
        return any(self._fits(value) for value in values(row, self.key) if value is not None)

    def _fits(self, value: Value) -> bool:
        if isinstance(value, bool):
            value = str(value).lower()
        try:
            wanted = float(self.value)
        except ValueError:
            same = str(value).lower() == self.value.lower()
            return {"=": same, "!=": not same}.get(self.sign, False)
        try:
            return _OPERATORS[self.sign](float(value or 0), wanted)
        except ValueError:
            return self.sign == "!="


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions and words that must all fit."""

    conditions: tuple[Condition, ...] = ()
    words: tuple[str, ...] = ()

    @staticmethod
    def parse(text: str) -> Filter:
        """The filter in a line that a person typed; every line is one."""
        conditions = [
            Condition(key, sign, value.strip('"')) for key, sign, value in _CONDITION.findall(text)
        ]
        return Filter(tuple(conditions), tuple(_CONDITION.sub(" ", text).lower().split()))

    def keeps(self, row: RunRow) -> bool:
        """Whether a run fits."""
        said = f"{row.name} {row.status} {row.note} {row.origin}".lower()
        texts = [str(value).lower() for value in row.settings.values() if isinstance(value, str)]
        return all(condition.holds(row) for condition in self.conditions) and all(
            word in said or word in texts for word in self.words
        )

    def unknown(self, rows: Sequence[RunRow]) -> list[str]:
        """The names in it that no run has."""
        keys = dict.fromkeys(condition.key for condition in self.conditions)
        return [key for key in keys if rows and not any(_has(row, key) for row in rows)]


def _has(row: RunRow, key: str) -> bool:
    return any(value is not None for value in values(row, key))


def values(row: RunRow, key: str) -> Iterable[Value]:
    """What a run has under a name: of its own, of its settings, else of its metrics."""
    if key in _OWN:
        return [_OWN[key](row)]
    ends = f".{key}"
    named = [name for name in row.settings if name == key or name.endswith(ends)]
    if named:
        return [row.settings[name] for name in named]
    # `val/accuracy` before `train/accuracy`, which is of no use to choose a run by.
    for metric in (key, f"val/{key}", f"train/{key}"):
        if metric in row.metrics:
            return [row.metrics[metric]]
    steps = [v for name, v in row.metrics.items() if name.endswith(f"/{key}") and "val/" in name]
    return steps or [setting(row.settings, key)]

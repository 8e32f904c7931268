"""Layers of installed packages: classes that they offer by the entry point `netbuilder.layers`.

A package is trusted by having been installed, but not to be well made. Each is tried in a
process of its own before it is imported here; what does not come through is left out and told
of. Nothing is looked for before `load` is called, so that no start waits for it.
"""

from __future__ import annotations

import contextlib
import importlib
import locale
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from netbuilder.layers.base import Layer

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "netbuilder.layers"
API = 1
"""What `NETBUILDER_API` of a plugin's module must be."""
TRIAL_S = 5.0

Probe = Callable[["EntryPoint"], str]
"""Tries an entry point apart; what is wrong with it, empty for nothing."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point: what it offers, or why it offers nothing."""

    name: str
    package: str
    version: str
    layers: tuple[str, ...] = ()
    fault: str = ""


_layers: Mapping[str, type[Layer]] = MappingProxyType({})
_plugins: tuple[Plugin, ...] = ()
_loading = threading.Lock()


def layers() -> Mapping[str, type[Layer]]:
    """The layers of the packages that were loaded, by id."""
    return _layers


def plugins() -> tuple[Plugin, ...]:
    """What `load` found, good and bad."""
    return _plugins


def module_of(name: str) -> str:
    """The module to import for a dotted name in a plugin's expressions; empty if it is no such."""
    for id in _layers:
        module = id.rpartition(".")[0]
        if name.startswith(f"{module}."):
            return module
    return ""


def found() -> list[EntryPoint]:
    """The entry points of all installed packages, in the order of their names."""
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))


def load(probe: Probe, taken: Iterable[str], given: Iterable[EntryPoint] | None = None) -> None:
    """Load what the installed packages offer, each after `probe` has tried it.

    `taken` are ids that are given away already. A package that breaks takes nothing with it.
    """
    global _layers, _plugins
    with _loading:
        known: dict[str, type[Layer]] = {}
        told: list[Plugin] = []
        ids = set(taken)
        for entry in found() if given is None else given:
            plugin, offered = _load_one(entry, probe, ids)
            told.append(plugin)
            known |= offered
            ids |= offered.keys()
        _layers, _plugins = MappingProxyType(known), tuple(told)


def _load_one(
    entry: EntryPoint, probe: Probe, taken: set[str]
) -> tuple[Plugin, dict[str, type[Layer]]]:
    package = entry.dist.name if entry.dist is not None else ""
    version = entry.dist.version if entry.dist is not None else ""
    fault, offered = "", {}
    try:
        fault = probe(entry)
        if not fault:
            with as_before():
                offered = classes(entry)
            twice = sorted(taken & offered.keys())
            if twice:
                fault = f"It offers the layer '{twice[0]}', which is there already."
    except BaseException as error:  # `sys.exit` in a plugin must not end the program
        if isinstance(error, KeyboardInterrupt):
            raise
        fault = f"{type(error).__name__}: {error}".strip(": ")
    if fault:
        offered = {}
    plugin = Plugin(entry.name, package, version, tuple(offered), fault)
    return plugin, offered


def classes(entry: EntryPoint) -> dict[str, type[Layer]]:
    """Imports what an entry point names: its layers by id. `TypeError` says what is wrong."""
    offered: Any = importlib.import_module(entry.module)
    api = getattr(offered, "NETBUILDER_API", None)
    if api != API:
        raise TypeError(
            f"'{entry.module}' is made for version {api!r} of the interface; this is {API}. "
            f"It says so with NETBUILDER_API = {API}."
        )
    for name in filter(None, (entry.attr or "").split(".")):
        offered = getattr(offered, name)
    result: dict[str, type[Layer]] = {}
    for kind in _listed(offered):
        fault = _fault(kind)
        if fault:
            raise TypeError(f"'{kind.__name__}' {fault}.")
        if result.setdefault(kind.id, kind) is not kind:
            raise TypeError(f"two of its layers have the id '{kind.id}'")
    if not result:
        raise TypeError("it offers no layers")
    return result


def _listed(offered: Any) -> Iterator[type[Layer]]:
    """The layers in a module, a list of classes, or one class."""
    if isinstance(offered, ModuleType):
        for kind in vars(offered).values():
            here = isinstance(kind, type) and kind.__module__ == offered.__name__
            if here and issubclass(kind, Layer) and "id" in vars(kind):
                yield kind
        return
    for kind in offered if isinstance(offered, list | tuple) else [offered]:
        if not (isinstance(kind, type) and issubclass(kind, Layer)):
            raise TypeError(f"{kind!r:.60} is no layer")
        yield kind


def _fault(kind: type[Layer]) -> str:
    """What a layer class lacks, in words that follow its name."""
    for name in ("id", "title", "family"):
        if not isinstance(getattr(kind, name, None), str):
            return f"has no {name}"
    parts = kind.id.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        return f"has the id '{kind.id:.60}', which is no dotted name"
    if parts[0] in ("torch", "netbuilder", "own"):
        return f"has the id '{kind.id:.60}': '{parts[0]}' is not its package"
    if not kind.help():
        return "has no docstring"
    kind.model_validate(dict(kind.starting))
    return ""


@contextlib.contextmanager
def as_before() -> Iterator[None]:
    """What an import changes of the process is put back: streams, folder, locale, signals."""
    streams = sys.stdin, sys.stdout, sys.stderr
    folder, words = _folder(), locale.setlocale(locale.LC_ALL)
    here = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        if folder and _folder() != folder:
            os.chdir(folder)
        if locale.setlocale(locale.LC_ALL) != words:
            locale.setlocale(locale.LC_ALL, words)
        for number, handler in handlers.items():
            if here and handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""

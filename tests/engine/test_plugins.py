"""Plugins: good ones bring layers, bad ones are left out with a reason, and nothing else breaks."""

from __future__ import annotations

import json
import locale
import os
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import netbuilder as nb
from netbuilder.app.plugins import Attempts
from netbuilder.cli.main import main
from netbuilder.engine import plugins as engine
from netbuilder.errors import ChangeError
from netbuilder.layers import catalogue, plugins

GOOD = '''
from netbuilder.layers.base import Family, Layer

NETBUILDER_API = 1


class Scale(Layer):
    """Multiplies by a number."""

    id = "good_lib.Scale"
    title = "Scale"
    family = Family.ARITHMETIC
    by: float = 2.0
'''
LIBRARY = """
import torch


class Scale(torch.nn.Module):
    def __init__(self, by=2.0):
        super().__init__()
        self.by = by

    def forward(self, input):
        return input * self.by
"""
BAD = {
    "absent": ("import a_library_that_is_not_there\n" + GOOD, "ModuleNotFoundError"),
    "syntax": ("class Broken(:\n", "SyntaxError"),
    "raises": ("1 / 0\n", "ZeroDivisionError"),
    "old": (GOOD.replace("API = 1", "API = 0"), "version 0 of the interface"),
    "silent": (GOOD.replace("NETBUILDER_API = 1", ""), "version None of the interface"),
    "empty": ("NETBUILDER_API = 1\n", "no layers"),
    "exit": ("import sys\nsys.exit(3)\n", "SystemExit"),
    "os_exit": ("import os\nos._exit(0)\n", "ends the program"),
    "os_exit_3": ("import os\nos._exit(3)\n", "ends the program"),
    "segfault": ("import ctypes\nctypes.string_at(0)\n", "ends the program"),
    "loop": ("while True:\n    pass\n", "did not end within"),
    "asks": ("input()\n" + GOOD, "EOFError"),
    "window": ("import PyQt5\n" + GOOD, "imports PyQt5"),
    "twice": (GOOD.replace("good_lib.Scale", "good_lib.Scale"), "which is there already"),
    "ours": (GOOD.replace("good_lib.Scale", "torch.nn.Linear"), "is not its package"),
    "no_id": (GOOD.replace('"good_lib.Scale"', '"import os"'), "no dotted name"),
    "no_doc": (GOOD.replace('"""Multiplies by a number."""', ""), "no docstring"),
    "no_start": (GOOD.replace("by: float = 2.0", "by: float"), "validation error"),
}
RUDE = f"""
import locale, os, signal, sys
os.chdir("/")
sys.stdout = None
sys.stderr = None
locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{GOOD.replace("good_lib.Scale", "rude_lib.Scale")}
"""


def install(folder: Path, name: str, text: str) -> None:
    """A package with an entry point, as pip would leave it behind."""
    (folder / f"{name}_plugin.py").write_text(text)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{name} = {name}_plugin\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages; nothing of it stays."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(engine.SAFE_MODE, raising=False)
    known = set(sys.modules)
    yield folder
    plugins._layers, plugins._plugins = MappingProxyType({}), ()
    for name in set(sys.modules) - known:
        if name.endswith(("_plugin", "_lib")):
            del sys.modules[name]


def faults() -> dict[str, str]:
    return {plugin.name: plugin.fault for plugin in plugins.plugins()}


def test_a_package_brings_a_layer_that_works_everywhere(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "good", GOOD)
    (site / "good_lib.py").write_text(LIBRARY)
    assert catalogue.find("good_lib.Scale") is None
    engine.load()
    assert faults() == {"good": ""}
    project = nb.Project()
    net = project.add_network("main")
    nodes = [
        net.add("netbuilder.Input", shape=(4,)),
        net.add("good_lib.Scale", by=3.0),
        net.add("netbuilder.Output"),
    ]
    net.connect(nodes[0], nodes[1])
    net.connect(nodes[1], nodes[2])
    assert project.check() == []
    assert "import good_lib\n" in project.source()
    assert "good_lib.Scale(by=3.0)" in project.source()
    import torch

    assert torch.equal(project.module()(torch.ones(2, 4)), 3 * torch.ones(2, 4))
    assert main(["layers", "--json"]) == 0
    assert "good_lib.Scale" in {row["id"] for row in json.loads(capsys.readouterr().out)}


def test_python_loads_packages_when_a_project_needs_one(site: Path, tmp_path: Path) -> None:
    install(site, "good", GOOD)
    (site / "good_lib.py").write_text(LIBRARY)
    plain = nb.template("digits_mlp")
    plain.save(tmp_path / "plain.netb")
    nb.load(tmp_path / "plain.netb")
    assert plugins.plugins() == ()
    made = nb.Project()
    net = made.add_network("main")
    scale = net.add("good_lib.Scale", by=3.0)
    net.connect(net.add("netbuilder.Input", shape=(4,)), scale)
    net.connect(scale, net.add("netbuilder.Output"))
    made.save(tmp_path / "a.netb")
    plugins._layers, plugins._plugins = MappingProxyType({}), ()
    assert nb.load(tmp_path / "a.netb").check() == []
    with pytest.raises(ChangeError, match="no layer 'good_lib"):
        net.add("good_lib.None")


def left_out(names: list[str], site: Path) -> None:
    """Each of these is left out with its reason; the good one among them is there."""
    (site / "PyQt5.py").write_text("")
    install(site, "good", GOOD)
    for name in names:
        install(site, f"z_{name}", BAD[name][0])
    engine.load()
    assert list(plugins.layers()) == ["good_lib.Scale"]
    assert faults().pop("good") == ""
    for name in names:
        assert BAD[name][1] in faults()[f"z_{name}"], name


def test_broken_packages_are_left_out_and_told(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What runs for ever need not be waited for long; what ends gets the time that it needs.
    run = engine._run

    def shorter(entry: EntryPoint, *rest: Any) -> int | None:
        limit = 1.0 if entry.name == "z_loop" else 60.0
        with monkeypatch.context() as patch:
            patch.setattr(plugins, "TRIAL_S", limit)
            return run(entry, *rest)

    monkeypatch.setattr(engine, "_run", shorter)
    left_out(["absent", "loop", "os_exit", "segfault", "twice"], site)


@pytest.mark.nightly
def test_packages_broken_in_every_other_way(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "TRIAL_S", 60.0)
    left_out([name for name in BAD if name != "loop"], site)


def test_what_a_package_changes_is_put_back(site: Path) -> None:
    install(site, "rude", RUDE)
    before = (
        os.getcwd(), locale.setlocale(locale.LC_ALL), signal.getsignal(signal.SIGTERM),
        sys.stdout, sys.stderr,
    )  # fmt: skip
    engine.load()
    assert faults() == {"rude": ""}
    assert before == (
        os.getcwd(), locale.setlocale(locale.LC_ALL), signal.getsignal(signal.SIGTERM),
        sys.stdout, sys.stderr,
    )  # fmt: skip


def test_in_safe_mode_no_package_is_asked(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = site / "canary"
    install(site, "good", f"open({str(canary)!r}, 'w').close()\n{GOOD}")
    monkeypatch.setenv(engine.SAFE_MODE, "1")
    engine.load()
    assert plugins.plugins() == ()
    assert not canary.exists()
    monkeypatch.delenv(engine.SAFE_MODE)
    engine.load()
    assert canary.exists()


def test_the_option_is_taken_anywhere(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "good", GOOD)
    monkeypatch.setenv(engine.SAFE_MODE, "")
    assert main(["layers", "--json", "--safe-mode"]) == 0
    assert "good_lib.Scale" not in capsys.readouterr().out


def test_looking_for_packages_imports_none(site: Path) -> None:
    install(site, "good", GOOD)
    assert "good" in {entry.name for entry in plugins.found()}
    assert "good_plugin" not in sys.modules


def test_what_broke_the_last_start_is_left_out(site: Path, tmp_path: Path) -> None:
    install(site, "good", GOOD)
    mark = tmp_path / "plugins.json"
    (entry,) = [entry for entry in plugins.found() if entry.name == "good"]
    # The program ends while the plugin is being imported: nobody calls `done`.
    assert Attempts(mark).probe(entry) == ""
    again = Attempts(mark)
    assert "ended while it was being loaded" in again.probe(entry)
    again.done()
    assert "ended while it was being loaded" in Attempts(mark).probe(entry)
    newer = site / "good-1.0.dist-info" / "METADATA"
    newer.write_text(newer.read_text().replace("1.0", "1.1"))
    (entry,) = [entry for entry in plugins.found() if entry.name == "good"]
    assert Attempts(mark).probe(entry) == ""


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"broken": 5, "importing": 7}', b"\xff"])
def test_a_damaged_mark_is_none(tmp_path: Path, damage: bytes) -> None:
    mark = tmp_path / "plugins.json"
    mark.write_bytes(damage)
    attempts = Attempts(mark)
    attempts.done()

"""What is remembered survives damage, and never stops anything."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from netbuilder.app.places import Look, last_look
from netbuilder.app.settings import MAX_RECENTS, SettingsStore, UserSettings, home
from tests.storage.faults import Faults, error_at

DAMAGED: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\x00\x00",
    b"\xff\xfe{}",
    b'{"theme": 5}',
    b'{"theme": "purple"}',
    b'{"recents": "a"}',
    b'{"recents": [1]}',
    b'{"recents": {"a": 1}}',
    b'{"geometry": []}',
    b'{"geometry": null}',
    b'{"theme": "dark", "theme": "light"}',
    b'{"theme": NaN}',
    b"[" * 100_000,
    b'{"geometry": "' + b"x" * 30_000 + b'"}',
    b" " * 2_000_000,
    b"PK\x03\x04",
    b'{"window_state": {"a": ' * 20,
    b'{"geometry": "\\ud800"}',
    b'{"window_state": "no base64!"}',
    b'{"recents": ["\\ud800.netb"]}',
    b'{"shortcuts": {"edit.undo": 5}}',
    b" " * 50_000_000,
]


@pytest.mark.parametrize("number", range(len(DAMAGED)))
def test_damaged_settings_give_the_defaults_and_are_kept_aside(number: int, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(DAMAGED[number])
    warnings: list[str] = []
    store = SettingsStore(path, warnings.append)
    assert store.value == UserSettings()
    assert len(warnings) == 1
    assert not path.exists()
    assert (tmp_path / "settings.json.invalid").read_bytes() == DAMAGED[number]
    store.update(theme="dark")
    assert SettingsStore(path).value.theme == "dark"


def test_settings_come_back(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "new" / "settings.json")
    store.update(theme="light", geometry="abc", window_state="def")
    store.remember(tmp_path / "a.netb")
    again = SettingsStore(store.path)
    assert again.value == store.value
    assert again.value.recents == (str(tmp_path / "a.netb"),)


def test_keys_of_a_newer_version_are_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"theme": "dark", "later": 1}))
    assert SettingsStore(path).value.theme == "dark"
    assert path.exists()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path)])
def test_settings_that_are_no_file_give_the_defaults(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    make(tmp_path / "config" / "settings.json")
    assert last_look() == Look()
    warnings: list[str] = []
    store = SettingsStore(warn=warnings.append)
    assert store.value == UserSettings()
    store.update(theme="dark")
    assert store.value.theme == "dark"


@pytest.mark.parametrize("number", range(len(DAMAGED)))
def test_the_first_look_survives_damaged_settings(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.json").write_bytes(DAMAGED[number])
    look = last_look()
    assert look.theme in ("system", "dark", "light")
    look.geometry.encode()


def test_a_project_that_is_first_already_writes_nothing(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    store.remember(Path("/p/a.netb"))
    with Faults(error_at(1, 28)) as faults:
        store.remember(Path("/p/a.netb"))
    assert faults.calls == []


def test_a_project_whose_name_is_no_text_is_not_remembered(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    store.remember(Path(os.fsdecode(b"/p/\xff.netb")))
    store.remember(Path("/p/a.netb"))
    assert store.value.recents == ("/p/a.netb",)
    assert SettingsStore(tmp_path / "settings.json").value.recents == ("/p/a.netb",)


def test_recent_projects_come_first_once_each(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    for number in range(20):
        store.remember(Path(f"/p{number}.netb"))
    store.remember(Path("/p15.netb"))
    assert store.value.recents[:2] == ("/p15.netb", "/p19.netb")
    assert len(store.value.recents) == MAX_RECENTS
    assert len(set(store.value.recents)) == MAX_RECENTS
    store.forget("/p19.netb")
    assert "/p19.netb" not in store.value.recents


def test_a_wrong_value_is_refused(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    with pytest.raises(ValueError, match="theme"):
        store.update(theme="purple")
    assert store.value == UserSettings()


def test_a_full_disk_costs_a_warning(tmp_path: Path) -> None:
    warnings: list[str] = []
    store = SettingsStore(tmp_path / "settings.json", warnings.append)
    with Faults(error_at(1, 28)) as faults:
        store.update(theme="dark")
    assert faults.calls
    assert len(warnings) == 1
    assert store.value.theme == "dark"


def test_a_place_that_is_no_folder_costs_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    warnings: list[str] = []
    store = SettingsStore(tmp_path / "file" / "settings.json", warnings.append)
    store.update(theme="dark")
    assert warnings


def test_one_variable_moves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path))
    assert home("config") == tmp_path / "config"
    assert home("data") == tmp_path / "data"
    assert SettingsStore().path == tmp_path / "config" / "settings.json"
    monkeypatch.delenv("NETBUILDER_HOME")
    assert "netbuilder" in str(home("config"))

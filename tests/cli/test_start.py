"""`make run` and the packages that Qt needs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from netbuilder.cli import main as command_line
from netbuilder.cli import start, system_packages, window


@pytest.fixture
def linux_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "_is_linux", lambda: True)
    monkeypatch.setattr(system_packages, "_is_root", lambda: True)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")


class Apt:
    """Stands in for apt-get: what it was asked, and whether it can."""

    def __init__(self, *, works: bool = True) -> None:
        self.works = works
        self.asked: list[list[str]] = []
        self.installed: set[str] = set()

    def __call__(self, words: list[str], **named: object) -> subprocess.CompletedProcess[bytes]:
        self.asked.append(words)
        if self.works and words[1] == "install":
            self.installed |= set(words)
        code = 0 if self.works else 100
        return subprocess.CompletedProcess(words, code, b"", b"E: no network\n")

    def loads(self, library: str) -> bool:
        packages = {**system_packages.WINDOW, **system_packages.X11}
        return any(packages.get(package) == library for package in self.installed)


def use(apt: Apt, monkeypatch: pytest.MonkeyPatch) -> Apt:
    monkeypatch.setattr(subprocess, "run", apt)
    monkeypatch.setattr(system_packages, "_loads", apt.loads)
    return apt


@pytest.mark.usefixtures("linux_root")
def test_root_installs_what_is_missing_after_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = use(Apt(), monkeypatch)
    assert system_packages.ensure(x11=False, tests=False) == []
    assert [words[1] for words in apt.asked] == ["update", "install"]
    assert set(system_packages.WINDOW) <= set(apt.asked[1])
    assert not set(system_packages.X11) & set(apt.asked[1])
    # The second time nothing is missing and nothing is asked.
    assert system_packages.ensure(x11=False, tests=False) == []
    assert len(apt.asked) == 2


@pytest.mark.usefixtures("linux_root")
def test_tests_need_more(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = use(Apt(), monkeypatch)
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/x" if name == "apt-get" else None)
    system_packages.ensure(x11=False, tests=True)
    assert {"xvfb", "xdotool", "openbox", "libxcb-cursor0", "libegl1"} <= set(apt.asked[-1])


@pytest.mark.usefixtures("linux_root")
def test_where_apt_fails_the_command_is_named_and_nothing_else_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Apt(works=False), monkeypatch)
    assert system_packages.main(["--tests"]) == 0
    err = capsys.readouterr().err
    assert "no network" in err
    assert "apt-get install -y --no-install-recommends libglib2.0-0" in err


@pytest.mark.usefixtures("linux_root")
def test_who_is_not_root_is_told_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apt = use(Apt(), monkeypatch)
    monkeypatch.setattr(system_packages, "_is_root", lambda: False)
    assert system_packages.ensure(x11=False, tests=False) == list(system_packages.WINDOW)
    assert apt.asked == []
    assert "sudo apt-get install" in capsys.readouterr().err


def test_a_library_is_found_by_loading_it() -> None:
    assert not system_packages._loads("libthere-is-no-such-thing.so.9")


def test_elsewhere_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = use(Apt(), monkeypatch)
    monkeypatch.setattr(system_packages, "_is_linux", lambda: False)
    assert system_packages.ensure(x11=True, tests=True) == []
    assert apt.asked == []


def no_window(arguments: Sequence[str]) -> int:
    raise AssertionError("a window was opened")


def test_without_a_display_the_same_job_is_done_headless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[list[str]] = []

    def record(arguments: list[str]) -> int:
        commands.append(arguments)
        return 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(window, "display_missing", lambda: True)
    monkeypatch.setattr(system_packages, "ensure", lambda **named: [])
    monkeypatch.setattr(command_line, "main", record)
    assert start.main(no_window) == 0
    assert start.main(no_window) == 0
    assert [words[0] for words in commands] == ["new", "train", "export"] * 2
    folders = {Path(words[words.index("-o") + 1]).parent for words in commands if "-o" in words}
    assert folders == {Path("runs/run-001"), Path("runs/run-002")}
    said = capsys.readouterr().out
    assert "digits_cnn.onnx" in said
    assert "open the window" in said


def test_a_step_that_fails_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "main", lambda arguments: 3 if "train" in arguments else 0)
    assert start.run_headless(tmp_path) == 3


def test_with_a_display_the_window_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Sequence[str]] = []

    def opener(arguments: Sequence[str]) -> int:
        opened.append(arguments)
        return 0

    monkeypatch.setattr(window, "display_missing", lambda: False)
    monkeypatch.setattr(system_packages, "ensure", lambda **named: [])
    assert start.main(opener) == 0
    assert opened == [[]]

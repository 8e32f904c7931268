"""The command line as a program: imports, wrong usage, interrupts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from netbuilder.cli import output, window
from netbuilder.cli.main import main
from netbuilder.errors import UntrustedCodeError

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals")


def program(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "netbuilder", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    )


def test_the_parser_needs_neither_torch_nor_qt() -> None:
    code = """
import sys
from netbuilder.cli import main, parser, start, system_packages, window
parser.build()
assert main.main(["templates"]) == 0
heavy = {"torch", "PySide6", "numpy", "onnxruntime"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display")
def test_without_a_display_it_says_so_and_exits_with_2(tmp_path: Path) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    ran = program(env=env)
    out, err = ran.communicate()
    assert ran.returncode == 2
    assert out == ""
    assert "no display" in err
    assert "Traceback" not in err
    # Qt is not even loaded: where a library is missing it would end the process.
    code = """
import sys
from netbuilder.cli.main import main
assert main([]) == 2
assert "PySide6" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tran"], "Did you mean 'train'?"),
        (["nowhere.netb"], "no file 'nowhere.netb'"),
        (["new"], "TEMPLATE"),
        (["new", "nothing_like_it"], "digits_cnn"),
        (["new", "digit_cnn"], "Did you mean digits_cnn?"),
        (["new", "digits_mlp", "-o", "nowhere/x.netb"], "The folder 'nowhere' is not there."),
        (["replay", "."], "'.' is not the folder of a run."),
        (["control", ".", "pause"], "'.' is not the folder of a run."),
        (["verify-resume", "."], "'.' is not the folder of a run."),
        (["check", "nowhere.netb"], "nowhere.netb"),
        (["check", "--nonsense", "x"], "--nonsense"),
        (["import", ""], "neither an .onnx nor a .pt2 file"),
        (["import", ".", "--force"], "neither an .onnx nor a .pt2 file"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x89PNG\r\n", b"[]", b'{"netbuilder": 1, "graphs": 5}']
)
def test_a_foreign_file_is_refused_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.netb"
    path.write_bytes(content)
    for command in ("check", "summary", "code"):
        assert main([command, str(path), "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["error"]["message"]


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in ((["--help"], "opens the window"), (["--version"], "netbuilder 0.")):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        assert words in capsys.readouterr().out


def test_code_that_is_not_trusted_is_exit_code_4() -> None:
    assert output.exit_code(UntrustedCodeError("no")) == 4


def test_an_unforeseen_error_is_one_line_and_a_traceback_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: object) -> int:
        raise ZeroDivisionError("the tea is cold")

    monkeypatch.setattr("netbuilder.cli.commands.project.templates", fail)
    assert main(["templates"]) != 0
    err = capsys.readouterr().err
    assert "the tea is cold" in err
    assert "--debug" in err
    assert "Traceback" not in err
    with pytest.raises(ZeroDivisionError):
        main(["templates", "--debug"])


@posix_only
def test_a_reader_that_has_had_enough_is_no_error() -> None:
    with program("layers", "--json") as ran:
        assert ran.stdout is not None
        ran.stdout.close()
        assert ran.stderr is not None
        assert ran.stderr.read() == ""
        assert ran.wait() == 0


@posix_only
@pytest.mark.parametrize(
    "number",
    [
        "SIGINT",
        pytest.param("SIGTERM", marks=pytest.mark.nightly),
        pytest.param("SIGHUP", marks=pytest.mark.nightly),
    ],
)
def test_an_interrupt_stops_with_a_checkpoint(tmp_path: Path, number: str) -> None:
    project, run = tmp_path / "d.netb", tmp_path / "run"
    assert main(["new", "digits_mlp", "-o", str(project)]) == 0
    ran = program("train", str(project), "--run", str(run), "--epochs", "100000", "--json")
    assert ran.stderr is not None
    for line in ran.stderr:
        if line.startswith("epoch"):
            break
    ran.send_signal(getattr(signal, number))
    out, err = ran.communicate()
    assert "Stopping" in err
    assert ran.returncode == 0
    assert json.loads(out)["status"] == "stopped"
    assert list((run / "checkpoints").glob("*-last"))


def test_a_window_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert window.display_missing()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert not window.display_missing()
    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not window.display_missing()

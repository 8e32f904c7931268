"""`netbuilder control`: commands to a training in another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from netbuilder.cli import output
from netbuilder.cli.main import main
from netbuilder.training.control import FILE
from tests.app.strangers import Writer, stranger


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    with stranger() as process:
        yield process


@pytest.fixture
def run(tmp_path: Path, other: subprocess.Popen[bytes]) -> Path:
    return Writer(tmp_path / "run", other.pid).path


@pytest.mark.parametrize(
    ("command", "words"), [("pause", "rests"), ("resume", "goes on"), ("stop", "checkpoint")]
)
def test_a_command_is_written_into_the_folder(
    run: Path, capsys: pytest.CaptureFixture[str], command: str, words: str
) -> None:
    assert main(["control", str(run), command]) == output.DONE
    assert json.loads((run / FILE).read_text()) == {"number": 1, "command": command}
    assert words in capsys.readouterr().out


def test_it_answers_in_json(
    run: Path, other: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["control", str(run), "stop", "--json"]) == output.DONE
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"run": str(run), "command": "stop", "pid": other.pid}


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_stop_can_be_forced(run: Path, other: subprocess.Popen[bytes]) -> None:
    assert main(["control", str(run), "pause", "--force"]) == output.USAGE
    assert main(["control", str(run), "stop", "--force"]) == output.DONE
    assert other.wait(30) == -signal.SIGKILL
    assert not (run / FILE).exists()


def test_what_nobody_trains_in_is_refused(
    run: Path, other: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other.kill()
    other.wait()
    assert main(["control", str(run), "stop"]) == output.RUN_FAILED
    assert "crashed" in capsys.readouterr().err
    assert main(["control", str(tmp_path / "no"), "stop"]) == output.USAGE
    assert not (run / FILE).exists()

"""The program as a process: its first paint, its end, and no display."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path, **more: str) -> dict[str, str]:
    env = {**os.environ, "NETBUILDER_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", **more}
    return {**env, "PYTHONPATH": str(ROOT)}


def run(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netbuilder", *arguments]
    env = environment(home, **more)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def test_the_first_paint_is_told_and_the_program_ends(tmp_path: Path) -> None:
    done = run(tmp_path, NETBUILDER_EXIT_AFTER_FIRST_PAINT="1")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert 0 < json.loads(line)["first_paint_s"] < 30
    assert "Traceback" not in done.stderr


def test_without_a_display_it_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 2
    assert "display" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="X displays")
def test_a_display_that_is_not_there_is_no_abort(tmp_path: Path) -> None:
    done = run(tmp_path, QT_QPA_PLATFORM="xcb", DISPLAY=":7654", WAYLAND_DISPLAY="")
    assert done.returncode == 2
    assert "display" in done.stderr


SCRIPT = """
import os, signal, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from netbuilder.gui import app

def ready():
    window = next(w for w in QApplication.topLevelWidgets() if w.isVisible())
    window.open_template("digits_mlp")
    {then}
    print("ready", flush=True)

real = app.Running.begin
def begin(self):
    real(self)
    QTimer.singleShot(0, ready)
app.Running.begin = begin
sys.exit(app.main([]))
"""


def test_a_signal_ends_it_cleanly_and_it_never_loaded_torch(tmp_path: Path) -> None:
    heavy = "{'torch', 'sklearn', 'onnxruntime', 'torchmetrics'}"
    script = SCRIPT.format(then=f"print(sorted({heavy} & set(sys.modules)))")
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "[]\n"
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert (tmp_path / "config" / "settings.json").exists()


def test_an_error_in_a_slot_does_not_end_it(tmp_path: Path) -> None:
    then = """
    from netbuilder.gui.asking.dialogs import Message
    def look():
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, Message):
            watch.stop()
            print("told", flush=True)
            dialog.done(0)
            QTimer.singleShot(0, lambda: os.kill(os.getpid(), signal.SIGTERM))
    global watch
    watch = QTimer()
    watch.timeout.connect(look)
    watch.start(5)
    QTimer.singleShot(0, lambda: 1 / 0)
"""
    script = SCRIPT.format(then=then.strip())
    command = [sys.executable, "-c", script]
    env = environment(tmp_path)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["ready", "told"]

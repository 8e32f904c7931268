"""Ends in the middle of opening and saving, and a disk that is full from the start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from netbuilder.storage import files
from tests.gui.test_app import environment
from tests.gui.test_ends import PROGRAM, project, start
from tests.storage.test_real_disks import unshare

MEANWHILE = """
import time
from netbuilder.app.session import Session
real_begin = Session.__init__
def begun(self, *arguments):
    real_begin(self, *arguments)
    say("session")
Session.__init__ = begun
from netbuilder.app.project_file import ProjectFile
real_{what} = ProjectFile.{what}
def meanwhile(*arguments, **named):
    shown = window()
    say("{what}")
    os.kill(os.getpid(), signal.SIGTERM)
    limit = time.monotonic() + 30
    while shown.session is not None and time.monotonic() < limit:
        time.sleep(0.01)
    say(shown.session is None)
    return real_{what}(*arguments, **named)
ProjectFile.{what} = {wrapped}

def ready():
    {then}
"""


def test_a_signal_in_the_middle_of_opening(tmp_path: Path) -> None:
    body = MEANWHILE.format(what="load", wrapped="staticmethod(meanwhile)", then="pass")
    process = start(tmp_path / "home", body, project(tmp_path))
    rest, errors = process.communicate(timeout=60)
    assert rest.split() == ["session", "load", "True"]
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_a_signal_in_the_middle_of_saving(tmp_path: Path) -> None:
    path = tmp_path / "saved.netb"
    then = f"""
    window().open_template("digits_cnn")
    edit("mine")
    window().projects.save_to({str(path)!r})
"""
    body = MEANWHILE.format(what="save", wrapped="meanwhile", then=then.strip())
    process = start(tmp_path / "home", body)
    rest, errors = process.communicate(timeout=60)
    assert rest.split() == ["session", "save", "True"]
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    node = files.load(path).of_kind("network")[0].named("conv1")
    assert node is not None
    assert node.note == "mine"


# -- a full disk from the start --------------------------------------------------------------------

FULL = """
set -e
mount -t tmpfs -o size=256k none "$1"
cp "$2" "$1/there.netb"
dd if=/dev/zero of="$1/fill" bs=4k 2>/dev/null || true
shift 2
exec "$@"
"""


def test_a_disk_that_is_full_at_the_start_stops_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    elsewhere = tmp_path / "elsewhere.netb"
    body = f"""
def ready():
    try:
        open({str(home / "more")!r}, "wb").write(bytes(100_000))
    except OSError as error:
        say(error.errno)
    edit("mine")
    keeper = window().projects.recovery.keeper
    window().projects.recovery.keep_now()
    keeper.flush()
    def warned():
        say(window().status.notice.text())
        try:
            window().session.save()
        except Exception as error:
            say(error)
        window().projects.save_to({str(elsewhere)!r})
        say(window().session.dirty)
        window().end(keep=False)
        QApplication.quit()
    when(lambda: "recovery" in window().status.notice.text(), warned)
"""
    program = [sys.executable, "-c", PROGRAM.format(body=body), str(home / "there.netb")]
    command = [*unshare(), "sh", "-c", FULL, "sh", str(home), str(project(tmp_path)), *program]
    done = subprocess.run(
        command, env=environment(home), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    code, notice, refused, dirty = done.stdout.splitlines()
    assert code == "28"
    assert "can't be kept for recovery: The disk is full" in notice
    assert "The disk is full: saving 'there.netb' needs" in refused
    assert dirty == "False"
    assert "Traceback" not in done.stderr
    (graph,) = files.load(elsewhere).of_kind("network")
    assert any(node.note == "mine" for node in graph.ordered())

"""Saving on real disks: one that is full, one that is read-only, and kills at random."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from netbuilder.storage import atomic

# -- a real full disk ----------------------------------------------------------------------------

FULL_DISK = textwrap.dedent(
    """
    set -e
    mount -t tmpfs -o size=1m none "$1"
    cd "$2"
    "$3" - "$1" <<'END'
    import os, sys
    from netbuilder.errors import DocumentError
    from netbuilder.storage import atomic
    path = os.path.join(sys.argv[1], "a.netb")
    old, new = b"o" * 400_000, b"n" * 900_000
    atomic.write(path, old)
    try:
        atomic.write(path, new)
    except DocumentError as error:
        print("refused:", error)
    with open(path, "rb") as file:
        print("intact:", file.read() == old)
    print("files:", os.listdir(sys.argv[1]))
    atomic.write(path, b"s" * 300_000)
    with open(path, "rb") as file:
        print("smaller:", len(file.read()))
    END
    """
)


def unshare() -> list[str]:
    command = ["unshare", "-rm", "--", "true"]
    tool = shutil.which("unshare")
    if tool is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("NO FULL DISK TESTED: this machine allows no user namespaces (unshare -rm)")
    return ["unshare", "-rm", "--"]


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    arguments = [str(tmp_path), str(root), sys.executable]
    done = subprocess.run(
        [*unshare(), "sh", "-c", FULL_DISK, "sh", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "refused: The disk is full: saving 'a.netb' needs 0.9 MB." in done.stdout
    assert "intact: True" in done.stdout
    assert "files: ['a.netb']" in done.stdout
    assert "smaller: 300000" in done.stdout


READ_ONLY = textwrap.dedent(
    """
    set -e
    mount --bind "$1" "$1"
    mount -o remount,ro,bind "$1"
    cd "$2"
    "$3" - "$1" <<'END'
    import os, sys
    from netbuilder.errors import DocumentError
    from netbuilder.storage import atomic
    try:
        atomic.write(os.path.join(sys.argv[1], "a.netb"), b"new")
    except DocumentError as error:
        print("refused:", error, error.hint)
    END
    """
)


def test_a_read_only_disk_is_named(tmp_path: Path) -> None:
    target = tmp_path / "a.netb"
    target.write_bytes(b"old")
    root = Path(__file__).resolve().parents[2]
    arguments = [str(tmp_path), str(root), sys.executable]
    done = subprocess.run(
        [*unshare(), "sh", "-c", READ_ONLY, "sh", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "may not be written. Save it somewhere else." in done.stdout
    assert target.read_bytes() == b"old"


# -- kill -9 at random ---------------------------------------------------------------------------

SAVER = textwrap.dedent(
    """
    import os, sys
    from netbuilder.storage import atomic
    path, old, new = sys.argv[1], b"o" * 400_000, b"n" * 500_000
    real = os.open
    def opened(name, *args):
        descriptor = real(name, *args)
        if ".tmp" in os.fspath(name):
            os.write(1, b"begin\\n")
        return descriptor
    os.open = opened
    replace = os.replace
    def replaced(*args):
        replace(*args)
        os.write(1, b"end\\n")
    os.replace = replaced
    while True:
        atomic.write(path, new)
        atomic.write(path, old)
    """
)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_200_kills_leave_the_old_or_the_new(tmp_path: Path) -> None:
    import random

    rng = random.Random(1)
    target = tmp_path / "a.netb"
    whole = (b"o" * 400_000, b"n" * 500_000)
    target.write_bytes(whole[0])
    inside = 0
    for _ in range(200):
        child = subprocess.Popen([sys.executable, "-c", SAVER, str(target)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        said = child.stdout.readline()
        for _ in range(rng.randrange(40)):
            said += child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        said += child.stdout.read()
        child.stdout.close()
        child.wait()
        inside += said.count(b"begin") > said.count(b"end")
        assert target.read_bytes() in whole
    assert inside >= 20, "too few kills hit a save under way"
    atomic.write(target, whole[0])
    assert os.listdir(tmp_path) == ["a.netb"]

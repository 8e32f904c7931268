"""Saving under every fault: the file is always the complete old or the complete new one."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netbuilder.errors import DocumentError
from netbuilder.storage import atomic
from tests.storage.faults import EXIT, Faults, crash_at, error_at, nothing

OLD, NEW = b"old" * 1000, b"new" * 3000
ERRORS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EACCES,
    errno.EROFS,
    errno.EINTR,
    errno.EBUSY,
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "FIRST_WAIT_S", 0.0)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "a.netb"
    path.write_bytes(OLD)
    return path


def in_child(action: Callable[[], None]) -> int:
    """Runs the action in a forked child; its exit code, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def calls_of_a_save(path: Path) -> list[str]:
    with Faults(nothing) as faults:
        atomic.write(path, NEW)
    return faults.calls


def test_a_save_replaces_the_contents(target: Path) -> None:
    calls = calls_of_a_save(target)
    assert target.read_bytes() == NEW
    assert os.listdir(target.parent) == ["a.netb"]
    # What makes it safe, in its order: the file's contents, the name, the folder.
    important = [name for name in calls if name in ("write", "fsync", "replace")]
    assert important == ["write", "fsync", "replace", "fsync"]


def sweep_crashes(write: Callable[[Path, bytes], None], target: Path) -> int:
    """Crashes at every call of a save; how many crashes there were before it went through."""
    number = 0
    while True:
        number += 1
        target.write_bytes(OLD)

        def save(at: int = number) -> None:
            with Faults(crash_at(at)):
                write(target, NEW)

        code = in_child(save)
        assert target.read_bytes() in (OLD, NEW), f"torn by a crash at call {number}"
        if code == 0:
            assert target.read_bytes() == NEW
            return number - 1
        assert code == EXIT


def test_a_crash_at_every_call_leaves_the_old_or_the_new(target: Path) -> None:
    crashes = sweep_crashes(atomic.write, target)
    assert crashes >= len(calls_of_a_save(target)) >= 8
    atomic.write(target, NEW)
    assert not leftovers(target.parent)


def naive_write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, data)
    os.close(descriptor)


def test_the_sweep_catches_a_writer_that_is_not_atomic(target: Path) -> None:
    with pytest.raises(AssertionError, match="torn"):
        sweep_crashes(naive_write, target)


def save_or_refuse(target: Path) -> bool:
    """Whether the save went through; a refusal must tell what to do."""
    try:
        atomic.write(target, NEW)
    except DocumentError as error:
        return not error.hint
    return True


@pytest.mark.parametrize("code", ERRORS, ids=lambda code: errno.errorcode[code])
def test_an_error_at_every_call_leaves_the_old_or_the_new(target: Path, code: int) -> None:
    length = len(calls_of_a_save(target))
    refused = 0
    for number in range(1, length + 1):
        target.write_bytes(OLD)
        with Faults(error_at(number, code)) as faults:
            saved = save_or_refuse(target)
        after_rename = "replace" in faults.calls[: number - 1]
        assert target.read_bytes() == (NEW if saved or after_rename else OLD)
        refused += not saved
        assert len(faults.calls) >= number
        if faults.calls[number - 1] != "unlink":
            assert not leftovers(target.parent)
    assert refused >= 2
    assert not leftovers(target.parent)


def test_a_full_disk_says_how_much_is_needed(target: Path) -> None:
    with (
        Faults(error_at(calls_of_a_save(target).index("write") + 1, errno.ENOSPC)),
        pytest.raises(
            DocumentError, match=r"disk is full: saving 'a.netb' needs 2\.5 MB"
        ) as caught,
    ):
        atomic.write(target, b"x" * 2_450_000)
    assert "unchanged" in caught.value.hint


@pytest.mark.parametrize("short", [1, 7, 1000])
def test_short_writes_are_continued(target: Path, short: int) -> None:
    with Faults(nothing, short=short) as faults:
        atomic.write(target, NEW)
    assert target.read_bytes() == NEW
    assert faults.calls.count("write") == -(-len(NEW) // short)


def test_a_write_of_nothing_is_a_full_disk(target: Path) -> None:
    with Faults(nothing, short=0), pytest.raises(DocumentError, match="full"):
        atomic.write(target, NEW)
    assert target.read_bytes() == OLD


@pytest.mark.parametrize("code", [errno.EACCES, errno.EBUSY, errno.EPERM])
def test_a_busy_file_is_tried_again(target: Path, code: int) -> None:
    first = calls_of_a_save(target).index("replace") + 1
    target.write_bytes(OLD)

    def busy(number: int, name: str) -> None:
        if first <= number < first + atomic.RETRIES - 1:
            raise OSError(code, os.strerror(code))

    with Faults(busy) as faults:
        atomic.write(target, NEW)
    assert faults.calls.count("replace") == atomic.RETRIES
    assert target.read_bytes() == NEW

    def always(number: int, name: str) -> None:
        if name == "replace":
            raise OSError(code, os.strerror(code))

    target.write_bytes(OLD)
    with Faults(always) as faults, pytest.raises(DocumentError):
        atomic.write(target, NEW)
    assert faults.calls.count("replace") == atomic.RETRIES
    assert target.read_bytes() == OLD
    assert not leftovers(target.parent)


def test_other_errors_are_not_tried_again(target: Path) -> None:
    number = calls_of_a_save(target).index("replace") + 1
    with Faults(error_at(number, errno.EIO)) as faults, pytest.raises(DocumentError):
        atomic.write(target, NEW)
    assert faults.calls.count("replace") == 1


# -- power loss ------------------------------------------------------------------------------


class Disk:
    """What is on the disk after the power fails: only what fsync has promised.

    Contents without an fsync are gone (zeroed); a rename without its folder's fsync may or
    may not have happened.
    """

    def __init__(self, write: Callable[[Path, bytes], None], target: Path) -> None:
        self.log: list[tuple[str, str]] = []
        names: dict[int, str] = {}
        real_open, real_replace = os.open, os.replace
        real_fsync, real_write = os.fsync, os.write

        def opened(path: str | Path, *args: int) -> int:
            descriptor = real_open(path, *args)
            names[descriptor] = os.fspath(path)
            return descriptor

        def written(descriptor: int, data: bytes) -> int:
            self.log.append(("write", names[descriptor]))
            return real_write(descriptor, data)

        def synced(descriptor: int) -> None:
            self.log.append(("fsync", names[descriptor]))
            real_fsync(descriptor)

        def replaced(source: Path, goal: Path) -> None:
            self.log.append(("replace", os.fspath(source)))
            real_replace(source, goal)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "open", opened)
            patch.setattr(os, "write", written)
            patch.setattr(os, "fsync", synced)
            patch.setattr(os, "replace", replaced)
            write(target, NEW)
        self.folder = os.fspath(target.parent)

    def outcomes(self, done: int) -> Iterator[bytes]:
        """What the file may hold if the power fails after the first `done` operations."""
        safe: set[str] = set()
        renamed: str | None = None
        certain = False
        for operation, name in self.log[:done]:
            if operation == "write":
                safe.discard(name)
            elif operation == "fsync":
                safe.add(name)
                certain = certain or (renamed is not None and name == self.folder)
            else:
                renamed = name
        if renamed is not None:
            yield NEW if renamed in safe else b"\0" * len(NEW)
        if not certain:
            yield OLD

    def whole(self) -> bool:
        """Whether every moment leaves the old or the new file, and the end the new one."""
        moments = [list(self.outcomes(done)) for done in range(len(self.log) + 1)]
        return all(set(m) <= {OLD, NEW} for m in moments) and moments[-1] == [NEW]


def test_power_loss_at_every_moment_leaves_the_old_or_the_new(target: Path) -> None:
    disk = Disk(atomic.write, target)
    assert len(disk.log) == 4
    assert disk.whole()


@pytest.mark.parametrize("mutant", ["no fsync of the file", "no fsync of the folder", "late fsync"])
def test_the_model_catches_a_wrong_order(
    target: Path, mutant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, data: bytes) -> None:
        temporary = path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, data)
        if mutant == "no fsync of the folder":
            os.fsync(descriptor)
        os.replace(temporary, path)
        if mutant == "late fsync":
            os.fsync(descriptor)
        os.close(descriptor)
        if mutant != "no fsync of the folder":
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    assert not Disk(write, target).whole()


# -- what the file is --------------------------------------------------------------------------


def test_a_link_stays_and_its_target_is_replaced(target: Path) -> None:
    folder = target.parent / "links"
    folder.mkdir()
    link = folder / "link.netb"
    link.symlink_to(Path("..") / "a.netb")
    atomic.write(link, NEW)
    assert link.is_symlink()
    assert os.readlink(link) == os.path.join("..", "a.netb")
    assert target.read_bytes() == NEW
    assert os.listdir(folder) == ["link.netb"]


def test_a_link_to_nothing_makes_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.netb"
    link.symlink_to(tmp_path / "new.netb")
    atomic.write(link, NEW)
    assert link.is_symlink()
    assert (tmp_path / "new.netb").read_bytes() == NEW


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_the_mode_stays(target: Path, mode: int) -> None:
    target.chmod(mode)
    atomic.write(target, NEW)
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_a_new_file_has_the_mode_that_the_person_chose(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic.write(tmp_path / "new", NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "no folder", "file as folder"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path = Path("/dev/null")
        case "no folder":
            path = tmp_path / "gone" / "x"
        case "file as folder":
            path.write_bytes(OLD)
            path = path / "y"
    with pytest.raises(DocumentError) as caught:
        atomic.write(path, NEW)
    assert caught.value.hint
    assert not leftovers(tmp_path)


def test_a_folder_that_vanished_is_named(target: Path) -> None:
    link = target.parent.with_name("link.netb")
    link.symlink_to(target)
    shutil.rmtree(target.parent)
    for path in (target, link):
        with pytest.raises(DocumentError, match=f"The folder '{target.parent}' is not there"):
            atomic.write(path, NEW)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a folder that takes no files")
def test_a_folder_that_takes_no_files_is_there_all_the_same() -> None:
    with pytest.raises(DocumentError, match="'/proc/x' may not be written"):
        atomic.write("/proc/x", NEW)


def test_another_name_of_the_file_keeps_what_was_saved_before(target: Path) -> None:
    """A rename parts the names: who linked the file has a whole old one, never half a new one."""
    other = target.with_name("other.netb")
    os.link(target, other)
    atomic.write(target, NEW)
    assert (target.read_bytes(), other.read_bytes()) == (NEW, OLD)
    assert target.stat().st_nlink == other.stat().st_nlink == 1


def test_the_group_stays(target: Path) -> None:
    groups = {*os.getgroups(), *((54321,) if os.geteuid() == 0 else ())} - {target.stat().st_gid}
    if not groups:
        pytest.skip("nobody here is in two groups")
    os.chown(target, -1, max(groups))
    target.chmod(0o640)
    atomic.write(target, NEW)
    status = target.stat()
    assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (max(groups), 0o640)


# -- leftovers ---------------------------------------------------------------------------------


def test_what_a_killed_save_left_is_removed_by_the_next(target: Path) -> None:
    number = calls_of_a_save(target).index("replace") + 1

    def save() -> None:
        with Faults(crash_at(number)):
            atomic.write(target, NEW)

    assert in_child(save) == EXIT
    assert len(leftovers(target.parent)) == 1
    atomic.write(target, NEW)
    assert not leftovers(target.parent)


def test_a_folder_that_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic.temporary_folder(tmp_path) as folder:
            (folder / "part").write_bytes(OLD)
            os._exit(EXIT)

    assert in_child(fill) == EXIT
    [left] = leftovers(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_bytes(OLD)
    # Through a link nothing is removed but the link.
    (tmp_path / f"{left[:-12]}01234567.tmp").symlink_to(outside, target_is_directory=True)
    with atomic.temporary_folder(tmp_path) as folder:
        assert leftovers(tmp_path) == [folder.name]
        (folder / "part").write_bytes(NEW)
        # While it is written, nobody takes it for a leftover.
        atomic.write(tmp_path / "a.netb", NEW)
        assert (folder / "part").read_bytes() == NEW
    assert sorted(os.listdir(tmp_path)) == ["a.netb", "outside"]
    assert (outside / "mine").read_bytes() == OLD


def test_what_others_are_writing_stays(target: Path) -> None:
    mine = atomic._temporary_name()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    other_machine = mine.replace(atomic._machine(), "0" * 8)
    other_machine = other_machine.replace(f"-{os.getpid()}-", f"-{gone.pid}-")
    kept = {mine, other_machine, ".netbuilder-x.tmp", "notes.tmp"}
    for name in kept:
        (target.parent / name).write_bytes(b"")
    atomic.write(target, NEW)
    assert set(leftovers(target.parent)) == kept

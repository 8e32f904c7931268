"""The worker is in a folder of its own, leaves no core and no folder, and finds what is meant."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from netbuilder.engine import surroundings
from netbuilder.engine.client import WorkerClient
from netbuilder.engine.protocol import WorkerDied, WorkerStarted
from netbuilder.exchange import fresh
from netbuilder.storage import format
from netbuilder.training.records.folder import RunFolder
from tests.engine.workers import PATIENCE_S, Asked, Ears, stand_in, waves
from tests.own_files import project

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and limits")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process and those that it starts put temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture(autouse=True)
def _default_folder_again() -> Iterator[None]:
    yield
    tempfile.tempdir = None


def left(temporary: Path) -> list[str]:
    return [path.name for path in temporary.iterdir() if path.name.startswith("netbuilder-worker")]


def by_hand(folder: Path, *requests: object) -> list[dict[str, object]]:
    """What a worker answers that somebody started in a folder, without a client."""
    lines = b"".join(
        json.dumps({"id": number, **request}).encode() + b"\n"  # type: ignore[dict-item]
        for number, request in enumerate(requests)
    )
    worker = subprocess.Popen(
        fresh.command("netbuilder", "worker"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, env=fresh.environment(),
    )  # fmt: skip
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(lines)
    worker.stdin.flush()
    answers: list[dict[str, object]] = []
    while len(answers) < len(requests):
        value = json.loads(worker.stdout.readline())
        if "id" in value:
            answers.append(value)
    worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == 0
    return sorted(answers, key=lambda answer: int(str(answer["id"])))


def test_paths_are_meant_from_where_the_worker_was_started(tmp_path: Path, temporary: Path) -> None:
    params = {"project": waves(), "run": "runs/a", "overrides": {"training.epochs": 1}}
    (trained,) = by_hand(tmp_path, {"method": "train", "params": params})
    assert "error" not in trained
    assert RunFolder(tmp_path / "runs" / "a").status()["status"] == "finished"
    window = [[[0.0]] * 32]
    exported, predicted = by_hand(
        tmp_path,
        {"method": "export", "params": {"run": "runs/a", "to": "code", "out": "a.py"}},
        {"method": "predict", "params": {"run": "runs/a", "inputs": {"window": window}}},
    )
    assert "error" not in exported
    assert "error" not in predicted
    assert (tmp_path / "a.py").exists()
    assert left(temporary) == []


WHERE = """
import os, resource
from torch import nn

open("left.txt", "w").write("x")
limits = resource.getrlimit(resource.RLIMIT_CORE)[0], resource.getrlimit(resource.RLIMIT_AS)


class A(nn.Module):
    def forward(self, x):
        raise RuntimeError(f"{os.getcwd()} {limits}")
"""


@posix_only
def test_own_code_is_in_a_folder_that_goes_with_the_worker(temporary: Path) -> None:
    import resource

    from netbuilder.compiler.report import Report
    from netbuilder.layers.trusted import Trust

    here = os.listdir()
    client = WorkerClient(Ears(), back_off_s=())
    client.start()
    try:
        (folder,) = folder_of(client, temporary)
        value = format.to_json(project(WHERE, "A").document)
        code = Trust.of([WHERE.encode()], {"my_layers.py": "trusted"}).to_json()
        reply = Asked(client, "analyse", {"project": value, "code": code}).reply()
        told = " ".join(problem.message for problem in Report.from_json(reply.result).problems)
        memory = resource.getrlimit(resource.RLIMIT_AS)
        assert f"{os.path.realpath(folder)} {(0, memory)}" in told
        assert (folder / "left.txt").exists()
    finally:
        client.close()
    assert left(temporary) == []
    assert os.listdir() == here


def folder_of(client: WorkerClient, temporary: Path) -> list[Path]:
    Asked(client, "status").reply()
    return [temporary / name for name in left(temporary)]


@posix_only
def test_the_folder_goes_also_where_the_worker_is_killed(temporary: Path) -> None:
    ears = Ears()
    body = f"open(os.path.join(os.environ['{surroundings.FOLDER}'], 'x'), 'w')"
    command = stand_in(f"{body}\nsys.stdin.read()\n")
    client = WorkerClient(ears, command=command, back_off_s=())
    client.start()
    try:
        os.kill(ears.wait(WorkerStarted).pid, signal.SIGKILL)
        ears.wait(WorkerDied)
    finally:
        client.close()
    assert left(temporary) == []


@posix_only
def test_folders_of_workers_that_were_killed_with_their_clients_go(temporary: Path) -> None:
    """The next worker removes them; those that somebody needs stay, whoever made them."""
    code = (
        "import os, signal\nfolder = make()\nopen(folder + '/x', 'w').close()\n"
        "print(folder, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", f"from netbuilder.engine.surroundings import *\n{code}"],
        env=fresh.environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    ).stdout.strip()  # fmt: skip
    mine = Path(surroundings.make())
    (temporary / "netbuilder-workers").mkdir()
    (temporary / "target").mkdir()
    (temporary / "target" / "thesis.txt").write_text("x")
    (temporary / "netbuilder-worker-link").symlink_to(temporary / "target")
    assert Path(killed).is_dir()
    # Held by its worker alone, the client having been killed.
    code = "import sys\nfolder = make()\nprint(folder, flush=True)\nsys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", f"from netbuilder.engine.surroundings import *\n{code}"],
        env=fresh.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout is not None
    theirs = Path(other.stdout.readline().strip())
    surroundings.sweep()
    assert not Path(killed).exists()
    assert mine.is_dir()
    assert theirs.is_dir()
    assert (temporary / "netbuilder-workers").is_dir()
    assert (temporary / "target" / "thesis.txt").exists()
    other.communicate(timeout=PATIENCE_S)
    surroundings.sweep()
    assert not theirs.exists()
    surroundings.remove(str(mine))
    assert not mine.exists()


@posix_only
def test_a_folder_that_is_swept_as_it_is_made_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, made = tempfile.mkdtemp, []

    def swept(**options: str) -> str:
        made.append(original(**options))
        if len(made) == 1:
            surroundings.sweep()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", swept)
    folder = surroundings.make()
    assert folder == made[1]
    assert left(temporary) == [Path(folder).name]
    surroundings.remove(folder)


@posix_only
def test_a_folder_that_is_swept_before_its_lock_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tempfile.gettempdir()  # which opens a file too
    original, opened = os.open, []

    def swept(path: str, flags: int) -> int:
        descriptor = original(path, flags)
        opened.append(path)
        if len(opened) == 1:
            surroundings.sweep()
        return descriptor

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", swept)
        patched.setattr("shutil.rmtree", lambda path, ignore_errors: os.rmdir(path))
        folder = surroundings.make()
    assert left(temporary) == [Path(folder).name]
    surroundings.remove(folder)


@posix_only
def test_a_worker_sweeps_as_it_starts(tmp_path: Path, temporary: Path) -> None:
    (temporary / "netbuilder-worker-old").mkdir()
    by_hand(tmp_path, {"method": "files", "params": {"folder": "none"}})
    assert left(temporary) == []


def test_a_worker_that_can_not_be_started_leaves_no_folder(temporary: Path) -> None:
    ears = Ears()
    client = WorkerClient(ears, command=[str(temporary / "none")], back_off_s=())
    client.start()
    ears.wait(WorkerDied)
    client.close()
    assert left(temporary) == []


def run(code: str, folder: Path, **environment: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", f"from netbuilder.engine.surroundings import *\n{code}"],
        cwd=folder, env={**fresh.environment(), **environment}, capture_output=True, text=True,
        timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("x")
    code = "import os\na = Surroundings(); print(os.getcwd()); a.leave(); print(os.getcwd())"
    been = run(code, tmp_path, **{surroundings.FOLDER: str(tmp_path / "work")}).split()
    assert Path(been[0]).parent == temporary
    assert been[1] == str(tmp_path)
    assert (tmp_path / "work" / "thesis.txt").exists()
    assert left(temporary) == []


def test_modules_are_found_from_where_the_worker_was_started(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "mine.py").write_text("print('found')")
    (tmp_path / "here.py").write_text("print('here')")
    path = os.pathsep.join(["src", fresh.environment().get("PYTHONPATH", "")])
    code = (
        "import subprocess, sys\na = Surroundings()\n"
        "import here, mine\nsubprocess.run([sys.executable, '-c', 'import mine'])\na.leave()"
    )
    assert run(code, tmp_path, PYTHONPATH=path).split() == ["here", "found", "found"]


@posix_only
def test_limits_are_only_ever_lowered(tmp_path: Path) -> None:
    code = (
        "import resource as r\nr.setrlimit(r.RLIMIT_NOFILE, (100, 200))\nlimit()\n"
        "print(r.getrlimit(r.RLIMIT_NOFILE), r.getrlimit(r.RLIMIT_CORE)[0])"
    )
    assert run(code, tmp_path) == "(100, 200) 0"


def test_folders_of_work_lie_in_the_workers_own(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what an export wrote goes with a worker that was killed over it."""
    monkeypatch.chdir(temporary)
    around = surroundings.Surroundings()
    [own] = left(temporary)
    with fresh.folder() as folder:
        assert Path(folder).parent == temporary / own
    around.leave()
    with fresh.folder() as folder:
        assert Path(folder).parent == temporary
    fresh.place = str(temporary / "gone")
    with fresh.folder() as folder:
        assert Path(folder).parent == temporary
    fresh.place = ""

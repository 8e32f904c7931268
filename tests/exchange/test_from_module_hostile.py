"""No file that is imported runs code, reads another file or fills the memory."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import netbuilder as nb
from netbuilder.errors import NetbuilderError
from tests.exchange import hostile_pt2
from tests.exchange.examples import example, export, import_here

IMPORTER = """
import json, resource, sys
from pathlib import Path

ROOTS = (sys.prefix, sys.base_prefix, str(Path("netbuilder").resolve()))
seen = []
listening = False


def hook(event, arguments):
    if not listening:
        return
    if event == "exec":
        # The project's own code is generated and run, to be compared; modules of Python's and
        # ours are loaded when they are needed first.
        name = getattr(arguments[0], "co_filename", "?")
        if not name.startswith(("<netbuilder ", "<layer>", *ROOTS)):
            seen.append([event, name])
    elif event == "open":
        path, mode = str(arguments[0]), str(arguments[1])
        if "w" in mode or "passwd" in path or "canary" in path:
            seen.append([event, path])
    elif event.startswith(("pickle.", "os.system", "os.exec", "os.posix_spawn", "os.fork",
                           "subprocess.", "socket.", "ctypes.dlopen", "shutil.", "os.remove")):
        seen.append([event, repr(arguments)[:200]])


sys.addaudithook(hook)
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.bring import importing

good, *paths = json.load(sys.stdin)
assert importing.from_pt2(Path(good)).verified
limit = 6 * 2**30
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
answers = {}
listening = True
for path in paths:
    try:
        answers[path] = "verified" if importing.from_pt2(Path(path)).verified else "not verified"
    except NetbuilderError as error:
        answers[path] = str(error)
listening = False
print(json.dumps({"answers": answers, "seen": seen}))
"""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports are done in this process: the start of another takes seconds."""
    import_here(monkeypatch)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A proper file with a block, a Linear and a name for its input."""
    path = tmp_path_factory.mktemp("good") / "net.pt2"
    torch.export.save(export(*example("shared")), path)
    return path


@pytest.fixture(scope="module")
def told(good: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process with an audit hook says of all hostile files, by their names."""
    folder = tmp_path_factory.mktemp("hostile")
    canary = folder / "canary"
    paths = []
    for name, change in hostile_pt2.CHANGES.items():
        entries = hostile_pt2.entries_of(good)
        change(entries, canary)
        paths.append(folder / f"{name}.pt2")
        hostile_pt2.write(paths[-1], entries)
    paths += hostile_pt2.archives(good, folder)
    before = sorted(path.name for path in folder.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", IMPORTER],
        input=json.dumps([str(good), *map(str, paths)]),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    found["answers"] = {Path(path).stem: said for path, said in found["answers"].items()}
    found["changed"] = sorted(path.name for path in folder.iterdir()) != before
    return found


def test_nothing_ran_and_nothing_was_written(told: dict[str, Any]) -> None:
    assert told["seen"] == []
    assert not told["changed"]


def test_the_canary_sings_where_pickle_is_used(tmp_path: Path, good: Path) -> None:
    """PyTorch's own loader runs what these files hold: the fixtures are not empty threats."""
    canary = tmp_path / "canary"
    entries = hostile_pt2.entries_of(good)
    hostile_pt2.CHANGES["opaque_constant"](entries, canary)
    hostile_pt2.write(tmp_path / "bad.pt2", entries)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(Exception):
            torch.export.load(str(tmp_path / "bad.pt2"))
    assert canary.exists()


HARMLESS = {"pickled_samples", "opaque_constant", "classes_are_code", "names_are_code", "outside"}
"""Files of which only a part is bad, which is left alone."""


@pytest.mark.parametrize("name", sorted(hostile_pt2.CHANGES))
def test_each_hostile_program_gets_an_answer(name: str, told: dict[str, Any]) -> None:
    said = told["answers"][name]
    assert (said == "verified") == (name in HARMLESS), said


WORDS = {
    "pickled_weight": "pickled, and a pickle may run code",
    "legacy_weights": "is missing",
    "old_format": "no exported program that can be read without running code",
    "custom_object": "a pickle may run code",
    "deep": "nested deeper",
    "other_version": "format 99",
    "offset_beyond": "larger than its bytes",
    "strides_beyond": "larger than its bytes",
    "path_outside": "missing",
    "no_weights": "missing",
    "two_programs": "2 programs",
    "big_endian": "byte order",
    "packed": "packed",
    "bomb": "packed",
    "large_json": "33,000,000 bytes",
    "truncated": "no .pt2 file",
    "overlapping": "overlap",
    "empty": "no .pt2 file",
    "text": "no .pt2 file",
    "pickle": "no .pt2 file",
}


@pytest.mark.parametrize("name", sorted(WORDS))
def test_refusals_are_in_words(name: str, told: dict[str, Any]) -> None:
    assert WORDS[name] in told["answers"][name]


def test_lying_sizes_are_refused(told: dict[str, Any]) -> None:
    assert told["answers"]["lying"] not in ("verified", "not verified")


@pytest.mark.usefixtures("here")
def test_no_name_of_a_file_becomes_code(good: Path, tmp_path: Path) -> None:
    for name in ("names_are_code", "classes_are_code"):
        entries = hostile_pt2.entries_of(good)
        hostile_pt2.CHANGES[name](entries, tmp_path / "canary")
        hostile_pt2.write(tmp_path / "bad.pt2", entries)
        project = nb.from_pt2(tmp_path / "bad.pt2")
        source = project.source()
        assert "os.system" not in source
        assert "__import__" not in source
        project.module()
    assert not (tmp_path / "canary").exists()


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt2")
    with pytest.raises(NetbuilderError, match="pipe"):
        nb.from_pt2(tmp_path / "pipe.pt2")


@pytest.mark.usefixtures("here")
def test_random_damage_is_told(good: Path, tmp_path: Path) -> None:
    """Flipped bytes anywhere: an answer or a refusal, never anything else."""
    from random import Random

    random, whole = Random(5), good.read_bytes()
    path = tmp_path / "damaged.pt2"
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(random.randint(1, 6)):
            data[random.randrange(len(data))] = random.randrange(256)
        path.write_bytes(data)
        try:
            nb.from_pt2(path)
        except NetbuilderError:
            continue


@pytest.mark.usefixtures("here")
def test_random_damage_of_the_program_is_told(good: Path, tmp_path: Path) -> None:
    """Values of the JSON put in each other's places."""
    from random import Random

    random, entries = Random(6), hostile_pt2.entries_of(good)
    text = entries["models/model.json"].decode()
    path = tmp_path / "damaged.pt2"
    for _ in range(25):
        value = json.loads(text)
        spots = list(_spots(value["graph_module"]))
        for _ in range(random.randint(1, 3)):
            holder, key = random.choice(spots)
            other, from_key = random.choice(spots)
            holder[key] = random.choice([other[from_key], None, -1, 2**60, "x", [], {}])
        try:
            changed = json.dumps(value).encode()
        except (ValueError, RecursionError):
            continue
        hostile_pt2.write(path, {**entries, "models/model.json": changed})
        try:
            nb.from_pt2(path)
        except NetbuilderError:
            continue


def _spots(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(pairs):
        yield value, key
        if isinstance(item, dict | list):
            yield from _spots(item)

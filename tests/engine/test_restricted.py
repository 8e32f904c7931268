"""Opening a hostile project, looking at it, editing, undoing and saving it runs nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netbuilder.exchange import fresh
from netbuilder.layers.trusted import digest
from netbuilder.storage import files, format
from tests.own_files import GATE, project

WATCHED = """
import json, os, sys, threading
import torch, netbuilder as nb
from pathlib import Path
from netbuilder.app.session import Session
from netbuilder.app import trust
from netbuilder.engine import tasks
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange import onnx_export
from netbuilder.graph import edits
from netbuilder.layers import catalogue, own
from netbuilder.storage import files, format

tasks.analyse(nb.template("digits_mlp").document)  # what is imported late is imported now
seen = []
def watch(event, arguments):
    if event == "exec":
        name = getattr(arguments[0], "co_filename", "?")
        if name.startswith("<") and name not in ("<layer>",) and not name.startswith("<frozen"):
            if not name.startswith("<netbuilder ") and name != "<string>":
                seen.append(["exec", name])
    elif event in ("os.system", "subprocess.Popen", "socket.connect", "ctypes.dlopen",
                   "pickle.find_class", "os.exec", "os.posix_spawn", "os.fork"):
        seen.append([event, str(arguments[0])[:100]])
    elif event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        seen.append(["open", os.fsdecode(arguments[0])])
    elif event == "import" and arguments[0] in {"my_layers", "evil", "outside", "layers"}:
        seen.append(["import", arguments[0]])
sys.addaudithook(watch)
for path in map(Path, sys.argv[1:]):
    session = Session(lambda action: None, lambda message: None)
    session.open(path)
    document = session.document
    for found in session.code.standing():
        assert found.state != "trusted", found
    assert session.code.bring({"project": {}}).get("code", {}).get("sources", []) == []
    report = tasks.analyse(document)
    graph = session.graph
    for node in graph.ordered():
        catalogue.ports_of(document, graph, node)
    ids = [node.id for node in graph.ordered()]
    edits.delete(session.history, graph, ids[:1])
    session.undo(); session.redo(); session.undo()
    for use in (lambda: nb.Project(document).module(), lambda: nb.Project(document).source(),
                lambda: tasks.export(document, ExportOptions("code"), path.with_name("out.py"))):
        try:
            use()
            seen.append(["built", str(path)])
        except nb.errors.NetbuilderError:
            pass
    session.save(path.with_name("saved.netb"))
    session.close()
print(json.dumps(seen))
"""


def _corpus(folder: Path) -> list[Path]:
    """Hostile projects, each in a folder of its own with the code that it would like to run."""
    canary = f"open({str(folder / 'canary')!r}, 'w').close()\n"
    evil = canary + GATE + "\n\n    def __del__(self):\n        " + canary
    base = format.to_json(project(evil, features=8).document)
    outside = folder / "outside.py"
    outside.write_text(evil)
    made = []

    def case(name: str, source: str = evil, code: dict[str, Any] | None = None) -> Path:
        place = folder / name
        place.mkdir()
        (place / "my_layers.py").write_text(source)
        value = json.loads(json.dumps(base))
        value["code"] = code or value["code"]
        path = place / "a.netb"
        path.write_text(json.dumps(value))
        made.append(path)
        return place

    entry = dict(base["code"]["my_layers.py"])
    case("plain")
    case("forged", canary, {"my_layers.py": {**entry, "sha256": digest(GATE.encode())}})
    case("traversal", code={"../outside.py": entry, "my_layers.py": entry})
    case("absolute", code={str(outside): entry, "/etc/passwd": entry, "my_layers.py": entry})
    case("names", code={"my_layers.py": {**entry, "classes": {"Gate": {
        **entry["classes"]["Gate"], "help": "__import__('os').system('x')",
        "parameters": [{"name": "features", "types": ["int"], "default": "__import__('evil')"}],
    }, "x); import evil": entry["classes"]["Gate"]}}})  # fmt: skip
    case("null", code={"my_layers.py": None, "": None, "a.py": 5})
    link = case("link")
    (link / "my_layers.py").unlink()
    (link / "my_layers.py").symlink_to(outside)
    beside = case("beside")
    for name in ("sitecustomize", "usercustomize", "json", "torch", "evil", "numpy"):
        (beside / f"{name}.py").write_text(canary)
    return made


@pytest.mark.parametrize("cwd", ["beside"])
def test_a_hostile_corpus_runs_nothing(tmp_path: Path, cwd: str) -> None:
    corpus = _corpus(tmp_path)
    script = tmp_path / "watch.py"
    script.write_text(WATCHED)
    env = fresh.environment() | {"NETBUILDER_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", str(script), *map(str, corpus)],
        cwd=tmp_path / cwd, env=env, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert not (tmp_path / "canary").exists()
    events = json.loads(done.stdout.splitlines()[-1])
    assert [event for event in events if event[0] != "open"] == []
    opened = {Path(event[1]) for event in events if event[0] == "open"}
    assert tmp_path / "plain" / "my_layers.py" in opened  # the hook sees what is read
    allowed = (tmp_path, Path(sys.prefix), Path(sys.base_prefix), *_ours())
    strange = [p for p in opened if p.is_absolute() and not any(map(p.is_relative_to, allowed))]
    assert [p for p in strange if str(p) not in ("/dev/null",)] == []
    assert tmp_path / "outside.py" not in opened
    assert not any(p.name == "passwd" for p in opened)
    # What could be opened was saved as it was.
    saved = files.load(tmp_path / "plain" / "saved.netb")
    assert saved.project.code == files.load(corpus[0]).project.code


def _ours() -> tuple[Path, ...]:
    import netbuilder

    return (Path(netbuilder.__file__).parents[1],)


def test_the_canary_sings_when_it_may(tmp_path: Path) -> None:
    """The same corpus with trust: so the test above is not passed by what could never run."""
    from netbuilder.layers import trusted

    corpus = _corpus(tmp_path)
    source = (corpus[0].parent / "my_layers.py").read_bytes()
    with trusted.given(trusted.Trust.of([source], {})):
        from netbuilder.engine import tasks

        tasks.analyse(files.load(corpus[0]))
    assert (tmp_path / "canary").exists()

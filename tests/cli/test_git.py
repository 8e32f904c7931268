"""merge-driver, textconv and git-setup, called by us and by a real git."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netbuilder.app import templates
from netbuilder.cli.main import main
from netbuilder.engine import overrides
from netbuilder.errors import DocumentError
from netbuilder.graph.document import Document
from netbuilder.storage import files
from tests.git_repository import Repository, repository

__all__ = ["repository"]

Git = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = f"{Path(sys.executable).as_posix()} -m netbuilder"


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path, Path]:
    """The base and two changes of it."""
    base = templates.open_template("digits_mlp")
    ours = overrides.apply(base, {"main.hidden1.out_features": 99, "training.epochs": 3})
    theirs = overrides.apply(base, {"training.batch_size": 16})
    paths = [tmp_path / name for name in ("base.netb", "ours.netb", "theirs.netb")]
    for document, path in zip((base, ours, theirs), paths, strict=True):
        files.save(document, path)
    return paths[0], paths[1], paths[2]


def _settings(path: Path) -> tuple[int, int, int]:
    document = files.load(path)
    training = document.project.training
    return training["epochs"], training["batch_size"], _hidden(document)


def _hidden(document: Document) -> int:
    node = document.of_kind("network")[0].named("hidden1")
    assert node is not None
    features: int = node.params["out_features"]
    return features


def test_the_driver_writes_the_merged_project_over_ours(
    sides: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["merge-driver", *map(str, sides), "digits.netb"]) == 0
    assert _settings(sides[1]) == (3, 16, 99)
    out, err = capsys.readouterr()
    assert out + err == ""


def test_conflicts_are_listed_and_ours_stays(
    sides: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files.save(overrides.apply(files.load(sides[0]), {"training.epochs": 7}), sides[2])
    assert main(["merge-driver", *map(str, sides), "a b.netb", "--json"]) == 1
    out, err = capsys.readouterr()
    assert _settings(sides[1])[0] == 3
    answer = json.loads(out)
    [conflict] = answer["conflicts"]
    assert conflict["ours"] == 3
    assert conflict["theirs"] == 7
    assert conflict["key"] == "training.epochs"
    assert "a b.netb: 1 thing was changed by both sides" in err
    assert conflict["words"] in err


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("text", ["<<<<<<< ours\n", '{"netbuilder": 999}'])
def test_what_is_no_project_is_left_as_ours(
    sides: tuple[Path, Path, Path], which: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sides[which].write_text(text)
    before = sides[1].read_bytes()
    assert main(["merge-driver", *map(str, sides)]) == 1
    assert sides[1].read_bytes() == before
    assert "left as ours" in capsys.readouterr().err
    assert main(["merge-driver", *map(str, sides), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "DocumentError"


def test_textconv_lists_meaning_alone(
    sides: tuple[Path, Path, Path], capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    assert main(["textconv", str(sides[1])]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "  training.epochs: 3" in text
    assert "  hidden1: torch.nn.Linear out_features=99 <- flatten" in text.splitlines()
    assert "main.logits" in text
    assert "image" in text
    assert '"at"' not in text
    broken = tmp_path / "broken.netb"
    broken.write_text("<<<<<<< ours\n")
    assert main(["textconv", str(broken)]) == 0
    assert "<<<<<<< ours" in capsysbinary.readouterr().out.decode()
    empty = tmp_path / "empty.netb"
    empty.write_text("")
    assert main(["textconv", str(empty)]) == 0
    assert capsysbinary.readouterr().out == b""


def test_nothing_heavy_is_imported(sides: tuple[Path, Path, Path]) -> None:
    code = (
        "import sys; from netbuilder.cli.main import main\n"
        "a = sys.argv[1:]\n"
        "assert main(['textconv', a[0]]) == 0\n"
        "assert main(['merge-driver', *a]) == 0\n"
        "heavy = {'torch', 'numpy', 'networkx', 'pydantic', 'PySide6', 'onnx'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code, *map(str, sides)], check=True, capture_output=True)


@pytest.fixture
def git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Git:
    monkeypatch.setattr("netbuilder.cli.commands.git._program", lambda: PROGRAM)
    return repository.git


def test_git_merges_two_branches(git: Git, tmp_path: Path) -> None:
    place = tmp_path / "repository"
    project = place / "my digits.netb"

    def commit(branch: str, values: dict[str, int]) -> None:
        git("checkout", "-q", "main")
        git("checkout", "-q", "-b", branch)
        files.save(overrides.apply(files.load(project), values), project)
        git("commit", "-qam", branch)

    (place / ".gitattributes").write_text("*.png binary")
    assert main(["git-setup", str(place)]) == 0
    assert main(["git-setup", str(place)]) == 0
    attributes = (place / ".gitattributes").read_text()
    assert attributes == "*.png binary\n*.netb merge=netbuilder diff=netbuilder\n"
    files.save(templates.open_template("digits_mlp"), project)
    git("add", ".")
    git("commit", "-qm", "base")
    commit("wide", {"main.hidden1.out_features": 99, "training.epochs": 3})
    commit("batch", {"training.batch_size": 16})
    commit("long", {"training.epochs": 50})
    git("checkout", "-q", "wide")
    git("merge", "-q", "batch", "-m", "both")
    assert _settings(project) == (3, 16, 99)
    told = git("show", "--format=", "batch", "--", project.name).stdout
    assert "+  training.batch_size: 16" in told
    failed = git("merge", "long", "-m", "more", fails=True)
    assert "training.epochs: 3 (ours), 50 (theirs)" in failed.stdout + failed.stderr
    assert _settings(project) == (3, 16, 99)
    assert git("diff", "--name-only", "--diff-filter=U").stdout == f"{project.name}\n"
    shown = git("difftool", "-y", "-t", "netbuilder", "batch", "long", "--", project.name).stdout
    assert "training.epochs 20 → 50" in shown
    blamed = git("blame", "long", "--", project.name).stdout.splitlines()
    [line] = [line for line in blamed if "training.epochs" in line]
    assert "<" not in line


def test_a_clone_without_setup_is_told_how_to_merge(git: Git, tmp_path: Path) -> None:
    project = tmp_path / "repository" / "digits.netb"
    files.save(templates.open_template("digits_mlp"), project)
    git("add", ".")
    git("commit", "-qm", "base")
    for branch, epochs in (("long", 50), ("short", 3)):
        git("checkout", "-qb", branch, "main")
        files.save(overrides.apply(files.load(project), {"training.epochs": epochs}), project)
        git("commit", "-qam", branch)
    git("merge", "long", fails=True)
    with pytest.raises(DocumentError, match="conflict markers") as caught:
        files.load(project)
    assert "git checkout --merge FILE" in caught.value.hint
    assert main(["git-setup", str(project.parent)]) == 0
    git("checkout", "--merge", project.name)
    assert files.load(project).project.training["epochs"] == 3
    assert git("diff", "--name-only", "--diff-filter=U").stdout == f"{project.name}\n"


def test_setup_needs_a_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["git-setup", str(tmp_path / "nowhere")]) == 2
    assert "git init" in capsys.readouterr().err

"""What git keeps of a project that it could not merge, from a real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from netbuilder.app import git_stages, templates
from netbuilder.engine import overrides
from netbuilder.errors import DocumentError
from netbuilder.storage import files
from tests.git_repository import Repository, repository

__all__ = ["repository"]


def _epochs(value: int) -> dict[str, int]:
    return {"training.epochs": value}


@pytest.fixture
def project(repository: Repository) -> Path:
    """A file with a base and a branch `long` that has another number of epochs."""
    path = repository.place / "my digits [1].netb"
    files.save(templates.open_template("digits_mlp"), path)
    repository.git("add", ".")
    repository.git("commit", "-qm", "base")
    return path


def _change(project: Path, epochs: int) -> None:
    files.save(overrides.apply(files.load(project), _epochs(epochs)), project)


def test_both_sides_are_there_until_git_is_told(repository: Repository, project: Path) -> None:
    assert git_stages.unmerged(project) is None
    repository.git("checkout", "-qb", "long")
    _change(project, 50)
    repository.git("commit", "-qam", "Train longer\n\nmuch")
    repository.git("checkout", "-q", "main")
    _change(project, 3)
    repository.git("commit", "-qam", "short")
    for how in ("merge", "cherry-pick", "rebase"):
        if how == "rebase":
            repository.git("checkout", "-q", "long")
        repository.git(how, "main" if how == "rebase" else "long", fails=True)
        found = git_stages.unmerged(project)
        assert found is not None
        epochs = [side.project.training["epochs"] for side in (found.base, found.theirs)]
        assert epochs == [20, 50]
        assert found.subject == "Train longer"
        repository.git(how, "--abort")
    repository.git("update-ref", "REBASE_HEAD", "long")
    repository.git("checkout", "-q", "main")
    _change(project, 4)
    repository.git("stash", "-q")
    _change(project, 5)
    repository.git("commit", "-qam", "other")
    repository.git("stash", "pop", fails=True)
    found = git_stages.unmerged(project)
    assert found is not None
    assert (found.theirs.project.training["epochs"], found.subject) == (4, "")
    repository.git("checkout", "-q", "--ours", project.name)
    repository.git("add", project.name)
    repository.git("merge", "long", fails=True)
    _change_to_ours(repository, project)
    git_stages.settled(project)
    assert git_stages.unmerged(project) is None
    assert repository.git("diff", "--name-only", "--diff-filter=U").stdout == ""


def _change_to_ours(repository: Repository, project: Path) -> None:
    text = repository.git("cat-file", "blob", f":2:{project.name}").stdout
    project.write_text(text)


def test_a_file_that_the_other_side_removed_is_said_to_be(
    repository: Repository, project: Path
) -> None:
    repository.git("checkout", "-qb", "without")
    repository.git("rm", "-q", project.name)
    repository.git("commit", "-qm", "gone")
    repository.git("checkout", "-q", "main")
    _change(project, 3)
    repository.git("commit", "-qam", "short")
    repository.git("merge", "without", fails=True)
    with pytest.raises(DocumentError, match="removed") as caught:
        git_stages.unmerged(project)
    assert "git add" in caught.value.hint


def test_programs_that_a_repository_names_are_not_run(
    repository: Repository, project: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    for key in ("core.fsmonitor", "core.sshCommand", "gpg.program", "core.pager"):
        repository.git("config", key, f"touch {canary}")
    repository.git("-c", "core.fsmonitor=false", "config", "log.showSignature", "true")
    assert git_stages.unmerged(project) is None
    assert not canary.exists()


def test_without_a_repository_or_git_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("git was asked")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert git_stages.unmerged(tmp_path / "x.netb") is None
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert git_stages.unmerged(tmp_path / "x.netb") is None
    with pytest.raises(DocumentError, match="git did not take"):
        git_stages.settled(tmp_path / "x.netb")

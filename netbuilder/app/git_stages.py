"""A project that git could not merge alone: what git keeps of both sides, and telling it the end.

git is a program of its own. It is asked for what it has stored only, with all switched off that
could run programs a repository names or reach other machines.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netbuilder.errors import DocumentError
from netbuilder.graph.document import Document
from netbuilder.storage import format

QUIET = (
    "--no-optional-locks",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "protocol.allow=never",
)
HEADS = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD")
"""Where git says which commit is `theirs`."""
PATIENCE_S = 20


@dataclass(frozen=True, slots=True)
class Unmerged:
    """What both sides began with and what theirs made of it; `subject` is that of its commit."""

    base: Document
    theirs: Document
    subject: str = ""


def kept_by_git(path: Path) -> bool:
    """Whether a file lies in a repository, as far as that can be seen without git."""
    return any((folder / ".git").exists() for folder in Path(path).absolute().parents)


def unmerged(path: Path) -> Unmerged | None:
    """What git keeps of a file that is being merged; None where git has nothing to settle.

    Raises `DocumentError` where there is something and it is no project to compare with.
    """
    path = Path(path).absolute()
    if not kept_by_git(path):
        return None
    listed = _git(path, "ls-files", "--unmerged", "-z", "--", path.name)
    stages = dict(_entry(line) for line in (listed or b"").split(b"\0") if line)
    if not stages:
        return None
    if "3" not in stages:
        raise DocumentError(
            "The other side removed this file.",
            f"Keep it with 'git add {path.name}', or remove it with 'git rm {path.name}'.",
        )
    base, theirs = (_document(path, stages.get(stage)) for stage in ("1", "3"))
    return Unmerged(base, theirs, _subject(path))


def settled(path: Path) -> None:
    """Tell git that the file is as it shall be, as `git add` does; may raise `DocumentError`."""
    path = Path(path).absolute()
    if _git(path, "add", "--", path.name) is None:
        raise DocumentError(
            f"git did not take {path.name}.", f"Call 'git add {path.name}' to see why."
        )


def _entry(line: bytes) -> tuple[str, str]:
    """The stage and the object of a line `MODE OBJECT STAGE<TAB>PATH`."""
    _, object, stage = line.partition(b"\t")[0].decode().split()
    return stage, object


def _document(path: Path, object: str | None) -> Document:
    """A stored project; an empty one where there was none."""
    data = b"" if object is None else _git(path, "cat-file", "blob", object)
    if data is None:
        raise DocumentError(f"git does not give what it keeps of {path.name}.")
    document = format.loads(data) if data.strip() else Document()
    document.beside.folder = path.parent
    return document


def _subject(path: Path) -> str:
    for head in HEADS:
        if head == "REBASE_HEAD" and not _rebasing(path):
            # git leaves it there when a rebase has ended.
            continue
        commit = _git(path, "cat-file", "commit", head)
        if commit is not None:
            text = commit.decode(errors="replace").partition("\n\n")[2]
            return text.strip().partition("\n")[0]
    return ""


def _rebasing(path: Path) -> bool:
    found = _git(path, "rev-parse", "--git-path", "rebase-merge", "--git-path", "rebase-apply")
    places = (found or b"").decode(errors="surrogateescape").splitlines()
    return any((path.parent / place).exists() for place in places)


def _git(path: Path, *arguments: str) -> bytes | None:
    """What git prints about the folder of a file; None where it refuses or is not there."""
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *QUIET, "-C", str(path.parent), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

"""A real repository of git for a test, with no settings but its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Repository:
    """`git(...)` runs git there, and asserts that it fails or does not."""

    place: Path

    def git(self, *arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.place, capture_output=True, text=True, check=False
        )
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """An empty one with the branch `main`."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    result = Repository(tmp_path / "repository")
    result.place.mkdir()
    result.git("init", "-q", "-b", "main")
    return result

"""Imports point down, and the rule that says so bites."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "torchmetrics", "onnxruntime", "sklearn", "PySide6", "pyqtgraph")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(tool), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, to be broken on purpose."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "netbuilder", tmp_path / "netbuilder", ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_imports_point_down() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


# Each breaks one contract in one of the ways in which people break them.
BREACHES = {
    "up": ("graph/rules.py", "import netbuilder.layers.base", "Imports point down"),
    "sideways": ("data/settings.py", "import netbuilder.storage.files", "Imports point down"),
    "cli to gui": ("cli/parser.py", "import netbuilder.gui.look.theme", "Imports point down"),
    "lazy": (
        "storage/files.py",
        "def later() -> None:\n    import netbuilder.compiler.build",
        "Imports point down",
    ),
    "for types only": (
        "layers/base.py",
        "import typing\nif typing.TYPE_CHECKING:\n    from netbuilder.app import session",
        "Imports point down",
    ),
    "torch": ("layers/linear.py", "import torch", "never reach torch"),
    "torch, lazily": ("app/runs.py", "def later() -> None:\n    import torch", "never reach torch"),
    "torch through another": (
        "app/templates.py",
        "import netbuilder.compiler.analyse",
        "never reach torch",
    ),
    "qt": ("engine/client.py", "from PySide6 import QtCore", "Only the window knows Qt"),
    "qt in the command line": (
        "cli/parser.py",
        "def later() -> None:\n    import PySide6.QtWidgets",
        "Only the window knows Qt",
    ),
    "qt in python's door": ("api/using.py", "import pyqtgraph", "Only the window knows Qt"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_the_contracts_bite(copy: Path, name: str) -> None:
    path, line, contract = BREACHES[name]
    with open(copy / "netbuilder" / path, "a", encoding="utf-8") as file:
        file.write(f"\n\n{line}\n")
    done = lint_imports(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [row for row in done.stdout.splitlines() if "BROKEN" in row]
    assert any(contract in row for row in broken), done.stdout


def test_a_new_package_must_find_its_place(copy: Path) -> None:
    (copy / "netbuilder" / "attic.py").write_text("")
    done = lint_imports(copy)
    assert done.returncode == 1, done.stdout
    assert "attic" in done.stdout


def imported_by(code: str) -> set[str]:
    """The heavy packages that a fresh Python has loaded after running the code."""
    check = f"{code}\nimport sys\nprint(*sorted({HEAVY!r} & sys.modules.keys()))"
    check = check.replace(repr(HEAVY), repr(set(HEAVY)))
    done = subprocess.run(
        [sys.executable, "-c", check],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import netbuilder",
        "import netbuilder as nb; nb.Project; nb.load",
        "import netbuilder as nb; n = nb.template('digits_cnn').network()",
        "import netbuilder.app.session, netbuilder.app.settings, netbuilder.engine.client",
        "from netbuilder.layers import catalogue; catalogue.layers()",
        "import netbuilder.compiler.check, netbuilder.training.records.folder",
        "import netbuilder.data.settings",
        "import netbuilder.cli.main",
    ],
)
def test_what_must_start_fast_loads_nothing_heavy(code: str) -> None:
    assert imported_by(code) == set()


def test_the_measure_sees_torch() -> None:
    assert "torch" in imported_by("import netbuilder.compiler.build")


def test_qt_stands_in_the_window_alone() -> None:
    """Import-linter reads the same, but a name built at run time would escape it."""
    for path in (ROOT / "netbuilder").rglob("*.py"):
        package = path.relative_to(ROOT / "netbuilder").parts[0]
        if package == "gui":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str):
                assert not text.startswith(("PySide6", "pyqtgraph")), path

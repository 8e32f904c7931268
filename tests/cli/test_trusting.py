"""Own layers on the command line: exit 4 and nothing run, until their hash is named."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import netbuilder as nb
from netbuilder.cli.main import main
from netbuilder.exchange import fresh
from netbuilder.layers import own, trusted
from netbuilder.layers.trusted import Trust, digest
from tests.own_files import GATE, declared, written

COMMANDS = (
    ["train", "{file}", "--run", "{folder}/run", "--steps", "1"],
    ["export", "{file}", "--to", "code", "-o", "{folder}/out.py"],
    ["code", "{file}"],
    ["summary", "{file}"],
    ["check", "{file}"],
)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "home"))
    with trusted.given(Trust()):
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A project that can be trained, with a file that leaves a trace when it is run."""
    source = f"open({str(tmp_path / 'canary')!r}, 'w').close()\nprint('noise')\n{GATE}"
    (tmp_path / "my_layers.py").write_text(source)
    project = nb.template("digits_cnn")
    project.set(code=declared(my_layers=source))
    own.use(project.document.project)
    net = project.network("main")
    gate = net.add("own.my_layers.Gate", name="gate", features=10)
    net.connect(net["classifier"], gate)
    net.connect(gate, net["logits"]["input"])
    project.save(tmp_path / "a.netb")
    return tmp_path / "a.netb"


def run(command: list[str], file: Path, *more: str) -> int:
    return main([part.format(file=file, folder=file.parent) for part in command] + list(more))


def sha(file: Path) -> str:
    return f"sha256:{digest((file.parent / 'my_layers.py').read_bytes())}"


@pytest.mark.parametrize("command", COMMANDS, ids=[command[0] for command in COMMANDS])
def test_untrusted_code_is_refused_with_its_files(
    command: list[str], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, file) == 4
    told = "".join(capsys.readouterr())
    assert "my_layers.py" in told
    assert sha(file) in told
    assert not (file.parent / "canary").exists()
    assert not (file.parent / "run").exists()
    assert not (file.parent / "out.py").exists()


def test_trust_comes_before_other_problems(tmp_path: Path) -> None:
    """A project without data: whoever mends that must not learn of the code only then."""
    path = written(tmp_path / "other")
    assert run(COMMANDS[0], path) == 4


def test_check_says_what_is_not_known(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "{file}", "--json"], file) == 4
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    (problem,) = answer["problems"]
    assert (problem["severity"], problem["code"]) == ("warning", "code.restricted")
    assert f"sha256:{problem['fixes'][0]['arguments']['sha256']}" == sha(file)


def test_json_tells_the_kind_of_the_refusal(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(COMMANDS[0], file, "--json") == 4
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "UntrustedCodeError"


@pytest.mark.parametrize("wrong", ["sha256:" + "0" * 64])
def test_another_hash_opens_nothing(wrong: str, file: Path) -> None:
    assert run(COMMANDS[0], file, "--trust-code", wrong) == 4
    assert not (file.parent / "canary").exists()


def test_what_is_no_hash_is_wrong_usage(file: Path) -> None:
    assert run(COMMANDS[0], file, "--trust-code", "my_layers.py") == 2


def test_a_trusted_hash_runs_and_the_run_needs_nothing_else(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(COMMANDS[0], file, "--json", "--trust-code", sha(file)) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "finished"
    assert (file.parent / "canary").exists()
    run_folder = file.parent / "run"
    assert (run_folder / "my_layers.py").read_bytes() == (file.parent / "my_layers.py").read_bytes()
    hash = sha(file)
    (file.parent / "my_layers.py").unlink()
    file.unlink()
    out = file.parent / "x" / "model.py"
    out.parent.mkdir()
    export = ["export", str(run_folder), "--to", "code", "-o", str(out)]
    with trusted.given(Trust()):
        assert main(export) == 4
        assert main([*export, "--trust-code", hash]) == 0
    assert (out.parent / "my_layers.py").exists()
    assert "from my_layers import Gate" in out.read_text()


def test_a_recorded_hash_needs_no_option(file: Path) -> None:
    from netbuilder.app.trust import TrustStore

    TrustStore().trust((file.parent / "my_layers.py").read_bytes(), file)
    assert run(["check", "{file}"], file) == 0


def test_all_code_is_trusted_with_a_warning(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "{file}"], file, "--trust-all-code") == 0
    told = capsys.readouterr().err
    assert "warning: running my_layers.py" in told
    assert sha(file) in told


def test_code_that_changed_is_refused_with_its_new_hash(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = sha(file)
    code = file.parent / "my_layers.py"
    code.write_text(code.read_text().replace("reduction: int = 2", "reduction: int = 5"))
    assert run(COMMANDS[0], file, "--trust-code", old) == 4
    told = capsys.readouterr().err
    assert "has changed since the project was saved" in told
    assert sha(file) in told
    assert run(["code", "{file}"], file, "--trust-code", sha(file)) == 0


def test_a_file_that_is_gone_is_a_problem_of_the_project(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file.parent / "my_layers.py").unlink()
    assert run(["check", "{file}"], file) == 1
    assert "my_layers.py is not beside the project" in capsys.readouterr().out


def test_code_goes_beside_the_source(file: Path) -> None:
    out = file.parent / "elsewhere" / "model.py"
    out.parent.mkdir()
    assert run(["code", "{file}", "-o", str(out)], file, "--trust-code", sha(file)) == 0
    assert sorted(path.name for path in out.parent.iterdir()) == ["model.py", "my_layers.py"]
    layers = file.parent / "my_layers.py"
    before = layers.read_text()
    assert run(["code", "{file}", "-o", str(layers)], file, "--trust-code", sha(file)) == 2
    assert layers.read_text() == before


def test_a_process_of_its_own_leaves_no_trace(file: Path) -> None:
    done = subprocess.run(
        fresh.command("netbuilder", "train", str(file), "--run", str(file.parent / "run")),
        env=fresh.environment(), cwd=file.parent, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, "")
    assert "my_layers.py" in done.stderr
    assert not (file.parent / "canary").exists()

"""What others made, by the command line: what fits, what does not, and what to do instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from netbuilder.app.templates import open_template
from netbuilder.cli.main import main
from netbuilder.storage import files


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "A.PTH"])
def test_a_file_of_weights_is_no_model_and_the_way_on_is_told(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(b"")
    assert main(["import", str(tmp_path / name)]) == 2
    assert f"netbuilder weights NETWORK.netb {name}" in capsys.readouterr().err


def test_a_picture_of_points_is_made_in_the_window(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.save(open_template("perceptron"), tmp_path / "a.netb")
    out = tmp_path / "a.png"
    assert main(["figure", str(tmp_path / "a.netb"), "-o", str(out)]) == 2
    assert "Save a picture of the graph" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(("spare", "listed"), [(1, 1), (14, 11)])
def test_what_has_no_place_is_listed_by_name(
    spare: int, listed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.save(open_template("perceptron"), tmp_path / "a.netb")
    theirs = {f"other.{at}": np.zeros(3, np.float32) for at in range(spare)}
    save_file(theirs, tmp_path / "b.safetensors")
    given = [str(tmp_path / "a.netb"), str(tmp_path / "b.safetensors")]
    assert main(["weights", *given]) == 1
    told = capsys.readouterr().out
    assert told.count("\n+ ") + told.startswith("+ ") == listed
    assert f"{spare} of the file {'has' if spare == 1 else 'have'} no place" in told
    assert main(["weights", *given, "--all"]) == 1
    assert all(f"+ {name} " in capsys.readouterr().out for name in list(theirs)[-1:])

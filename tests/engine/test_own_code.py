"""Own layers in the worker: only what a request brings along runs, and nothing takes it down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import netbuilder as nb
from netbuilder.compiler.report import Report
from netbuilder.engine.client import WorkerClient
from netbuilder.engine.protocol import WorkerDied
from netbuilder.errors import UntrustedCodeError
from netbuilder.layers import own
from netbuilder.layers.trusted import Trust
from netbuilder.storage import format
from tests.engine.workers import Asked, Ears, waves
from tests.own_files import GATE, declared, project


def code(source: str) -> dict[str, Any]:
    """What a request brings along."""
    return Trust.of([source.encode()], {"my_layers.py": "trusted"}).to_json()


@pytest.fixture(scope="module")
def worker() -> Iterator[tuple[WorkerClient, Ears]]:
    ears = Ears()
    client = WorkerClient(ears, back_off_s=())
    client.start()
    yield client, ears
    client.close()


def analysed(client: WorkerClient, source: str, kind: str, trusted: bool) -> Report:
    made = project(source, kind, **({"features": 8} if kind == "Gate" else {}))
    params: dict[str, Any] = {"project": format.to_json(made.document)}
    if trusted:
        params["code"] = code(source)
    return Report.from_json(Asked(client, "analyse", params).reply().result)


def test_each_request_brings_its_own_trust(
    worker: tuple[WorkerClient, Ears], tmp_path: Path
) -> None:
    client, _ = worker
    source = f"open({str(tmp_path / 'canary')!r}, 'w').close()\n{GATE}"
    for trusted in (False, True, False):
        report = analysed(client, source, "Gate", trusted)
        codes = [problem.code for problem in report.problems]
        assert codes == ([] if trusted else ["code.restricted"])
        if not trusted:
            # What ran once may not run again without a word.
            (network,) = report.graphs.values()
            assert network.code == ""
        else:
            assert (tmp_path / "canary").exists()
            (tmp_path / "canary").unlink()
    assert not (tmp_path / "canary").exists()


def test_training_and_export_without_trust_are_refused(
    worker: tuple[WorkerClient, Ears], tmp_path: Path
) -> None:
    client, _ = worker
    made = nb.template("digits_mlp")
    made.set(code=declared(my_layers=GATE))
    own.use(made.document.project)
    net = made.network("main")
    last = net.nodes[-2]
    gate = net.add("own.my_layers.Gate", name="gate", features=10)
    net.connect(last, gate)
    net.connect(gate, net.nodes[-2]["input"])
    value = format.to_json(made.document)
    for method, params in (
        ("train", {"run": str(tmp_path / "run")}),
        ("export", {"to": "code", "out": str(tmp_path / "a.py")}),
    ):
        error = Asked(client, method, {"project": value, **params}).reply().error
        assert isinstance(error, UntrustedCodeError)
        assert "my_layers.py" in str(error)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "body",
    [
        "        import sys\n        sys.exit(3)\n",
        "        raise RecursionError\n",
        "        print('x' * 100_000)\n        return None\n",
        "        import os\n        os.close(1)\n        return x\n",
        "        import threading\n        raise threading.ThreadError('x')\n",
    ],
)
def test_whatever_a_layer_does_the_worker_lives(
    worker: tuple[WorkerClient, Ears], body: str
) -> None:
    client, ears = worker
    source = f"from torch import nn\n\n\nclass A(nn.Module):\n    def forward(self, x):\n{body}"
    analysed(client, source, "A", True)
    assert analysed(client, GATE, "Gate", True).problems == ()
    assert not any(isinstance(message, WorkerDied) for message in ears.messages)


def test_a_loop_without_end_in_training_is_ended_by_the_window(tmp_path: Path) -> None:
    source = (
        "from torch import nn\n\n\nclass Loop(nn.Module):\n    def forward(self, x):\n"
        "        while self.training and len(x) > 30:\n            pass\n        return x\n"
    )
    made = nb.Project(format.from_json(waves()))
    made.set(code=declared(my_layers=source))
    own.use(made.document.project)
    net = made.network("main")
    last, output = net.nodes[-2], net.nodes[-1]
    loop = net.add("own.my_layers.Loop", name="loop")
    net.connect(last, loop)
    net.connect(loop, output["input"])
    ears = Ears()
    client = WorkerClient(ears, back_off_s=())
    client.start()
    try:
        run = tmp_path / "run"
        params = {"project": format.to_json(made.document), "run": str(run), "code": code(source)}
        training = Asked(client, "train", params)
        ears.wait_for_event("started")
        client.stop_training(grace_s=0.5)
        died = ears.wait(WorkerDied)
        assert died.training
        assert training.reply().error is not None
    finally:
        client.close()

"""Stand-ins for the worker, and ears for what a client says."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import netbuilder as nb
from netbuilder.app.templates import open_template
from netbuilder.engine.client import WorkerClient
from netbuilder.engine.protocol import Message, Reply
from netbuilder.storage import format

PATIENCE_S = 60.0
LONG = {"training.epochs": 100_000, "training.checkpoint_s": 1000.0}
M = TypeVar("M")

HELLO = """
import json, os, sys, time
def say(**value):
    os.write(1, json.dumps(value).encode() + b"\\n")
say(event="hello", pid=os.getpid(), version="0")
"""


def stand_in(body: str) -> list[str]:
    """The command of a process that greets and then runs `body`. No torch, so it is quick."""
    return [sys.executable, "-S", "-c", HELLO + textwrap.dedent(body)]


def project(id: str = "digits_mlp") -> dict[str, Any]:
    """A template's project, as requests hold it."""
    return format.to_json(open_template(id))


def waves() -> dict[str, Any]:
    """A project that trains with torch alone.

    A worker that needs scikit-learn and torchmetrics spends longer on their imports than on
    what is tested.
    """
    made = nb.Project()
    made.set(data={"source": "netbuilder.Sines", "validation": 0.2}, training={"batch_size": 64})
    net = made.add_network("main")
    nodes = [
        net.add("netbuilder.Input", name="window", shape=(32, 1)),
        net.add("torch.nn.Flatten", name="flatten"),
        net.add("torch.nn.Linear", name="hidden", out_features=512),
        net.add("torch.nn.ReLU", name="relu"),
        net.add("torch.nn.Linear", name="head", out_features=1),
        net.add("netbuilder.Output", name="forecast"),
    ]
    for source, target in itertools.pairwise(nodes):
        net.connect(source, target)
    step = made.add_step(optimizer={"kind": "AdamW", "lr": 0.001})
    window = step.add("netbuilder.DataField", name="window", field="window")
    after = step.add("netbuilder.DataField", name="next", field="next")
    call = step.add("netbuilder.NetworkCall", name="main", network="main")
    loss = step.add("torch.nn.MSELoss", name="mse")
    step.connect(window, call)
    step.connect(call, loss)
    step.connect(after, loss)
    step.connect(loss, step.add("netbuilder.Objective", name="loss"))
    return format.to_json(made.document)


def patched(code: str) -> list[str]:
    """The command of a worker in which something of torch was replaced before it began."""
    begin = textwrap.dedent(code) + "\nfrom netbuilder.engine import worker\nworker.main()\n"
    return [sys.executable, "-c", begin]


def begin(
    run: Path,
    overrides: Mapping[str, Any] = LONG,
    *,
    command: list[str] | None = None,
    resume: bool = False,
) -> subprocess.Popen[bytes]:
    """A worker that trains, without a client; its first figures are there."""
    worker = subprocess.Popen(
        command or [sys.executable, "-m", "netbuilder", "worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    params = {"project": waves(), "run": str(run), "overrides": overrides, "resume": resume}
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(b"garbage\n\xff\n{}\n")
    worker.stdin.write(json.dumps({"id": 1, "method": "train", "params": params}).encode() + b"\n")
    worker.stdin.flush()
    for line in worker.stdout:
        if b'"metrics"' in line:
            return worker
    raise AssertionError("the training did not begin")


class Ears:
    """Collects a client's messages; waits for one of a kind."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._queue: queue.Queue[Message] = queue.Queue()

    def __call__(self, message: Message) -> None:
        self.messages.append(message)
        self._queue.put(message)

    def wait(self, kind: type[M], patience_s: float = PATIENCE_S) -> M:
        """The next message of this kind; other ones before it are passed over."""
        until = time.monotonic() + patience_s
        while True:
            message = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            if isinstance(message, kind):
                return message

    def wait_for_event(self, name: str) -> Mapping[str, Any]:
        """The next event of a run with this name."""
        from netbuilder.engine.protocol import RunEvent

        while True:
            data = self.wait(RunEvent).data
            if data["event"] == name:
                return data


class Asked:
    """One request and its reply, to wait for."""

    def __init__(
        self, client: WorkerClient, method: str, params: Mapping[str, Any] | None = None
    ) -> None:
        self._done = threading.Event()
        self._reply: Reply | None = None
        self.id = client.request(method, params or {}, self._take)

    def _take(self, reply: Reply) -> None:
        self._reply = reply
        self._done.set()

    @property
    def answered(self) -> bool:
        return self._done.is_set()

    def reply(self, patience_s: float = PATIENCE_S) -> Reply:
        """The reply, waited for."""
        assert self._done.wait(patience_s), "no reply"
        assert self._reply is not None
        return self._reply

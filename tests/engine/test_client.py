"""The client outlives whatever its worker does, and says exactly what that was."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from netbuilder.engine.client import WorkerClient
from netbuilder.engine.protocol import RunEvent, WorkerDied, WorkerError, WorkerStarted
from tests.engine.workers import PATIENCE_S, Asked, Ears, stand_in

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and process groups")
READ = "for line in sys.stdin: pass\n"
ECHO = """
for line in sys.stdin:
    request = json.loads(line)
    say(id=request["id"], result=request["params"])
"""


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[WorkerClient, Ears]]]:
    """Starts clients of stand-ins, and ends them after the test."""
    clients = []

    def make(
        body: str, back_off_s: tuple[float, ...] = (), *, command: list[str] | None = None
    ) -> tuple[WorkerClient, Ears]:
        ears = Ears()
        client = WorkerClient(ears, command=command or stand_in(body), back_off_s=back_off_s)
        clients.append(client)
        client.start()
        return client, ears

    yield make
    for client in clients:
        client.close(grace_s=0.1)
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("worker-")]


Start = Callable[..., tuple[WorkerClient, Ears]]


def test_what_is_asked_at_once_is_answered_once_the_worker_is_there(start: Start) -> None:
    client, _ = start(ECHO)
    assert Asked(client, "echo", {"a": [1, "ü"]}).reply().result == {"a": [1, "ü"]}


@posix_only
@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV, "segmentation fault"),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL, "out of memory"),
        ("os.abort()", -signal.SIGABRT, "SIGABRT"),
        ("os._exit(0)", 0, "exit code 0"),
        ("sys.exit(3)", 3, "exit code 3"),
        ("raise ValueError('the tea is cold')", 1, "the tea is cold"),
        ("raise MemoryError()", 1, "ran out of memory"),
        ("f = lambda: f()\nf()", 1, "RecursionError"),
    ],
)
def test_the_exact_cause_of_a_death_is_told(start: Start, body: str, code: int, words: str) -> None:
    client, ears = start("sys.stdin.readline()\n" + body)
    ears.wait(WorkerStarted)
    asked = Asked(client, "train")
    died = ears.wait(WorkerDied)
    assert died.exit_code == code
    assert words in died.message
    assert died.training
    assert "resumed" in died.hint
    error = asked.reply().error
    assert isinstance(error, WorkerError)
    assert str(error) == died.message


def test_a_death_without_a_training_says_nothing_of_one(start: Start) -> None:
    _, ears = start("sys.exit(3)")
    assert not ears.wait(WorkerDied).training


def test_it_is_started_again_with_pauses_and_at_last_given_up(start: Start) -> None:
    client, ears = start("sys.exit(3)", back_off_s=(0.01, 0.02))
    pauses = [ears.wait(WorkerDied).restart_in_s for _ in range(3)]
    assert pauses == [0.01, 0.02, None]
    reply = Asked(client, "echo").reply()
    assert isinstance(reply.error, WorkerError)
    client.start()
    ears.wait(WorkerStarted)


def test_after_a_death_the_next_worker_answers(start: Start) -> None:
    body = """
    for line in sys.stdin:
        request = json.loads(line)
        if request["method"] == "die":
            sys.exit(3)
        say(id=request["id"], result="here")
    """
    client, ears = start(body, back_off_s=(0.01,))
    first = ears.wait(WorkerStarted).pid
    asked = Asked(client, "die")
    assert asked.reply().error is not None
    assert Asked(client, "echo").reply().result == "here"
    assert ears.wait(WorkerStarted).pid != first


def test_a_program_that_does_not_exist_is_told(start: Start) -> None:
    client, ears = start("", command=["/nowhere/python"])
    assert "could not be started" in ears.wait(WorkerDied).message
    assert not client.alive


def test_garbage_is_counted_and_ignored(start: Start) -> None:
    body = r"""
    os.write(1, b"not json\n\xff\xfe\x00\n[1,2]\n\x1b[31mred\x1b[0m\r\n")
    os.write(1, b'{"id": 99, "result": 1}\n{"event": "unknown"}\n{"id": NaN}\n')
    os.write(1, b"x" * 3_000_000 + b"\n")
    """
    client, ears = start(textwrap.dedent(body) + ECHO)
    reply = Asked(client, "echo", {"a": 1}).reply()
    assert reply.result == {"a": 1}
    assert client.ignored >= 7
    assert [type(message) for message in ears.messages] == [WorkerStarted]


def test_half_a_line_and_a_second_reply_do_no_harm(start: Start) -> None:
    body = """
    for line in sys.stdin:
        id = json.loads(line)["id"]
        text = json.dumps({"id": id, "result": "once"}) + "\\n"
        os.write(1, text[:9].encode()); time.sleep(0.01); os.write(1, text[9:].encode())
        os.write(1, text.encode())
    """
    client, _ = start(body)
    heard: list[object] = []
    client.request("a", {}, heard.append)
    assert Asked(client, "b").reply().result == "once"
    assert len(heard) == 1


def test_a_flood_on_stderr_is_kept_short(start: Start) -> None:
    body = """
    for _ in range(200):
        os.write(2, b"\\xff" * 65536)
    os.write(2, b"\\nlast words\\n")
    sys.exit(3)
    """
    _, ears = start(body)
    died = ears.wait(WorkerDied)
    assert "last words" in died.message
    assert len(died.stderr) <= 64 * 1024


def test_a_worker_that_does_not_read_blocks_nobody(start: Start) -> None:
    client, ears = start("time.sleep(60)")
    ears.wait(WorkerStarted)
    for _ in range(20):
        client.request("echo", {"text": "x" * 500_000})
    client.close(grace_s=0.1)


def test_a_listener_that_fails_is_not_the_end(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = start(ECHO)

    def fail(reply: object) -> None:
        raise ValueError("the listener's own mistake")

    client.request("a", {}, fail)
    assert Asked(client, "b", {"x": 1}).reply().result == {"x": 1}
    assert "a listener failed" in caplog.text


def test_what_can_not_be_sent_is_refused_at_once(start: Start) -> None:
    client, _ = start(ECHO)
    assert "can't be sent" in str(Asked(client, "a", {"x": float("nan")}).reply().error)
    assert "larger than 32 MB" in str(Asked(client, "a", {"x": "y" * 2**25}).reply().error)


def test_run_events_arrive(start: Start) -> None:
    _, ears = start('say(event="run", run="r", data={"seq": 1})\n' + READ)
    assert ears.wait(RunEvent) == RunEvent("r", {"seq": 1})


# -- stopping ------------------------------------------------------------------------------

GRANDCHILD = """
import subprocess
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"],
    stdout=subprocess.DEVNULL)
say(event="run", run="r", data={"child": child.pid})
"""
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""


def goes(pid: int) -> bool:
    """Whether the process ends: a signal to a group reaches its members one by one."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def test_a_training_that_stops_by_itself_keeps_its_worker(start: Start) -> None:
    body = """
    for line in sys.stdin:
        request = json.loads(line)
        if request["method"] == "train":
            train = request["id"]
        else:
            say(id=request["id"], result=None)
            say(id=train, result={"status": "stopped"})
    """
    client, ears = start(body)
    # At once: the worker is not even there yet.
    asked = Asked(client, "train")
    client.stop_training()
    assert asked.reply().result == {"status": "stopped"}
    assert client.training is False
    assert [type(message) for message in ears.messages] == [WorkerStarted]


@posix_only
@pytest.mark.parametrize("body", [READ, DEAF + READ, DEAF + "while True: pass"])
def test_a_training_that_does_not_stop_is_ended_with_its_whole_family(
    start: Start, body: str
) -> None:
    client, ears = start(GRANDCHILD + body)
    pid = ears.wait(WorkerStarted).pid
    child = ears.wait(RunEvent).data["child"]
    asked = Asked(client, "train")
    began = time.monotonic()
    client.stop_training(grace_s=0.2)
    client.stop_training(grace_s=0.2)
    assert asked.reply().error is not None
    assert time.monotonic() - began < 10.0
    died = ears.wait(WorkerDied)
    assert "did not stop" in died.message
    assert died.restart_in_s == 0.0
    assert goes(pid)
    assert goes(child)
    assert ears.wait(WorkerStarted).pid != pid


def test_stopping_without_a_training_does_nothing(start: Start) -> None:
    client, ears = start(ECHO)
    client.stop_training(grace_s=0.0)
    asked = Asked(client, "echo", {"a": 1})
    assert asked.reply().result == {"a": 1}
    assert asked.id == 1
    assert [type(message) for message in ears.messages] == [WorkerStarted]


@posix_only
def test_closing_takes_grandchildren_along(start: Start) -> None:
    client, ears = start(GRANDCHILD + READ)
    child = ears.wait(RunEvent).data["child"]
    client.close()
    assert goes(child)
    assert not any(isinstance(message, WorkerDied) for message in ears.messages)


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors")
def test_starting_and_closing_twenty_times_leaves_nothing_behind() -> None:
    def once() -> None:
        ears = Ears()
        client = WorkerClient(ears, command=stand_in(ECHO), back_off_s=())
        client.start()
        assert Asked(client, "echo", {"a": 1}).reply().result == {"a": 1}
        client.close()

    once()
    process = psutil.Process()
    before = process.num_fds(), threading.active_count(), len(process.children(recursive=True))
    for _ in range(20):
        once()
    after = process.num_fds(), threading.active_count(), len(process.children(recursive=True))
    # Threads and files of tests before may end meanwhile; none may come on top.
    assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)


def test_who_leaves_lets_the_worker_finish_by_itself(tmp_path: Path) -> None:
    out, go = tmp_path / "checkpoint", tmp_path / "go"
    client = WorkerClient(
        Ears(),
        command=stand_in(
            f"""
            for line in sys.stdin: pass
            while not os.path.exists({str(go)!r}): time.sleep(0.01)
            open({str(out)!r}, "w").write("saved")
            """
        ),
        back_off_s=(),
    )
    client.start()
    Asked(client, "train")
    assert client._life is not None or client._supervisor is not None
    wait_until(lambda: client.alive)
    process = psutil.Process(client._life.child.process.pid)  # type: ignore[union-attr]
    client.leave(grace_s=0.01)
    assert client.alive, "it is still at work"
    assert not out.exists()
    go.touch()
    process.wait(PATIENCE_S)
    assert out.read_text() == "saved"
    client.close()


def wait_until(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)

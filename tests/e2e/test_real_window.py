"""A person at a real screen: the program under Xvfb, driven by X mouse and key events only.

Nothing of the program is imported to drive it; what counts is the file it saves.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("Xvfb", "openbox", "xdotool")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.xvfb,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        bool(MISSING), reason=f"NOT RUN: install {', '.join(MISSING)} to test with real X events"
    ),
]


def wait(done: Callable[[], Any], what: str, seconds: float = 45.0) -> Any:
    """What `done` gives once it is true; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = done()
        if value:
            return value
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


class Screen:
    """An X server, a window manager, and a hand."""

    def __init__(self, folder: Path) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        read, write = os.pipe()
        self.processes.append(
            subprocess.Popen(
                [
                    "Xvfb",
                    "-displayfd",
                    str(write),
                    "-screen",
                    "0",
                    "1400x900x24",
                    "-nolisten",
                    "tcp",
                ],
                pass_fds=(write,),
                stderr=subprocess.DEVNULL,
            )
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        self.env = {
            **os.environ,
            "DISPLAY": f":{number}",
            "QT_QPA_PLATFORM": "xcb",
            "NETBUILDER_HOME": str(folder / "home"),
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
        }
        self.processes.append(
            subprocess.Popen(["openbox"], env=self.env, stderr=subprocess.DEVNULL)
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "netbuilder", *arguments]
        process = subprocess.Popen(command, env=self.env, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def do(self, *words: str | int) -> str:
        """One xdotool command."""
        command = ["xdotool", *map(str, words)]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    def window(self, title: str) -> str:
        """The id of the window with this title, once it is there."""
        found = wait(lambda: self.do("search", "--onlyvisible", "--name", title), title)
        return str(found).splitlines()[-1]

    def windows(self) -> int:
        """How many windows are to be seen, menus and the search among them."""
        return len(self.do("search", "--onlyvisible", "--name", "").splitlines())

    def open(self, *words: str | int) -> None:
        """One xdotool command that opens a menu or a dialog; returns once that is there."""
        before = self.windows()
        self.do(*words)
        wait(lambda: self.windows() > before, f"what {words} opens")
        time.sleep(0.3)

    def key(self, *keys: str) -> None:
        for key in keys:
            self.do("key", "--clearmodifiers", key)
            time.sleep(0.15)

    def type(self, text: str) -> None:
        self.do("type", "--delay", "30", text)
        time.sleep(0.3)

    def move(self, x: int, y: int) -> None:
        self.do("mousemove", x, y)
        time.sleep(0.1)

    def click(self, x: int, y: int, count: int = 1) -> None:
        self.move(x, y)
        self.do("click", "--repeat", count, "--delay", "60", "1")
        time.sleep(0.3)

    def drag(self, x: int, y: int, to_x: int, to_y: int) -> None:
        self.move(x, y)
        self.do("mousedown", "1")
        for step in range(1, 9):
            self.move(x + (to_x - x) * step // 8, y + (to_y - y) * step // 8)
        self.do("mouseup", "1")
        time.sleep(0.3)

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stderr is not None:
                process.stderr.close()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    result = Screen(tmp_path)
    yield result
    result.close()


def saved(path: Path) -> dict[str, Any]:
    """The network of a saved project, by names: layers with their parameters, and wires."""
    graph = next(g for g in json.loads(path.read_text())["graphs"] if g["kind"] == "network")
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    return {
        "nodes": {node["name"]: (node["layer"], node.get("params", {})) for node in graph["nodes"]},
        "wires": {(names[wire["from"][0]], names[wire["to"][0]]) for wire in graph["wires"]},
    }


def test_a_small_network_by_mouse_and_keys(screen: Screen, tmp_path: Path) -> None:
    program = screen.start()
    window = screen.window("netbuilder")
    screen.do("windowactivate", "--sync", window)
    screen.do("windowsize", "--sync", window, 1360, 840)
    screen.do("windowmove", "--sync", window, 10, 30)
    time.sleep(1.0)

    # A new project; three layers by typing their names, where the mouse is.
    screen.key("ctrl+n")
    window = screen.window("Untitled")
    places = {"Input": 180, "Linear": 300, "Output": 420}
    screen.click(620, 240)
    for layer, y in places.items():
        screen.move(620, y)
        # With a layer selected it would go after that one, wired.
        screen.key("Escape", "Tab")
        screen.type(layer)
        screen.key("Return")

    # Wires by mouse, from the port under a node to the port above the next.
    for source, target in (("Input", "Linear"), ("Linear", "Output")):
        screen.drag(622, places[source] + 22, 622, places[target] - 22)

    # One more by a drag out of the palette, dropped on empty canvas.
    screen.click(120, 114)
    screen.type("ReLU")
    screen.drag(120, 147, 860, 300)
    screen.click(860, 480)

    # Undo and redo of that, then save under a name that is typed.
    screen.key("ctrl+z", "ctrl+y")
    file = tmp_path / "small.netb"
    screen.key("ctrl+s")
    dialog = screen.window("Save the project")
    screen.do("windowactivate", "--sync", dialog)
    screen.key("ctrl+a")
    screen.type(str(file))
    screen.key("Return")
    wait(file.exists, "the saved file")
    time.sleep(0.3)
    project = saved(file)
    layers = {layer for layer, _ in project["nodes"].values()}
    assert layers == {
        "netbuilder.Input",
        "torch.nn.Linear",
        "netbuilder.Output",
        "torch.nn.ReLU",
    }
    assert project["wires"] == {("input", "linear"), ("linear", "output")}
    assert program.poll() is None

    # Quit by the window manager: nothing is unsaved, so nothing is asked.
    screen.do("windowactivate", "--sync", screen.window("small.netb"))
    screen.key("ctrl+q")
    assert program.wait(30) == 0


@pytest.mark.nightly
def test_wires_by_the_right_button(screen: Screen, tmp_path: Path) -> None:
    """A chain is typed; one wire is cut by a line, one node deleted and joined by the menu."""
    file = tmp_path / "chain.netb"
    program = screen.start()
    window = screen.window("netbuilder")
    screen.do("windowactivate", "--sync", window)
    screen.do("windowsize", "--sync", window, 1360, 840)
    screen.do("windowmove", "--sync", window, 10, 30)
    time.sleep(1.0)
    screen.key("ctrl+n")
    window = screen.window("Untitled")
    screen.move(620, 180)
    for layer in ("Input", "Linear", "ReLU", "Output"):
        screen.key("space")
        screen.type(layer)
        screen.key("Return")
    # What is typed waits for a slow window, what is pointed at does not: saved, all is drawn.
    screen.key("ctrl+s")
    dialog = screen.window("Save the project")
    screen.do("windowactivate", "--sync", dialog)
    screen.key("ctrl+a")
    screen.type(str(file))
    screen.key("Return")
    wait(file.exists, "the saved file")
    time.sleep(0.3)
    assert set(saved(file)["nodes"]) == {"input", "linear", "relu", "output"}
    screen.do("windowactivate", "--sync", screen.window("chain.netb"))

    # The nodes stand 96 apart below the first one, which is around the mouse. The menu of the
    # third: the entry above the last one is "Delete", the last "Delete and reconnect".
    screen.move(580, 180 + 2 * 96)
    screen.open("click", "3")
    screen.key("Up", "Return")
    screen.key("ctrl+s")
    wait(lambda: "relu" not in saved(file)["nodes"], "the deleted node")
    # Across the wire below the first.
    screen.move(560, 180 + 48)
    screen.do("keydown", "ctrl")
    screen.do("mousedown", "3")
    for x in (600, 640, 680):
        screen.move(x, 180 + 48)
    screen.do("mouseup", "3")
    screen.do("keyup", "ctrl")
    screen.key("ctrl+s")
    wait(lambda: len(saved(file)["wires"]) == 1, "the cut wire")
    project = saved(file)
    assert set(project["nodes"]) == {"input", "linear", "output"}
    assert project["wires"] == {("linear", "output")}
    assert program.poll() is None

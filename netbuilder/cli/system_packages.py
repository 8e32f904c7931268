"""The Debian packages that Qt needs and pip can't bring: found, installed or named.

`python -m netbuilder.cli.system_packages [--tests]` does it for `make`. It never fails a
build: where nothing can be installed it says what to install.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Mapping, Sequence

from netbuilder.cli import output

WINDOW: Mapping[str, str] = {
    "libglib2.0-0": "libglib-2.0.so.0",
    "libegl1": "libEGL.so.1",
    "libgl1": "libGL.so.1",
    "libxkbcommon0": "libxkbcommon.so.0",
    "libdbus-1-3": "libdbus-1.so.3",
    "libfontconfig1": "libfontconfig.so.1",
}
"""Packages without which Qt does not load, by the library that shows that they are there."""
X11: Mapping[str, str] = {
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-xkb1": "libxcb-xkb.so.1",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
}
"""Packages without which Qt opens no window on an X server."""
TEST_PROGRAMS: Mapping[str, str] = {"xvfb": "Xvfb", "xdotool": "xdotool", "openbox": "openbox"}
"""Packages with the programs that the tests with real X events run."""
_TIMEOUT_S = 300


def missing(*, x11: bool, tests: bool) -> list[str]:
    """The packages that this machine lacks, for a window on X and for the tests."""
    libraries = {**WINDOW, **(X11 if x11 or tests else {})}
    found = [package for package, library in libraries.items() if not _loads(library)]
    if tests:
        found += [p for p, program in TEST_PROGRAMS.items() if shutil.which(program) is None]
    return found


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def command(packages: Sequence[str]) -> str:
    """What to type to install packages."""
    sudo = "" if _is_root() else "sudo "
    return f"{sudo}apt-get install -y --no-install-recommends {' '.join(packages)}"


def advice() -> str:
    """A hint for when Qt can't be loaded."""
    packages = missing(x11=bool(os.environ.get("DISPLAY")), tests=False) if _is_linux() else []
    if not packages:
        return "Install netbuilder again: pip install --force-reinstall netbuilder"
    if shutil.which("apt-get"):
        return f"Install what it needs: {command(packages)}"
    return f"Install what these Debian packages hold: {' '.join(packages)}"


def ensure(*, x11: bool, tests: bool) -> list[str]:
    """Install what is missing, or say how to; the packages that are still missing."""
    if not _is_linux():
        return []
    packages = missing(x11=x11, tests=tests)
    if not packages:
        return []
    if _is_root() and shutil.which("apt-get"):
        output.say(f"Installing {' '.join(packages)} ...")
        if _install(packages):
            packages = missing(x11=x11, tests=tests)
    if packages:
        output.say(f"Missing on this machine: {' '.join(packages)}")
        if shutil.which("apt-get"):
            output.say(f"  {command(packages)}")
    return packages


def _is_linux() -> bool:
    return sys.platform.startswith("linux")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _install(packages: Sequence[str]) -> bool:
    import subprocess  # the window starts without

    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    )
    for words in commands:
        try:
            done = subprocess.run(
                words,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            output.say(f"  {' '.join(words[:2])} failed: {error}")
            return False
        # An update without a network may fail where the packages are cached: go on.
        if done.returncode and words[1] == "install":
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            output.say(f"  apt-get install failed: {lines[-1] if lines else done.returncode}")
            return False
    return True


def main(arguments: Sequence[str]) -> int:
    """Install or name the packages; always 0, because most of netbuilder works without."""
    ensure(x11=bool(os.environ.get("DISPLAY")), tests="--tests" in arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

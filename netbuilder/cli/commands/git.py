"""What git calls for `.netb` files: merge-driver and textconv; git-setup lets it do so.

None of them imports torch: git starts them once for each file.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from netbuilder.cli import output
from netbuilder.cli.output import UsageError
from netbuilder.errors import DocumentError
from netbuilder.graph.document import Document

MERGED, CONFLICTS = 0, 1
"""Exit codes of a merge driver. Above 128 git would give up the whole merge."""
ATTRIBUTES = "*.netb merge=netbuilder diff=netbuilder"


def merge_driver(options: Namespace) -> int:
    """Merge THEIRS into OURS, which is written; exit code 1 if something stayed as ours."""
    from netbuilder.graph.merging import merge
    from netbuilder.storage import atomic, format

    path = options.path or options.ours
    try:
        base, ours, theirs = (_side(side) for side in (options.base, options.ours, options.theirs))
        result = merge(base, ours, theirs)
        # Not `files.save`: the weights lie beside the project, not beside git's copies.
        atomic.write(options.ours, format.dumps(result.document).encode())
    except DocumentError as error:
        if options.json:
            about = {"kind": type(error).__name__, "message": str(error), "hint": error.hint}
            output.answer({"error": about})
        output.say(f"netbuilder: {path} is left as ours, it can't be merged: {error}")
        return CONFLICTS
    if options.json:
        conflicts = [
            {**conflict.to_json(), "words": conflict.words} for conflict in result.conflicts
        ]
        output.answer({"conflicts": conflicts, "notes": list(result.notes)})
    for words in result.notes:
        output.say(f"netbuilder: {path}: {words}")
    if not result.conflicts:
        return MERGED
    number = len(result.conflicts)
    things = "1 thing was" if number == 1 else f"{number} things were"
    output.say(f"netbuilder: {path}: {things} changed by both sides and stayed as ours:")
    for conflict in result.conflicts:
        output.say(f"  {conflict.words}")
    return CONFLICTS


def _side(path: str) -> Document:
    """One of git's copies. An empty one is there where both sides added the file."""
    from netbuilder.storage import format, plain

    data = plain.read(path)
    return format.loads(data) if data.strip() else Document()


def textconv(options: Namespace) -> int:
    """A project as lines; a file that is none as it is, so that git can go on."""
    from netbuilder.graph.listing import lines
    from netbuilder.storage import format, plain

    data = plain.read(options.file)
    try:
        text = "\n".join(lines(format.loads(data))) + "\n" if data.strip() else ""
    except DocumentError as error:
        text = f"not a project that can be read: {error}\n" + data.decode(errors="replace")
    if options.json:
        output.answer({"lines": text.splitlines()})
    else:
        # What git reads is UTF-8, whatever the terminal takes.
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return output.DONE


def git_setup(options: Namespace) -> int:
    """Let git merge and compare the projects of one repository by what they mean."""
    folder = Path(_git(Path(options.folder), "rev-parse", "--show-toplevel"))
    program = _program()
    settings = {
        "merge.netbuilder.name": "netbuilder projects",
        "merge.netbuilder.driver": f"{program} merge-driver %O %A %B %P",
        "diff.netbuilder.textconv": f"{program} textconv",
        "difftool.netbuilder.cmd": f'{program} diff "$LOCAL" "$REMOTE"',
        "mergetool.netbuilder.cmd": f'{program} "$MERGED"',
    }
    attributes = folder / ".gitattributes"
    before = attributes.read_text() if attributes.exists() else ""
    added = ATTRIBUTES not in before.splitlines()
    if added:
        gap = "\n" if before and not before.endswith("\n") else ""
        attributes.write_text(f"{before}{gap}{ATTRIBUTES}\n")
    for key, value in settings.items():
        _git(folder, "config", "--local", key, value)
    if options.json:
        output.answer({"folder": str(folder), "attributes": added, "config": settings})
        return output.DONE
    print(f"{attributes}: {ATTRIBUTES}")
    for key, value in settings.items():
        print(f"git config {key}: {value}")
    output.say("Commit .gitattributes. The settings of git are this copy's alone.")
    return output.DONE


def _program() -> str:
    """How git's shell calls this program."""
    found = shutil.which("netbuilder")
    if found is not None:
        return "netbuilder"
    return f"{shlex.quote(Path(sys.executable).as_posix())} -m netbuilder"


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UsageError("git is not installed.", "Install it, then try again.") from error
    if done.returncode:
        reason = done.stderr.strip().removeprefix("fatal: ") or "git refused"
        raise UsageError(f"git in '{folder}': {reason}.", "Make a repository first: git init.")
    return done.stdout.strip()
